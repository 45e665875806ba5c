// Which processes of earlier runs are ended by the next run on the same machine.

import { describe, expect, test } from "vitest";
import type { RecordFact } from "../../src/core/model.ts";
import { strays } from "../../src/core/strays.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { aPolicy, aRecord, iso, minute, now } from "../support/builders.ts";

const policy = aPolicy();
const owned = (change: Partial<LedgerRecord>): RecordFact => ({
  kind: "record",
  sha: "a".repeat(40),
  record: aRecord({ owner: "one", ...change }),
});
const unreadable: RecordFact = { kind: "unreadable", sha: "b".repeat(40), why: "version 2" };
const fresh = iso(now - minute);
const aged = iso(now - 30 * minute);

/** Owners of the ended ones: `one`, `two` with their program gone, `three` with it still there. */
function ended(records: Record<string, RecordFact>, ends = {}): string[] {
  const processes = [
    { pid: 1001, owner: "one", hasHost: false },
    { pid: 1002, owner: "two", hasHost: false },
    { pid: 1003, owner: "three", hasHost: true },
  ];
  return strays(processes, { records, now, ends }, policy).map((at) => at.owner);
}

describe("processes with the mark of a run", () => {
  test.each<[string, Record<string, RecordFact>, string[]]>([
    ["nobody holds anything", {}, ["one", "two", "three"]],
    ["its run holds a live claim", { "issue-1": owned({ state: "held", at: fresh }) }, ["two", "three"]],
    ["its run still writes effects", { "issue-1": owned({ state: "published", at: fresh }) }, ["two", "three"]],
    ["the claim has aged", { "issue-1": owned({ state: "held", at: aged }) }, ["one", "two", "three"]],
    [
      "the claim was given up",
      { "issue-1": owned({ state: "held", at: fresh, ttlSeconds: 0 }) },
      ["one", "two", "three"],
    ],
    ["it was given back", { "issue-1": owned({ state: "released", at: fresh }) }, ["one", "two", "three"]],
    ["it is done", { "issue-1": owned({ state: "done", at: fresh }) }, ["one", "two", "three"]],
    [
      "another run took it over",
      { "issue-1": owned({ owner: "four", state: "held", at: fresh }) },
      ["one", "two", "three"],
    ],
    [
      "one item is over, another is at work under the same process",
      { "issue-1": owned({ state: "done", at: aged }), "issue-2": owned({ state: "held", at: fresh }) },
      ["two", "three"],
    ],
    [
      "the claim has aged while its program is there: it may renew it yet",
      { "issue-1": owned({ owner: "three", state: "held", at: aged }) },
      ["one", "two"],
    ],
    [
      "the program is there, but the claim is another run's",
      { "issue-1": owned({ owner: "three", state: "done", at: fresh }) },
      ["one", "two", "three"],
    ],
    ["a record cannot be read: it may be anybody's", { "issue-1": unreadable }, []],
    [
      "a record cannot be read, and another names who is over",
      { "issue-1": unreadable, "issue-2": owned({ state: "done", at: fresh }) },
      ["one"],
    ],
  ])("%s", (_, records, expected) => expect(ended(records)).toEqual(expected));

  test("the forge says that the run of a claim ended a while ago", () => {
    const records = { "issue-12": owned({ state: "held", at: iso(now - 2 * minute) }) };
    expect(ended(records)).toEqual(["two", "three"]);
    expect(ended(records, { "issue-12": { at: now - 61_000, how: "cancelled" } })).toEqual(["one", "two", "three"]);
  });
});
