// Decision after decision: without new input every repository comes to rest, whatever becomes of the runs.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Item } from "../../src/core/model.ts";
import { afterRun, type Fate, type Luck } from "../support/aftermath.ts";
import { type Decided, decideBy, gist, type World, worlds } from "../support/worlds.ts";

const world = worlds(3);

vi.setConfig({ testTimeout: 60_000 });

const luckOf = (fates: readonly Fate[]) =>
  fc.record<Luck>({
    fate: fc.constantFrom(...fates),
    good: fc.boolean(),
    merge: fc.constantFrom("clean", "clean", "conflict"),
    isRed: fc.boolean(),
    approvalsNeeded: fc.integer({ min: 1, max: 2 }),
  });

const failures: Fate[] = ["timeout", "checks-failed", "crash", "no-change", "died", "died-early"];
const endings: Fate[] = [
  ...failures,
  "done",
  "done",
  "done",
  "died-published",
  "network",
  "quota",
  "cancelled",
  "base-red",
];

type Step = (decision: Decided, before: World["snapshot"]) => void;

/** Runs one after another, a day apart, until there is nothing to do; answers how many worked. */
function runs(t: World, luck: (run: number) => Luck, runsMax: number, step: Step = () => undefined) {
  let { snapshot } = t;
  const later = new Map<string, Item>();
  const kinds: string[] = [];
  for (;;) {
    const { decision } = decideBy({ ...t, snapshot });
    step(decision, snapshot);
    if (decision.kind === "idle" || decision.kind === "control") return { kinds, snapshot, decision };
    if (kinds.length > runsMax)
      throw new Error(`still at work after ${runsMax} runs (${kinds.slice(-30)}): ${JSON.stringify(gist(decision))}`);
    snapshot = afterRun(snapshot, decision, luck(kinds.length), later);
    kinds.push(decision.kind);
  }
}

/**
 * Runs of one item, generously: an order and three rounds, each with a rework and two reviews of three attempts, a re-run and a hand-over; merges
 * put off, and the person who gets it. Each ending of the list can spoil one more.
 */
const runsMax = (t: World, spoilt: number) => t.snapshot.items.length * 60 + 3 * spoilt;

const worst: Luck = { fate: "done", good: false, merge: "conflict", isRed: true, approvalsNeeded: 2 };

describe("comes to rest", () => {
  test("although every attempt fails or dies", () => {
    fc.assert(
      fc.property(world, fc.array(luckOf(failures), { minLength: 1, maxLength: 30 }), (t, list) => {
        runs(t, (run) => list[run] ?? { ...worst, fate: "crash" }, runsMax(t, list.length));
      }),
      { numRuns: 100 },
    );
  });

  test("although nothing is ever approved, every head conflicts and is red, and no merge succeeds", () => {
    fc.assert(
      fc.property(world, (t) => {
        const { kinds } = runs(t, () => worst, runsMax(t, 0));
        expect(kinds.filter((kind) => kind === "rework").length).toBeLessThanOrEqual(t.snapshot.items.length * 8);
      }),
      { numRuns: 100 },
    );
  });

  test("after any mixture of endings", () => {
    fc.assert(
      fc.property(world, fc.array(luckOf(endings), { maxLength: 60 }), (t, list) => {
        runs(t, (run) => list[run] ?? worst, runsMax(t, list.length));
      }),
      { numRuns: 100 },
    );
  });
});

test("what goes well is published, judged and handed over", () => {
  const best: Luck = { fate: "done", good: true, merge: "clean", isRed: false, approvalsNeeded: 1 };
  const seen = new Set<string>();
  fc.assert(
    fc.property(world, (t) => {
      const { kinds, snapshot, decision } = runs(t, () => best, runsMax(t, 0));
      for (const kind of kinds) seen.add(kind);
      // A stranger's label that is newer than the order ends what was begun by it.
      const isRefused = decision.kind === "idle" && decision.replies.some(({ purpose }) => purpose === "refusal");
      const isOne = snapshot.items.length === 1 && snapshot.openPulls.length === 1;
      const begun = kinds.includes("implement") && isOne && !isRefused;
      if (begun && t.policy.merge === "human") expect(kinds.slice(-3)).toEqual(["implement", "review", "hand-over"]);
    }),
    { numRuns: 100 },
  );
  expect([...seen].sort()).toEqual(expect.arrayContaining(["hand-over", "implement", "review", "rework"]));
});

test("bounds on the way: rounds without an order, attempts, never a step back to a closed item", () => {
  fc.assert(
    fc.property(world, fc.array(luckOf(endings), { maxLength: 60 }), (t, list) => {
      runs(
        t,
        (run) => list[run] ?? worst,
        runsMax(t, list.length),
        (decision, { items }) => {
          for (const { record } of items) {
            if (record.kind !== "record") continue;
            const before = t.snapshot.items.find((item) => item.key === record.record.key)?.record;
            const given = before?.kind === "record" ? before.record : { round: 0, attempt: 0 };
            expect(record.record.round).toBeLessThanOrEqual(Math.max(given.round + 1, t.policy.maxRounds + 1));
            expect(record.record.attempt).toBeLessThanOrEqual(Math.max(given.attempt, t.policy.maxAttempts));
          }
          if (decision.kind !== "rework" || decision.plan.causes.ordered) return;
          expect(decision.plan.round).toBeLessThanOrEqual(t.policy.maxRounds);
        },
      );
    }),
    { numRuns: 100 },
  );
});
