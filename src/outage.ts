// A forge that is away for a while: what counts as that, and how long a run waits for it where it has something to lose.

import { ForgeError, RunError } from "./errors.ts";

/**
 * Waits between tries, in ms: ten minutes in all, and what the tries take. None is longer than a minute, so that a claim that is renewed
 * between them stays well within its life.
 */
export const outageWaitsMs: readonly number[] = [2_000, 8_000, 20_000, 30_000, ...Array<number>(9).fill(60_000)];

/** The forge was away for longer than a run waits for it. What is left stands in the ledger: a later run finishes it or begins anew. */
export class OutageTooLong extends RunError {
  override readonly name = "OutageTooLong";

  constructor(what: string, cause?: unknown) {
    super(`The forge was away for longer than ten minutes: ${what}.`, {
      remedy: "The next run goes on, once the forge answers. See whether the server runs and can be reached.",
      mender: "server operator",
      retry: true,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Whether it was an outage that ended something, waited for or not. */
export function isOutage(error: unknown): error is RunError {
  return error instanceof OutageTooLong || isAway(error);
}

/** Whether it was the forge as a whole that did not answer, so that it may be back in minutes; not this one request that it refuses. */
export function isAway(error: unknown): error is RunError {
  if (error instanceof OutageTooLong || !(error instanceof RunError)) return false;
  return error instanceof ForgeError ? error.away : error.retry;
}
