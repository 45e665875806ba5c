// One item as the decision table sees it: its facts with everything derived from them that more than one row asks for.

import { createHash } from "node:crypto";
import type { LedgerRecord } from "../ledger/record.ts";
import { branchName, type Details, hasLabel, type Item, isProgram, type Snapshot, sameLogin } from "./model.ts";
import { type Order, ordersOf, trustIn } from "./orders.ts";
import type { Policy } from "./policy.ts";

export interface Candidate {
  item: Item;
  snapshot: Snapshot;
  policy: Policy;
  record: LedgerRecord | null;
  /** The event or the input named this item. */
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
    named: snapshot.trigger.item === item.issue.number,
    labelled: hasLabel(item.issue.labels, policy.label),
  };
}

/** The generation that work begun now belongs to. */
export function generation({ record }: Candidate): number {
  if (record === null) return 1;
  return record.state === "closed" ? record.generation + 1 : record.generation;
}

/** The branch that work begun now is published on. */
export function ownBranch(c: Candidate): string {
  return branchName(c.item.issue.number, generation(c));
}

/** The orders of an item sorted by what they are worth. */
export interface Standing {
  /** Newest trusted order that no record has handled yet. */
  pending: Order | null;
  /** Orders of people who may not give them, or whose right cannot be proved. */
  refused: { order: Order; why: string }[];
  /** Logins whose right must be asked before anything can be said. */
  ask: string[];
  /** When the newest trusted order, handled or not, was given; 0 = never. */
  lastOrderAt: number;
  /** Trusted orders, handled or not: what new work marks as handled. Refused ones stay out, so that they never count. */
  trusted: Order[];
  all: Order[];
}

/** Most orders of one item that count; older comments do not. */
const ordersMax = 50;
/** Most people whose right is asked about, besides whoever put the label on or started the run. */
const giversMax = 20;

export function standing(c: Candidate, details: Details): Standing {
  const all = countedOrders(ordersOf(c.item, details, c.snapshot, c.policy));
  const handled = new Set(c.record?.handled ?? []);
  const result: Standing = { pending: null, refused: [], ask: [], lastOrderAt: recordedOrderAt(c), trusted: [], all };
  // Newest first: what is older than an order that was obeyed is answered with it.
  let answered = false;
  for (const order of all) {
    const counts = order.verb === "run" || order.verb === "stop";
    if (handled.has(order.id)) {
      result.trusted.push(order);
      if (counts) result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      answered ||= counts;
      continue;
    }
    const trust = trustIn(order, details, c.policy);
    if (trust.kind === "ask" && !result.ask.some((login) => sameLogin(login, order.by))) result.ask.push(order.by);
    if (trust.kind === "no") result.refused.push({ order, why: trust.why });
    if (trust.kind !== "yes") continue;
    result.trusted.push(order);
    // What is not served is refused, once (refusals.ts), and changes nothing else; but nobody who said stop wants an older order obeyed.
    if (!counts) continue;
    result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
    if (!answered) result.pending ??= order;
  }
  return result;
}

// The label and a run by hand always count: strangers can comment, and a flood of their commands must not push those out.
function countedOrders(orders: readonly Order[]): Order[] {
  const comments = orders.filter((order) => order.comment !== null);
  const givers = [...new Set(comments.map((order) => order.by.toLowerCase()))].slice(0, giversMax);
  const counted = comments.filter((order) => givers.includes(order.by.toLowerCase())).slice(0, ordersMax);
  return orders.filter((order) => order.comment === null || counted.includes(order));
}

function recordedOrderAt({ record }: Candidate): number {
  return record?.orderAt === undefined ? 0 : Date.parse(record.orderAt);
}

/** A person assigned by a person after the last order; null when nobody is. */
export function takenBy(c: Candidate, details: Details, lastOrderAt: number): string | null {
  for (const login of c.item.issue.assignees) {
    if (isProgram(c.snapshot, login)) continue;
    const entry = lastAssignment(details, login);
    if (entry !== null && isProgram(c.snapshot, entry.by)) continue;
    if (entry === null || entry.at > lastOrderAt) return login;
  }
  return null;
}

/** People whom the program assigned (to answer, or to decide): taken off when work goes on. */
export function assignedByProgram(c: Candidate, details: Details): string[] {
  return c.item.issue.assignees.filter((login) => {
    const entry = lastAssignment(details, login);
    return !isProgram(c.snapshot, login) && entry !== null && isProgram(c.snapshot, entry.by);
  });
}

function lastAssignment(details: Details, login: string): { by: string; at: number } | null {
  return (
    details.timeline.findLast(
      (e) => e.kind === "assignee" && e.added && e.login.toLowerCase() === login.toLowerCase(),
    ) ?? null
  );
}

/** Fingerprint of what an issue asks for; kept in the record, so that a later change by somebody untrusted is noticed. */
export function bodyHash(issue: { title: string; body: string }): string {
  return createHash("sha256").update(`${issue.title}\n\n${issue.body}`).digest("hex");
}
