import { isBefore } from "../../src/forge/release.ts";

/** Where the servers differ in what the adapter shows of them. Every line is a fact of these versions; all else is the same everywhere. */
export interface Differences {
  /** `actions/workflows` and its dispatches exist (1.24). */
  dispatch: boolean;
  /** `actions/runs/{id}` exists (1.25). */
  runById: boolean;
  /**
   * A dispatch of a workflow without `workflow_dispatch` is refused (1.26.4, 1.27.0); 1.24.7 starts it. A build between releases may do
   * either: the one of May 2026 starts it.
   */
  refusesWithoutTrigger: "yes" | "no" | "either";
  /** `actions/tasks` exists (1.23): without it no version lists runs. */
  listsRuns: boolean;
  /** `PUT issues/{n}/lock` exists (1.24). */
  locksByRest: boolean;
  /** An account may ask for its own permission. 1.22 compares with a name that only accounts from elsewhere have. */
  knowsItself: boolean;
  /** The permission of a team's member is the least right of the team's units (1.22); later it leaves units out. */
  permissionCountsUnits: boolean;
  /** One line comment on a line that the file does not have refuses a whole review (1.26). */
  refusesAbsentLines: boolean;
  /** `actions/jobs/{id}/logs` exists (1.24). */
  givesLogs: boolean;
  /** `actions/runs/{id}/jobs` exists (1.25). */
  listsJobs: boolean;
  /** `actions/runs/{id}/rerun` and its kind for failed jobs exist (1.26). */
  reruns: boolean;
  /** A dispatch cancels the former run of the workflow (before 1.26). */
  dispatchCancels: boolean;
}

export function differencesOf(version: string): Differences {
  return {
    dispatch: !isBefore(version, 24),
    runById: !isBefore(version, 25),
    refusesWithoutTrigger: /dev/.test(version) ? "either" : isBefore(version, 26) ? "no" : "yes",
    listsRuns: !isBefore(version, 23),
    locksByRest: !isBefore(version, 24),
    knowsItself: !isBefore(version, 23),
    permissionCountsUnits: isBefore(version, 23),
    refusesAbsentLines: !isBefore(version, 26),
    givesLogs: !isBefore(version, 24),
    listsJobs: !isBefore(version, 25),
    reruns: !isBefore(version, 26),
    dispatchCancels: isBefore(version, 26),
  };
}
