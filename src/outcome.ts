// How a run ended, for outputs, summary, report file and the last line of the log.

import type { Passed, Work } from "./core/decision.ts";
import type { FailureClass } from "./core/failure.ts";

export interface Outcome {
  kind:
    | "implement"
    | "review"
    | "rework"
    | "resume"
    | "land"
    | "idle"
    | "setup"
    | "doctor"
    | "explain"
    | "stats"
    | "remove";
  outcome: "done" | "idle" | "dispatched" | "lost" | "failed" | "needs-person" | "cancelled" | "dry-run";
  /** One line: what happened. */
  reason: string;
  /** One line: what comes next. */
  next: string;
  failure: FailureClass | null;
  item: number | null;
  pullRequest: number | null;
  branch: string | null;
  head: string | null;
  verdict: "approved" | "changes-requested" | null;
  profile: string | null;
  attempt: number | null;
  /** From 1; null where there was none. */
  round: number | null;
  costUsd: number | null;
  /** Items looked at and why they were not taken. */
  passed: readonly Passed[];
}

export function outcome(change: Partial<Outcome> & Pick<Outcome, "kind" | "outcome" | "reason" | "next">): Outcome {
  return {
    failure: null,
    item: null,
    pullRequest: null,
    branch: null,
    head: null,
    verdict: null,
    profile: null,
    attempt: null,
    round: null,
    costUsd: null,
    passed: [],
    ...change,
  };
}

/** The kind that outputs name: what ends an item's turn without an agent is `resume`. */
export function kindOf(work: Work["kind"]): Outcome["kind"] {
  switch (work) {
    case "implement":
    case "review":
    case "rework":
    case "land":
      return work;
    case "rerun":
      return "rework";
    case "resume":
    case "give-up":
    case "hand-over":
    case "stop":
      return "resume";
    default:
      return work satisfies never;
  }
}
