import type { Client } from "./client.ts";
import type { Pull } from "./model.ts";
import { allPages, pageSize } from "./paging.ts";
import type { Forge } from "./port.ts";
import { type PullEntry, pull, pullEntries, pullEntry } from "./schemas-issues.ts";

type PullCalls = Pick<Forge, "openPulls" | "pull" | "pullsOf" | "createPull" | "editPull">;

/** Pages of the most recently touched pull requests that are searched for those of one branch: 200 pull requests. */
const searchedPages = 4;

/** `defaultBranch` is asked for only when a search was cut. */
export function pullCalls(client: Client, defaultBranch: () => Promise<string | null>): PullCalls {
  const { owner, name, once, repeat, ask, parse, read, find, failed } = client;

  function listed(what: string, query: Parameters<typeof once.repos.repoListPullRequests>[2], pagesMax?: number) {
    return allPages<PullEntry>({
      what,
      page: (page) =>
        ask(what, () => once.repos.repoListPullRequests(owner, name, { ...query, page, limit: pageSize }), {
          hint: (answer) =>
            answer.status === 404
              ? { says: "Pull requests are switched off there, or the repository is empty." }
              : null,
        }),
      items: (answer) => parse(what, pullEntries, answer),
      key: (entry) => entry.pull.number,
      trueTotal: true,
      ...(pagesMax === undefined ? {} : { pagesMax, atBound: "cut" as const }),
    });
  }

  return {
    openPulls: async () => {
      const { items } = await listed("list the open pull requests", { state: "open" });
      return items.map((entry) => entry.pull);
    },

    pull: (number) =>
      find(`read pull request #${number}`, pull, () => once.repos.repoGetPullRequest(owner, name, number)),

    /**
     * No version can filter by head. `head.label` keeps the branch's name after the branch is gone (`head.ref` does not), so the list of
     * all states answers it: completely up to 200 pull requests. In larger repositories: all open ones, the 200 touched last, and the one
     * that `pulls/{base}/{head}` names for the default branch, which is of any age (it has neither state nor order). What can be missed is
     * an old closed pull request beside a newer one, or to another base.
     */
    async pullsOf(branch) {
      const what = `find the pull requests of \`${branch}\``;
      const recent = await listed(what, { state: "all", sort: "recentupdate" }, searchedPages);
      const entries = [...recent.items];
      if (recent.cut) {
        entries.push(...(await listed(what, { state: "open" })).items);
        const base = await defaultBranch();
        const old = base === null ? null : await find(what, pullEntry, () => byBaseAndHead(base, branch));
        if (old !== null) entries.push(old);
      }
      const own = new Map<number, Pull>();
      for (const { pull, headBranch } of entries) {
        if (headBranch === branch && pull.headIsHere) own.set(pull.number, pull);
      }
      return [...own.values()].sort((a, b) => b.number - a.number);
    },

    // May be sent twice: the forge refuses a second open one for the same head and base.
    async createPull({ head, base, title, body }) {
      const what = "open the pull request";
      const answer = await ask(
        what,
        () => repeat.repos.repoCreatePullRequest(owner, name, { head, base, title, body }),
        {
          also: [409, 422],
          hint: ({ status }, words) => hintOf(status, words),
        },
      );
      if (answer.status === 409) return { kind: "exists" };
      if (answer.status === 422) {
        const refusal = failed(what, answer);
        if (/no changes between/i.test(refusal.failure.answer)) {
          return { kind: "nothing-to-merge", answer: refusal.failure.answer };
        }
        throw refusal;
      }
      return { kind: "created", pull: parse(what, pull, answer) };
    },

    async editPull(number, change) {
      await read(`edit pull request #${number}`, pull, () =>
        repeat.repos.repoEditPullRequest(owner, name, number, change),
      );
    },
  };

  function byBaseAndHead(base: string, head: string): Promise<Response> {
    return once.repos.repoGetPullRequestByBaseHead(owner, name, encodeURIComponent(base), encodeURIComponent(head));
  }
}

function hintOf(status: number, words: string) {
  if (status === 404) {
    return {
      says: "Head or base branch does not exist, or pull requests are switched off.",
      remedy: "Switch pull requests on in the repository's settings; see that nobody deletes the branch meanwhile.",
    };
  }
  if (status !== 403 || words.includes("required scope")) return null;
  return {
    says: "The token's account may not open pull requests here. A job's own token may not before Gitea 1.26.",
    remedy: "Use the token of a bot account that may write code in the repository.",
  };
}
