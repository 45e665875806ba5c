// The status comment of an item: one comment that is edited in place, so that the page says what is going on now.

import type { FindingNote, VerdictNote } from "../../ledger/record.ts";
import type { FailureClass } from "../failure.ts";
import { failureRules } from "../failure.ts";
import { clockTime, code, inline } from "../text.ts";
import { countsText } from "./findings.ts";
import { type KeptFacts, keptText } from "./kept.ts";
import {
  type Checked,
  capital,
  checkTable,
  folded,
  footer,
  names,
  page,
  type RunLink,
  roundText,
  runText,
  short,
  tookText,
} from "./page.ts";

export interface Published {
  profile: string;
  run: RunLink;
  attempt: number;
  durationMs: number;
  costUsd: number | null;
  checks: Checked;
  head: string;
  summary: string;
}

export function publishedComment(p: Published): string {
  return page("status", {}, [
    `**Pull request #{{pull}} is open**; the next run reviews it · attempt ${p.attempt} · \`${p.profile}\` · ${runText(p.run)}`,
    inline(p.summary, 400),
    checkTable(p.checks, p.head),
    tookText(p.durationMs, p.costUsd),
  ]);
}

export interface ReviewedStatus {
  pull: number;
  verdict: VerdictNote["verdict"];
  round: number;
  roundsMax: number;
  findings: readonly Pick<FindingNote, "severity">[];
  summary: string;
  profile: string;
  run: RunLink;
  durationMs: number;
  costUsd: number | null;
  /** What follows: another review by a second agent, a rework, or a person. */
  next: "hand-over" | "review" | "rework" | "person";
}

const nexts: Record<ReviewedStatus["next"], string> = {
  "hand-over": "The next run hands it over.",
  review: "It touches protected paths: the next run has a second agent review it.",
  rework: "The next run gives the findings to the author.",
  person: "A person decides; see below.",
};

export function reviewedComment(r: ReviewedStatus): string {
  const counts = countsText(r.findings);
  const verdict =
    r.verdict === "approved"
      ? `**#${r.pull} is approved**${r.findings.length === 0 ? "" : ` (${counts})`}`
      : `**#${r.pull} needs changes**: ${counts}`;
  return page("status", {}, [
    `${verdict} · ${roundText(r.round, r.roundsMax)} · \`${r.profile}\` · ${runText(r.run)}`,
    inline(r.summary, 400),
    nexts[r.next],
    tookText(r.durationMs, r.costUsd),
  ]);
}

export interface ReworkedStatus {
  pull: number;
  /** Null for a rework that a person ordered. */
  round: number | null;
  roundsMax: number;
  profile: string;
  run: RunLink;
  durationMs: number;
  costUsd: number | null;
  checks: Checked;
  head: string;
  summary: string;
  /** False: every finding was answered with a reason, and no commit was made. */
  changed: boolean;
}

export function reworkedComment(r: ReworkedStatus): string {
  const what = r.changed
    ? `**#${r.pull} is reworked**`
    : `**#${r.pull} stays as it is**: the author answers every finding`;
  const round = r.round === null ? "" : ` · ${roundText(r.round, r.roundsMax)}`;
  return page("status", {}, [
    `${what}; the next run reviews it${round} · \`${r.profile}\` · ${runText(r.run)}`,
    inline(r.summary, 400),
    r.changed ? checkTable(r.checks, r.head) : "",
    tookText(r.durationMs, r.costUsd),
  ]);
}

export interface Rebased {
  pull: number;
  base: string;
  /** Commit of the base that it stands on now. */
  onto: string;
  head: string;
  /** Merged into it instead, because a person approved it and the branch is never rewritten then. */
  merged: boolean;
  /** The diff is the same, and so is the verdict. */
  keepsVerdict: boolean;
  run: RunLink;
}

/** The host brought the branch up to date by itself. */
export function rebasedComment(r: Rebased): string {
  const how = r.merged ? `${code(r.base)} is merged into it` : `it is rebased onto ${code(r.base)}`;
  return page("status", {}, [
    `**#${r.pull} is up to date again**: ${how} at ${short(r.onto)}, without a conflict and without an agent · ${runText(r.run)}`,
    r.keepsVerdict
      ? `The change is the same, so its review still counts for ${short(r.head)}.`
      : `The next run reviews ${short(r.head)}.`,
  ]);
}

export interface Failed {
  failure: FailureClass;
  text: string;
  attempt: number;
  attemptsMax: number;
  costsAttempt: boolean;
  /** Null: no further try by itself. */
  nextAt: string | null;
  run: RunLink;
  profile: string;
  /** End of what the agent or a check printed. */
  output: string;
  /** What failed; absent = the work on the issue. */
  kind?: "implement" | "review" | "rework";
  /** Work that can be gone on with. */
  kept?: KeptFacts | null;
}

const undone = { implement: "Not done yet", review: "Not reviewed yet", rework: "Not reworked yet" } as const;

export function failedComment(f: Failed): string {
  const attempt = f.costsAttempt ? `attempt ${f.attempt} of ${f.attemptsMax}` : "not counted as an attempt";
  return page("status", {}, [
    `**${undone[f.kind ?? "implement"]}: ${f.failure}** · ${attempt} · \`${f.profile}\` · ${runText(f.run)}`,
    inline(f.text, 600),
    f.nextAt === null ? "" : `It is tried again after ${clockTime(f.nextAt)}. ${failureRules[f.failure].remedy}`,
    keptText(f.kept),
    folded("End of the output", f.output),
    footer,
  ]);
}

/** One line of our own making as the status. */
export function statusLine(text: string, run: RunLink, kept: KeptFacts | null = null): string {
  return page("status", {}, [`${text} · ${runText(run)}`, keptText(kept)]);
}

/** `pull`: the pull request on which the question or the reason stands; null = on this page. */
export function waitingLine(what: "answer" | "person", pull: number | null, run: RunLink): string {
  const why =
    what === "answer" ? "**Waiting for an answer** to the question" : "**Waiting for a person**: see the comment";
  return statusLine(`${why} ${pull === null ? "below" : `on #${pull}`}`, run);
}

export function handedOverLine(pull: number, askedBy: string, run: RunLink): string {
  const who = askedBy === "" ? "a person" : askedBy;
  return statusLine(`**#${pull} is handed over** to ${who}: see the comment there`, run);
}

/** `how`: what became of the run, in a few words. */
export function cancelledLine(how: string, run: RunLink, kept: KeptFacts | null = null): string {
  const rest = "Nothing was published, and it does not count as an attempt; the next run begins anew";
  return statusLine(`**Cancelled**: ${inline(how, 300)}. ${rest}`, run, kept);
}

/** `order`: what the person wrote or did, as words of ours. */
export function stoppedLine(by: string, run: RunLink, order = "`/agent stop`"): string {
  return statusLine(`**Stopped** by @${by}: ${order}`, run);
}

/** The base is red at that commit: nothing is tried before it moves. */
export function baseRedLine(base: string, sha: string, red: readonly string[], run: RunLink): string {
  const what = red.length === 0 ? "" : `: ${names(red, 5)}`;
  return statusLine(
    `**Waiting for ${code(base)}**, which is red itself at ${short(sha)}${what}. It goes on when ${code(base)} moves`,
    run,
  );
}

/** Red checks are started again once before the author is asked. */
export function rerunLine(pull: number, red: readonly string[], started: boolean, run: RunLink): string {
  const how = started ? "are started again once" : "could not be started again";
  return statusLine(`**Checks of #${pull} are red** and ${how}: ${names(red, 5)}`, run);
}

/** The forge puts the merge off. */
export function landingLine(pull: number, times: number, timesMax: number, answer: string, run: RunLink): string {
  return statusLine(
    `**The merge of #${pull} is put off** (${times} of ${timesMax}): ${capital(inline(answer, 300)) || "no reason given"}`,
    run,
  );
}

export function mergedLine(pull: number, head: string, approvedBy: string, run: RunLink): string {
  return statusLine(`**Merged** on @${approvedBy}'s approval: #${pull} at ${short(head)}`, run);
}
