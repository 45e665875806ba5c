// Time as a port: the shell and the tests share every line of code but this one.

import { setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /**
   * Local time that only grows, in ms from an arbitrary start: the larger of monotonic and wall-clock time elapsed. The former stands still
   * while a machine sleeps, the latter may be set back.
   */
  elapsed(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

export function systemClock(): Clock {
  const monotonicStart = performance.now();
  const wallStart = Date.now();
  let latest = 0;
  return {
    elapsed() {
      latest = Math.max(latest, performance.now() - monotonicStart, Date.now() - wallStart);
      return latest;
    },
    async sleep(ms, signal) {
      try {
        await delay(ms, undefined, signal === undefined ? {} : { signal });
      } catch {
        // Aborted: that is what the caller asked for.
      }
    },
    random: () => Math.random(),
  };
}
