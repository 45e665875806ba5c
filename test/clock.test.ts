import { expect, test, vi } from "vitest";
import { after, stopwatch, systemClock, type Time } from "../src/clock.ts";

/** Clocks of a machine that move as told. */
function aMachine() {
  const at = { wall: 1_700_000_000_000, monotonic: 5_000 };
  const time: Time = { wall: () => at.wall, monotonic: () => at.monotonic };
  return {
    time,
    /** Awake: both clocks go on. */
    pass(ms: number) {
      at.wall += ms;
      at.monotonic += ms;
    },
    /** Asleep, or the wall clock is set: only that one moves. */
    jump(ms: number) {
      at.wall += ms;
    },
  };
}

const hour = 3_600_000;

test("time passes, asleep or awake", () => {
  const machine = aMachine();
  const elapsed = stopwatch(machine.time);
  machine.pass(500);
  expect(elapsed()).toBe(500);
  machine.jump(hour);
  expect(elapsed()).toBe(hour + 500);
  machine.pass(250);
  expect(elapsed()).toBe(hour + 750);
});

test("a wall clock set back gives no time back, and takes none away", () => {
  const machine = aMachine();
  const elapsed = stopwatch(machine.time);
  machine.pass(1_000);
  machine.jump(-5 * hour);
  expect(elapsed()).toBe(1_000);
  machine.pass(1_000);
  expect(elapsed()).toBe(2_000);
});

test("time goes on after a wall clock was set forward and back again", () => {
  const machine = aMachine();
  const elapsed = stopwatch(machine.time);
  machine.jump(hour);
  expect(elapsed()).toBe(hour);
  machine.jump(-hour);
  expect(elapsed()).toBe(hour);
  // Whoever waits for a deadline must not wait for that hour to pass once more.
  machine.pass(30_000);
  expect(elapsed()).toBe(hour + 30_000);
});

test("a sleep counts also after the wall clock was set back", () => {
  const machine = aMachine();
  const elapsed = stopwatch(machine.time);
  machine.jump(-2 * hour);
  elapsed();
  machine.jump(hour);
  expect(elapsed()).toBe(hour);
});

test("however often it is asked, nothing is counted twice: ticks of the wall clock, a clock that is slowly brought into line", () => {
  const at = { ms: 0 };
  const elapsed = stopwatch({ wall: () => Math.floor(at.ms * 1.0005), monotonic: () => at.ms });
  for (; at.ms < 600_000; at.ms += 7.3) elapsed();
  expect(elapsed()).toBeGreaterThanOrEqual(at.ms);
  expect(elapsed()).toBeLessThanOrEqual(at.ms * 1.0006 + 1);
});

test("a sleep that was begun before the machine slept ends within a second after it woke", async () => {
  vi.useFakeTimers();
  try {
    const machine = aMachine();
    let over = false;
    const sleeping = systemClock(machine.time)
      .sleep(60_000)
      .then(() => {
        over = true;
      });
    const awake = async (ms: number) => {
      machine.pass(ms);
      await vi.advanceTimersByTimeAsync(ms);
    };
    for (let n = 0; n < 10; n++) await awake(500);
    expect(over).toBe(false);
    machine.jump(hour);
    await awake(1_000);
    expect(over).toBe(true);
    await sleeping;
  } finally {
    vi.useRealTimers();
  }
});

test("a sleep takes its time on a machine that stays awake, and ends at once when it is called off", async () => {
  const clock = systemClock();
  const begun = performance.now();
  await clock.sleep(1_150);
  expect(performance.now() - begun).toBeGreaterThan(1_140);
  const stop = new AbortController();
  const sleeping = clock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  expect(performance.now() - begun).toBeLessThan(30_000);
});

test("a limit is over when the machine has slept through it, and not before", async () => {
  vi.useFakeTimers();
  try {
    const machine = aMachine();
    const then = vi.fn();
    after(30_000, then, machine.time);
    const calledOff = vi.fn();
    const callOff = after(30_000, calledOff, machine.time);
    machine.pass(5_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(then).not.toHaveBeenCalled();
    callOff();
    machine.jump(hour);
    machine.pass(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(then).toHaveBeenCalledTimes(1);
    expect(calledOff).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});
