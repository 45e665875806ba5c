// What the parts of a rework share: the job, the commits it is about, and where its agent starts.

import type { ReworkPlan } from "../core/decision.ts";
import type { ConflictFacts, FailingCheck } from "../core/prompt.ts";
import type { Assignment } from "./author.ts";
import type { AgentJob } from "./endings.ts";
import type { Earlier } from "./kept.ts";

export type ReworkJob = AgentJob & { kind: "rework"; plan: ReworkPlan; pull: number };

/** Tips of base branch and pull request as fetched, and where they part. */
export interface Range {
  base: string;
  head: string;
  mergeBase: string;
  /** What an earlier attempt at it left; absent or null = nothing. */
  earlier?: Earlier | null;
}

/** Where the author starts. */
export interface Start {
  /** The pull request's head, that head brought up to date by the host, or a merge with conflict markers. */
  commit: string;
  /** Commit that the clone starts from, where that is another one (rework-instructions.ts); never published. */
  clone?: string;
  /** Files that the clone has as the base has them. */
  restored?: readonly string[];
  /** Where the branch leaves its base once the work is published from here. */
  mergeBase: string;
  conflict: ConflictFacts | null;
  /** Checks that failed here, run by the host. */
  failing: readonly FailingCheck[];
  /** How the author's work becomes commits; absent = one by one on `commit`. */
  compose?: NonNullable<Assignment["compose"]>;
}
