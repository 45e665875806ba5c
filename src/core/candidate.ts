// One item as the decision table sees it: its facts with everything derived from them that more than one row asks for.

import { createHash } from "node:crypto";
import type { Pull } from "../forge/port.ts";
import type { LedgerRecord, VerdictNote } from "../ledger/record.ts";
import { type ForeignChecks, foreignChecks } from "./checks.ts";
import { isDashboard } from "./control.ts";
import { generationOf, isLost, lastWordAt } from "./lost.ts";
import { findMarker } from "./marker.ts";
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
import { type Order, ordersOf, trustIn } from "./orders.ts";
import type { Policy } from "./policy.ts";

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

/** The orders of an item sorted by what they are worth. */
export interface Standing {
  /** Newest trusted order that no record has handled yet. */
  pending: Order | null;
  /** Words of all trusted orders that are not handled yet, oldest first: the newest says what is done, all are told. */
  words: string[];
  /** Orders of people who may not give them, or whose right cannot be proved, or that make no sense here. */
  refused: { order: Order; why: string; isTrusted: boolean }[];
  /** `/agent why` by trusted people. */
  questions: Order[];
  /** Logins whose right must be asked before anything can be said. */
  ask: string[];
  /** When the newest trusted order, handled or not, was given; 0 = never. */
  lastOrderAt: number;
  /** Trusted orders, handled or not: what new work marks as handled. Refused ones stay out, so that they never count. */
  trusted: Order[];
  all: Order[];
}

/** Most orders of one person that count on one item; older ones do not. */
const ordersMax = 10;
/** Most people whose right is asked about, besides whoever put the label on or started the run. */
const giversMax = 20;

export function standing(c: Candidate, details: Details): Standing {
  const all = countedOrders(ordersOf(c.item, details, c.snapshot, c.policy));
  const handled = new Set(c.record?.handled ?? []);
  const result: Standing = {
    ...{ pending: null, words: [], refused: [], questions: [], ask: [] },
    ...{ lastOrderAt: recordedOrderAt(c), trusted: [], all },
  };
  const takenOffAt = lastTakenOff(c, details);
  const refusedBefore = saidBefore(c, details, ["refusal"]);
  const isObeyedBefore = obeyedBefore(c, details);
  // Newest first: what is older than an order that was obeyed is answered with it.
  let answered = false;
  let before: Order | null = null;
  for (const order of all) {
    if (handled.has(order.id) && !isHalfObeyed(c, order, result)) {
      result.trusted.push(order);
      result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      answered = true;
      continue;
    }
    const trust = handled.has(order.id) ? ({ kind: "yes" } as const) : trustIn(order, details, c.policy);
    if (trust.kind === "ask" && !result.ask.some((login) => sameLogin(login, order.by))) result.ask.push(order.by);
    // A plain comment by somebody without rights is no order, so it is not refused either.
    if (trust.kind === "no" && order.source !== "reply")
      result.refused.push({ order, why: trust.why, isTrusted: false });
    if (trust.kind !== "yes") continue;
    // On the dashboard they are about the whole program, and obeyed there (control.ts).
    if ((order.verb === "pause" || order.verb === "resume") && isDashboard(c.item.issue)) continue;
    // What was refused stays refused: its giver was told so, and may ask again.
    const why = refusedBefore.has(order.id) ? "it was refused before" : senseless(c, order);
    if (why !== null) result.refused.push({ order, why, isTrusted: true });
    else if (order.verb === "why") result.questions.push(order);
    else {
      result.trusted.push(order);
      result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      // Whoever took the trigger label off took back what was asked before.
      const isTakenBack = order.at <= takenOffAt && order.source !== "dispatch" && order.source !== "label";
      if (answered || isTakenBack) continue;
      if (isObeyedBefore(order)) {
        before ??= order;
        continue;
      }
      result.pending ??= order;
      if (order.text !== "") result.words.unshift(order.text);
    }
  }
  // The work that it began goes on for as long as the label is on.
  if (hasLabel(c.item.issue.labels, c.policy.label) && before !== null && before.at > endedAt(details))
    result.pending ??= { ...before, verb: "run", text: "" };
  return result;
}

/**
 * Without a record nobody knows which orders were obeyed: those before the program's last word were, and those before the end of the last pull
 * request with it. A label says no more than that work is wanted, so it stands until then.
 */
function obeyedBefore({ record, snapshot }: Candidate, details: Details): (order: Order) => boolean {
  if (!isLost(record)) return () => false;
  const saidAt = lastWordAt(details, snapshot);
  const isLabel = (order: Order) => order.source === "label" || order.source === "dispatch";
  return (order) => order.at <= (isLabel(order) ? endedAt(details) : Math.max(saidAt, endedAt(details)));
}

function endedAt({ past }: Details): number {
  return past?.endedAt ?? 0;
}

/** The newest order, to stop or to hand over, whose run died between its claim and the first word of it on the forge. */
function isHalfObeyed(c: Candidate, order: Order, { trusted }: Standing): boolean {
  const { record } = c;
  if (record?.state !== "held" || record.kind !== "resume" || trusted.length > 0) return false;
  return (order.verb === "stop" || order.verb === "hand-over") && order.at > recordedOrderAt(c);
}

/** Ids of the orders that our own comments on the item have answered. */
export function saidBefore(c: Candidate, details: Details, purposes: readonly ("refusal" | "why")[]): Set<string> {
  const comments = [...details.comments, ...(details.pull?.comments ?? [])];
  const own = comments.filter((comment) => isProgram(c.snapshot, comment.author));
  const ids = own.flatMap((comment) =>
    purposes.flatMap((purpose) => findMarker(comment.body, purpose)?.values["for"] ?? []),
  );
  return new Set(ids);
}

/** When a person last took the trigger label off, ms since 1970; 0 = never. */
function lastTakenOff({ policy, snapshot }: Candidate, { timeline }: Details): number {
  const removal = timeline.findLast(
    (e) => e.kind === "label" && !e.added && e.label === policy.label && !isProgram(snapshot, e.by),
  );
  return removal?.at ?? 0;
}

/** Why an order cannot be obeyed on this item, whoever gave it; null when it can. */
function senseless({ item }: Candidate, { verb, text, source }: Order): string | null {
  const { pull, issue } = item;
  if (issue.state === "closed" && source === "comment" && verb !== "why")
    return "it is closed; reopen it, and ask again";
  switch (verb) {
    case "pause":
    case "resume":
      return `\`/agent ${verb}\` is about the whole program and counts on its dashboard issue only; here, \`hold\` or \`/agent stop\` does it`;
    case "unknown":
      return text === ""
        ? "`/agent` needs a command: run, review, fix, retry, stop or why"
        : `\`/agent ${text}\` is no command; there are run, review, fix, retry, stop and why`;
    case "review":
    case "hand-over":
      return pull === null ? "there is no open pull request of the program for it yet" : null;
    case "fix":
      return issue.isPull && pull !== null && !pull.headIsHere
        ? "its branch lies in a fork, where the program never pushes"
        : null;
    default:
      return null;
  }
}

// The label and a run by hand always count: strangers can comment, and a flood of their commands must not push those out.
function countedOrders(orders: readonly Order[]): Order[] {
  const comments = orders.filter((order) => order.comment !== null || order.source === "review");
  const givers = [...new Set(comments.map((order) => order.by.toLowerCase()))].slice(0, giversMax);
  // The newest of each: a flood by one person pushes out nobody else's.
  const counted = givers.flatMap((by) => comments.filter((o) => o.by.toLowerCase() === by).slice(0, ordersMax));
  return orders.filter((order) => !comments.includes(order) || counted.includes(order));
}

function recordedOrderAt({ record }: Candidate): number {
  return record?.orderAt === undefined ? 0 : Date.parse(record.orderAt);
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
      const entry = lastAssignment(timeline, login);
      if (entry !== null && isProgram(c.snapshot, entry.by)) continue;
      if (entry === null || entry.at > lastOrderAt) return login;
    }
  }
  return null;
}

/** People whom the program assigned (to answer, or to decide): taken off when work goes on. */
export function assignedByProgram(c: Candidate, details: Details): string[] {
  return c.item.issue.assignees.filter((login) => {
    const entry = lastAssignment(details.timeline, login);
    return !isProgram(c.snapshot, login) && entry !== null && isProgram(c.snapshot, entry.by);
  });
}

function lastAssignment(timeline: Details["timeline"], login: string): { by: string; at: number } | null {
  return (
    timeline.findLast((e) => e.kind === "assignee" && e.added && e.login.toLowerCase() === login.toLowerCase()) ?? null
  );
}

/** Fingerprint of what an issue asks for; kept in the record, so that a later change by somebody untrusted is noticed. */
export function bodyHash(issue: { title: string; body: string }): string {
  return createHash("sha256").update(`${issue.title}\n\n${issue.body}`).digest("hex");
}
