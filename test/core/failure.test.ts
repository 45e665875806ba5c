import { describe, expect, test } from "vitest";
import {
  cooldownSeconds,
  failureClasses,
  failureRules,
  goesToPerson,
  isOfTheProfile,
  sameFailuresMax,
} from "../../src/core/failure.ts";
import { freeSlot, hash } from "../../src/core/slots.ts";
import { aPolicy, aRecord, aSnapshot, hour, iso, now, sha } from "../support/builders.ts";

describe("failure classes", () => {
  test("which cost an attempt, which cool down how, which go to a person when they come twice", () => {
    const rows = failureClasses.map((name) => {
      const { costsAttempt, cooldown, twiceGoesToPerson, remedy } = failureRules[name];
      expect(remedy).toMatch(/^[A-Z].*\.$/);
      return `${name}: ${costsAttempt ? "an attempt" : "free"}, ${cooldown}${twiceGoesToPerson ? ", twice to a person" : ""}`;
    });
    expect(rows).toMatchInlineSnapshot(`
      [
        "timeout: an attempt, attempt, twice to a person",
        "silent: an attempt, attempt, twice to a person",
        "loop: an attempt, attempt, twice to a person",
        "crash: an attempt, attempt, twice to a person",
        "refusal: an attempt, attempt, twice to a person",
        "context-overflow: an attempt, attempt, twice to a person",
        "contract-invalid: an attempt, attempt, twice to a person",
        "no-change: an attempt, attempt, twice to a person",
        "checks-failed: an attempt, attempt, twice to a person",
        "guard-refused: an attempt, attempt, twice to a person",
        "conflict: an attempt, attempt, twice to a person",
        "abandoned: an attempt, attempt, twice to a person",
        "quota: free, quota",
        "auth: free, parked",
        "model-unavailable: free, parked",
        "start-up: free, parked",
        "network: free, short",
        "forge-error: free, short",
        "push-rejected: free, short",
        "claim-lost: free, none",
        "cancelled: free, none, twice to a person",
        "base-red: free, short",
        "budget: free, none, twice to a person",
      ]
    `);
    expect(Object.keys(failureRules)).toEqual([...failureClasses]);
  });

  test.for([
    ["timeout", 1, 3, 1, false],
    ["timeout", 1, 3, 2, true],
    ["timeout", 3, 3, 1, true],
    ["timeout", 4, 3, 1, true],
    ["network", 3, 3, 1, false],
    ["network", 9, 3, sameFailuresMax - 1, false],
    ["network", 1, 3, sameFailuresMax, true],
    ["cancelled", 1, 3, 1, false],
    ["cancelled", 1, 3, 2, true],
    ["base-red", 3, 3, 4, false],
  ] as const)("%s, attempt %i of %i, %i in a row: to a person %s", ([failure, attempt, max, same, expected]) => {
    expect(goesToPerson(failure, attempt, max, same)).toBe(expected);
  });

  test.for([
    ["timeout", [300, 1800], [300, 1800, 1800, 1800]],
    ["timeout", [10], [10, 10, 10, 10]],
    ["timeout", [], [300, 300, 300, 300]],
    ["network", [300, 1800], [300, 300, 300, 300]],
    ["network", [], [300, 300, 300, 300]],
    ["quota", [300, 1800], [900, 1800, 3600, 7200]],
    ["auth", [300, 1800], [21_600, 21_600, 21_600, 21_600]],
    ["model-unavailable", [], [21_600, 21_600, 21_600, 21_600]],
    ["start-up", [10], [21_600, 21_600, 21_600, 21_600]],
    ["cancelled", [300, 1800], [0, 0, 0, 0]],
  ] as const)("%s cools down by %j: %j", ([failure, ladder, expected]) => {
    expect([1, 2, 3, 4].map((times) => cooldownSeconds(failure, times, ladder))).toEqual(expected);
  });

  test("the next profile is tried in the same run after what lies with the profile, and after nothing else", () => {
    expect(failureClasses.filter(isOfTheProfile)).toEqual(["quota", "auth", "model-unavailable", "start-up"]);
  });

  test("a usage limit waits for six hours at most, and a count of 0 is as the first", () => {
    expect(cooldownSeconds("quota", 50, [])).toBe(21_600);
    expect(cooldownSeconds("quota", 0, [])).toBe(900);
    expect(cooldownSeconds("timeout", 0, [7, 9])).toBe(7);
  });
});

describe("slots", () => {
  const slot = (number: number, holder: { key: string; epoch: number } | null) => ({ number, sha: sha("1"), holder });
  const held = (key: string, epoch: number, at: number) => ({
    kind: "record" as const,
    sha: sha("2"),
    record: aRecord({ key, epoch, state: "held", at: iso(at) }),
  });
  const one = aPolicy({ maxConcurrent: 1 });

  test.for([
    ["never used", [], {}, 1],
    ["held by a live claim", [slot(1, { key: "issue-9", epoch: 4 })], { "issue-9": held("issue-9", 4, now) }, null],
    ["held by a dead claim", [slot(1, { key: "issue-9", epoch: 4 })], { "issue-9": held("issue-9", 4, now - hour) }, 1],
    [
      "held by an earlier claim of the item",
      [slot(1, { key: "issue-9", epoch: 3 })],
      { "issue-9": held("issue-9", 4, now) },
      1,
    ],
    ["its item has no record any more", [slot(1, { key: "issue-9", epoch: 4 })], {}, 1],
    ["its own record cannot be read", [slot(1, null)], {}, null],
    [
      "the record of its item cannot be read",
      [slot(1, { key: "issue-9", epoch: 4 })],
      { "issue-9": { kind: "unreadable" as const, sha: sha("3"), why: "version 2" } },
      null,
    ],
    ["a place above the cap does not count", [slot(2, null)], {}, 1],
  ] as const)("%s", ([, slots, records, expected]) => {
    expect(freeSlot(aSnapshot({ items: [], slots: [...slots], records }), one)).toBe(expected);
  });

  test("runs begin at different places", () => {
    const owners = Array.from({ length: 40 }, (_, i) => `run ${i}`);
    const policy = aPolicy({ maxConcurrent: 3 });
    const places = owners.map((owner) => freeSlot(aSnapshot({ items: [], owner }), policy));
    expect(new Set(places)).toEqual(new Set([1, 2, 3]));
    expect(owners.map(hash).every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true);
  });

  test("the last free place is found from wherever a run begins", () => {
    const slots = [slot(1, null), slot(3, null)];
    for (const owner of ["a", "b", "c", "d"]) {
      expect(freeSlot(aSnapshot({ items: [], owner, slots }), aPolicy({ maxConcurrent: 3 }))).toBe(2);
    }
  });
});
