// What of the ledger has had its day.

import { describe, expect, test } from "vitest";
import type { RecordFact, Slot, Snapshot } from "../../src/core/model.ts";
import { freeSlot } from "../../src/core/slots.ts";
import { sorted, sweepAfterMs, toSweep } from "../../src/core/sweep.ts";
import { anIssue, aPolicy, aSnapshot, hour, iso, minute, now, recorded, sha } from "../support/builders.ts";

const day = 24 * hour;
const closed = (change: Parameters<typeof recorded>[0] = {}) =>
  recorded({ state: "closed", at: iso(now - 15 * day), ...change });
const unreadable: RecordFact = { kind: "unreadable", sha: sha("d"), why: "version 2" };

type Known = Partial<Pick<Snapshot, "records" | "wips" | "archive" | "pause">>;
const of = (known: Known, at = now) =>
  toSweep({ records: {}, wips: {}, archive: { kind: "none" }, pause: null, ...known }, at);
const keys = (known: Known, at = now) => {
  const { due, orphans } = of(known, at);
  return { due: due.map((one) => one.key), orphans: orphans.map((one) => one.key) };
};
const nothing = { due: [], orphans: [] };

describe("records", () => {
  test("closed for more than 14 days, with what was uploaded for them", () => {
    expect(of({ records: { "issue-12": closed() }, wips: { "issue-12": sha("e") } })).toEqual({
      due: [
        {
          key: "issue-12",
          number: 12,
          record: expect.objectContaining({ state: "closed" }),
          sha: sha("c"),
          wip: sha("e"),
        },
      ],
      orphans: [],
    });
    expect(of({ records: { "pr-34": closed() } }).due).toMatchObject([{ key: "pr-34", number: 34, wip: null }]);
  });

  test("to the millisecond, by the clock that is given", () => {
    const records = { "issue-12": closed({ at: iso(now) }) };
    expect(sweepAfterMs).toBe(14 * day);
    expect(keys({ records }, now + sweepAfterMs)).toEqual(nothing);
    expect(keys({ records }, now + sweepAfterMs + 1).due).toEqual(["issue-12"]);
  });

  test("a look that found the issue open is not repeated before its time", () => {
    const records = { "issue-12": closed({ sweepAfter: iso(now + day) }) };
    expect(keys({ records })).toEqual(nothing);
    expect(keys({ records }, now + day).due).toEqual(["issue-12"]);
  });

  test.for([
    ["blocked for a year", recorded({ state: "blocked", at: iso(now - 365 * day) })],
    ["handed over for a year", recorded({ state: "done", at: iso(now - 365 * day) })],
    ["a dead claim", recorded({ state: "held", at: iso(now - 365 * day) })],
    ["of a newer version", unreadable],
    ["closed yesterday", closed({ at: iso(now - day) })],
  ] as const)("not one that is %s", ([, fact]) => {
    expect(keys({ records: { "issue-12": fact } })).toEqual(nothing);
  });

  test("the oldest first, 20 a run", () => {
    const many = Array.from({ length: 30 }, (_, i) => [`issue-${i + 1}`, closed({ at: iso(now - (15 + i) * day) })]);
    const { due } = keys({ records: Object.fromEntries(many) });
    expect(due).toHaveLength(20);
    expect(due.slice(0, 3)).toEqual(["issue-30", "issue-29", "issue-28"]);
  });

  test("none where no line can be added for them: their uploads go all the same", () => {
    const archive = { kind: "unreadable", why: "version 2" } as const;
    const known = { records: { "issue-12": closed() }, wips: { "issue-12": sha("e") }, archive };
    expect(keys(known)).toEqual({ due: [], orphans: ["issue-12"] });
  });

  test("nothing while the program is paused", () => {
    const known = { records: { "issue-12": closed() }, wips: { "issue-13": sha("e") } };
    expect(keys({ ...known, pause: { by: "ann", why: "", until: null } })).toEqual(nothing);
    expect(keys({ ...known, pause: { by: "ann", why: "", until: now + 1 } })).toEqual(nothing);
    expect(keys({ ...known, pause: { by: "ann", why: "", until: now } }).due).toEqual(["issue-12"]);
  });
});

describe("uploads", () => {
  const wips = { "issue-12": sha("e") };

  test("without a record, or with a closed one, at once", () => {
    expect(of({ wips })).toEqual({ due: [], orphans: [{ key: "issue-12", sha: sha("e") }] });
    expect(keys({ wips, records: { "issue-12": closed({ at: iso(now) }) } }).orphans).toEqual(["issue-12"]);
  });

  test("not where anybody may want them", () => {
    for (const state of ["held", "published", "released", "blocked", "done"] as const)
      expect(keys({ wips, records: { "issue-12": recorded({ state, at: iso(now - 100 * day) }) } })).toEqual(nothing);
    expect(keys({ wips, records: { "issue-12": unreadable } })).toEqual(nothing);
  });

  test("20 a run", () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`issue-${i + 1}`, sha("e")]));
    expect(of({ wips: many }).orphans).toHaveLength(20);
  });
});

describe("with the issues as they are now", () => {
  const [due] = of({ records: { "issue-12": closed() } }).due;
  if (due === undefined) throw new Error("nothing is due");
  const issue = anIssue({ state: "closed", labels: [] });
  const one = (found: typeof issue | null) => sorted([due], [found], aPolicy(), now);

  test("closed, or gone: over", () => {
    expect(one(issue)).toEqual({ over: [{ due, issue }], open: [] });
    expect(one(null)).toEqual({ over: [{ due, issue: null }], open: [] });
  });

  test.for([
    ["open again", anIssue({ state: "open", labels: [] })],
    ["asked for again", anIssue({ state: "closed", labels: ["bot"] })],
    ["on hold", anIssue({ state: "closed", labels: ["hold"] })],
  ] as const)("%s: it stays, and is asked about again in 14 days", ([, found]) => {
    expect(one(found)).toEqual({ over: [], open: [{ due, change: { sweepAfter: iso(now + sweepAfterMs) } }] });
  });
});

test("a place whose item was swept is free, one of a newer version never is", () => {
  const policy = aPolicy({ maxConcurrent: 1 });
  const held = (holder: Slot["holder"]) => aSnapshot({ items: [], slots: [{ number: 1, sha: sha("f"), holder }] });
  expect(freeSlot(held({ key: "issue-12", epoch: 3 }), policy)).toBe(1);
  expect(freeSlot(held(null), policy)).toBeNull();
  const snapshot = { ...held({ key: "issue-12", epoch: 3 }), records: { "issue-12": unreadable } };
  expect(freeSlot(snapshot, policy)).toBeNull();
  const live = { ...snapshot, records: { "issue-12": recorded({ state: "held", epoch: 3, at: iso(now - minute) }) } };
  expect(freeSlot(live, policy)).toBeNull();
});
