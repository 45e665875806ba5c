// What a push answered, read from git's porcelain lines and, where git gave none, from its last words.
//
// Anything not listed here is `unknown`: the caller then reads the refs. The recorded answers of three Gitea versions are the tests.

import { explain, type GitResult } from "./git.ts";

/** One ref of a push: from the commit it is expected at to a new one; null = not there. */
export interface RefChange {
  /** Full name, `refs/…`. */
  ref: string;
  old: string | null;
  new: string | null;
}

export type PushOutcome =
  /** `upToDate`: refs that were at their new commit already; with a nonce in every record that was our own earlier push. */
  | { kind: "ok"; upToDate: string[] }
  /**
   * Some ref was not at its expected commit. `sent`: the server said so, not git's own look before; then it may be the answer to a request
   * that curl repeated by itself after the first one was applied.
   */
  | { kind: "lost"; detail: string; sent: boolean }
  /** Nothing was applied: a rule of the server forbids it. A configuration error; `text` is the server's own. */
  | { kind: "refused"; text: string }
  /** Nothing was applied: the token may not do this here (401, 403, archived, not found). */
  | { kind: "denied"; text: string }
  /** May have been applied: read the refs. */
  | { kind: "unknown"; cause: string };

export function parsePush(result: GitResult, changes: readonly RefChange[]): PushOutcome {
  if (result.kind !== "ended") return { kind: "unknown", cause: explain(result) };
  const lines = result.stdout.toString("utf8").split("\n");
  const answers = lines.flatMap(parseLine);
  if (result.code === 0) return allApplied(lines, answers, changes) ?? unknown(result, "an answer that does not fit");
  if (answers.length === 0) return refusedAsAWhole(result);
  // Git ends with 1 when the server answered about every ref; any other end came before that.
  if (result.code !== 1 || !lines.includes("Done")) return unknown(result, "git ended early");
  if (!answersAll(answers, changes) || answers.some((answer) => answer.flag !== "!")) {
    return unknown(result, "an answer that is not all or nothing");
  }
  return rejected(result.stderr, answers) ?? unknown(result, "a rejection that is not known");
}

interface Answer {
  flag: string;
  ref: string;
  summary: string;
}

/** `<flag> TAB <from>:<to> TAB <summary>`; a deletion has an empty `<from>`, or `(delete)` when it was rejected. */
function parseLine(line: string): Answer[] {
  const match = /^([ +*=!-])\t([^\t:]*):([^\t:]+)\t(.*)$/.exec(line);
  const [, flag, , ref, summary] = match ?? [];
  return flag === undefined || ref === undefined || summary === undefined ? [] : [{ flag, ref, summary }];
}

function answersAll(answers: readonly Answer[], changes: readonly RefChange[]): boolean {
  const named = new Set(answers.map((answer) => answer.ref));
  return answers.length === changes.length && changes.every((change) => named.has(change.ref));
}

function allApplied(
  lines: readonly string[],
  answers: readonly Answer[],
  changes: readonly RefChange[],
): PushOutcome | null {
  if (!lines.includes("Done") || !answersAll(answers, changes)) return null;
  if (answers.some((answer) => answer.flag === "!")) return null;
  return { kind: "ok", upToDate: answers.flatMap((answer) => (answer.flag === "=" ? [answer.ref] : [])) };
}

/** Someone else moved the ref: before we asked (`[rejected]`, git's own look) or while we asked (`[remote rejected]`, the server's). */
const LOST = new Set([
  "[rejected] (stale info)",
  "[rejected] (atomic push failed)",
  "[rejected] (non-fast-forward)",
  "[rejected] (fetch first)",
  "[rejected] (needs force)",
  "[rejected] (already exists)",
  "[remote rejected] (failed to update ref)",
  "[remote rejected] (failed to lock)",
  "[remote rejected] (atomic transaction failed)",
  "[remote rejected] (atomic push failed)",
  "[remote rejected] (atomic push failure)",
  "[remote rejected] (reference already exists)",
  "[remote rejected] (incorrect old value provided)",
  "[remote rejected] (fetch first)",
  "[remote rejected] (non-fast-forward)",
]);

const REFUSED = /^\[remote rejected\] \((?:[a-z-]+ )?hook declined\)$/;
const REFUSED_BY_SETTING = new Set([
  "[remote rejected] (deletion prohibited)",
  "[remote rejected] (deny updating a hidden ref)",
  "[remote rejected] (shallow update not allowed)",
]);

function rejected(stderr: string, answers: readonly Answer[]): PushOutcome | null {
  const reasons = new Set(answers.map((answer) => answer.summary));
  const isRefusal = (reason: string) => REFUSED.test(reason) || REFUSED_BY_SETTING.has(reason);
  const said = remoteText(stderr);
  if ([...reasons].some((reason) => !LOST.has(reason) && !isRefusal(reason))) return null;
  if ([...reasons].some(isRefusal)) return { kind: "refused", text: said || [...reasons].join(", ") };
  // A branch `agent` makes `agent/issue-1` impossible: nobody won, and trying again cannot help, so a person must hear the server's words.
  if (/'[^']+' exists; cannot create '[^']+'/.test(said)) return { kind: "refused", text: said };
  const details = answers.map((answer) => `${answer.ref}: ${answer.summary}`);
  const sent = [...reasons].some((reason) => reason.startsWith("[remote rejected]"));
  return { kind: "lost", sent, detail: [...details, ...(said === "" ? [] : [said])].join("; ").slice(0, TEXT_MAX) };
}

/** Longest text of a server that is passed on, in characters. */
const TEXT_MAX = 2000;

/** What the server's hooks and git said, without the `remote:` in front. */
function remoteText(stderr: string): string {
  const lines = stderr.split("\n").flatMap((line) => {
    const said = /^remote: ?(?:error:)?(.*)$/.exec(line)?.[1]?.trim() ?? "";
    return said === "" ? [] : [said];
  });
  return lines.join("\n").slice(0, TEXT_MAX);
}

function refusedAsAWhole(result: GitResult & { kind: "ended" }): PushOutcome {
  const text = deniedText(result.stderr);
  if (text !== null) return { kind: "denied", text };
  // The request never came through: no ref moved, and the same bytes will not come through the next time.
  if (/^error: RPC failed; HTTP 413\b/m.test(result.stderr)) {
    return { kind: "refused", text: "the server, or a proxy before it, takes no push of this size (HTTP 413)" };
  }
  if (/^fatal: the receiving end does not support --atomic push$/m.test(result.stderr)) {
    return { kind: "refused", text: "the server's git does not support atomic pushes" };
  }
  return unknown(result, "no answer about the refs");
}

/**
 * The server's words when it does not let this token at this repository, else null. Lines that begin with `remote:` are the server's own
 * text and only quoted: what decides are git's lines.
 */
export function deniedText(stderr: string): string | null {
  const own = stderr.split("\n").filter((line) => !line.startsWith("remote:"));
  if (!own.some((line) => DENIED.some((pattern) => pattern.test(line)))) return null;
  const last = own.filter((line) => line.startsWith("fatal:") || line.startsWith("error:")).at(-1) ?? "";
  return [remoteText(stderr), last].filter((part) => part !== "").join("\n");
}

const DENIED = [
  /The requested URL returned error: (?:401|403|404|410|451)\b/,
  /RPC failed; HTTP (?:401|403|404|410|451)\b/,
  /^fatal: Authentication failed for /,
  /^fatal: could not read (?:Username|Password) for /,
  /^fatal: repository '.*' not found$/,
];

function unknown(result: GitResult, why: string): PushOutcome {
  return { kind: "unknown", cause: `${why}: ${explain(result)}` };
}
