// From what a reviewer left to a verdict: whether it is one, what the record keeps of it, and which findings stand on lines of the diff.

import type { Finding, Result } from "../agent/result.ts";
import type { FindingNote, ReplyNote, RoundNote, VerdictNote } from "../ledger/record.ts";
import type { Redact } from "./redact.ts";
import { shorten, withoutControls } from "./text.ts";

/** The change that was judged. */
export interface JudgedDiff {
  /** Paths that it touches. */
  files: ReadonlySet<string>;
  /** Whether a line of the new file is part of it. */
  has(path: string, line: number): boolean;
}

/** What a verdict is read with. */
export interface Reading {
  diff: JudgedDiff;
  /** From 1: the first part of the findings' ids. */
  round: number;
  /** Ids that the item has already: an order begins the rounds anew, and two reviewers judge in one round. */
  used: readonly string[];
  redact: Redact;
}

/** A finding that stands on a line of the diff. */
export type OnLine = FindingNote & { path: string; line: number };

export type ReadVerdict =
  | {
      kind: "verdict";
      verdict: VerdictNote["verdict"];
      summary: string;
      findings: FindingNote[];
      onLines: OnLine[];
      /** Those that no line takes. */
      inText: FindingNote[];
    }
  /** `why` is a sentence. */
  | { kind: "none"; why: string };

/** Most findings of one review; of more, the worst are kept. */
export const findingsMax = 50;
/** Longest text of a finding, in characters. */
const findingTextMax = 2_000;
const titleMax = 255;
const pathMax = 1_000;
const summaryMax = 4_000;

/** Words that are no verdict, or one that contradicts itself, count as none: nothing is taken for an approval that is not exactly one. */
export function verdictOf(result: Result, reading: Reading): ReadVerdict {
  const { status } = result;
  const summary = bounded(reading.redact(saidBy(result)), summaryMax);
  if (status !== "approved" && status !== "changes-requested") {
    const said = summary === "" ? "" : `: ${shorten(summary, 300)}`;
    return none(`The reviewer judged nothing: it answered \`${status}\`${said}`);
  }
  const worst = result.findings.find(mustChange);
  if (status === "approved" && worst !== undefined) {
    const title = shorten(reading.redact(worst.title), 200);
    return none(`The reviewer contradicts itself: it approved, with a finding that is a ${worst.severity}: ${title}`);
  }
  if (status === "changes-requested" && result.findings.length === 0 && summary === "")
    return none("The reviewer wants changes but named none.");
  const named = status === "changes-requested" && result.findings.length === 0 ? [inSummary(summary)] : result.findings;
  return { kind: "verdict", verdict: status, summary, ...placed(numbered(worstOf(named), reading), reading.diff) };
}

function none(why: string): ReadVerdict {
  return { kind: "none", why: why.endsWith(".") ? why : `${why}.` };
}

function saidBy({ summary, body, question }: Result): string {
  return [summary, body, question].find((text) => text !== undefined && text.trim() !== "") ?? "";
}

function mustChange({ severity }: Pick<Finding, "severity">): boolean {
  return severity === "blocker" || severity === "major";
}

// A reviewer that says only in its summary what must change: as a finding of its own, so that the author can answer it.
function inSummary(summary: string): Finding {
  const [first = ""] = summary.split("\n");
  return { severity: "major", title: shorten(first, 200), body: summary };
}

const severities = ["blocker", "major", "minor", "nit"] as const;

function bySeverity<T extends Pick<Finding, "severity">>(findings: readonly T[]): T[] {
  return severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** The worst ones, in the order in which they were given. */
function worstOf(findings: readonly Finding[]): Finding[] {
  const kept = new Set(bySeverity(findings).slice(0, findingsMax));
  return findings.filter((finding) => kept.has(finding));
}

/** As notes. `round`'s numbers go on where ids in use end. */
function numbered(findings: readonly Finding[], { round, used, redact, diff }: Reading): FindingNote[] {
  const numbers = used.flatMap((id) => (id.startsWith(`${round}.`) ? [Number(id.slice(`${round}.`.length)) || 0] : []));
  const last = Math.max(0, ...numbers);
  return findings.map((finding, index) => ({
    ...{ id: `${round}.${last + index + 1}`, severity: finding.severity },
    ...{ path: pathOf(finding, diff, redact), line: finding.line ?? null },
    title: bounded(redact(finding.title), titleMax) || "(without a title)",
    body: bounded(redact(finding.body ?? ""), findingTextMax),
  }));
}

/** The path as git has it where it is one of the diff's; else the agent's own words, to be shown and never opened. */
function pathOf({ path }: Finding, { files }: JudgedDiff, redact: Redact): string | null {
  if (path === undefined || path.trim() === "") return null;
  // `./src/a.ts`, and `b/src/a.ts` as a diff's header has it.
  const spellings = [path, path.replace(/^(?:\.\/)+/, ""), path.replace(/^[ab]\//, "")];
  const found = spellings.find((spelling) => files.has(spelling)) ?? path;
  return bounded(redact(found), pathMax) || null;
}

function bounded(text: string, charactersMax: number): string {
  return shorten(withoutControls(text).trim(), charactersMax);
}

function placed(findings: FindingNote[], { files, has }: JudgedDiff) {
  const isOnLine = (finding: FindingNote): finding is OnLine =>
    finding.path !== null && finding.line !== null && files.has(finding.path) && has(finding.path, finding.line);
  return {
    findings,
    onLines: findings.filter(isOnLine),
    inText: findings.filter((finding) => !isOnLine(finding)),
  };
}

/** The verdict before, where it is an approval of this head that still counts: a second one is added to it. */
export function earlierApproval(before: VerdictNote | undefined, head: string): VerdictNote | null {
  return before !== undefined && before.head === head && before.verdict === "approved" ? before : null;
}

export interface Judged {
  head: string;
  /** Failure verdicts so far, plus one. */
  round: number;
  profile: string;
  /** Fingerprint of the diff. */
  patch: string;
  approvalsNeeded: number;
}

/** Longest form of all findings of one verdict in the record, in characters of JSON: a record is read up to 200,000. */
const findingsCharactersMax = 50_000;

/** What the record keeps. What an earlier approval of the same head found stays open; who approved it stays so, unless they think better of it. */
export function verdictNote(
  read: Extract<ReadVerdict, { kind: "verdict" }>,
  judged: Judged,
  before: VerdictNote | undefined,
): VerdictNote {
  const { head, profile } = judged;
  const others = before?.head === head ? before.approvedBy.filter((name) => name !== profile) : [];
  const open = others.length === 0 ? [] : (earlierApproval(before, head)?.findings ?? []);
  // The worst first: what does not fit is the least.
  const findings = bySeverity([...read.findings, ...open]).slice(0, findingsMax);
  return {
    ...{ ...judgedOnly(judged), verdict: read.verdict, summary: read.summary },
    findings: fitted(findings, withBody, findingsCharactersMax),
    approvedBy: read.verdict === "approved" ? [...others, profile] : others,
  };
}

function judgedOnly({ head, round, patch, approvalsNeeded }: Judged): Omit<Judged, "profile"> {
  return { head, round, patch, approvalsNeeded };
}

/** Two where a change touches protected paths and two profiles can review; else one. `reviewers`: how many there are. */
export function approvalsNeeded(touchesProtected: boolean, reviewers: number): number {
  return touchesProtected && reviewers >= 2 ? 2 : 1;
}

/** Most rounds that are kept; the oldest give way. */
const roundsMax = 5;
const roundFindingsMax = 10_000;
const roundRepliesMax = 4_000;

/**
 * Rounds that are over when a head is judged: those of the record, and its verdict, unless that is among them already (the rework stored it with
 * the author's answers) or is an approval of this head, which goes on.
 */
export function roundsBefore(
  record: { rounds?: RoundNote[] | undefined; verdict?: VerdictNote | undefined },
  head: string,
): RoundNote[] {
  const { rounds = [], verdict } = record;
  const isThere = rounds.some((round) => round.round === verdict?.round && round.head === verdict.head);
  if (verdict === undefined || isThere || earlierApproval(verdict, head) !== null) return rounds.slice(-roundsMax);
  const { summary, findings } = verdict;
  const last = { round: verdict.round, head: verdict.head, verdict: verdict.verdict, summary, findings, replies: [] };
  return [...rounds, last].slice(-roundsMax);
}

/** Rounds as the record keeps them: shorter than they were, since the forge has their reviews. */
export function keptRounds(rounds: readonly RoundNote[]): RoundNote[] {
  return rounds.slice(-roundsMax).map((round) => ({
    ...round,
    summary: shorten(round.summary, 1_000),
    findings: fitted(round.findings, withBody, roundFindingsMax),
    replies: fitted(round.replies, withBody, roundRepliesMax),
  }));
}

/** Ids of all findings that a record knows. */
export function findingIds(record: { rounds?: RoundNote[] | undefined; verdict?: VerdictNote | undefined }): string[] {
  const notes = [...(record.rounds ?? []), ...(record.verdict === undefined ? [] : [record.verdict])];
  return notes.flatMap((note) => note.findings.map((finding) => finding.id));
}

function withBody<T extends FindingNote | ReplyNote>(note: T, charactersMax: number): T {
  return { ...note, body: charactersMax === 0 ? "" : shorten(note.body, charactersMax) };
}

/** Longest bodies that are tried, in characters. */
const bodyLadder = [findingTextMax, 1_000, 500, 200, 0];

/** Notes that fit into so many characters of JSON: all bodies as long as the ladder allows; if that is not enough, the last notes are left out. */
function fitted<T>(notes: readonly T[], cut: (note: T, charactersMax: number) => T, charactersMax: number): T[] {
  const fits = (some: readonly T[]) => JSON.stringify(some).length <= charactersMax;
  let tried: T[] = [];
  for (const bodyMax of bodyLadder) {
    tried = notes.map((note) => cut(note, bodyMax));
    if (fits(tried)) return tried;
  }
  while (tried.length > 0 && !fits(tried)) tried = tried.slice(0, -1);
  return tried;
}
