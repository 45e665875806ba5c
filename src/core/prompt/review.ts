// What a reviewer is told beside the issue: where it stands, the author's claims, checks, earlier rounds, and the change itself.

import type { RoundNote } from "../../ledger/record.ts";
import { fenced, shorten, tail } from "../text.ts";
import {
  checksText,
  earlierText,
  type ItemFacts,
  itemValues,
  joined,
  line,
  ordersText,
  pullValues,
  roundsText,
} from "./item.ts";

/** A check of the repository on a commit. */
export interface PromptStatus {
  context: string;
  state: string;
  description: string;
}

/** A check that the host ran, with the end of its output. */
export interface PromptCheck {
  command: string;
  exitCode: number | null;
  tail: string;
}

export interface ReviewFacts extends ItemFacts {
  pull: number;
  /** The author's own title and body of the pull request: claims. */
  pullTitle: string;
  pullBody: string;
  /** From 1. */
  round: number;
  roundsMax: number;
  /** Commit that is judged. */
  head: string;
  /** Name of the base branch. */
  base: string;
  mergeBase: string;
  /** `git diff <mergeBase> <head>`; cut here. */
  diff: string;
  statuses: readonly PromptStatus[];
  /** Checks that the host ran on the head for this review; null = it ran none. */
  ran: readonly PromptCheck[] | null;
  /** Earlier rounds with the author's answers, oldest first. */
  rounds: readonly RoundNote[];
  /** From a fork: the tree is the base, the change stands in branch `review` and is never executed. */
  fork: boolean;
}

/** Values for the placeholders of the reviewer's template. */
export function reviewValues(f: ReviewFacts): Record<string, string> {
  const how = f.fork ? `git diff ${f.mergeBase} review` : `git diff ${f.mergeBase} ${f.head}`;
  return {
    ...itemValues(f),
    instruction: ordersText("What the person who asked for this review wants to know", f.instruction),
    earlier: earlierText(f, "Do not repeat what failed; a short honest review is better than none."),
    ...pullValues(f),
    round: String(f.round),
    roundsMax: String(f.roundsMax),
    head: f.head,
    base: line(f.base),
    mergeBase: f.mergeBase,
    diffCommand: how,
    place: f.fork ? placeOfFork(f) : placeOfClone(f),
    claim: claimText(f),
    statuses: statusesText(f.statuses),
    ran: ranText(f.ran),
    rounds: roundsText(f.rounds, roundsAdvice),
    diff: diffText(f, how),
  };
}

const roundsAdvice = `What reviewers before you found and what the author answered. See whether it was done. Do not repeat a point that is answered, unless the answer
is wrong: then say so, and why.`;

function placeOfClone(f: ReviewFacts): string {
  return `Your working directory is a throw-away clone at the judged commit ${f.head}. You may build and run the tests there: ${checksText(f.checks)}
Do not change files that git tracks: a review that leaves one changed is void. What git ignores, and new files in your temporary folder, do no harm.`;
}

function placeOfFork(f: ReviewFacts): string {
  return `The change comes from a fork, by somebody whose code must not run here. Your working directory is a throw-away clone of the base, without the
change; the change is in git alone, as the branch \`review\` (${f.head}). Read it with \`git show review:<path>\` and \`${`git diff ${f.mergeBase} review`}\`.
Execute nothing of it: do not check it out, build it or run its tests, scripts or hooks. Do not change files that git tracks: a review that leaves one
changed is void.`;
}

function claimText(f: ReviewFacts): string {
  if (f.item === f.pull) return "(What stands above is the author's own text.)";
  const said = joined("\n\n", line(f.pullTitle), shorten(f.pullBody.trim(), 20_000));
  return said === "" ? "(The author says nothing.)" : fenced(said, "markdown");
}

/** Most checks of the repository that a prompt lists. */
const statusesMax = 50;

function statusesText(statuses: readonly PromptStatus[]): string {
  if (statuses.length === 0) return "The repository's own checks have reported nothing on it.";
  const lines = statuses
    .slice(0, statusesMax)
    .map((s) =>
      line(`${s.state}: ${shorten(s.context, 200)} ${s.description === "" ? "" : `(${shorten(s.description, 200)})`}`),
    );
  if (statuses.length > statusesMax) lines.push(`and ${statuses.length - statusesMax} more`);
  return `The repository's own checks say:\n\n${fenced(lines.join("\n"))}`;
}

/** Most checks of the host with the ends of their outputs. */
const ranMax = 10;

function ranText(ran: ReviewFacts["ran"]): string {
  if (ran === null || ran.length === 0) return "The host ran no checks on it for this review.";
  const parts = ran.slice(0, ranMax).map((check) => {
    const end = check.exitCode === 0 || check.tail.trim() === "" ? "" : `\n${tail(check.tail, 4_000)}`;
    return `$ ${line(check.command)}\nexit code ${check.exitCode ?? "none"}${end}`;
  });
  return `The host ran on exactly this commit:\n\n${fenced(parts.join("\n\n"))}`;
}

/** Longest diff in a prompt, in characters. */
const diffCharactersMax = 120_000;

function diffText(f: ReviewFacts, how: string): string {
  if (f.diff.trim() === "") return `(Empty, or too large to show: see \`${how}\`.)`;
  const cut = f.diff.length > diffCharactersMax;
  const rest = cut
    ? `\n\nThis is only its beginning. See the rest with \`${how} -- <path>\`; \`${how} --stat\` lists all files.`
    : "";
  return `${fenced(shorten(f.diff, diffCharactersMax), "diff")}${rest}`;
}
