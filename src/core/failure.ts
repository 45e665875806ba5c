// How attempts fail, and what follows from it: one table, read by decide (attempts, cooldown), by the texts (remedy) and by the agent's classifier.

export const failureClasses = [
  "timeout",
  "silent",
  "loop",
  "crash",
  "refusal",
  "context-overflow",
  "contract-invalid",
  "no-change",
  "checks-failed",
  "guard-refused",
  "conflict",
  "abandoned",
  "quota",
  "auth",
  "model-unavailable",
  "start-up",
  "network",
  "forge-error",
  "push-rejected",
  "claim-lost",
  "cancelled",
  "base-red",
  "budget",
] as const;
export type FailureClass = (typeof failureClasses)[number];

export interface FailureRule {
  /** Whether the attempt counts against `max-attempts`. */
  costsAttempt: boolean;
  /** attempt = the ladder `limits.cooldownSeconds`; short = 300 s; quota = 900 s doubling to 6 h, or until its reset; parked = 6 h; none = at once. */
  cooldown: "attempt" | "short" | "quota" | "parked" | "none";
  /** Whether the same failure twice in a row goes to a person at once, whatever is left of `max-attempts`. */
  twiceGoesToPerson: boolean;
  /** What a person can do, one sentence. */
  remedy: string;
}

const ofTheWork = { costsAttempt: true, cooldown: "attempt", twiceGoesToPerson: true } as const;
const ofTheProfile = { costsAttempt: false, cooldown: "parked", twiceGoesToPerson: false } as const;
const ofTheForge = { costsAttempt: false, cooldown: "short", twiceGoesToPerson: false } as const;

/** One row per class; the sentence says what helps, in the words of somebody who reads it on the page. */
export const failureRules: Record<FailureClass, FailureRule> = {
  timeout: { ...ofTheWork, remedy: "Split the issue, or give more time with `timeout-minutes`." },
  silent: {
    ...ofTheWork,
    remedy: "Look at the run's log for what the agent waited for; `silence-minutes` sets how long it may be quiet.",
  },
  loop: { ...ofTheWork, remedy: "Say in the issue what the agent should do instead of what it repeated." },
  crash: { ...ofTheWork, remedy: "Look at the end of the agent's output in the run's log." },
  refusal: { ...ofTheWork, remedy: "Reword the issue: the model declined it." },
  "context-overflow": { ...ofTheWork, remedy: "Split the issue, or use a model with a larger context." },
  "contract-invalid": {
    ...ofTheWork,
    remedy: "Look at the run's log: the agent's `result.json` was not of the agreed form.",
  },
  "no-change": { ...ofTheWork, remedy: "Say more exactly what should change." },
  "checks-failed": { ...ofTheWork, remedy: "Look at the output of the checks below; the work is not published." },
  "guard-refused": {
    ...ofTheWork,
    remedy: "Say in the issue how to avoid what the guard named, or make that change by hand.",
  },
  conflict: { ...ofTheWork, remedy: "Resolve the conflict with the base branch by hand." },
  abandoned: { ...ofTheWork, remedy: "The run ended without a word: look at the runner." },
  quota: {
    ...ofTheProfile,
    cooldown: "quota",
    remedy: "Wait until the usage limit resets, or give a second profile in `agents`.",
  },
  auth: { ...ofTheProfile, remedy: "Check the model's credential in the workflow's secrets." },
  "model-unavailable": { ...ofTheProfile, remedy: "Check the model's name, and whether its provider is up." },
  "start-up": {
    ...ofTheProfile,
    remedy: "Check that the agent's program is installed on the runner and starts there.",
  },
  network: { ...ofTheForge, remedy: "Check the runner's network." },
  "forge-error": { ...ofTheForge, remedy: "Check that the forge answers; the next run tries again." },
  "push-rejected": {
    costsAttempt: false,
    cooldown: "short",
    twiceGoesToPerson: false,
    remedy: "Somebody made or moved the branch meanwhile: rename or delete it.",
  },
  "claim-lost": {
    costsAttempt: false,
    cooldown: "none",
    twiceGoesToPerson: false,
    remedy: "Another run took the item over; nothing to do.",
  },
  cancelled: {
    costsAttempt: false,
    cooldown: "none",
    twiceGoesToPerson: true,
    remedy: "The run was cancelled; put the label on again when it should go on.",
  },
  "base-red": {
    costsAttempt: false,
    cooldown: "short",
    twiceGoesToPerson: false,
    remedy: "Mend the base branch: the checks fail there too.",
  },
  budget: {
    costsAttempt: false,
    cooldown: "none",
    twiceGoesToPerson: true,
    remedy: "Raise `limits.costUsdPerItem` in the policy file, or split the issue.",
  },
};

/** The same failure this often in a row goes to a person even where it costs no attempt: the end of every bound is a person. */
export const sameFailuresMax = 5;

/** Whether the item goes to a person now. `attempt` counts this one, `same` the equal failures in a row, `free` those that cost no attempt, this one included. */
export function goesToPerson(
  failure: FailureClass,
  attempt: number,
  attemptsMax: number,
  same: number,
  free = 0,
): boolean {
  const rule = failureRules[failure];
  return (
    (rule.costsAttempt && attempt >= attemptsMax) ||
    (rule.twiceGoesToPerson && same >= 2) ||
    Math.max(same, free) >= sameFailuresMax
  );
}

/** A profile that is logged out, missing or without its model stays so until somebody mends it; an order ends the wait. */
const parkedSeconds = 21_600;

/** Whether the next profile is tried in the same run. */
export function isOfTheProfile(failure: FailureClass): boolean {
  return ["quota", "parked"].includes(failureRules[failure].cooldown);
}

/** Seconds until the item may be tried again. `ladder` is `limits.cooldownSeconds`, `times` how often it failed in a row, from 1. */
export function cooldownSeconds(failure: FailureClass, times: number, ladder: readonly number[]): number {
  const rule = failureRules[failure];
  switch (rule.cooldown) {
    case "none":
      return 0;
    case "short":
      return ladder[0] ?? 300;
    case "attempt":
      return ladder[Math.min(Math.max(times, 1), ladder.length) - 1] ?? 300;
    case "parked":
      return parkedSeconds;
    case "quota":
      return Math.min(900 * 2 ** Math.max(times - 1, 0), 21_600);
    default:
      return rule.cooldown satisfies never;
  }
}
