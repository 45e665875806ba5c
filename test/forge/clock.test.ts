import { expect, test } from "vitest";
import { forgeClock } from "../../src/forge/clock.ts";

const start = Date.UTC(2026, 0, 1, 12);
const header = (ms: number) => new Date(start + ms).toUTCString();

/** The clock with a machine whose own clock moves as told. */
function aClock() {
  const machine = { monotonic: 100 };
  const clock = forgeClock(() => machine.monotonic);
  return { clock, machine, now: () => (clock.now() ?? 0) - start };
}

test("nothing before the first date, nothing from a broken one", () => {
  const { clock } = aClock();
  expect(clock.now()).toBeNull();
  clock.observe(null);
  clock.observe("yesterday");
  expect(clock.now()).toBeNull();
});

test("goes on by the monotonic clock: a wall clock that is set makes nobody's claim look dead", () => {
  const { clock, machine, now } = aClock();
  clock.observe(header(0));
  machine.monotonic += 3000;
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
  // The machine slept: the next answer says so.
  clock.observe(header(3_600_000));
  expect(now()).toBe(3_600_000);
});

test("an answer that was overtaken changes nothing", () => {
  const { clock, now } = aClock();
  clock.observe(header(10_000));
  clock.observe(header(4000));
  expect(now()).toBe(10_000);
});
