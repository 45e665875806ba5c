// Time as a port: the shell and the tests share every line of code but this one.
//
// Two clocks, because each of them lies: the monotonic one stands still while a machine sleeps, the wall clock is set forward and back. Own
// deadlines count what the monotonic clock shows, and every jump of the wall clock ahead of it as slept through: after a real sleep that is
// true, after a clock that was set it ends a wait too early, which does no harm. A jump back gives no time back.

export interface Clock {
  /** Local time that only grows, in ms from an arbitrary start. A time in which the machine slept counts. */
  elapsed(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. A machine that sleeps meanwhile: at most a second after it wakes, if `ms` are over. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

/** The clocks of a machine, in ms. */
export interface Time {
  /** Since 1970; may be set. */
  wall(): number;
  /** From an arbitrary start; never set, and stands still while the machine sleeps. */
  monotonic(): number;
}

export const systemTime: Time = { wall: () => Date.now(), monotonic: () => performance.now() };

export function systemClock(time: Time = systemTime): Clock {
  return {
    elapsed: stopwatch(time),
    async sleep(ms, signal) {
      if (signal?.aborted === true) return;
      await new Promise<void>((resolve) => {
        const callOff = after(ms, done, time);
        signal?.addEventListener("abort", done, { once: true });
        function done() {
          callOff();
          signal?.removeEventListener("abort", done);
          resolve();
        }
      });
    },
    random: () => Math.random(),
  };
}

/** Timers count by the monotonic clock: a long wait is made of short ones, so that one begun before the machine fell asleep ends soon after. */
const sliceMs = 1_000;

/** How far the wall clock may run ahead unnoticed, in ms: its ticks, and the pace at which clocks are brought into line. */
const jumpMs = 100;

/** Ms since this call, with what the machine slept through. Never less than before. */
export function stopwatch({ wall, monotonic }: Time): () => number {
  const begun = monotonic();
  let ahead = wall() - begun;
  let slept = 0;
  return () => {
    const now = monotonic();
    const jump = wall() - now - ahead;
    if (jump > jumpMs) slept += jump;
    // Also after a jump back, or the way there again would count as sleep and no sleep on the way.
    if (jump > jumpMs || jump < 0) ahead += jump;
    return now - begun + slept;
  };
}

/** Calls back once `ms` have passed, by the timer or with what the machine slept through. Answers how to call it off. */
export function after(ms: number, then: () => void, time: Time = systemTime): () => void {
  const elapsed = stopwatch(time);
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number) => {
    timer = setTimeout(
      () => {
        const left = Math.min(leftMs - sliceMs, ms - elapsed());
        if (left > 0) wait(left);
        else then();
      },
      Math.min(leftMs, sliceMs),
    );
  };
  wait(ms);
  return () => clearTimeout(timer);
}
