// One item as the decision table sees it: its facts with everything derived from them that more than one row asks for.

import { createHash } from "node:crypto";
import type { LedgerRecord } from "../ledger/record.ts";
import { type Details, hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
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
  all: Order[];
}

/** Most orders whose givers are asked about; older ones do not count. */
const ordersMax = 5;

export function standing(c: Candidate, details: Details): Standing {
  const all = ordersOf(c.item, details, c.snapshot, c.policy).slice(0, ordersMax);
  const handled = new Set(c.record?.handled ?? []);
  const result: Standing = { pending: null, refused: [], ask: [], lastOrderAt: 0, all };
  for (const order of all) {
    if (handled.has(order.id)) {
      result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      continue;
    }
    const trust = trustIn(order, details, c.policy);
    if (trust.kind === "ask") result.ask.push(order.by);
    if (trust.kind === "no") result.refused.push({ order, why: trust.why });
    if (trust.kind !== "yes") continue;
    result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
    result.pending ??= order;
  }
  return result;
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
