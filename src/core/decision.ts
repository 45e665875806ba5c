// What `decide` chose. A union: the shell has one way to go for each and chooses nothing.

import type { Item } from "./model.ts";

/** Why a candidate was passed over; the list of them is the idle summary and the answer to "why". */
export interface Passed {
  item: number;
  title: string;
  /** Row of the decision table. */
  row: number;
  reason: string;
}

/** A refusal that a person should see once, where the refused act happened. */
export interface Refusal {
  item: number;
  /** Distinguishes refusals, so that each is said once. */
  id: string;
  text: string;
  /** The comment that held the refused command; null for a label. */
  comment: number | null;
}

export interface ImplementPlan {
  generation: number;
  branch: string;
  /** The branch's present commit; null when it does not exist. */
  expect: string | null;
  attempt: number;
  askedBy: string;
  /** When the newest trusted order was given, ms since 1970: what strangers wrote later is not shown to the agent. */
  orderAt: number;
  /** Words of the order, and of the run's `message`. */
  instruction: string;
  /** Orders that this work obeys. */
  handled: readonly string[];
  /** Comments that held an order, to be answered by a reaction. */
  orderComments: readonly number[];
  /** People whom the program assigned: taken off when work goes on. */
  unassign: readonly string[];
  slot: number;
}

/** What a run does. `refusals`: what else it has to say on the way. */
export type Work = { refusals?: readonly Refusal[] } & (
  | { kind: "implement"; item: Item; row: number; plan: ImplementPlan }
  /** Effects of a dead run are finished, no agent. */
  | { kind: "resume"; item: Item; row: number }
  /** Attempts are used up by runs that died: a person gets it. */
  | { kind: "give-up"; item: Item; row: number; reason: string; askedBy: string; generation: number }
);

/** Facts that decide needs before it can go on. */
export type Wanted =
  | { facts: "details"; branch: string }
  | { facts: "access"; logins: readonly string[] }
  | { facts: "dispatch" };

export type Decision =
  | { kind: "look"; item: Item; wanted: Wanted }
  | Work
  | { kind: "dispatch"; item: Item; row: number; work: Work["kind"] }
  | { kind: "idle"; reason: string; passed: readonly Passed[]; refusals: readonly Refusal[] };
