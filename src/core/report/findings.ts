// Findings and the author's answers as parts of a page: counted, sorted, in full or as one line each.

import type { FindingNote, ReplyNote, RoundNote } from "../../ledger/record.ts";
import { code, inline } from "../text.ts";
import { capital, foldedPart, quoted, short } from "./page.ts";

const severities = ["blocker", "major", "minor", "nit"] as const;

/** Whether it must be changed before a merge. */
export function mustChange(finding: Pick<FindingNote, "severity">): boolean {
  return finding.severity === "blocker" || finding.severity === "major";
}

/** The worst first, else in the order given. */
export function bySeverity(findings: readonly FindingNote[]): FindingNote[] {
  return severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** `1 blocker, 2 major, 1 nit`; "no findings" when there are none. */
export function countsText(findings: readonly Pick<FindingNote, "severity">[]): string {
  const parts = severities.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return parts.join(", ") || "no findings";
}

/** `src/door.ts:12`, as code; empty where the finding names no file. */
export function placeText(finding: Pick<FindingNote, "path" | "line">): string {
  if (finding.path === null || finding.path.trim() === "") return "";
  return code(finding.line === null ? finding.path : `${finding.path}:${finding.line}`, 200);
}

/** One line: severity, id, place, title. */
export function findingLine(finding: FindingNote): string {
  const place = placeText(finding);
  const title = inline(finding.title, 200);
  return `**${capital(finding.severity)}** ${code(finding.id, 20)}${place === "" ? "" : ` · ${place}`} · ${title}`;
}

/** The line and what the reviewer says about it. */
export function findingPart(finding: FindingNote): string {
  return [findingLine(finding), quoted(finding.body, 4_000)].filter((part) => part !== "").join("\n\n");
}

const actions: Record<ReplyNote["action"], string> = {
  rejected: "Not changed",
  clarified: "Explained",
  fixed: "Fixed",
};

/** What the author did about a finding, in one word or two. */
export function actionText(reply: Pick<ReplyNote, "action">): string {
  return actions[reply.action];
}

/** What a person should look at first: where the author disagrees. */
export function byAction(replies: readonly ReplyNote[]): ReplyNote[] {
  return (["rejected", "clarified", "fixed"] as const).flatMap((a) => replies.filter((reply) => reply.action === a));
}

/** `1 not changed, 2 fixed`. */
export function replyCounts(replies: readonly ReplyNote[]): string {
  const parts = (["fixed", "clarified", "rejected"] as const).flatMap((action) => {
    const count = replies.filter((reply) => reply.action === action).length;
    return count === 0 ? [] : [`${count} ${actions[action].toLowerCase()}`];
  });
  return parts.join(", ");
}

/** Characters for items in full, and for those after them that are shown as one line. What does not fit either is counted. */
const fullMax = 24_000;
const linesMax = 8_000;

/** A list that fits on a page whatever is in it: the first ones in full, then one line each, then a number. */
export function listed<T>(items: readonly T[], full: (item: T) => string, line: (item: T) => string): string {
  const parts: string[] = [];
  let used = 0;
  for (const item of items) {
    const whole = full(item);
    const part = used + whole.length <= fullMax ? whole : line(item);
    used += part.length;
    if (used > fullMax + linesMax) break;
    parts.push(part);
  }
  const left = items.length - parts.length;
  if (left > 0) parts.push(`And ${left} more.`);
  return parts.join("\n\n");
}

/** A list of one line each that fits on a page, the rest counted. */
export function linesText(lines: readonly string[]): string {
  let used = 0;
  const end = lines.findIndex((line) => {
    used += line.length;
    return used > linesMax;
  });
  const shown = lines.slice(0, end < 0 ? lines.length : end).map((line) => `- ${line}`);
  const left = lines.length - shown.length;
  return [...shown, ...(left === 0 ? [] : [`- and ${left} more`])].join("\n");
}

/** Rounds that are over, one line a point with its answer, folded; nothing when there were none. */
export function historyPart(rounds: readonly RoundNote[]): string {
  const parts = rounds.map((round) => {
    const verdict = round.verdict === "approved" ? "approved" : "changes wanted";
    return [
      `Round ${round.round} on ${short(round.head)}: ${verdict}, ${countsText(round.findings)}.`,
      ...bySeverity(round.findings).map((finding) => `- ${findingLine(finding)}${answerText(finding, round.replies)}`),
    ].join("\n");
  });
  return foldedPart(
    "Earlier rounds",
    listed(parts, (part) => part, headOf),
  );
}

function headOf(part: string): string {
  return part.split("\n")[0] ?? "";
}

function answerText(finding: FindingNote, replies: readonly ReplyNote[]): string {
  const reply = replies.find((r) => r.finding === finding.id);
  if (reply === undefined) return " · *no answer*";
  const words = inline(reply.body, 200);
  return ` · *${actionText(reply).toLowerCase()}*${words === "" ? "" : `: ${words}`}`;
}
