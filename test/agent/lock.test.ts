import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { locked } from "../../src/agent/lock.ts";

let folder = "";
const wait = { maxMs: 5_000, everyMs: 5 };

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "lock-")), "lock");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

test("one at a time, and nothing is left", async () => {
  let inside = 0;
  const most: number[] = [];
  const task = () =>
    locked(folder, wait, async () => {
      most.push(++inside);
      await sleep(20);
      inside--;
    });
  await Promise.all([task(), task(), task()]);
  expect(most).toEqual([1, 1, 1]);
  expect(existsSync(folder)).toBe(false);
});

test("given back by a task that throws", async () => {
  await expect(locked(folder, wait, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await locked(folder, wait, () => Promise.resolve(1))).toBe(1);
});

test("what a killed process left is nobody's after a while", async () => {
  writeFileSync(folder, "");
  const old = new Date(Date.now() - 31_000);
  utimesSync(folder, old, old);
  expect(await locked(folder, wait, () => Promise.resolve(existsSync(folder)))).toBe(true);
});

test("who has waited long enough goes on without it, and does not take it from its holder", async () => {
  writeFileSync(folder, "");
  expect(await locked(folder, { maxMs: 20, everyMs: 5 }, () => Promise.resolve(1))).toBe(1);
  expect(existsSync(folder)).toBe(true);
});
