import { ForgeError } from "../errors.ts";
import { type Answer, AnsweredResponse, Unanswered } from "./http.ts";
import { answerReason, type Place, type Reason } from "./reason.ts";
import { silenceReason } from "./reason-silence.ts";
import { retryAfterMs } from "./retry.ts";
import { ofTheRequest } from "./silence.ts";
import { isPage, wordsOf } from "./words.ts";

/** What a status means for one call, where that is more than it means everywhere; null leaves it to the general words. */
export type Hint = (answer: Answer, words: string) => Partial<Reason> | null;

/**
 * Makes the ForgeError of whatever a call came to: an answer, gitea-js's thrown Response, a request without answer. `what` completes
 * "Could not …". Errors that are ForgeErrors already, and those that are none of the forge's, are given back as they are.
 */
export function failure(what: string, thrown: unknown, place: Place, hint: Hint = () => null): unknown {
  if (thrown instanceof AnsweredResponse) return failedAnswer(what, thrown.answer, place, hint);
  if (thrown instanceof Unanswered) return failedSilence(what, thrown, place);
  return thrown;
}

/** The ForgeError of a whole answer that is not what was asked for. */
export function failedAnswer(what: string, answer: Answer, place: Place, hint: Hint = () => null): ForgeError {
  const words = wordsOf(answer, place.token);
  const reason: Reason = { ...answerReason(answer, words, place), ...hint(answer, words) };
  const said = words === "" ? "" : ` (${words})`;
  return new ForgeError(
    `Could not ${what}: ${answer.method} ${answer.path} answered ${answer.status}${said}. ${reason.says}`,
    { method: answer.method, path: answer.path, status: answer.status, answer: words },
    {
      remedy: reason.remedy,
      mender: reason.mender,
      retry: reason.retry,
      // A success that is not of Gitea's kind may have come from Gitea all the same.
      mayBeApplied: answer.mayBeApplied || (answer.method !== "GET" && answer.status < 300),
      away: busy.has(answer.status) || !isGiteas(answer),
      retryAfterMs: retryAfterMs(answer.headers, Date.now),
    },
  );
}

/** "Too many", and what proxies say of a server that is not there. */
const busy: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Gitea answers in JSON, or in plain text what its router says; with a page only where it crashes. Other pages, and successes that say nothing,
 * come from what stands before it.
 */
function isGiteas(answer: Answer): boolean {
  return answer.json !== undefined || answer.status === 500 || (answer.status >= 300 && !isPage(answer.headers));
}

function failedSilence(what: string, thrown: Unanswered, place: Place): ForgeError {
  const { method, path, mayBeApplied, none, tries } = thrown;
  const reason = silenceReason(none, place);
  const tried = tries > 1 ? ` after ${tries} tries` : "";
  return new ForgeError(
    `Could not ${what}: ${method} ${path} got no answer${tried}. ${reason.says}`,
    { method, path, status: 0, answer: "" },
    {
      ...{ remedy: reason.remedy, mender: reason.mender, retry: reason.retry, mayBeApplied, cause: none },
      away: !ofTheRequest.has(none.silence),
    },
  );
}

/** The ForgeError of an answer that succeeded but is not of the shape that Gitea has shown so far. */
export function failedShape(what: string, answer: Answer, where: string, problem: string): ForgeError {
  const { method, path, status } = answer;
  return new ForgeError(
    `Could not ${what}: ${method} ${path} answered ${status}, but \`${where}\` is not as expected: ${problem}.`,
    { method, path, status, answer: "" },
    {
      remedy: "Report this with the server's version: it may be newer than those tried, or no Gitea.",
      mender: "agent-dispatch",
      retry: false,
      // A write that was answered with success was applied, whatever its answer looks like.
      mayBeApplied: method !== "GET",
      away: !isGiteas(answer),
    },
  );
}
