import type { Client } from "./client.ts";
import type { Answer } from "./http.ts";
import type { MergeAnswer, Pull } from "./model.ts";
import type { Forge } from "./port.ts";
import { wordsOf } from "./words.ts";

type MergeCalls = Pick<Forge, "merge">;

/** Statuses that are answers to the question whether it can be merged: what each means says `mergeAnswer`. */
const answers = [404, 405, 409, 422] as const;

/** `pull` reads a pull request: that it is merged already says nothing about which head was. */
export function mergeCalls(client: Client, pull: (number: number) => Promise<Pull | null>): MergeCalls {
  const { owner, name, once, ask, place } = client;

  /** For "already merged": by an earlier sending of ours, or by somebody else with another head. */
  async function alreadyMerged(number: number, head: string): Promise<MergeAnswer> {
    const now = await pull(number);
    if (now?.merged === true && now.headSha === head) return { kind: "merged" };
    return { kind: "refused", answer: "it is merged already, with another head" };
  }

  return {
    // Sent once: the caller who got no answer reads the pull request.
    async merge(number, { style, head }) {
      const body = { Do: style, head_commit_id: head };
      const call = () => once.repos.repoMergePullRequest(owner, name, number, body);
      const answer = await ask(`merge pull request #${number}`, call, {
        also: answers,
        hint: ({ status }, words) => (status === 500 && words === "" ? speechless : null),
      });
      if (answer.status < 300) return { kind: "merged" };
      const words = wordsOf(answer, place.token);
      return isAlreadyMerged(answer, words) ? alreadyMerged(number, head) : mergeAnswer(answer, words);
    },
  };
}

const speechless = {
  says: "Most likely it waits for an open dependency, or cannot be fast-forwarded.",
  remedy: "Close what it depends on, or choose another way to merge; else the server's log has the reason.",
};

/** 1.24 has no words for it. */
function isAlreadyMerged({ status }: Answer, words: string): boolean {
  return status === 405 && (words === "" || /already merged/i.test(words));
}

/** 405 that time, a status or a review can change; the first one is also said of a conflict that the forge has seen before. */
const notYet =
  /try again later|required status checks|enough approvals|requested changes|review requests|behind the base branch/i;

function mergeAnswer({ status }: Answer, words: string): MergeAnswer {
  const said = words === "" ? `status ${status}` : words;
  if (status === 409) return conflict(words, said);
  if (status === 405 && notYet.test(words)) return { kind: "not-yet", answer: said };
  if (status === 404) return { kind: "refused", answer: `it is closed, or not there (${said})` };
  return { kind: "refused", answer: said };
}

function conflict(words: string, said: string): MergeAnswer {
  if (/head out of date/i.test(words)) return { kind: "moved", answer: said };
  // The base moved while the server was merging.
  if (/push out of date/i.test(words)) return { kind: "not-yet", answer: said };
  // A hook of the server.
  if (/PushRejected/i.test(words)) return { kind: "refused", answer: said };
  // A conflict that shows only while merging comes without `message`, as git's own output.
  return { kind: "conflict", answer: words === "" ? "the changes cannot be put together without conflict" : said };
}
