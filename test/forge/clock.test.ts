import { expect, test } from "vitest";
import { forgeClock } from "../../src/forge/clock.ts";

const start = Date.UTC(2026, 0, 1, 12);
const header = (ms: number) => new Date(start + ms).toUTCString();

/** The clock with a machine whose two clocks move as told. */
function aClock() {
  const machine = { wall: 5_000_000, monotonic: 100 };
  const clock = forgeClock(
    () => machine.wall,
    () => machine.monotonic,
  );
  return { clock, machine, now: () => (clock.now() ?? 0) - start };
}

test("nothing before the first date, nothing from a broken one", () => {
  const { clock } = aClock();
  expect(clock.now()).toBeNull();
  clock.observe(null);
  clock.observe("yesterday");
  expect(clock.now()).toBeNull();
});

test("goes on by the larger of both clocks", () => {
  const { clock, machine, now } = aClock();
  clock.observe(header(0));
  machine.monotonic += 3000;
  expect(now()).toBe(3000);
  // The machine slept: only the wall clock knows.
  machine.wall += 60_000;
  expect(now()).toBe(60_000);
  // Somebody set the wall clock back.
  machine.wall -= 600_000;
  expect(now()).toBe(3000);
});

test("a date of the same second does not set it back", () => {
  const { clock, machine, now } = aClock();
  clock.observe(header(0));
  machine.monotonic += 900;
  clock.observe(header(0));
  expect(now()).toBe(900);
  machine.monotonic += 200;
  clock.observe(header(1000));
  expect(now()).toBe(1100);
});

test("a newer date corrects it both ways", () => {
  const { clock, machine, now } = aClock();
  clock.observe(header(0));
  machine.monotonic += 1000;
  clock.observe(header(5000));
  expect(now()).toBe(5000);
  machine.wall += 3_600_000;
  clock.observe(header(6000));
  expect(now()).toBe(6000);
});

test("an answer that was overtaken changes nothing", () => {
  const { clock, now } = aClock();
  clock.observe(header(10_000));
  clock.observe(header(4000));
  expect(now()).toBe(10_000);
});
