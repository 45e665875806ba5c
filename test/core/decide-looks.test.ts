// Which facts are read, in which order, of how many items.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Snapshot } from "../../src/core/model.ts";
import { anItem, aPolicy, aPull, aSnapshot, bot, details, hour, minute, now, writer } from "../support/builders.ts";
import { begins, beginsAgain, cooling, dead, one, run, said } from "../support/decisions.ts";

describe("looking: cheap facts first, then details, then rights", () => {
  const unread = { details: null } as const;

  test("one item, step by step", () => {
    const policy = aPolicy();
    expect(said(decide(one(unread), policy))).toBe("look at #12: details, agent/issue-12");
    expect(said(decide(one({ details: { access: {} } }), policy))).toBe("look at #12: access of alice");
    expect(said(decide(one({}), policy))).toBe(begins);
  });

  test("the branch of the next generation is asked for", () => {
    expect(said(decide(one({ record: { state: "closed" }, ...unread }), aPolicy()))).toBe(
      "look at #12: details, agent/issue-12-2",
    );
  });

  test("each giver is asked about once, the program never", () => {
    const comments = ["ann", "Ann", "bob", bot].map((author, i) => run({ id: 300 + i, author, createdAt: now - i }));
    expect(said(decide(one({ issue: { comments: 4 }, details: { access: {}, comments } }), aPolicy()))).toBe(
      "look at #12: access of ann,bob,alice",
    );
  });

  test("a flood of givers is asked about up to a bound; whoever put the label on always is", () => {
    const comments = Array.from({ length: 30 }, (_, i) => run({ id: 300 + i, author: `spam${i}`, createdAt: now - i }));
    expect(said(decide(one({ issue: { comments: 30 }, details: { access: {}, comments } }), aPolicy()))).toBe(
      `look at #12: access of ${Array.from({ length: 20 }, (_, i) => `spam${i}`)},alice`,
    );
  });

  test("givers that a record has obeyed are not asked about", () => {
    expect(said(decide(one({ record: {}, details: { access: {} } }), aPolicy()))).toBe(beginsAgain);
  });

  test("at most looksMax items a run, the oldest first, the rest from a place that moves", { timeout: 30_000 }, () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      anItem({ issue: { number: 100 + i, createdAt: now - hour + i, updatedAt: now }, details: null }),
    );
    const lookedAt = (seed: number, looksMax = 10) => {
      const numbers: number[] = [];
      let items = many;
      for (;;) {
        const decision = decide(aSnapshot({ items, seed }), aPolicy({ looksMax }));
        if (decision.kind !== "look") return numbers;
        numbers.push(decision.item.issue.number);
        // Read, and found to be nobody's order.
        const { key } = decision.item;
        items = items.map((item) => (item.key === key ? { ...item, details: details({ timeline: [] }) } : item));
      }
    };
    const one = lookedAt(1);
    expect(one.slice(0, 5)).toEqual([100, 101, 102, 103, 104]);
    expect(one.length).toBe(9);
    for (const looksMax of [1, 2, 3, 4]) expect(lookedAt(7, looksMax).length).toBeLessThanOrEqual(looksMax);
    // None starves, whatever the steps in which runs are numbered.
    for (const step of [1, 2, 60]) {
      const seen = new Set(Array.from({ length: 200 }, (_, i) => lookedAt(7 + i * step)).flat());
      expect(seen.size, `runs numbered in steps of ${step}`).toBe(60);
    }
  });

  test("of items that are assigned to people one a run, and only where something happened within a day", () => {
    const at = (number: number, updatedAt: number, change: Parameters<typeof anItem>[0] = {}) =>
      anItem({ ...change, issue: { number, updatedAt, assignees: ["bob"] }, details: null });
    const lookedAt = (items: Snapshot["items"], seeds = 20) => {
      const numbers = Array.from({ length: seeds }, (_, seed) => {
        const look = (left: Snapshot["items"], found: number[]): number[] => {
          const decision = decide(aSnapshot({ items: left, seed }), aPolicy());
          if (decision.kind !== "look") return found;
          const { key, issue } = decision.item;
          const read = details({ timeline: [] });
          const next = left.map((i) => (i.key === key ? { ...i, details: read } : i));
          return look(next, [...found, issue.number]);
        };
        return look(items, []);
      });
      expect(Math.max(...numbers.map((found) => found.length))).toBeLessThanOrEqual(1);
      return [...new Set(numbers.flat())].sort();
    };
    const day = 24 * hour;
    expect(lookedAt([at(1, now - day + 1), at(2, now - day), at(3, now - 9 * day), at(4, now)])).toEqual([1, 4]);
    // Begun ones always: nobody may have touched what a run left.
    const states = ["published", "held", "released", "done", "blocked", "closed"] as const;
    const left = states.map((state, i) => at(i + 1, now - 9 * day, { record: { ...dead, state } }));
    expect(lookedAt(left, 60)).toEqual([1, 2, 3]);
    // The one that the event names is no matter of turns.
    const named = aSnapshot({ items: [at(1, now - 9 * day)], trigger: { event: "label", item: 1, actor: writer } });
    expect(said(decide(named, aPolicy()))).toBe("look at #1: details, agent/issue-1");
  });

  test("of one person's commands the newest 10 count, so that nobody pushes out somebody else's", () => {
    const comments = Array.from({ length: 51 }, (_, i) => run({ id: 300 + i, createdAt: now - hour - i * minute }));
    const decision = decide(one({ issue: { comments: 51 }, details: { timeline: [], comments } }), aPolicy());
    if (decision.kind !== "implement") throw new Error(said(decision));
    expect(decision.plan.handled.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `comment:${300 + i}`));
  });

  test("items that need no look do not use up the places", () => {
    const waiting = Array.from({ length: 20 }, (_, i) =>
      anItem({
        issue: { number: 100 + i, createdAt: i },
        pull: aPull({ number: 200 + i, headRef: `agent/issue-${100 + i}`, body: "" }),
        record: { ...cooling, pull: 200 + i },
        details: null,
      }),
    );
    const snapshot = aSnapshot({ items: [...waiting, anItem({ details: null })], openPulls: [] });
    expect(said(decide(snapshot, aPolicy()))).toBe("look at #12: details, agent/issue-12");
  });

  test("what is not looked at says so", () => {
    const items = [
      anItem({ issue: { number: 1, createdAt: 1 }, details: { timeline: [] } }),
      anItem({ issue: { number: 2, createdAt: 2 }, details: null }),
    ];
    const decision = decide(aSnapshot({ items }), aPolicy({ looksMax: 1 }));
    expect(decision).toMatchObject({
      kind: "idle",
      reason: "2 items looked at, none is ready",
      passed: [
        { item: 1, row: 4 },
        { item: 2, row: 4, reason: "not looked at closely in this run; its turn comes (1 a run)" },
      ],
    });
  });
});
