import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dayBudgetUsed,
  itemBudgetUsed,
  type Reservation,
  reservation,
  reserving,
  spentUsd,
  today,
  truedUp,
  withReservation,
} from "../../src/core/budget.ts";
import { decide } from "../../src/core/decide.ts";
import { formatBudget, parseBudget } from "../../src/ledger/budget.ts";
import { anItem, aPolicy, aRecord, aSnapshot, now, sha, someLimits } from "./../support/builders.ts";

const limits = someLimits({ costUsdPerItem: 25, costUsdPerDay: 20, costUsdPerRun: 5 });
const policy = aPolicy({ limits });
const day = new Date(now).toISOString().slice(0, 10);
const found = (spent: number, open: Reservation[], on = day) =>
  ({ kind: "budget", sha: sha("b"), budget: { day: on, spentUsd: spent, open } }) as const;
const records = (change: Parameters<typeof aRecord>[0]) => ({
  "issue-1": { kind: "record", sha: sha("a"), record: aRecord(change) } as const,
});

describe("what an item cost", () => {
  test("a claim reserves, its end puts the true cost in the place of that", () => {
    const begun = reserving({ usd: 3, tokens: 10 }, 5);
    expect(begun).toEqual({ usd: 3, tokens: 10, reserved: 5 });
    expect(truedUp(begun, 7, 1.5, 40)).toEqual({ usd: 4.5, tokens: 50, last: { epoch: 7, usd: 1.5 } });
  });

  test("a run that died counts with what it reserved, at the next claim for good", () => {
    const died = { usd: 3, tokens: 0, reserved: 5 };
    expect(spentUsd(died)).toBe(8);
    expect(reserving(died, 5)).toEqual({ usd: 8, tokens: 0, reserved: 5 });
  });

  test("an agent that could not tell its cost counts with what was reserved", () => {
    expect(truedUp({ usd: 0, tokens: 0, reserved: 5 }, 2, null, 0)).toEqual({
      ...{ usd: 5, tokens: 0 },
      last: { epoch: 2, usd: 5 },
    });
  });

  test("a claim without an agent leaves the last cost as it is", () => {
    const before = { usd: 1, tokens: 5, last: { epoch: 3, usd: 1 } };
    expect(truedUp(before, 4, null, 0)).toEqual(before);
  });

  test("no budget, no reservation", () => {
    expect(reservation(someLimits({ costUsdPerItem: 0 }), true)).toBe(0);
    expect(reservation(someLimits(), true)).toBe(5);
    expect(reservation(someLimits(), false)).toBe(0);
    expect(reserving({ usd: 1, tokens: 0 }, 0)).toEqual({ usd: 1, tokens: 0 });
  });

  test("another run starts only where all it reserves is left", () => {
    const with_ = (usd: number, reserved?: number) =>
      aRecord({ spend: { usd, tokens: 0, ...(reserved === undefined ? {} : { reserved }) } });
    expect(itemBudgetUsed(null, limits)).toBe(null);
    expect(itemBudgetUsed(with_(20), limits)).toBe(null);
    expect(itemBudgetUsed(with_(20.01), limits)).toContain("20.01 USD of 25.00 USD are spent");
    expect(itemBudgetUsed(with_(16, 5), limits)).toContain("21.00 USD of 25.00 USD");
    expect(itemBudgetUsed(with_(1e6), someLimits({ costUsdPerItem: 0 }))).toBe(null);
  });
});

describe("what a day cost", () => {
  const one = { key: "issue-1", epoch: 4, usd: 5 };
  const at = (change: Parameters<typeof aSnapshot>[0]) => aSnapshot({ items: [], ...change });

  test.for([
    ["a claim at work stays reserved", { epoch: 4, state: "held" }, 5, 5],
    ["one whose effects are not done has its cost already", { epoch: 4, state: "published", last: 2 }, 2, 0],
    ["one that ended with a cost", { epoch: 4, state: "done", last: 2 }, 2, 0],
    ["one that ended without a word counts in full", { epoch: 4, state: "released" }, 5, 0],
    ["one that was taken over counts in full", { epoch: 5, state: "held" }, 5, 0],
    ["one whose cost a later claim without an agent carries", { epoch: 5, state: "done", last: 2 }, 2, 0],
  ] as const)("%s", ([, record, total, reserved]) => {
    const { epoch, state } = record;
    const last = "last" in record ? { last: { epoch: 4, usd: record.last } } : {};
    const found_ = records({ epoch, state, spend: { usd: 0, tokens: 0, ...last } });
    const now_ = today(at({ budget: found(1, [one]), records: found_ }));
    const left = now_.open.reduce((sum, { usd }) => sum + usd, 0);
    expect([now_.spentUsd + left, left]).toEqual([1 + total, reserved]);
  });

  test("a record that cannot be read keeps its reservation; one that is gone spent it", () => {
    const unreadable = { "issue-1": { kind: "unreadable", sha: sha("a"), why: "newer" } } as const;
    expect(today(at({ budget: found(1, [one]), records: unreadable })).open).toEqual([one]);
    expect(today(at({ budget: found(1, [one]), records: {} }))).toEqual({ day, spentUsd: 6, open: [] });
  });

  test("a new day begins with what is still reserved; a clock that went back empties nothing", () => {
    const held = records({ epoch: 4, state: "held" });
    expect(today(at({ budget: found(19, [one], "2001-01-01"), records: held }))).toEqual({
      day,
      spentUsd: 0,
      open: [one],
    });
    expect(today(at({ budget: found(19, [], "2999-01-01") })).spentUsd).toBe(19);
  });

  test("used up, and by whom", () => {
    expect(dayBudgetUsed(at({ budget: found(15, []) }), policy)).toBe(null);
    const held = records({ epoch: 4, state: "held" });
    expect(dayBudgetUsed(at({ budget: found(15, [one]), records: held }), policy)).toBe(
      "the day's budget is used up: 20.00 USD of 20.00 USD (5.00 USD of it reserved by runs at work); it goes on at 00:00 UTC",
    );
    expect(dayBudgetUsed(at({ budget: found(1e6, []) }), aPolicy())).toBe(null);
    expect(dayBudgetUsed(at({ budget: { kind: "unreadable", why: "newer" } }), policy)).toContain(
      "cannot be read (newer)",
    );
  });

  test("however many claims race and die, what is reserved and spent never passes the budget", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("starts", "ends", "dies"), fc.nat({ max: 500 })), { maxLength: 40 }),
        (steps) => {
          let snapshot = at({ budget: { kind: "none" }, records: {} });
          let epoch = 0;
          const running: number[] = [];
          for (const [step, cents] of steps) {
            if (step === "starts" && dayBudgetUsed(snapshot, policy) === null) {
              const claim = { key: `issue-${++epoch}`, epoch, usd: limits.costUsdPerRun };
              const budget = withReservation(snapshot, policy, claim);
              if (budget === null) throw new Error("a day budget is set");
              running.push(epoch);
              const record = aRecord({ epoch, state: "held", spend: reserving({ usd: 0, tokens: 0 }, claim.usd) });
              const fact = { kind: "record", sha: sha("a"), record } as const;
              snapshot = {
                ...snapshot,
                budget: { kind: "budget", sha: sha("b"), budget },
                records: { ...snapshot.records, [claim.key]: fact },
              };
            }
            const ended = step === "starts" ? undefined : running.shift();
            if (ended === undefined) continue;
            const fact = snapshot.records[`issue-${ended}`];
            if (fact?.kind !== "record") throw new Error("its record is there");
            const spend = truedUp(fact.record.spend, ended, step === "dies" ? null : cents / 100, 0);
            const over = { ...fact, record: { ...fact.record, state: "released", spend } } as const;
            snapshot = { ...snapshot, records: { ...snapshot.records, [`issue-${ended}`]: over } };
          }
          const { spentUsd: spent, open } = today(snapshot);
          expect(spent + open.length * limits.costUsdPerRun).toBeLessThanOrEqual(limits.costUsdPerDay);
        },
      ),
    );
  });
});

describe("the record", () => {
  test("parse(format(x)) is x; its first line tells people", () => {
    const budget = { day, spentUsd: 1.25, open: [{ key: "issue-1", epoch: 4, usd: 5 }] };
    expect(parseBudget(sha("b"), formatBudget(budget))).toEqual({ kind: "budget", sha: sha("b"), budget });
    expect(formatBudget(budget)).toMatch(`agent-dispatch v1 budget ${day} 1.25 USD spent, 5.00 reserved\n`);
  });

  test.for(["", "x", "agent-dispatch v2 budget\n\n{}", 'agent-dispatch v1 budget\n\n{"v":2}', "a\n\n{"])(
    "%j is left alone",
    (text) => {
      expect(parseBudget(sha("b"), text).kind).toBe("unreadable");
    },
  );
});

describe("decide", () => {
  test("an item that used up its budget goes to a person, with the figures", () => {
    const item = anItem({ record: aRecord({ state: "released", attempt: 1, spend: { usd: 24, tokens: 0 } }) });
    const snapshot = aSnapshot({ items: [item] });
    const decision = decide(snapshot, aPolicy({ limits: { costUsdPerItem: 25 } }));
    expect(decision.kind).toBe("give-up");
    expect(decision).toMatchObject({ cause: "budget", reason: expect.stringContaining("24.00 USD of 25.00 USD") });
  });

  test("on a day without money nothing starts, and the summary says why", () => {
    const item = anItem({});
    const decision = decide(aSnapshot({ items: [item], budget: found(18, []) }), policy);
    expect(decision).toMatchObject({
      kind: "idle",
      passed: [{ reason: expect.stringContaining("the day's budget is used up") }],
    });
  });
});
