// One item as the decision table sees it: its facts with everything derived from them that more than one row asks for.

import { createHash } from "node:crypto";
import type { Pull } from "../forge/model.ts";
import type { LedgerRecord, VerdictNote } from "../ledger/record.ts";
import { type ForeignChecks, foreignChecks } from "./checks.ts";
import { generationOf } from "./lost.ts";
import {
  branchName,
  type Details,
  hasLabel,
  type Item,
  isProgram,
  type PullDetails,
  type Snapshot,
  sameLogin,
} from "./model.ts";
import type { Policy } from "./policy.ts";
import { type Standing, standing } from "./standing.ts";

export interface Candidate {
  item: Item;
  snapshot: Snapshot;
  policy: Policy;
  record: LedgerRecord | null;
  /** The event or the input named this item, or a command on it waits for an answer. */
  named: boolean;
  /** The trigger label is on. */
  labelled: boolean;
}

export function candidate(item: Item, snapshot: Snapshot, policy: Policy): Candidate {
  return {
    item,
    snapshot,
    policy,
    record: item.record.kind === "record" ? item.record.record : null,
    named: item.commanded || snapshot.trigger.item === item.issue.number,
    labelled: hasLabel(item.issue.labels, policy.label) || isAssignedToBot(item, snapshot),
  };
}

// Assigning the bot is the same as the label, where the program does not have it assigned itself; who did it is read with the orders.
function isAssignedToBot({ issue, record }: Item, { me }: Snapshot): boolean {
  const isPersons = record.kind === "none" || (record.kind === "record" && waitsForPerson(record.record));
  return isPersons && issue.assignees.some((login) => sameLogin(login, me.login));
}

function waitsForPerson({ state }: LedgerRecord): boolean {
  return state === "closed" || state === "blocked";
}

/** The generation that work begun now belongs to. */
export function generation({ record, item }: Pick<Candidate, "record" | "item">): number {
  if (record !== null) return record.state === "closed" ? record.generation + 1 : record.generation;
  // No record: the open pull request still says it, else what is left of those that ended.
  return item.pull === null ? (item.details?.past?.generation ?? 1) : generationOf(item.pull, item.issue.number);
}

/**
 * Commits at the item's branch that are not the program's: they are never replaced. Its own are those at the head that the record names and,
 * where there is no record, a branch with no commit but the program's for this very item.
 */
export function isSomebodys({ record }: Candidate, { branch, past }: Details): boolean {
  if (branch === null || branch === record?.head) return false;
  return record !== null || past?.branch?.isOurs !== true;
}

/** The branch that work begun now is published on; empty where nothing can be pushed to (a fork's pull request). */
export function ownBranch(c: Candidate): string {
  const { pull } = c.item;
  if (pull !== null) return pull.headIsHere ? pull.headRef : "";
  return branchName(c.item.issue.number, generation(c));
}

/** The item's facts and orders, once they have been read. */
export interface Known {
  details: Details;
  s: Standing;
}

export function known(c: Candidate): Known {
  if (c.item.details === null) throw new Error("a row that needs costly facts stands above the row that asks for them");
  return { details: c.item.details, s: standing(c, c.item.details) };
}

/** The open pull request with its facts. */
export interface OpenPull {
  pull: Pull;
  facts: PullDetails;
  checks: ForeignChecks;
  /** Red here and not on the base. */
  red: ForeignChecks["red"];
  /** Red on the base's tip too: not this branch's doing. */
  redOnBase: ForeignChecks["red"];
  /** Of this head; null = nobody judged it yet. `more` = approved, but another approval is needed. */
  verdict: { kind: "approved" | "more" | "changes-requested"; note: VerdictNote } | null;
}

export function openPull(c: Candidate): OpenPull | null {
  const { pull } = c.item;
  const facts = c.item.details?.pull ?? null;
  if (pull === null || facts === null) return null;
  const checks = foreignChecks(facts.statuses, facts.base.required, c.snapshot.workflow);
  const onBase = foreignChecks(facts.base.statuses, [], c.snapshot.workflow).red;
  const isOnBase = (context: string) => onBase.some((status) => jobOf(status.context) === jobOf(context));
  return {
    ...{ pull, facts, checks },
    red: checks.red.filter((status) => !isOnBase(status.context)),
    redOnBase: checks.red.filter((status) => isOnBase(status.context)),
    verdict: verdictOf(c, pull),
  };
}

/** `CI / test (push)` on the base is `CI / test (pull_request)` on a head. */
function jobOf(context: string): string {
  return context.replace(/ \([a-z_]+\)$/, "");
}

function verdictOf({ record, snapshot }: Candidate, pull: Pull): OpenPull["verdict"] {
  const note = record?.verdict;
  if (note === undefined || note.head !== pull.headSha) return null;
  if (note.verdict === "changes-requested") return { kind: "changes-requested", note };
  // Reviewers can be taken out of the policy after a second approval was asked for.
  const needed = Math.min(note.approvalsNeeded, Math.max(1, snapshot.profiles.reviewers.length));
  return { kind: note.approvedBy.length >= needed ? "approved" : "more", note };
}

/** The record says that a person has it, ready to merge. */
export function isHandedOver({ record }: Candidate): boolean {
  return record?.state === "done" && record.stage === "merge-ready";
}

/** The same, but the run that looked after it since (to merge it, to mend a conflict) died before it put the trigger label on again. */
export function wasHandedOver(c: Candidate, details: Details): boolean {
  const { record, labelled, policy, snapshot } = c;
  if (record?.stage !== "merge-ready" || labelled) return false;
  if (record.state !== "held" && record.state !== "released") return false;
  const last = details.timeline.findLast((e) => e.kind === "label" && e.label === policy.label);
  return last?.kind === "label" && !last.added && isProgram(snapshot, last.by);
}

/** A fix that somebody ordered, begun and not done: its attempt failed, its run died, it was given up or asked something. */
export function isFixUnderway({ record }: Candidate): boolean {
  if (record?.kind !== "rework" || record.state === "done" || record.state === "closed") return false;
  return record.ordered === true || record.question !== undefined;
}

/** A person assigned by a person after the last order; null when nobody is. */
export function takenBy(c: Candidate, details: Details, lastOrderAt: number): string | null {
  const { issue, pull } = c.item;
  const onPull = issue.isPull || details.pull === null ? null : details.pull.timeline;
  const places = [
    { assignees: issue.assignees, timeline: details.timeline },
    ...(pull === null || onPull === null ? [] : [{ assignees: pull.assignees, timeline: onPull }]),
  ];
  for (const { assignees, timeline } of places) {
    for (const login of assignees) {
      if (isProgram(c.snapshot, login)) continue;
      const entry = assignmentOf(c.snapshot, timeline, login);
      if (entry !== null && isProgram(c.snapshot, entry.by)) continue;
      if (entry === null || entry.at > lastOrderAt) return login;
    }
  }
  return null;
}

/** People whom the program assigned on this page (to answer, or to decide): taken off when work goes on. */
export function assignedByProgram(c: Candidate, assignees: readonly string[], timeline: Details["timeline"]): string[] {
  return assignees.filter((login) => {
    const entry = assignmentOf(c.snapshot, timeline, login);
    return !isProgram(c.snapshot, login) && entry !== null && isProgram(c.snapshot, entry.by);
  });
}

/**
 * By whom and when somebody was assigned. A list of assignees is replaced as a whole, so the program can take off who came at that moment, and
 * puts them back: they are there by the person's act, not by the program's.
 */
function assignmentOf(snapshot: Snapshot, timeline: Details["timeline"], login: string): Given | null {
  let given: Given | null = null;
  for (const entry of timeline) {
    if (entry.kind !== "assignee" || !sameLogin(entry.login, login)) continue;
    const isPrograms = isProgram(snapshot, entry.by);
    if (entry.added) given = isPrograms && given !== null ? given : entry;
    else if (!isPrograms || (given !== null && isProgram(snapshot, given.by))) given = null;
  }
  return given;
}

interface Given {
  by: string;
  /** ms since 1970. */
  at: number;
}

/** Fingerprint of what an issue asks for; kept in the record, so that a later change by somebody untrusted is noticed. */
export function bodyHash(issue: { title: string; body: string }): string {
  return createHash("sha256").update(`${issue.title}\n\n${issue.body}`).digest("hex");
}
