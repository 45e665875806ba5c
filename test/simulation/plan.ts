// What a seed decides before anything happens: the server, the weather, the runners, the agents' habits, how busy people are.

import { Random } from "./random.ts";
import type { WeatherPlan } from "./weather.ts";

export const minute = 60_000;
export const hour = 60 * minute;
/** When every world begins. */
export const start = Date.parse("2026-03-02T08:00:00Z");

/** How an agent's session ends, by weight. */
export type AgentEnd = "work" | "question" | "nothing" | "blocked" | "failed" | "red" | "kills-runner" | "endless";

export interface Plan {
  seed: number;
  release: { version: string; canDispatch: boolean; hasRunById: boolean };
  weather: WeatherPlan;
  /** When people rest and everything goes well, ms since 1970. */
  calmFrom: number;
  issues: number;
  /** Lines of the policy file. */
  policy: string;
  maxConcurrent: number;
  maxAttempts: number;
  maxRounds: number;
  merge: "human" | "when-approved";
  /** Jobs that run at once. */
  runners: number;
  /** Ms between two ticks. */
  tickMs: number;
  /** Share of runs that a person starts on a machine of their own (`act`). */
  local: number;
  /** Share of events that no run comes of. */
  deaf: number;
  /** Share of runs that end at some moment: cancelled, killed, or with their whole runner. */
  dying: number;
  /** Share of runs that stand still for a while. */
  pausing: number;
  /** Share of machines whose clock is wrong, and is set while they run. */
  wrongClocks: number;
  author: Readonly<Record<AgentEnd, number>>;
  /** Probability that a review finds something. */
  rejecting: number;
  /** How long an agent works, in ms. */
  agentMs: { min: number; max: number };
  /** Acts of people in the whole time. */
  acts: number;
  /** Share of people's acts that strike while an agent works. */
  strikes: number;
  /** Share of runs in whose first seconds somebody takes the item back. */
  haste: number;
  /** Share of events that start several runs at the same moment. */
  crowds: number;
  /** What agents may cost on a day, in USD; 0 = no bound. */
  dayBudget: number;
  /** A record of a version that nobody knows yet stands in the ledger. */
  futureRecord: boolean;
}

const releases = [
  { version: "1.27.0", canDispatch: true, hasRunById: true },
  { version: "1.26.4", canDispatch: true, hasRunById: true },
  { version: "1.24.7", canDispatch: true, hasRunById: false },
  { version: "1.22.6", canDispatch: false, hasRunById: false },
];

/** What a run reserves of a budget, in USD; no simulated agent costs more. */
export const costUsdPerRun = 1;

export function planOf(seed: number): Plan {
  const random = new Random(seed, "plan");
  const rarely = (share: number, value: () => number) => (random.chance(share) ? value() : 0);
  const activeMs = random.between(0.7, 2.5) * hour;
  const [maxConcurrent, maxAttempts, maxRounds] = [random.whole(1, 2), random.whole(2, 3), random.whole(1, 2)];
  const merge = random.chance(0.3) ? "when-approved" : "human";
  const dayBudget = random.chance(0.25) ? random.whole(1, 6) : 0;
  const money = dayBudget === 0 ? {} : { costUsdPerDay: dayBudget, costUsdPerRun };
  const agentMs = { min: random.between(10_000, 2 * minute), max: random.between(3, 25) * minute };
  const plan: Plan = {
    seed,
    release: random.pick(releases) ?? { version: "1.27.0", canDispatch: true, hasRunById: true },
    weather: {
      faults: rarely(0.7, () => random.longTailed(0.005, 0.12)),
      outages: outagesOf(random, activeMs),
      spells: [],
      tears: 0,
    },
    calmFrom: start + activeMs,
    issues: random.chance(0.5) ? 1 : random.whole(2, 3),
    policy: [
      `limits: ${JSON.stringify({ cooldownSeconds: [60, 300], waitForChecksMinutes: 5, ...money })}`,
      "checks: make test",
      `maxConcurrent: ${maxConcurrent}`,
      `maxAttempts: ${maxAttempts}`,
      `maxRounds: ${maxRounds}`,
      `merge: ${merge}`,
    ].join("\n"),
    ...{ maxConcurrent, maxAttempts, maxRounds, merge, agentMs },
    runners: random.whole(2, 4),
    tickMs: random.whole(4, 12) * minute,
    local: rarely(0.3, () => random.between(0.1, 0.5)),
    deaf: rarely(0.4, () => random.between(0.1, 0.7)),
    dying: rarely(0.6, () => random.between(0.1, 0.6)),
    pausing: rarely(0.4, () => random.between(0.1, 0.4)),
    wrongClocks: rarely(0.4, () => random.between(0.2, 0.8)),
    author: authorOf(random),
    rejecting: random.between(0, 0.7),
    acts: random.chance(0.2) ? 0 : random.whole(1, 14),
    strikes: random.between(0, 0.8),
    futureRecord: random.chance(0.15),
    haste: rarely(0.4, () => random.between(0.02, 0.2)),
    crowds: rarely(0.5, () => random.between(0.2, 0.9)),
    dayBudget,
  };
  const spells = random.chance(0.35) ? spellsOf(random, activeMs) : [];
  const tears = rarely(0.3, () => random.between(0.1, 0.5));
  return { ...plan, weather: { ...plan.weather, spells, tears } };
}

/** Minutes in which it hangs. */
function spellsOf(random: Random, activeMs: number): WeatherPlan["spells"] {
  return Array.from({ length: random.whole(1, 4) }, () => {
    const from = start + random.between(0, activeMs);
    return { from, until: from + random.longTailed(20_000, 6 * minute) };
  });
}

/** Minutes in which the forge is away altogether. */
function outagesOf(random: Random, activeMs: number): WeatherPlan["outages"] {
  const count = random.chance(0.4) ? random.whole(1, 3) : 0;
  return Array.from({ length: count }, () => {
    const from = start + random.between(0, activeMs);
    return { from, until: from + random.longTailed(10_000, 25 * minute) };
  });
}

/** Most worlds have able agents; in some they fail in one way again and again. */
function authorOf(random: Random): Plan["author"] {
  const usual = {
    work: 10,
    question: 1,
    nothing: 0.5,
    blocked: 0.5,
    failed: 1,
    red: 1,
    "kills-runner": 0.5,
    endless: 0.3,
  };
  const kinds = ["failed", "kills-runner", "question", "red", "endless"] as const;
  const bad = random.chance(0.25) ? random.pick(kinds) : undefined;
  return bad === undefined ? usual : { ...usual, [bad]: 15 };
}
