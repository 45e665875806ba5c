// Waiting for a forge that is away, where there is something to lose: an agent's work, or what is published and not written yet.

import { describe, ForgeError, mayPass } from "../errors.ts";
import { OutageTooLong, outageWaitsMs } from "../outage.ts";
import type { Ports } from "../ports.ts";

/** Waits between tries. One for each piece of work that is waited with. */
export class Patience {
  readonly #waits: Iterator<number>;
  #leftMs: number;

  /** `waitsMs`: default ten minutes in all. */
  constructor(waitsMs: readonly number[] = outageWaitsMs) {
    this.#waits = waitsMs[Symbol.iterator]();
    this.#leftMs = waitsMs.reduce((sum, ms) => sum + ms, 0);
  }

  /** Ms to wait before the next try: longer than usual where the forge asked for it. Null when the time is up. */
  next(error: unknown = null): number | null {
    const usual = this.#waits.next();
    if (usual.done === true || this.#leftMs <= 0) return null;
    const asked = error instanceof ForgeError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.min(this.#leftMs, Math.max(usual.value, asked));
    this.#leftMs -= waitMs;
    return waitMs;
  }
}

/** Repeats a task that cannot be judged while the forge is away. Life signs go on meanwhile, so nobody takes the item over. */
export async function patiently<T>(
  ports: Pick<Ports, "clock" | "log" | "stop">,
  task: () => Promise<{ again: string | null; result: T }>,
): Promise<T> {
  const patience = new Patience();
  for (;;) {
    let waitMs: number | null;
    try {
      const { again, result } = await task();
      waitMs = again === null ? null : patience.next();
      // Who is asked to end waits for nothing.
      if (again === null || waitMs === null || ports.stop.aborted) return result;
      ports.log.line(`the forge does not answer clearly (${again}); trying again in ${waitMs / 1000} s`);
    } catch (error) {
      // Who throws that has waited long enough.
      waitMs = mayPass(error) && !(error instanceof OutageTooLong) ? patience.next(error) : null;
      if (waitMs === null || ports.stop.aborted) throw error;
      ports.log.line(`the forge is away (${describe(error)}); trying again in ${waitMs / 1000} s`);
    }
    await ports.clock.sleep(waitMs, ports.stop);
  }
}
