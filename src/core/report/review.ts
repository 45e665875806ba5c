// Reviews on the pull request: the reviewer's verdict, and the author's answer after a rework. Each is one review with its line comments.

import type { FindingNote, ReplyNote, VerdictNote } from "../../ledger/record.ts";
import { code, inline } from "../text.ts";
import {
  actionText,
  byAction,
  bySeverity,
  countsText,
  findingLine,
  findingPart,
  listed,
  replyCounts,
} from "./findings.ts";
import {
  type Checked,
  capital,
  checkTable,
  names,
  page,
  quoted,
  type RunLink,
  roundText,
  runText,
  short,
} from "./page.ts";

export interface Reviewed {
  verdict: VerdictNote["verdict"];
  /** From 1. */
  round: number;
  roundsMax: number;
  profile: string;
  run: RunLink;
  /** Commit that was judged. */
  head: string;
  summary: string;
  /** All of them, wherever they are shown. */
  findings: readonly FindingNote[];
  /** Those that no line takes: shown in the text. The others are line comments. */
  inText: readonly FindingNote[];
  /** What the host ran on that commit for the review; absent or null = nothing. */
  checks?: Checked | null;
  key: string;
  approvalsNeeded: number;
  /** Approvals that this commit has, this one included. */
  approvals: number;
}

/** Body of the one review that carries a verdict. */
export function reviewBody(r: Reviewed): string {
  return page("review", { head: r.head, key: r.key }, [
    `**${verdictText(r)}** · ${roundText(r.round, r.roundsMax)} · commit ${short(r.head)}`,
    `${capital(countsText(r.findings))}${placesText(r)}.`,
    quoted(r.summary, 6_000),
    r.inText.length === 0 ? "" : `### Without a line\n\n${listed(bySeverity(r.inText), findingPart, findingLine)}`,
    r.checks === undefined || r.checks === null ? "" : checkTable(r.checks, r.head),
    `<sub>Reviewed by the agent ${code(r.profile)} in ${runText(r.run)}, in a session of its own.${legend(r)}</sub>`,
  ]);
}

function verdictText(r: Reviewed): string {
  if (r.verdict === "changes-requested") return "Changes wanted";
  return r.approvalsNeeded > 1
    ? `Approved, ${r.approvals} of ${r.approvalsNeeded} approvals that this change needs`
    : "Approved";
}

function placesText({ findings, inText }: Reviewed): string {
  const atLines = findings.length - inText.length;
  if (findings.length === 0) return "";
  if (inText.length === 0) return findings.length === 1 ? ", at its line" : ", each at its line";
  return atLines === 0 ? "" : `; ${atLines} at ${atLines === 1 ? "its line" : "their lines"}, ${inText.length} below`;
}

function legend(r: Reviewed): string {
  return r.findings.length === 0 ? "" : " Blocker and major must change; minor and nit may stay.";
}

/** A comment on a line. The author's answer names its id. */
export function findingComment(finding: FindingNote): string {
  const head = `**${capital(finding.severity)}** ${code(finding.id, 20)} · ${inline(finding.title, 200)}`;
  return [head, quoted(finding.body, 4_000)].filter((part) => part !== "").join("\n\n");
}

export interface Replied {
  /** Null for a rework that a person ordered: it is no round. */
  round: number | null;
  roundsMax: number;
  profile: string;
  run: RunLink;
  /** Commit that holds the rework. */
  head: string;
  summary: string;
  /** Findings that were to be answered. */
  findings: readonly FindingNote[];
  /** All answers. */
  replies: readonly ReplyNote[];
  /** Answers that stand under no line: shown in the text. */
  inText: readonly ReplyNote[];
  key: string;
}

/** Body of the review by which the author answers after a rework. */
export function replyBody(r: Replied): string {
  const answered = new Set(r.replies.map((reply) => reply.finding));
  const silent = r.findings.filter((finding) => !answered.has(finding.id)).map((finding) => finding.id);
  const byId = new Map(r.findings.map((finding) => [finding.id, finding]));
  const line = (reply: ReplyNote) => replyLine(reply, byId.get(reply.finding));
  const round = r.round === null ? "asked for by a person" : roundText(r.round, r.roundsMax);
  return page("review", { key: r.key }, [
    `**Answer of the author** · ${round} · commit ${short(r.head)}`,
    `${answersText(r)}${silent.length === 0 ? "" : ` Without an answer: ${names(silent)}.`}`.trim(),
    quoted(r.summary, 6_000),
    listed(byAction(r.inText), (reply) => `${line(reply)}${wordsBelow(reply)}`, line),
    `<sub>By the agent ${code(r.profile)} in ${runText(r.run)}. The next run reviews it.</sub>`,
  ]);
}

function answersText({ replies, inText }: Replied): string {
  if (replies.length === 0) return "";
  const atLines = replies.length - inText.length;
  const where = atLines === 0 ? "" : `; ${atLines} of them at ${atLines === 1 ? "its line" : "their lines"}`;
  return `${capital(replyCounts(replies))}${where}.`;
}

function replyLine(reply: ReplyNote, finding: FindingNote | undefined): string {
  const about = finding === undefined ? "" : ` · ${inline(finding.title, 200)}`;
  return `**${actionText(reply)}** ${code(reply.finding, 20)}${about}`;
}

function wordsBelow(reply: ReplyNote): string {
  const words = quoted(reply.body, 4_000);
  return words === "" ? "" : `\n\n${words}`;
}

/** The author's answer under the line of its finding. */
export function replyComment(reply: ReplyNote): string {
  return `**${actionText(reply)}** ${code(reply.finding, 20)}${wordsBelow(reply)}`;
}

/** A verdict as the state and the words of its commit status. */
export function verdictWords(note: VerdictNote): { state: "success" | "failure" | "pending"; description: string } {
  if (note.verdict === "changes-requested")
    return { state: "failure", description: `round ${note.round}: ${countsText(note.findings)}` };
  const said = `round ${note.round}: approved by ${note.approvedBy.join(", ")}`;
  return note.approvedBy.length >= note.approvalsNeeded
    ? { state: "success", description: said }
    : { state: "pending", description: `${said}; ${note.approvalsNeeded} approvals are needed` };
}
