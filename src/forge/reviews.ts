import type { Client } from "./client.ts";
import type { Hint } from "./failure.ts";
import type { Account, NewReview } from "./model.ts";
import { allPages, pageSize } from "./paging.ts";
import type { Forge } from "./port.ts";
import { lineComments, type ReviewEntry, reviewEntries, reviewEntry } from "./schemas-reviews.ts";

type ReviewCalls = Pick<Forge, "reviews" | "lineComments" | "createReview" | "deleteReview">;

/** Gitea's own words. GitHub's `APPROVE`, or any unknown one, leaves a review that nobody but its author sees. */
const events = { approve: "APPROVED", "request-changes": "REQUEST_CHANGES", comment: "COMMENT" } as const;

/** Reviews of pull requests. `me` is the token's account. */
export function reviewCalls(client: Client, me: () => Promise<Account>): ReviewCalls {
  const { owner, name, once, repeat, ask, parse, read } = client;

  async function entries(pull: number): Promise<ReviewEntry[]> {
    const what = `read the reviews of #${pull}`;
    const all = await allPages<ReviewEntry>({
      what,
      page: (page) => ask(what, () => once.repos.repoListPullReviews(owner, name, pull, { page, limit: pageSize })),
      items: (answer) => parse(what, reviewEntries, answer),
      key: (entry) => entry.review.id,
      // Counts the pending ones of others too, which are not shown: then the end is an empty page.
      trueTotal: true,
    });
    return all.items;
  }

  /**
   * A review that the server refuses for one of its lines leaves the lines before that one as a pending review, and the next review of the
   * same account would publish them (seen on 1.26.4). Site administrators see the pending ones of others too: these stay.
   */
  async function clearLeftovers(pull: number): Promise<void> {
    const pending = (await entries(pull)).filter((entry) => entry.pending);
    if (pending.length === 0) return;
    const { login } = await me();
    for (const { review } of pending.filter((entry) => entry.review.author === login)) {
      const call = () => repeat.repos.repoDeletePullReview(owner, name, pull, review.id);
      await ask(`clear what a refused review left on #${pull}`, call, { also: [404] });
    }
  }

  return {
    async reviews(pull) {
      const shown = (await entries(pull)).filter((entry) => !entry.pending).map((entry) => entry.review);
      return shown.sort((a, b) => a.at - b.at || a.id - b.id);
    },

    // Not paginated. The server walks a map, so that the order changes from answer to answer.
    async lineComments(pull, review) {
      const what = `read the line comments of review ${review} of #${pull}`;
      const call = () => once.repos.repoGetPullReviewComments(owner, name, pull, review);
      return (await read(what, lineComments, call)).sort((a, b) => a.id - b.id);
    },

    async createReview(pull, review) {
      await clearLeftovers(pull);
      const what = `review pull request #${pull}`;
      const call = () => once.repos.repoCreatePullReview(owner, name, pull, bodyOf(review));
      return (await read(what, reviewEntry, call, { hint: hintFor(review) })).review;
    },

    async deleteReview(pull, id) {
      const call = () => repeat.repos.repoDeletePullReview(owner, name, pull, id);
      await ask(`delete review ${id} of #${pull}`, call, { also: [404] });
    },
  };
}

function bodyOf({ event, body, commit, comments }: NewReview) {
  return {
    event: events[event],
    body,
    commit_id: commit,
    comments: comments.map((c) => ({ path: c.path, new_position: c.line, body: c.body })),
  };
}

function hintFor(review: NewReview): Hint {
  return (answer, words) => {
    if (answer.status === 422 && /your own pull/i.test(words)) {
      return {
        says: "The token's account opened this pull request, and nobody may approve or reject their own.",
        remedy: "Review with another account's token, or with a review that only comments.",
        mender: "workflow author",
      };
    }
    if (answer.status === 422 && /closed or merged/i.test(words)) {
      return { says: "It was closed or merged meanwhile.", remedy: "Nothing to do.", mender: "workflow author" };
    }
    // From 1.26 on one line that the commit does not have refuses the whole review.
    if (answer.status === 500 && review.comments.length > 0) {
      return { says: "Most likely one of its comments is on a file or line that the commit does not have." };
    }
    return null;
  };
}
