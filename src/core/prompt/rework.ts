// What an author is told who goes on with a pull request: a person's words, the conflict, the findings, the failing checks, in this order.

import type { FindingNote, RoundNote } from "../../ledger/record.ts";
import { fenced, shorten, tail } from "../text.ts";
import {
  earlierText,
  type ItemFacts,
  itemValues,
  joined,
  line,
  ordersText,
  placeOf,
  pullValues,
  questionText,
  roundsText,
  wordsOf,
} from "./item.ts";

/** A commit of one side of a conflict. */
export interface ConflictCommit {
  sha: string;
  subject: string;
  author: string;
}

/** Both sides of a conflict with the base. */
export interface ConflictFacts {
  /** Name of the base branch. */
  base: string;
  /** Git's own words about each, for example what was deleted on which side. */
  words: readonly string[];
  /** Files in conflict. */
  paths: readonly string[];
  /** Which side stands above `=======` in the markers. */
  upper: "pull" | "base";
  /** Commits of the base that touched those files since the branch left it, and those of the branch. Newest first. */
  ofBase: readonly ConflictCommit[];
  ofPull: readonly ConflictCommit[];
}

/** A check of the repository that is red on the head. */
export interface FailingCheck {
  context: string;
  description: string;
  /** End of its log; null where the forge does not give it. */
  log: string | null;
}

export interface ReworkFacts extends ItemFacts {
  pull: number;
  pullTitle: string;
  /** Null for a rework that a person ordered. */
  round: number | null;
  roundsMax: number;
  head: string;
  base: string;
  mergeBase: string;
  conflict: ConflictFacts | null;
  /** Open findings of the newest verdict; none where that is not the cause. */
  findings: readonly FindingNote[];
  failing: readonly FailingCheck[];
  /** Rounds before, oldest first. */
  rounds: readonly RoundNote[];
}

/** Values for the placeholders of the template for a rework. */
export function reworkValues(f: ReworkFacts): Record<string, string> {
  return {
    ...itemValues(f),
    instruction: joined("", questionText(f.question), ordersText("What a person wants changed", f.instruction)),
    conflict: f.conflict === null ? "" : conflictText(f.conflict, f.mergeBase),
    findings: findingsText(f.findings),
    failing: failingText(f.failing),
    earlier: earlierText(f, "Do not repeat what failed."),
    rounds: roundsText(f.rounds, roundsAdvice),
    ...pullValues(f),
    pullTitle: line(f.pullTitle),
    round: f.round === null ? "ordered by a person" : `round ${f.round} of ${f.roundsMax}`,
    head: f.head,
    base: line(f.base),
    mergeBase: f.mergeBase,
  };
}

const roundsAdvice =
  "What was found before and what you, the author, answered. It is settled unless it comes up again above.";

/** Most commits of one side, and most files, that a prompt lists. */
const conflictLinesMax = 50;

function conflictText(c: ConflictFacts, mergeBase: string): string {
  const base = line(c.base);
  const [upper, lower] = c.upper === "pull" ? ["this branch's", `\`${base}\`'s`] : [`\`${base}\`'s`, "this branch's"];
  return `
# A conflict with \`${base}\`

\`${base}\` has moved on since this branch left it (at ${mergeBase}), and both changed the same lines. The tree holds the conflict markers: between
\`<<<<<<<\` and \`|||||||\` stands ${upper} side, between \`|||||||\` and \`=======\` what both came from, between \`=======\` and \`>>>>>>>\` ${lower}.
Resolve all of them, in all files, so that what both sides wanted holds; neither side wins by being newer. A file that one side deleted or moved, or
that is binary, holds no markers: decide what stays. Files in conflict:

${fenced(listOf(c.paths))}
${c.words.length === 0 ? "" : `\nWhat git says:\n\n${fenced(listOf(c.words))}\n`}
Commits of \`${base}\` that touched them:

${commitsText(c.ofBase)}

Commits of this branch that touched them:

${commitsText(c.ofPull)}
`;
}

function commitsText(commits: readonly ConflictCommit[]): string {
  if (commits.length === 0) return "(none found)";
  return fenced(
    listOf(commits.map((c) => `${c.sha.slice(0, 10)} ${shorten(c.subject, 200)} (${shorten(c.author, 80)})`)),
  );
}

function listOf(lines: readonly string[]): string {
  const shown = lines.slice(0, conflictLinesMax).map((text) => line(shorten(text, 300)));
  if (lines.length > conflictLinesMax) shown.push(`and ${lines.length - conflictLinesMax} more`);
  return shown.join("\n");
}

/** Most findings that a prompt holds: what a review may have. Each has to be answered, so none is left out and many are cut shorter. */
const findingsMax = 100;
/** Bodies of all findings together, in characters. */
const bodiesCharactersMax = 60_000;

function findingsText(findings: readonly FindingNote[]): string {
  if (findings.length === 0) return "";
  const bodyMax = Math.min(4_000, Math.floor(bodiesCharactersMax / Math.min(findings.length, findingsMax)));
  const parts = findings
    .slice(0, findingsMax)
    .map(
      (finding) =>
        `## ${line(finding.id)} (${finding.severity})\n\n${fenced(joined("\n", placeOf(finding), wordsOf(finding, bodyMax)), "markdown")}`,
    );
  return `\n# What the review found\n\nBlocker and major must change; minor and nit may stay, with a reason.\n\n${parts.join("\n\n")}\n`;
}

/** Most failing checks with their logs. */
const failingMax = 10;

function failingText(failing: readonly FailingCheck[]): string {
  if (failing.length === 0) return "";
  const parts = failing.slice(0, failingMax).map((check) => {
    const head = fenced(joined("\n", line(shorten(check.context, 200)), line(shorten(check.description, 300))));
    const log =
      check.log === null || check.log.trim() === ""
        ? "Its log cannot be had here: run what it runs, and see."
        : `End of its log:\n\n${fenced(tail(check.log, 6_000))}`;
    return `${head}\n\n${log}`;
  });
  const left = failing.length - parts.length;
  const more = left === 0 ? "" : `\n\n(and ${left} more)`;
  return `\n# Checks of the repository that fail\n\nThey fail on this branch and not on its base. Mend the cause; do not weaken the check.\n\n${parts.join("\n\n")}${more}\n`;
}
