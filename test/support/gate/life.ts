// Life signs of a run at moments that are the same in every play: one while its first agent works, and no other.

import type { Clock } from "../../../src/clock.ts";
import { hastyClock } from "../run.ts";
import type { Call, Guard } from "./gate.ts";

/** So long that no life sign comes by itself. */
export const unhurried = {
  ...{ renewSeconds: 61, fenceSeconds: 210, ttlSeconds: 420, slackSeconds: 30 },
  ...{ apiSeconds: 30, endedSeconds: 60 },
};
/** Past every lease, in seconds. */
export const pastLease = unhurried.ttlSeconds + unhurried.slackSeconds + 10;
/** Long enough after a run's end on the forge, and far from the end of its lease, in seconds. */
export const pastEnd = unhurried.endedSeconds + 10;

/** Whether a wait is the one for the next life sign: those for a forge that is away are whole tens of seconds. */
function isForNextBeat(ms: number): boolean {
  const longest = unhurried.renewSeconds * 1000;
  return ms > longest - 10_000 && ms <= longest && ms % 10_000 !== 0;
}

/** No life sign at all: runs that a test holds are to stand still. */
export function calm(): Clock {
  const clock = hastyClock();
  return {
    ...clock,
    sleep(ms, signal) {
      if (!isForNextBeat(ms)) return clock.sleep(ms, signal);
      return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
    },
  };
}

export interface Life {
  clock: Clock;
  guard: Guard;
}

/** What `guard` does comes first; then the agent's end waits until its life sign was given. */
export function oneBeat(guard: Guard = {}): Life {
  let wake: (() => void) | null = null;
  let given: () => void = () => undefined;
  let isGiven: Promise<void> = Promise.resolve();
  let agents = 0;
  const clock = hastyClock();

  function beat(): void {
    if (agents++ > 0 || wake === null) return;
    isGiven = new Promise((resolve) => {
      given = resolve;
    });
    wake();
  }

  return {
    clock: {
      ...clock,
      sleep(ms, signal) {
        if (!isForNextBeat(ms)) return clock.sleep(ms, signal);
        // It sleeps again: the life sign before is over.
        given();
        return new Promise((resolve) => {
          wake = resolve;
          signal?.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    },
    guard: {
      before: (call) => guard.before?.(call) ?? "pass",
      after(call) {
        guard.after?.(call);
        if (isAgent(call)) beat();
      },
      async ended(call) {
        await guard.ended?.(call);
        if (isAgent(call)) await isGiven;
      },
    },
  };
}

export function isAgent(call: Call): boolean {
  return call.kind === "process" && call.label.startsWith("agent ");
}
