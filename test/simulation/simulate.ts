// Lives one world from its seed to rest, or to the first violation.

import { nobodyRuns, wallNow } from "./machine.ts";
import { planOf } from "./plan.ts";
import { Trace } from "./trace.ts";
import type { Violation } from "./watch/watch.ts";
import { World } from "./world.ts";

export interface Result {
  seed: number;
  violation: Violation | null;
  /** What happened before it. */
  last: string[];
  /** Things that happened. */
  steps: number;
  runs: number;
  agents: number;
  fingerprint: string;
}

/** Steps of one world; more is a loop. */
const stepsMax = 400_000;

export async function simulate(
  seed: number,
  options: { print?: (line: string) => void; hashed?: boolean } = {},
): Promise<Result> {
  const trace = new Trace(options);
  const world = new World(planOf(seed), trace);
  const restore = underVirtualTime(world);
  let steps = 0;
  try {
    while (!world.isOver && world.violation === null && world.schedule.step()) {
      await settled();
      nobodyRuns();
      if (++steps > stepsMax) world.watch.fail("rest", `${stepsMax} steps and no end`);
    }
  } finally {
    restore();
  }
  return {
    ...{ seed, violation: world.violation, last: trace.last(60), steps, runs: world.forge.runs.length },
    ...{ agents: world.agents.sessions.length, fingerprint: trace.fingerprint() },
  };
}

/** Resolves when every promise that can go on has gone on: nothing of the program waits for anything but the schedule. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** No real time and no chance from outside gets into a world. */
function underVirtualTime(world: World): () => void {
  const { now } = Date;
  const { random } = Math;
  Date.now = () => wallNow() ?? world.schedule.now;
  Math.random = () => {
    throw new Error("Math.random would make a seed's world differ from time to time");
  };
  return () => {
    Date.now = now;
    Math.random = random;
  };
}
