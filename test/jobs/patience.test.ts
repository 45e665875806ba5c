import { describe, expect, it } from "vitest";
import { ForgeError, RunError } from "../../src/errors.ts";
import { Patience, patiently } from "../../src/jobs/patience.ts";
import { isAway, OutageTooLong, outageWaitsMs } from "../../src/outage.ts";

const minute = 60_000;
const passing = { remedy: "wait", mender: "server operator", retry: true } as const;

function forgeError(status: number, change: { away?: boolean; retryAfterMs?: number; retry?: boolean } = {}) {
  const failure = { method: "GET", path: "user", status, answer: "" };
  return new ForgeError(`status ${status}`, failure, { ...passing, mayBeApplied: false, ...change });
}

/** What `patiently` works with, in time that passes only in sleeps. */
function ports() {
  const slept: number[] = [];
  const lines: string[] = [];
  return {
    slept,
    lines,
    clock: {
      elapsed: () => slept.reduce((sum, ms) => sum + ms, 0),
      sleep: async (ms: number) => void slept.push(ms),
      random: () => 0.5,
    },
    log: {
      line: (text: string) => void lines.push(text),
      warning: () => {},
      group: async <T>(_: string, t: () => Promise<T>) => t(),
    },
    stop: new AbortController().signal,
  };
}

const sum = (list: readonly number[]) => list.reduce((total, ms) => total + ms, 0);

describe("waiting for a forge that is away", () => {
  it("takes ten minutes in all, and never more than one at once: the claim is renewed in between", () => {
    expect(sum(outageWaitsMs)).toBe(10 * minute);
    expect(Math.max(...outageWaitsMs)).toBe(minute);
  });

  it("goes by what the forge asks for, within the ten minutes", () => {
    const patience = new Patience();
    const busy = forgeError(503, { away: true, retryAfterMs: 4 * minute });
    expect([patience.next(busy), patience.next(busy), patience.next(busy), patience.next(busy)]).toEqual([
      ...[4 * minute, 4 * minute, 2 * minute, null],
    ]);
  });

  it("ends with the answer, once there is one", async () => {
    const p = ports();
    const errors = [forgeError(0, { away: true }), forgeError(502, { away: true }), new RunError("git", passing)];
    const answer = await patiently(p, async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return { again: null, result: "there" };
    });
    expect(answer).toBe("there");
    expect(p.slept).toEqual(outageWaitsMs.slice(0, 3));
    expect(p.lines[0]).toBe("the forge is away (status 0); trying again in 2 s");
  });

  it("ends with the error when the time is up", async () => {
    const p = ports();
    const error = forgeError(503, { away: true });
    await expect(patiently(p, () => Promise.reject(error))).rejects.toBe(error);
    expect(p.slept).toEqual(outageWaitsMs);
  });

  it("gives an unclear answer back when the time is up", async () => {
    const p = ports();
    expect(await patiently(p, async () => ({ again: "unclear", result: 1 }))).toBe(1);
    expect(p.slept).toEqual(outageWaitsMs);
  });

  it("waits with a page of a proxy as well, whatever it says of the address, and with nothing that was refused", async () => {
    const p = ports();
    const page = forgeError(200, { away: true, retry: false });
    let pages = 2;
    expect(await patiently(p, async () => (pages-- > 0 ? Promise.reject(page) : { again: null, result: 1 }))).toBe(1);
    const refused = forgeError(403, { retry: false });
    await expect(patiently(p, () => Promise.reject(refused))).rejects.toBe(refused);
    expect(p.slept).toHaveLength(2);
  });

  it("does not wait again for what has waited", async () => {
    const p = ports();
    const over = new OutageTooLong("the claim could not be renewed");
    await expect(patiently(p, () => Promise.reject(over))).rejects.toBe(over);
    expect(p.slept).toEqual([]);
  });

  it("waits for nothing once the run is asked to end", async () => {
    const p = { ...ports(), stop: AbortSignal.abort("cancelled") };
    const error = forgeError(503, { away: true });
    await expect(patiently(p, () => Promise.reject(error))).rejects.toBe(error);
    expect(p.slept).toEqual([]);
  });
});

it("away is the forge as a whole, not one request that it refuses", () => {
  expect(isAway(forgeError(500))).toBe(false);
  expect(isAway(forgeError(503, { away: true }))).toBe(true);
  expect(isAway(new RunError("git could not be reached", passing))).toBe(true);
  expect(isAway(new RunError("denied", { ...passing, retry: false }))).toBe(false);
  expect(isAway(new OutageTooLong("x"))).toBe(false);
  expect(isAway(new TypeError("ours"))).toBe(false);
});
