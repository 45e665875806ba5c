// What holds for every decision, not only for those somebody thought of.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { hasLabel, type Item, type Snapshot } from "../../src/core/model.ts";
import { ranked } from "../../src/core/priority.ts";
import { lateRepairs, repairs } from "../../src/core/repairs.ts";
import { isLive } from "../../src/ledger/record.ts";
import { bot, now } from "../support/builders.ts";
import { decideBy, gist, type World, worlds, writers } from "../support/worlds.ts";

vi.setConfig({ testTimeout: 60_000 });

const world = worlds(10);
/** Few items, so that each of them is often the one that is worked on. */
const small = worlds(2);

/** The item that is worked on; null where none is. */
function chosen(t: World) {
  const { decision } = decideBy(t);
  return decision.kind === "idle" || decision.kind === "control" ? null : { decision, item: decision.item };
}

describe("one decision", () => {
  test("the order of lists does not matter", () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), (t, dice) => {
        const { snapshot } = t;
        const shuffled = <T>(list: readonly T[]): T[] =>
          list
            .map((value) => ({ value, at: dice.next().value }))
            .sort((a, b) => Number(a.at) - Number(b.at))
            .map(({ value }) => value);
        const other: Snapshot = {
          ...snapshot,
          items: shuffled(snapshot.items),
          openPulls: shuffled(snapshot.openPulls),
          slots: shuffled(snapshot.slots),
          records: Object.fromEntries(shuffled(Object.entries(snapshot.records))),
        };
        const keys = (s: Snapshot) => ranked(s, t.policy).map((item) => item.key);
        expect(keys(other)).toEqual(keys(snapshot));
        expect(gist(decideBy({ ...t, snapshot: other }).decision)).toEqual(gist(decideBy(t).decision));
      }),
      { numRuns: 60 },
    );
  });

  test("never an item with a live claim, hold, closed, locked or unreadable", () => {
    fc.assert(
      fc.property(small, (t) => {
        const work = chosen(t);
        if (work === null) return;
        const { issue, record: fact, pull } = work.item;
        const labels = [...issue.labels, ...(pull?.labels ?? [])];
        expect(hasLabel(labels, "hold") || issue.locked || issue.state === "closed").toBe(false);
        expect(fact.kind).not.toBe("unreadable");
        if (fact.kind === "record" && fact.record.owner !== t.snapshot.owner)
          expect(isLive(fact.record, now, 30)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test("what fits the item: no second pull request, none of a person's merged or mended unasked", () => {
    fc.assert(
      fc.property(small, (t) => {
        const work = chosen(t);
        if (work === null) return;
        const { decision, item } = work;
        if (decision.kind === "implement") expect(item.pull).toBe(null);
        if (item.issue.isPull && decision.kind !== "dispatch") {
          expect(["review", "rework", "hand-over", "stop", "resume", "give-up"]).toContain(decision.kind);
        }
        if (decision.kind === "rework") {
          if (item.issue.isPull) expect(decision.plan.causes.ordered).toBe(true);
          expect(decision.plan.pull.headIsHere).toBe(true);
          const { ordered, findings, conflict, red } = decision.plan.causes;
          expect(ordered || findings || conflict || red.length > 0).toBe(true);
        }
        if (decision.kind === "land") expect(t.policy.merge).toBe("when-approved");
      }),
      { numRuns: 300 },
    );
  });

  test("bounds: attempts, and rounds without an order", () => {
    fc.assert(
      fc.property(small, (t) => {
        const decision = chosen(t)?.decision;
        if (decision === undefined || !("plan" in decision) || !("attempt" in decision.plan)) return;
        expect(decision.plan.attempt).toBeLessThanOrEqual(t.policy.maxAttempts);
        if (decision.kind === "rework" && !decision.plan.causes.ordered)
          expect(decision.plan.round).toBeLessThanOrEqual(t.policy.maxRounds);
      }),
      { numRuns: 300 },
    );
  });

  test("nobody untrusted starts anything", () => {
    fc.assert(
      fc.property(small, (t) => {
        const work = chosen(t);
        if (work === null || t.snapshot.trigger.byHand || !("plan" in work.decision)) return;
        const { askedBy } = work.decision.plan;
        const begun = work.item.record.kind === "record" ? work.item.record.record.askedBy : "";
        // What is handed over again, or goes on without anybody's name, is told to the author.
        const begins = work.decision.kind === "implement";
        expect(begins ? [...writers, begun] : [...writers, begun, work.item.issue.author]).toContain(askedBy);
        expect(askedBy).not.toBe("");
      }),
      { numRuns: 300 },
    );
  });

  test("a branch is replaced only where it stands at the head that was seen", () => {
    let replaced = 0;
    fc.assert(
      fc.property(small, (t) => {
        const decision = chosen(t)?.decision;
        if (decision?.kind === "rework" || decision?.kind === "review")
          expect([null, decision.plan.pull.headSha]).toContain(decision.plan.expect);
        if (decision?.kind !== "implement" || decision.plan.expect === null) return;
        replaced += 1;
        const { record, details } = decision.item;
        if (record.kind !== "record") {
          expect(details?.past?.branch).toEqual({ sha: decision.plan.expect, isOurs: true });
          return;
        }
        expect(decision.plan.expect).toBe(record.record.head);
      }),
      { numRuns: 400 },
    );
    expect(replaced).toBeGreaterThan(0);
  });

  test("looks end, and are at most looksMax items", () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: 10 }), (t, looksMax) => {
        const { looked, steps } = decideBy(t, looksMax);
        // An assigned one may come on top where looksMax is smaller than the places kept for it.
        expect(looked.size).toBeLessThanOrEqual(looksMax + 1);
        // Details, the rights of those who gave orders, of approvers, of the author; then once whether a run can be started.
        expect(steps).toBeLessThanOrEqual(4 * looked.size + 1);
      }),
      { numRuns: 150 },
    );
  });

  test("the worlds of these tests are of every kind", () => {
    const kinds = new Map<string, number>();
    for (const t of fc.sample(small, { numRuns: 900, seed: 3 })) {
      const { kind } = decideBy(t).decision;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const all = [
      "idle",
      "implement",
      "review",
      "rework",
      "resume",
      "give-up",
      "hand-over",
      "land",
      "stop",
      "rerun",
      "dispatch",
    ];
    for (const kind of all) expect(kinds.get(kind), kind).toBeGreaterThan(0);
  });

  test("deciding again with everything read is the same decision", () => {
    fc.assert(
      fc.property(world, (t) => {
        const { decision, items } = decideBy(t);
        const again = decide({ ...t.snapshot, items, canDispatch: t.canDispatch }, t.policy);
        if (again.kind === "look" || again.kind === "look-control") throw new Error(`looks again: ${again.kind}`);
        expect(gist(again)).toEqual(gist(decision));
      }),
      { numRuns: 150 },
    );
  });
});

/** When somebody who may did anything that can be an order, by the forge's facts; 0 = never. */
function lastWord({ details, record }: Item, { trigger }: Snapshot): number {
  if (details === null || trigger.byHand) return Number.POSITIVE_INFINITY;
  const { timeline, comments, pull } = details;
  const isTheirs = (who: string) => writers.includes(who);
  const times = [
    ...[...timeline, ...(pull?.timeline ?? [])].flatMap((e) => (isTheirs(e.by) ? [e.at] : [])),
    ...[...comments, ...(pull?.comments ?? [])].flatMap((c) => (isTheirs(c.author) ? [c.createdAt] : [])),
    ...(pull?.reviews ?? []).flatMap((r) => (isTheirs(r.author) ? [r.at] : [])),
    record.kind === "record" && record.record.orderAt !== undefined ? Date.parse(record.record.orderAt) : 0,
  ];
  return Math.max(0, ...times);
}

describe("what people took stays theirs", () => {
  test("never after a person's assignment without a later word of somebody trusted", () => {
    let seen = 0;
    fc.assert(
      fc.property(small, (t) => {
        const work = chosen(t);
        if (work === null) return;
        const { item } = work;
        for (const login of item.issue.assignees.filter((name) => name !== bot)) {
          const entry = item.details?.timeline.findLast((e) => e.kind === "assignee" && e.login === login);
          if (entry?.by === bot) continue;
          seen += 1;
          // An assignment by somebody trusted is a word of theirs too, so the bound is not strict.
          if (entry !== undefined) expect(entry.at).toBeLessThanOrEqual(lastWord(item, t.snapshot));
        }
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThan(0);
  });

  test("never without the label where nobody trusted ever said a word, and no run left anything", () => {
    fc.assert(
      fc.property(small, (t) => {
        const work = chosen(t);
        if (work === null || hasLabel(work.item.issue.labels, "bot")) return;
        const { record: fact } = work.item;
        const record = fact.kind === "record" ? fact.record : null;
        const isLeft = record?.state === "held" || record?.state === "published" || record?.stage === "merge-ready";
        if (!isLeft) expect(lastWord(work.item, t.snapshot)).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

test("repairs touch no held, live or unreadable item, and each ends what it repairs", () => {
  fc.assert(
    fc.property(small, ({ snapshot, policy }) => {
      const early = repairs(snapshot, policy);
      expect(early.every(({ item: at }) => at.record.kind === "record")).toBe(true);
      for (const { item: at, effects, doubles, close } of [...early, ...lateRepairs(snapshot, policy, null)]) {
        expect(hasLabel([...at.issue.labels, ...(at.pull?.labels ?? [])], "hold")).toBe(false);
        expect(at.record.kind).not.toBe("unreadable");
        if (at.record.kind === "record") expect(isLive(at.record.record, now, 30)).toBe(false);
        expect(effects.length + doubles.length > 0 || close).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});
