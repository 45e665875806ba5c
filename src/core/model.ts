// What one run knows: plain values, time included. `decide` sees nothing else, so a snapshot and a policy replay any decision.

import type {
  Account,
  Comment,
  Issue,
  LineComment,
  Pull,
  Review,
  StatusEntry,
  TimelineEntry,
  WriteAccess,
} from "../forge/model.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { BudgetFact } from "./budget.ts";
import type { Double } from "./doubles.ts";
import type { ParkedProfiles } from "./parking.ts";
import type { Ends } from "./takeover.ts";

/** Why the run started. It narrows the look to one item at most; it is never believed about what is so now. */
export interface Trigger {
  event: "schedule" | "dispatch" | "label" | "comment" | "other";
  /** Number that the event or the input `item` names; null looks at the whole repository. */
  item: number | null;
  /** Extra instruction of the person who started the run; empty when none. */
  message: string;
  /** Login of whoever caused the event; null where the executor does not say. */
  actor: string | null;
  /** A person named an item by hand: that is an order, since only people with the right to start workflows can. */
  byHand: boolean;
  /** Id under which that order is remembered, so that it is obeyed once. */
  orderId: string;
}

/** An entry of the ledger as found: absent, of a form or version that must not be touched, or a record with its commit id. */
export type RecordFact =
  | { kind: "none" }
  | { kind: "unreadable"; sha: string; why: string }
  | { kind: "record"; sha: string; record: LedgerRecord };

/** Facts that cost several requests, read only for the candidates that decide asks for. */
export interface Details {
  timeline: TimelineEntry[];
  comments: Comment[];
  openDependencies: { repository: string; number: number }[];
  /** Commit of the item's branch on the forge; null when there is none. */
  branch: string | null;
  /** Write access by login, as far as it was asked. */
  access: Readonly<Record<string, WriteAccess>>;
  /** Of the open pull request; null where there is none. */
  pull: PullDetails | null;
  /** What is left of an issue that the ledger knows nothing (more) of; null = not asked. */
  past: Past | null;
}

/** The first generation of an issue that has no pull request in any state, and the branch that stands where its work would be published. */
export interface Past {
  generation: number;
  /** When the newest pull request of an earlier generation ended, ms since 1970; 0 = there was none. */
  endedAt: number;
  /** `isOurs`: every commit of it is the program's, made for this item. Null = not there. */
  branch: { sha: string; isOurs: boolean } | null;
}

/** Whether the pull request can be merged into its base. `hint` = the forge says no, which can also mean "still checking": git has not been asked. */
export type MergeFact = "clean" | "conflict" | "hint";

export interface PullDetails {
  timeline: TimelineEntry[];
  comments: Comment[];
  reviews: Review[];
  /** Line comments of the reviews that ask for changes. */
  lineComments: LineComment[];
  /** Of its head. */
  statuses: StatusEntry[];
  base: {
    /** Tip of the base branch; null when the branch is gone. */
    sha: string | null;
    /** Patterns of the status contexts that it requires. */
    required: string[];
    requiredApprovals: number;
    /** Statuses of the tip, read only where one of the head is red. */
    statuses: StatusEntry[];
  };
  merge: MergeFact;
}

/** An issue with its branch and open pull request, or a person's pull request. */
export interface Item {
  /** `issue-12` or `pr-34`: the name under which the ledger knows it. */
  key: string;
  issue: Issue;
  record: RecordFact;
  /** Where `wip/<key>` stands: commits uploaded for a publish, or work kept from a failed attempt; null = not there. */
  wip: string | null;
  /** Open pull request of the present generation; a person's pull request is its own. */
  pull: Pull | null;
  /** Statuses of the pull request's head, read cheaply where the item only waits (handed over); null = not read. */
  statuses: StatusEntry[] | null;
  /** A comment on it holds a command that nothing has answered yet, found by the scan of the repository's newest comments. */
  commanded: boolean;
  /** What the program said twice on it, as the scan of the repository's newest comments shows. */
  doubled: readonly Double[];
  /** The record's pull request where it is open no longer, and when a person last put the trigger label on (0 = never). */
  former: { pull: Pull; closedAt: number; labelledAt: number } | null;
  details: Details | null;
  /** Why its facts cannot be read although the forge answers (for example too many comments): such an item is left alone. Null = they can. */
  unreadable: string | null;
}

export interface Slot {
  number: number;
  sha: string;
  /** Key and epoch of the claim that holds it; null where it cannot be read. */
  holder: { key: string; epoch: number } | null;
}

/** A ref of the program that this version cannot read, or does not know: it is left as it is, and reported. */
export interface UnknownRef {
  /** Full name. */
  ref: string;
  /** `version 2`, or what else is wrong with it. */
  why: string;
}

/** The last line of the archive as found. */
export type ArchiveFact = { kind: "none" } | { kind: "unreadable"; why: string } | { kind: "tip"; sha: string };

export interface Pause {
  by: string;
  why: string;
  /** ms since 1970; null = until somebody resumes. */
  until: number | null;
}

export interface Snapshot {
  /** The forge's clock, ms since 1970. */
  now: number;
  /** Moves from run to run; where a look at costly facts starts. */
  seed: number;
  trigger: Trigger;
  me: Account;
  /** Identity of this process, as its records name it. */
  owner: string;
  /** Logins that are the program itself: the bot, the reviewer, the automatic token's user. */
  program: readonly string[];
  base: string;
  /**
   * Whether this server can start a workflow by REST, and this run knows the file of its own; null = not asked yet. `busy`: it could, but a
   * dispatched run is at work and this server (before 1.26) would cancel that one.
   */
  canDispatch: boolean | "busy" | null;
  items: readonly Item[];
  openPulls: readonly Pull[];
  /** State of every record of the ledger by key, those of items not in `items` included. */
  records: Readonly<Record<string, RecordFact>>;
  /** Which of the runs that hold claims have ended, as far as the forge was asked. */
  ends: Ends;
  slots: readonly Slot[];
  budget: BudgetFact;
  /** Profiles that cannot work for a while, by name. */
  parked: ParkedProfiles;
  /** Commits below `wip/` by key, those of items not in `items` included. */
  wips: Readonly<Record<string, string>>;
  archive: ArchiveFact;
  /** What must be of a newer version. */
  unknownRefs: readonly UnknownRef[];
  pause: Pause | null;
  /** Orders about the whole program, from the dashboard issue. */
  control: Control;
  /** Display name of the workflow this program runs in; its statuses are not foreign. Empty outside a workflow. */
  workflow: string;
  /** Tips of base branches by name, of those that an item waits for. */
  bases: Readonly<Record<string, string>>;
  /** Names of the profiles that can work, in order of preference, and whether any of them tells what it cost. */
  profiles: {
    authors: readonly string[];
    reviewers: readonly string[];
    tellCost: boolean;
    /** Fingerprints by name: a parked profile that was changed since is another one. */
    setups: Readonly<Record<string, string>>;
  };
}

/** Why the record `control` cannot be read. `isNewer`: another version of the program wrote it, so that not even an order replaces it here. */
export interface UnreadableControl {
  why: string;
  isNewer: boolean;
}

/** `/agent pause` and `/agent resume` on the dashboard issue. */
export interface Control {
  orders: readonly ControlOrder[];
  /** Ids of those that were obeyed. */
  handled: readonly string[];
  access: Readonly<Record<string, WriteAccess>>;
  /** Null where its record can be read. */
  unreadable: UnreadableControl | null;
}

export interface ControlOrder {
  id: string;
  by: string;
  /** ms since 1970. */
  at: number;
  verb: "pause" | "resume";
  text: string;
  comment: number;
  issue: number;
}

/** Key of an issue's item. */
export function issueKey(number: number): string {
  return `issue-${number}`;
}

/** The branch an item is worked on: its name derives from the item, so that a double would be visible. */
export function branchName(issue: number, generation: number): string {
  return generation <= 1 ? `agent/issue-${issue}` : `agent/issue-${issue}-${generation}`;
}

export function isProgram({ program }: Pick<Snapshot, "program">, login: string): boolean {
  return program.some((name) => sameLogin(name, login));
}

/** What people say of a pull request and still stand by. */
export function isPersonsVerdict(who: Pick<Snapshot, "program">, review: Review): boolean {
  return !review.dismissed && !isProgram(who, review.author);
}

/** Approvals of this very head by people. */
export function approvalsOf(head: string, reviews: readonly Review[], who: Pick<Snapshot, "program">): Review[] {
  return reviews.filter((r) => isPersonsVerdict(who, r) && r.state === "approved" && r.commit === head);
}

/** Logins are compared without case, as the forge does. */
export function sameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function hasLabel(labels: readonly { name: string }[], name: string): boolean {
  return labels.some((label) => label.name === name);
}
