// The comment by which a person decides what reviewer and author could not settle among themselves, or what the forge puts off.

import type { FindingNote, ReplyNote, RoundNote, VerdictNote } from "../../ledger/record.ts";
import { code, inline } from "../text.ts";
import {
  actionText,
  bySeverity,
  countsText,
  findingLine,
  findingPart,
  historyPart,
  listed,
  mustChange,
} from "./findings.ts";
import { counted, type ForeignState, names, page, quoted, type RunLink, runText, to } from "./page.ts";

export interface RoundsUsedUp {
  askedBy: string;
  pull: number;
  base: string;
  /** Rounds that were used. */
  rounds: number;
  /** The newest verdict; its findings are the open points unless it approved. Null when there is none. */
  verdict: VerdictNote | null;
  /** Rounds with the author's answers, oldest first. */
  history: readonly RoundNote[];
  /** What remained beside the findings. */
  conflict: boolean;
  red: readonly ForeignState[];
  /** The merge was put off so often, in the forge's words; null when it is not about a merge. */
  landing: { times: number; answer: string } | null;
  run: RunLink;
  key: string;
}

/** A new comment, because a person must decide. */
export function roundsComment(r: RoundsUsedUp): string {
  const open = r.landing === null && r.verdict?.verdict === "changes-requested" ? bySeverity(r.verdict.findings) : [];
  return page("blocked", { key: r.key }, [
    to(r.askedBy, headline(r, open)),
    r.landing === null ? "" : `The forge says: ${inline(r.landing.answer, 600) || "nothing"}`,
    pointsText(r, open),
    decideText(r, open),
    `### How to go on\n\n${waysOn(r)
      .map((way) => `- ${way}`)
      .join("\n")}`,
    historyPart(r.history),
    `<sub>Last: ${runText(r.run)}</sub>`,
  ]);
}

function headline(r: RoundsUsedUp, open: readonly FindingNote[]): string {
  if (r.landing !== null) {
    return `pull request #${r.pull} is approved, but its merge was put off ${counted(r.landing.times, "time")}. It needs you.`;
  }
  const causes = [
    open.length === 0 ? "" : `the reviewer still wants changes (${countsText(open)})`,
    r.conflict ? `it still conflicts with ${code(r.base)}` : "",
    r.red.length === 0
      ? ""
      : `its checks are still red: ${names(
          r.red.map((check) => check.context),
          5,
        )}`,
  ].filter((cause) => cause !== "");
  const rest = causes.length === 0 ? "it is not good yet" : causes.join("; ");
  return `pull request #${r.pull} needs your decision. After ${counted(r.rounds, "round")}, ${rest}.`;
}

function pointsText(r: RoundsUsedUp, open: readonly FindingNote[]): string {
  if (open.length === 0) return "";
  const must = open.filter(mustChange);
  const shown = must.length === 0 ? open : must;
  const minor = open.length - shown.length;
  const points = listed(
    shown,
    (finding) => `${findingPart(finding)}\n\n${authorsView(finding, r.history)}`,
    findingLine,
  );
  const more = minor === 0 ? "" : `\n\nAnd ${counted(minor, "lesser point")} that may stay.`;
  return `### Open points\n\n${points}${more}`;
}

/** The author's last word on it: on this very finding, else on the newest earlier one at the same place. */
function authorsView(finding: FindingNote, history: readonly RoundNote[]): string {
  const found = lastAnswer(finding, history);
  if (found === null) return "*The author has not answered it yet.*";
  const { reply, about } = found;
  const earlier = about.id === finding.id ? "" : `, on ${code(about.id, 20)} (${inline(about.title, 100)})`;
  const words = quoted(reply.body, 2_000);
  return `*The author${earlier}: ${actionText(reply).toLowerCase()}.*${words === "" ? "" : `\n\n${words}`}`;
}

function lastAnswer(
  finding: FindingNote,
  history: readonly RoundNote[],
): { reply: ReplyNote; about: FindingNote } | null {
  const answers = history.toReversed().flatMap((round) =>
    round.findings.flatMap((about) => {
      const reply = round.replies.find((r) => r.finding === about.id);
      return reply === undefined ? [] : [{ reply, about }];
    }),
  );
  return answers.find((a) => a.about.id === finding.id) ?? answers.find((a) => isSamePoint(a.about, finding)) ?? null;
}

/** Lines that a rework may move a point by without its being another one. */
const nearLines = 5;

// Ids are new in every round. A wrong match is no harm: the text names the point that the answer was about.
function isSamePoint(a: FindingNote, b: FindingNote): boolean {
  if (a.path !== b.path) return false;
  if (a.title.trim().toLowerCase() === b.title.trim().toLowerCase()) return true;
  return a.path !== null && a.line !== null && b.line !== null && Math.abs(a.line - b.line) <= nearLines;
}

function decideText(r: RoundsUsedUp, open: readonly FindingNote[]): string {
  if (r.landing !== null) return "";
  if (open.length > 0) return "**To decide:** for each point, who is right, the reviewer or the author?";
  if (r.conflict) return `**To decide:** what should hold where both sides changed the same lines.`;
  return r.red.length === 0
    ? ""
    : "**To decide:** is the check right, or is it broken for another reason than this change?";
}

function waysOn(r: RoundsUsedUp): string[] {
  if (r.landing !== null) {
    return [
      `Merge #${r.pull} yourself, or see to what the forge asks for; then \`/agent retry\` has the program try again.`,
      `Have it changed: \`/agent fix <what>\` on #${r.pull}.`,
    ];
  }
  return [
    `\`/agent fix <your decision>\` on #${r.pull}: the author works once more, your words first, and a new review follows.`,
    "`/agent retry`: author and reviewer go on by themselves, the rounds counted anew.",
    ...(r.conflict ? [] : [`Merge #${r.pull} as it is, if what is left may stay.`]),
    "Mend it by hand, then `/agent review`; or close it.",
  ];
}
