import type { Client } from "./client.ts";
import { pageSize, totalOf } from "./paging.ts";
import type { Forge } from "./port.ts";
import { placedComments } from "./schemas-issues.ts";

type CommentCalls = Pick<Forge, "commentsSince">;

/**
 * Comments of the whole repository. The list goes up by time of creation, holds what was changed since then, and no review. An answer is
 * bounded as every other (http.ts): comments so long that 50 of them pass 10 MB end in an error that says so.
 */
export function commentCalls(client: Client): CommentCalls {
  const { owner, name, once, ask, parse } = client;

  return {
    async commentsSince(since, limit) {
      const what = "read the comments of the repository";
      const page = async (number: number, size: number) => {
        const query = { since: new Date(since).toISOString(), page: number, limit: size };
        const answer = await ask(what, () => once.repos.issueGetRepoComments(owner, name, query));
        return { items: parse(what, placedComments, answer), total: totalOf(answer) };
      };
      const first = await page(1, pageSize);
      const total = first.total ?? first.items.length;
      if (total <= first.items.length) return first.items.slice(-limit);
      const last = lastPage(total, first.items.length, limit);
      return (await page(last.number, last.size)).items.slice(-limit);
    },
  };
}

/**
 * The page that ends the list and holds most of the last `wanted` items: the size is ours to choose, up to the server's maximum. Up to 25
 * items all fit but in rare cases; of more the oldest may be missing.
 */
function lastPage(total: number, sizeMax: number, wanted: number): { number: number; size: number } {
  let best = { number: total, size: 1, holds: 1 };
  for (let size = sizeMax; size >= 1 && best.holds < wanted; size--) {
    const holds = total % size === 0 ? size : total % size;
    if (holds > best.holds) best = { number: Math.ceil(total / size), size, holds };
  }
  return best;
}
