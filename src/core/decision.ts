// What `decide` chose. A union: the shell has one way to go for each and chooses nothing.

import type { Pull, StatusEntry } from "../forge/model.ts";
import type { ControlOrder, Item } from "./model.ts";
import type { Stage } from "./policy.ts";

/** Why a candidate was passed over; the list of them is the idle summary and the answer to "why". */
export interface Passed {
  item: number;
  title: string;
  /** Row of the decision table. */
  row: number;
  reason: string;
}

/** Something said once, where somebody asked: why an order is refused, or the answer to `/agent why`. */
export interface Reply {
  purpose: "refusal" | "why";
  /** Issue or pull request where it is said. */
  on: number;
  /** Distinguishes replies, so that each is said once. */
  id: string;
  /** The whole comment, marker included. */
  body: string;
  /** The comment that asked; null for a label or a review. */
  comment: number | null;
}

/** What an agent's work starts from, whatever its kind. */
export interface Plan {
  generation: number;
  /** Branch that is published to; empty where nothing can be (a fork's pull request). */
  branch: string;
  /** The branch's present commit; null when it does not exist. */
  expect: string | null;
  attempt: number;
  /** Runs of it that were cancelled in a row, up to now. */
  cancelled: number;
  /** Failure verdicts and unordered reworks so far; reviews and reworks count on from it. */
  round: number;
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
  /** Names of the profiles that may be started, in order of preference: those of its role that are not parked. */
  profiles: readonly string[];
  slot: number;
  /** USD that the claim reserves; 0 where no budget is set. */
  reserve: number;
}

/** Why a pull request goes back to an author. All that hold are told; the order is that of the prompt. */
export interface ReworkCauses {
  /** A person ordered it: words are in the plan's `instruction`. Such a rework adds no round and is refused by nobody. */
  ordered: boolean;
  /** Ids of the change-requesting reviews by people that it answers. */
  reviews: readonly number[];
  conflict: boolean;
  /** Findings of the record's verdict are open. */
  findings: boolean;
  /** Foreign checks that are red on the head and not on the base. */
  red: readonly StatusEntry[];
}

export interface ReviewPlan extends Plan {
  pull: Pull;
  /** Profiles that must not judge: the author's, and those that approved this head already. The last ones to be tried where there is no other. */
  avoid: readonly string[];
  /** A person's pull request: after the verdict it is that person's again. */
  foreign: boolean;
}

export interface ReworkPlan extends Plan {
  pull: Pull;
  causes: ReworkCauses;
  /** A person approved this head: the branch is never rewritten. */
  approved: boolean;
  /** People whom the program assigned on the pull request: taken off it. `unassign` is about the issue. */
  unassignOnPull: readonly string[];
  foreign: boolean;
}

/** Work without an agent that ends the item's turn. */
export interface LightPlan {
  askedBy: string;
  handled: readonly string[];
  orderComments: readonly number[];
  unassign: readonly string[];
}

export type AgentWork = { replies?: readonly Reply[] } & (
  | { kind: "implement"; item: Item; row: number; plan: Plan }
  | { kind: "review"; item: Item; row: number; plan: ReviewPlan }
  | { kind: "rework"; item: Item; row: number; plan: ReworkPlan }
);

/** What a run does. `replies`: what else it has to say on the way. */
export type Work =
  | AgentWork
  | ({ replies?: readonly Reply[] } & (
      | /** Effects of a dead run are finished, no agent. */
      { kind: "resume"; item: Item; row: number }
      /** A bound is used up: a person gets it. `cause` says which text they read. */
      | {
          kind: "give-up";
          item: Item;
          row: number;
          cause: "attempts" | "cancelled" | "branch" | "rounds" | "landing" | "budget";
          reason: string;
          askedBy: string;
          generation: number;
          /** Orders that are answered with it. */
          handled: readonly string[];
        }
      /** The pull request is good: a person gets it, ready to merge. */
      | { kind: "hand-over"; item: Item; row: number; plan: LightPlan; pull: Pull }
      /** A person approved exactly this head and everything is green: it is merged. */
      | { kind: "land"; item: Item; row: number; plan: LightPlan; pull: Pull; approvedBy: string }
      /** A person ordered to stop; `stage`: by this label, which stays. */
      | { kind: "stop"; item: Item; row: number; plan: LightPlan; by: string; stage: Stage | null }
      /** Foreign checks are started again once before the author is asked. */
      | { kind: "rerun"; item: Item; row: number; pull: Pull; red: readonly StatusEntry[] }
    ));

/** Facts that decide needs before it can go on. */
export type Wanted =
  | { facts: "details"; branch: string }
  | { facts: "access"; logins: readonly string[] }
  /** Whether head and base can be merged, by git itself. */
  | { facts: "merge" }
  /** What is left of an issue without a record. */
  | { facts: "past" }
  /** How the run of a dead claim ended. */
  | { facts: "end" }
  | { facts: "dispatch" };

export type Decision =
  | { kind: "look"; item: Item; wanted: Wanted }
  /** Rights of those who ordered something about the whole program. */
  | { kind: "look-control"; logins: readonly string[] }
  /** The whole program is paused or goes on. */
  | { kind: "control"; order: ControlOrder; replies: readonly Reply[] }
  | Work
  | { kind: "dispatch"; item: Item; row: number; work: Work["kind"] }
  | { kind: "idle"; reason: string; passed: readonly Passed[]; replies: readonly Reply[] };

/** Whether a step that needs no agent can follow from it at once: a verdict can end in a hand-over, or with a person; a fresh pull request cannot. */
export function leadsOn({ kind }: Work): boolean {
  return kind === "review" || kind === "rework";
}

/** What the run that judged does itself, rather than another one. */
export function isFollowUp(decision: Decision): decision is Extract<Work, { kind: "hand-over" | "give-up" }> {
  return decision.kind === "hand-over" || decision.kind === "give-up";
}

/** Whether an agent is started for it: such work takes a place, and a cron tick leaves it to a run of its own. */
export function isAgentWork(work: Work): work is AgentWork {
  return work.kind === "implement" || work.kind === "review" || work.kind === "rework";
}
