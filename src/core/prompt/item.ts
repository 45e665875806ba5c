// Parts of a prompt that all roles share: the issue with its comments, earlier attempts, earlier rounds, words of people. All of it bounded, so
// that no part can push another one out of the prompt.

import type { FindingNote, LastFailure, RoundNote } from "../../ledger/record.ts";
import { type KeptWork, keptBranch } from "../kept.ts";
import { fenced, shorten, tail, withoutControls } from "../text.ts";

/** What every prompt tells about its item. */
export interface ItemFacts {
  item: number;
  title: string;
  body: string;
  author: string;
  comments: readonly QuotedComment[];
  /** Words of the order. */
  instruction: string;
  /** What the agent asked a person before it could go on: the words of the order answer it. Absent or null = nothing. */
  question?: string | null;
  attempt: number;
  attemptsMax: number;
  lastFailure: LastFailure | null;
  /** What an earlier attempt left, in the clone as a branch of its own; absent or null = nothing. Reviewers get none. */
  earlierWork?: KeptWork | null;
  contextFiles: readonly string[];
  checks: readonly string[] | "statuses";
  minutes: number;
  resultFile: string;
}

export interface QuotedComment {
  author: string;
  at: string;
  /** "may write code here", "may not write code here", … */
  right: string;
  body: string;
}

/** Longest text of an issue, in characters: what is behind it in a prompt must stay in. */
const bodyCharactersMax = 60_000;

/** Values that every template knows. */
export function itemValues(f: ItemFacts): Record<string, string> {
  const body = shorten(f.body.trim(), bodyCharactersMax);
  const title = line(f.title);
  return {
    item: String(f.item),
    title,
    issue: fenced(body === "" ? title : `${title}\n\n${body}`, "markdown"),
    body: body === "" ? "(The issue has no text but its title.)" : fenced(body, "markdown"),
    author: f.author,
    comments: commentsText(f.comments),
    attempt: String(f.attempt),
    contextFiles:
      f.contextFiles.length === 0
        ? "the repository's own documentation"
        : f.contextFiles.map((file) => `\`${file}\``).join(", "),
    checks: checksText(f.checks),
    minutes: String(Math.max(1, Math.floor(f.minutes))),
    resultFile: f.resultFile,
  };
}

/** What the work is about, in words. A person's pull request has no issue: it is its own item. */
export function pullValues({ item, pull }: { item: number; pull: number }): Record<string, string> {
  const own = item === pull;
  return {
    pull: String(pull),
    subject: `pull request #${pull}${own ? "" : ` for issue #${item}`}`,
    heading: own ? `Pull request #${pull}` : `Issue #${item}`,
  };
}

/** Longest such line, in characters; the forge takes 255 for a title. */
const lineCharactersMax = 500;

/** One line, for a name or title that stands in a line of ours. */
export function line(text: string): string {
  return shorten(withoutControls(text).replace(/\s+/g, " ").trim(), lineCharactersMax);
}

export function checksText(checks: ItemFacts["checks"]): string {
  if (checks === "statuses") return "the project's own tests (its CI checks the pull request).";
  if (checks.length === 0) return "the project's own tests, as its documentation says.";
  return checks.map((check) => `\`${check}\``).join(", then ");
}

/** Those of the parts that are not empty, put together. */
export function joined(separator: string, ...parts: string[]): string {
  return parts.filter((part) => part !== "").join(separator);
}

/** All comments together, in characters; the oldest give way. */
const commentsCharactersMax = 120_000;

function commentsText(comments: readonly QuotedComment[]): string {
  if (comments.length === 0) return "";
  const quoted = comments.map(
    (c) => `## @${c.author} (${c.right}), ${c.at}\n\n${fenced(shorten(c.body.trim(), 20_000), "markdown")}`,
  );
  const kept = lastOf(quoted, commentsCharactersMax);
  const left = quoted.length - kept.length;
  return `\n# Comments\n\n${left === 0 ? "" : `(${left} older ones are left out.)\n\n`}${kept.join("\n\n")}`;
}

/** The last texts that fit together. */
export function lastOf(texts: readonly string[], charactersMax: number): string[] {
  let used = 0;
  const first = texts.findLastIndex((text) => {
    used += text.length;
    return used > charactersMax;
  });
  return texts.slice(first + 1);
}

/** How the attempt before ended, and what it left; nothing at the first one of all. */
export function earlierText(f: ItemFacts, advice: string): string {
  const failed =
    f.attempt <= 1 || f.lastFailure === null
      ? ""
      : `This is attempt ${f.attempt} of ${f.attemptsMax}. The last one ended as **${f.lastFailure.class}**:\n\n${fenced(tail(f.lastFailure.text, 4_000))}\n\n${advice}`;
  const parts = joined("\n\n", failed, leftText(f.earlierWork ?? null));
  return parts === "" ? "" : `\n# Earlier attempts\n\n${parts}\n`;
}

function leftText(left: KeptWork | null): string {
  if (left === null) return "";
  const { head, attempt, why } = left;
  return `What attempt ${attempt} left (it ended as: ${line(shorten(why, 300))}) is in your clone as the branch \`${keptBranch}\` (${head}). Nobody has accepted it: it may be
unfinished or wrong. See it with \`git log -p HEAD..${keptBranch}\`. Take over what is good, with \`git cherry-pick\` or
\`git checkout ${keptBranch} -- <path>\`, or ignore it. Do not switch to it or reset to it: your own branch may start from a newer commit.`;
}

/** The agent's own question, of which a later agent knows nothing else; to stand before the words that answer it. */
export function questionText(question: string | null | undefined): string {
  return ordersText("What was asked before the work could go on", question ?? "");
}

/** Words of somebody who may give orders, under a title of ours; nothing when there are none. */
export function ordersText(title: string, words: string): string {
  return words.trim() === "" ? "" : `\n# ${title}\n\n${fenced(shorten(words.trim(), 40_000), "markdown")}\n`;
}

/** `src/door.ts:12`, to stand in a line of ours; empty where the finding names no file. */
export function placeOf({ path, line: number }: Pick<FindingNote, "path" | "line">): string {
  if (path === null || path.trim() === "") return "";
  return `${line(shorten(path, 300)).replaceAll("`", "'")}${number === null ? "" : `:${number}`}`;
}

/** Title and body of a finding. */
export function wordsOf(finding: Pick<FindingNote, "title" | "body">, bodyMax: number): string {
  return joined("\n\n", line(shorten(finding.title, 300)), shorten(finding.body.trim(), bodyMax));
}

/** All rounds together, in characters; the oldest give way. */
const roundsCharactersMax = 60_000;

/** Earlier rounds with findings and answers, each in a fence; nothing when there were none. `advice`: what to do with them. */
export function roundsText(rounds: readonly RoundNote[], advice: string): string {
  if (rounds.length === 0) return "";
  const kept = lastOf(rounds.map(roundOf), roundsCharactersMax);
  const left = rounds.length - kept.length;
  const more = left === 0 ? "" : `(${left} older ones are left out.)\n\n`;
  return `\n# Earlier rounds\n\n${advice}\n\n${more}${kept.join("\n\n")}\n`;
}

function roundOf(round: RoundNote): string {
  const points = round.findings.map((finding) => {
    const place = placeOf(finding);
    const reply = round.replies.find((r) => r.finding === finding.id);
    const answer = reply === undefined ? "no answer" : `${reply.action}: ${shorten(reply.body.trim(), 2_000)}`;
    const head = `[${line(finding.id)}] ${finding.severity}${place === "" ? "" : ` at ${place}`}: `;
    return `${head}${indented(wordsOf(finding, 1_000))}\n  AUTHOR ${indented(answer)}`;
  });
  const text = shorten(joined("\n\n", indented(round.summary.trim()), ...points), 20_000);
  return `## Round ${round.round}, commit ${round.head.slice(0, 10)}: ${round.verdict}\n\n${fenced(text)}`;
}

/** Foreign lines set in, so that none of them looks like the beginning of a finding or of an answer. */
function indented(text: string): string {
  return withoutControls(text).replace(/\n+/g, "\n    ");
}
