// Time that passes only where a run waits, or where the test lets it: an outage of an hour takes a moment, and everything that lies between two
// waits happens at the same instant. The forge's time goes with it.

import { type Clock, systemClock } from "../../../src/clock.ts";
import type { Stage } from "../run.ts";

interface Sleeper {
  dueMs: number;
  wake(): void;
}

export interface StillTime {
  clock: Clock;
  /** Ms that have passed so far. */
  passed(): number;
  /** Lets time pass, with each life sign that falls into it given before it goes on. */
  pass(ms: number): Promise<void>;
}

/** For runs with the limits `unhurried`. Life signs follow time, every other wait makes it. */
export function stillTime(s: Pick<Stage, "pass">): StillTime {
  const real = systemClock();
  const sleepers = new Set<Sleeper>();
  let passedMs = 0;

  function advance(ms: number): void {
    passedMs += ms;
    s.pass(ms / 1000);
    for (const sleeper of [...sleepers].filter(({ dueMs }) => dueMs <= passedMs)) sleeper.wake();
  }

  function untilDue(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { dueMs: passedMs + ms, wake };
      sleepers.add(sleeper);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  return {
    passed: () => passedMs,
    clock: {
      elapsed: () => real.elapsed() + passedMs,
      random: () => 0.5,
      async sleep(ms, signal) {
        if (signal?.aborted === true) return;
        if (isForNextBeat(ms, signal)) return await untilDue(ms, signal);
        advance(ms);
        // Others that became due go first.
        await real.sleep(1);
      },
    },
    async pass(ms) {
      const endMs = passedMs + ms;
      for (;;) {
        const next = Math.min(...[...sleepers].map(({ dueMs }) => dueMs));
        if (next > endMs) break;
        advance(Math.max(0, next - passedMs));
        await given(sleepers, real);
      }
      advance(Math.max(0, endMs - passedMs));
    },
  };
}

/** Until whoever was woken sleeps again: the life sign is given, or has failed. At most ten seconds. */
async function given(sleepers: ReadonlySet<Sleeper>, real: Clock): Promise<void> {
  for (let waited = 0; sleepers.size === 0 && waited < 10_000; waited += 5) await real.sleep(5);
}

/** Whether a wait is the one for the next life sign: it can be called off, and those for a forge that is away are whole seconds. */
function isForNextBeat(ms: number, signal: AbortSignal | undefined): signal is AbortSignal {
  return signal !== undefined && ms % 1000 !== 0;
}
