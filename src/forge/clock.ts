/** The forge's clock as far as its answers show it; leases are judged by it, so that the clocks of runners need not agree. */
export interface ForgeClock {
  /** Takes in the `Date` header of an answer that has just come. */
  observe(dateHeader: string | null): void;
  /** Ms since 1970 by the forge; null before the first `Date`. */
  now(): number | null;
}

/** A `Date` header has seconds: the forge's time lies within one second after it. */
const resolutionMs = 1000;

/**
 * The newest `Date` plus what has passed since by the monotonic clock. After a sleep of the machine that is too little, until the next answer:
 * somebody else's claim then looks younger than it is, which does no harm. The wall clock is not asked: set forward between an answer and a
 * decision it would make every claim look dead.
 */
export function forgeClock(monotonic: () => number): ForgeClock {
  let base: { date: number; at: number; monotonic: number } | null = null;

  function now(): number | null {
    return base === null ? null : base.at + Math.max(0, monotonic() - base.monotonic);
  }

  return {
    now,
    observe(dateHeader) {
      const date = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
      // An older date is an answer that was overtaken on its way.
      if (Number.isNaN(date) || (base !== null && date < base.date)) return;
      const estimate = now();
      const fits = estimate !== null && estimate >= date && estimate < date + resolutionMs;
      // Keeping an estimate that fits keeps the clock from stepping back at every answer.
      base = { date, at: fits ? estimate : date, monotonic: monotonic() };
    },
  };
}
