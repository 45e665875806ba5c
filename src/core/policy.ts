// The rules of one repository: inputs of the action merged with the policy file, defaults filled in. Pure values.

export interface Limits {
  /** Seconds between two renewals of a claim. Default 60. */
  renewSeconds: number;
  /** Seconds after the last successful renewal in which the forge may be written. Default 210. */
  fenceSeconds: number;
  /** Age at which others may take a claim over, without slack. Default 420. */
  ttlSeconds: number;
  /** Added to the age for clocks that differ. Default 30. */
  slackSeconds: number;
  /** Grace after the forge says that a run ended. Default 60. */
  endedSeconds: number;
  /** Seconds between TERM and KILL. Default 15. */
  killSeconds: number;
  /** Longest sending of one write that belongs to a claim, and longest git command of one change of the ledger. Default 30. */
  apiSeconds: number;
  /** Waits after failures in a row; the last one repeats. Default 300, 1800. */
  cooldownSeconds: readonly number[];
  /** Longest wait for one command of `prepare` or `checks`. Default 30 minutes. */
  checkMinutes: number;
  /** Longest wait for the forge's own checks that are pending or missing; 0 = none. Default 30 minutes, 0 to 1440. */
  waitForChecksMinutes: number;
  /** Seconds in which the agent must have written its first byte; 0 = as its preset says. Default 0. */
  startUpSeconds: number;
  /** Bytes of agent output kept; more ends the agent. Default 20 MiB. */
  outputBytesMax: number;
  /** Equal tool calls in a row that end the agent; 0 = no bound. Default 20, 0 to 1000. */
  toolRepeatsMax: number;
  /** Largest file that is published, in bytes. Default 10 MiB. */
  fileBytesMax: number;
  /** Largest sum of changed files that is published, in bytes. Default 50 MiB. */
  changeBytesMax: number;
  /** Most files changed in one publish. Default 500. */
  changedFilesMax: number;
  /** USD that one issue or pull request may cost before a person gets it; 0 = no bound. Default 25. */
  costUsdPerItem: number;
  /** USD that all agents of this repository may cost on one day (UTC); 0 = no bound. Default 0. */
  costUsdPerDay: number;
  /** USD that a run reserves of both before its agent starts; a run that dies counts with it. Default 5. */
  costUsdPerRun: number;
}

export interface Policy {
  label: string;
  base: string;
  /** `writers` asks the forge; a list names people. */
  trusted: "writers" | readonly string[];
  maxConcurrent: number;
  maxOpenPulls: number;
  maxAttempts: number;
  /** Failed verdicts and unordered reworks of one pull request before a person gets it. Default 3, 1 to 20. */
  maxRounds: number;
  /** Who merges: a person, or the program once a trusted person approved the head. Default `human`. */
  merge: "human" | "when-approved";
  excludeLabels: readonly string[];
  excludeTitles: readonly RegExp[];
  priorityLabels: readonly string[];
  /**
   * Globs of paths that the hand-over tells a person to look at themselves, compared without case (core/protect.ts). A list given replaces the default
   * (`protectedByDefault`); empty protects nothing. At most 100, each of at most 200 characters.
   */
  protectedPaths: readonly string[];
  /** Kind of work forced by the input `mode`; null decides by itself. Default null. */
  force: "implement" | "review" | "rework" | "land" | null;
  /** Most items whose costly facts one run reads. */
  looksMax: number;
  limits: Limits;
}

/** Names of the stage labels, without the exclusive scope `agent/`. */
export const stages = ["needs-review", "needs-rework", "merge-ready", "needs-info", "blocked"] as const;
export type Stage = (typeof stages)[number];

export function stageLabel(stage: Stage): string {
  return `agent/${stage}`;
}

/** Stage a label stands for; null for every other label. */
export function stageOf(label: string): Stage | null {
  return stages.find((stage) => stageLabel(stage) === label) ?? null;
}

/** Label that keeps the program's hands off. */
export const holdLabel = "hold";
