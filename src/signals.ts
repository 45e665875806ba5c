// Signals by which a person or a machine asks this process to end. The runner of Gitea sends none: a cancelled step is killed, and the post step
// does what this one could not.

import { markEntry } from "./agent/mark.ts";
import { killTree } from "./agent/tree.ts";
import type { Log } from "./ports.ts";
import type { SavedClaim } from "./saved.ts";

const signals = { SIGINT: 2, SIGTERM: 15 } as const;

/** From the first signal to the end whatever is under way, in ms: enough to end an agent and to give the item back. */
const endMs = 15_000;

export interface Stopping {
  log: Log;
  /** The claim that was tried for last; null before the first. */
  claim(): SavedClaim | null;
}

/** Aborted at the first signal. At the second, or when the time is up, the process ends at once, and what it started with it. */
export function stopOnSignals({ log, claim }: Stopping): AbortSignal {
  const stop = new AbortController();
  function endNow(status: number): never {
    const saved = claim();
    if (saved !== null) killTree({ marks: [markEntry(saved)], folder: null, leader: () => null, seen: new Map() });
    process.exit(status);
  }
  for (const [name, number] of Object.entries(signals)) {
    process.on(name, () => {
      if (stop.signal.aborted) endNow(128 + number);
      log.line(`${name}: the agent is ended and the item given back; a second signal ends this at once`);
      setTimeout(() => endNow(128 + number), endMs).unref();
      stop.abort(`the run was ended by ${name}`);
    });
  }
  return stop.signal;
}
