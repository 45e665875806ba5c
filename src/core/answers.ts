// What an author's answers are worth: which findings they are about, whether a head may stay as it is because of them, and how a round is
// remembered. Answers are the agent's claims; the next reviewer reads them next to the diff.

import type { FindingNote, ReplyNote, RoundNote, VerdictNote } from "../ledger/record.ts";
import type { ReworkCauses } from "./decision.ts";
import { shorten } from "./text.ts";
import { keptRounds } from "./verdict.ts";

/** What is read of an agent's result. */
export interface Answers {
  status: string;
  summary?: string | undefined;
  body?: string | undefined;
  question?: string | undefined;
  replies: readonly { finding: string; action: ReplyNote["action"]; body?: string | undefined }[];
}

/** Longest answer that is kept, in characters: as long as the record allows. */
const replyCharactersMax = 4_000;

/** One answer a finding, in the findings' order. The last word on a finding counts; answers to what nobody found are left out. */
export function repliesTo(findings: readonly FindingNote[], answers: Answers): ReplyNote[] {
  return findings.flatMap((finding) => {
    const reply = answers.replies.findLast((r) => bare(r.finding) === finding.id);
    if (reply === undefined) return [];
    const body = shorten((reply.body ?? "").trim(), replyCharactersMax);
    return [{ finding: finding.id, action: reply.action, body }];
  });
}

/** Agents write an id as they read it: `[1.2]`, `#1.2`, `Finding 1.2:`. */
function bare(id: string): string {
  return /\d+\.\d+/.exec(id)?.[0] ?? id.trim();
}

/** Findings that nobody gave a reason for: an answer that only claims a change is none where nothing was changed. */
export function unreasoned(findings: readonly FindingNote[], replies: readonly ReplyNote[]): FindingNote[] {
  return findings.filter((finding) => {
    const reply = replies.find((r) => r.finding === finding.id);
    return reply === undefined || reply.action === "fixed" || reply.body === "";
  });
}

/** What the agent says in its own words; empty when it says nothing. */
export function ownWords(answers: Answers): string {
  return (answers.question ?? answers.summary ?? answers.body ?? "").trim();
}

/** What it means that an author changed nothing. */
export type Unchanged =
  /** Every finding has a reasoned answer: the next reviewer judges again. */
  | { kind: "answered"; replies: ReplyNote[] }
  /** A person asked for it, and the agent says why not: it is theirs to decide. `settled`: every finding has a reasoned answer, too. */
  | { kind: "declined"; replies: ReplyNote[]; reason: string; settled: boolean }
  /** `why` completes "The agent changed nothing: …". */
  | { kind: "unanswered"; why: string };

export interface Stay {
  causes: Pick<ReworkCauses, "ordered" | "reviews" | "findings">;
  /** Words of the person who ordered it; empty when there are none. */
  instruction: string;
  /** Open findings that had to be answered. */
  findings: readonly FindingNote[];
  /** What no answer can settle as long as this head stays, one short clause each: a conflict, red checks. */
  unresolved: readonly string[];
}

/** Whether the head may stay: only words that answer everything which brought it back let it. */
export function judgeUnchanged(answers: Answers, stay: Stay): Unchanged {
  const { findings, unresolved } = stay;
  const replies = repliesTo(findings, answers);
  const open = unreasoned(findings, replies);
  const reason = ownWords(answers);
  const said = reason === "" ? "" : `. It says: ${reason}`;
  // A person who asked may hear "no", once; a finding that is left open then stays open for them to see.
  if (isAskedByPerson(stay)) {
    if (answers.status === "no-change-needed" && reason !== "")
      return { kind: "declined", replies, reason, settled: findings.length > 0 && open.length === 0 };
    return { kind: "unanswered", why: `it gave no reason to the person who asked for the change${said}` };
  }
  if (unresolved.length > 0) return { kind: "unanswered", why: `${unresolved.join("; ")}${said}` };
  if (findings.length === 0) return { kind: "unanswered", why: `there was nothing to be settled by words${said}` };
  if (open.length > 0) {
    const ids = open.map((finding) => finding.id).join(", ");
    return { kind: "unanswered", why: `no reasoned answer to ${ids}${said}` };
  }
  return { kind: "answered", replies };
}

// `run` and `retry` without words ask for the next step: where that is answering findings, nobody but the reviewer asked for a change.
function isAskedByPerson({ causes, instruction }: Stay): boolean {
  if (causes.reviews.length > 0) return true;
  return causes.ordered && (instruction.trim() !== "" || !causes.findings);
}

/** The verdict becomes a round that is over, with the author's answers; as much of all rounds as a record keeps. */
export function roundsWith(
  rounds: readonly RoundNote[] | undefined,
  verdict: VerdictNote | undefined,
  replies: readonly ReplyNote[],
): RoundNote[] {
  const before = rounds ?? [];
  if (verdict === undefined) return [...before];
  const { round, head, summary, findings } = verdict;
  const others = before.filter((other) => other.round !== round || other.head !== head);
  return keptRounds([...others, { round, head, verdict: verdict.verdict, summary, findings, replies: [...replies] }]);
}
