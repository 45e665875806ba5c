import { setTimeout as sleep } from "node:timers/promises";

/** Pause between two looks, in ms. */
const pauseMs = 200;

/** Looks until the check answers something but null, undefined or false. A check that throws counts as "not yet"; its error is the cause at the end. */
export async function until<T>(
  check: () => Promise<T | null | undefined | false>,
  timeoutMs: number,
  what: string | (() => string),
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      cause = undefined;
      const found = await check();
      if (found !== null && found !== undefined && found !== false) return found;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const words = typeof what === "string" ? what : what();
      throw new Error(
        `waited ${timeoutMs / 1000} s for ${words}${cause === undefined ? "" : `; last: ${String(cause)}`}`,
        { cause },
      );
    }
    await sleep(pauseMs);
  }
}
