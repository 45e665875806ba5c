// The comment by which a person gets a pull request: what was done, how it was checked, what the reviewer said, what is left, how to go on.

import type { RoundNote, VerdictNote, WorkNote } from "../../ledger/record.ts";
import { code } from "../text.ts";
import { bySeverity, countsText, findingLine, historyPart, linesText } from "./findings.ts";
import {
  checkTable,
  costText,
  counted,
  type ForeignState,
  names,
  page,
  quoted,
  type RunLink,
  runText,
  short,
  to,
} from "./page.ts";
import { followUpsText } from "./pull.ts";

export interface HandedOver {
  askedBy: string;
  pull: number;
  /** Branch that a person can push to; empty where it is in a fork. */
  branch: string;
  head: string;
  /** Null where the program did not write it. */
  work: WorkNote | null;
  /** The verdict that counts for this head; null when there is none. */
  verdict: VerdictNote | null;
  /** Earlier rounds, oldest first. */
  rounds: readonly RoundNote[];
  /** Checks of the repository on this head. */
  foreignChecks: readonly ForeignState[];
  /** Changed paths that the repository protects: a person looks at them. */
  protectedPaths: readonly string[];
  /** Titles. */
  followUps: readonly string[];
  /** What the item has cost so far; null when not known. */
  costUsd: number | null;
  generation: number;
  run: RunLink;
  key: string;
  /** Commits of the base that the branch lacks; absent or null = none, or not known. */
  behind?: { base: string; commits: number } | null;
  /** Who ordered the hand-over without waiting for an approval; absent or null = nobody. */
  orderedBy?: string | null;
  /** A person's own pull request: after the verdict it is that person's again. */
  personsPull?: boolean;
  /** `merge: when-approved`: an approval by a person has the program merge. */
  mergesWhenApproved?: boolean;
}

/** A new comment that pings the person. */
export function handoverComment(h: HandedOver): string {
  return page("handover", { key: h.key }, [
    to(h.askedBy, headline(h)),
    h.protectedPaths.length === 0 ? "" : `**Look at these yourself**, they are protected: ${names(h.protectedPaths)}.`,
    h.work === null ? "" : doneText(h.work),
    checkedText(h),
    saidText(h),
    followUpsText(h.followUps),
    `### How to go on\n\n${waysOn(h)
      .map((way) => `- ${way}`)
      .join("\n")}`,
    historyPart(h.rounds),
    `<sub>${h.branch === "" ? "" : `${code(h.branch)} at `}${short(h.head)}${h.generation > 1 ? `, generation ${h.generation}` : ""}${costText(h.costUsd)} · ${runText(h.run)}</sub>`,
  ]);
}

function headline(h: HandedOver): string {
  const checks = checksWords(h.foreignChecks);
  const approved = h.verdict?.verdict === "approved";
  if (h.personsPull === true && h.verdict !== null) {
    const verdict = approved ? "**approved**" : `**changes wanted** (${countsText(h.verdict.findings)})`;
    return `the review of #${h.pull} is done: ${verdict}${checks}.`;
  }
  if (!approved) {
    const by = orderedText(h);
    const last = h.verdict === null ? "" : `; the last one wants changes (${countsText(h.verdict.findings)})`;
    return `pull request #${h.pull} is yours${by}. **No review approved it**${last}${checks}.`;
  }
  const ready = greenOrNone(h.foreignChecks) ? "is ready to merge" : "is reviewed";
  return `pull request #${h.pull} ${ready}: approved in round ${h.verdict?.round ?? "?"}${checks}.`;
}

function orderedText({ orderedBy, askedBy }: HandedOver): string {
  if (orderedBy === undefined || orderedBy === null || orderedBy === "") return "";
  return orderedBy === askedBy ? ", as you asked" : `, as ${orderedBy} asked`;
}

const green: readonly string[] = ["success", "warning", "skipped"];
const failed: readonly string[] = ["failure", "error"];

function greenOrNone(checks: readonly ForeignState[]): boolean {
  return checks.every((check) => green.includes(check.state));
}

/** What a person must know about the checks before anything else, to follow a sentence. */
function checksWords(checks: readonly ForeignState[]): string {
  if (checks.length === 0) return "";
  if (greenOrNone(checks)) return ", its checks are green";
  const red = checks.filter((check) => failed.includes(check.state)).map((check) => check.context);
  const open = checks.length - checks.filter((check) => green.includes(check.state)).length - red.length;
  const parts = [
    red.length === 0 ? "" : `**red: ${names(red, 5)}**`,
    open === 0 ? "" : `${counted(open, "check")} not ended`,
  ];
  return `; ${parts.filter((part) => part !== "").join(", ")}`;
}

function doneText(work: WorkNote): string {
  const words = quoted(work.summary, 4_000);
  return `### What was done\n\n${words === "" ? "The author left no summary." : words}`;
}

/** Most checks of the repository that are listed. */
const foreignMax = 30;

function checkedText(h: HandedOver): string {
  const parts: string[] = [];
  if (h.work !== null && h.work.checks !== null) parts.push(checkTable(h.work.checks, h.work.head));
  const foreign = h.foreignChecks
    .slice(0, foreignMax)
    .map((c) => `${code(c.context, 100)} ${code(c.state, 20).replaceAll("`", "")}`);
  const more = h.foreignChecks.length > foreignMax ? `, and ${h.foreignChecks.length - foreignMax} more` : "";
  if (foreign.length > 0) parts.push(`Checks of this repository on ${short(h.head)}: ${foreign.join(", ")}${more}.`);
  else if (h.work?.checks === null)
    parts.push(`Left to the checks of this repository, which report nothing on ${short(h.head)}.`);
  return parts.length === 0 ? "" : `### How it was checked\n\n${parts.join("\n\n")}`;
}

function saidText({ verdict, head }: HandedOver): string {
  if (verdict === null) return "";
  const by = verdict.approvedBy.length === 0 ? "" : ` by ${names(verdict.approvedBy, 5)}`;
  const at =
    verdict.head === head ? "" : ` The judged commit is ${short(verdict.head)}; the change has stayed the same since.`;
  const words = quoted(verdict.summary, 4_000);
  const line =
    verdict.verdict === "approved" ? `Approved${by}.${at}` : `Changes wanted: ${countsText(verdict.findings)}.${at}`;
  return [`### What the reviewer said`, line, words, openText(verdict)].filter((part) => part !== "").join("\n\n");
}

function openText({ findings, verdict }: VerdictNote): string {
  if (findings.length === 0) return "";
  const head = verdict === "approved" ? "Still open, may stay:\n\n" : "";
  return `${head}${linesText(bySeverity(findings).map(findingLine))}`;
}

function waysOn(h: HandedOver): string[] {
  const behind =
    h.behind === undefined || h.behind === null || h.behind.commits === 0
      ? ""
      : ` It is ${counted(h.behind.commits, "commit")} behind ${code(h.behind.base)}.`;
  const good = h.verdict?.verdict === "approved";
  if (h.personsPull === true) {
    const fix =
      h.branch === "" ? [] : ["Have it changed: `/agent fix <what>`, and the author agent works on your branch."];
    return [
      good
        ? `**Merge** #${h.pull} when you like.${behind}`
        : `**Push** what you change, then \`/agent review\` for another look.`,
      ...fix,
    ];
  }
  const change = `Have it changed: \`/agent fix <what>\` on #${h.pull}, a review that asks for changes, or the label \`agent/needs-rework\`. A new review follows.`;
  if (!good) {
    return [
      `**Have it reviewed** first: \`/agent review\` on #${h.pull}.`,
      change,
      `Merge #${h.pull}, if you have read it yourself.${behind}`,
    ];
  }
  const merge =
    h.mergesWhenApproved === true
      ? `**Approve** #${h.pull}, and the program merges it; or merge it yourself.`
      : `**Merge** #${h.pull}.`;
  return [`${merge}${behind}`, change];
}
