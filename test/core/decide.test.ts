// The table across items and runs: which item, by which run, and whether it still holds after the claim.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decide, sameWork, table, takenBack } from "../../src/core/decide.ts";
import type { Snapshot } from "../../src/core/model.ts";
import {
  type anIssue,
  anItem,
  aPolicy,
  aSnapshot,
  bot,
  labelled,
  minute,
  now,
  sha,
  writer,
} from "../support/builders.ts";
import { begins, chapter, dead, live, one, run, said } from "../support/decisions.ts";

describe("across items", () => {
  const chosen = (items: Snapshot["items"], policy = aPolicy()) => said(decide(aSnapshot({ items }), policy));
  const issue = (number: number, change: Parameters<typeof anItem>[0] = {}) =>
    anItem({ ...change, issue: { number, createdAt: now - number * minute, ...change?.issue } });

  test("the oldest", () => {
    expect(chosen([issue(13), issue(14)])).toContain("implement #14");
  });

  test("of two as old, the lowest number", () => {
    const at = { createdAt: 5 };
    expect(
      chosen([issue(14, { issue: { number: 14, ...at } }), issue(13, { issue: { number: 13, ...at } })]),
    ).toContain("implement #13");
  });

  test("a priority label before age, in the order of the policy", () => {
    const items = [
      issue(15),
      issue(14, { issue: { number: 14, labels: ["bot", "soon"] } }),
      issue(13, { issue: { number: 13, labels: ["bot", "now"] } }),
    ];
    expect(chosen(items, aPolicy({ priorityLabels: ["now", "soon"] }))).toContain("implement #13");
    expect(chosen(items, aPolicy({ priorityLabels: ["soon"] }))).toContain("implement #14");
  });

  test("finishing before starting", () => {
    const items = [
      issue(14, { issue: { number: 14, labels: ["bot", "now"] } }),
      issue(13, { record: { ...dead, state: "published" } }),
    ];
    expect(chosen(items, aPolicy({ priorityLabels: ["now"] }))).toBe("resume #13");
  });

  test("one that is not ready does not stop the next, and keeps its reason", () => {
    const items = [issue(14, { record: live }), issue(13)];
    expect(chosen(items)).toContain("implement #13");
  });
});

chapter("a forced mode", [
  { when: "implement is what it needs", snapshot: one({}), policy: aPolicy({ force: "implement" }), expected: begins },
  {
    when: "implement is not what it needs",
    snapshot: one({ record: { ...dead, state: "published" } }),
    policy: aPolicy({ force: "implement" }),
    expected: "skip by row 7: would be resume, `mode` asks for implement",
  },
]);

const tick = { event: "schedule" } as const;

chapter("a cron tick", [
  {
    when: "nobody knows yet whether it can start a run",
    snapshot: one({}, { trigger: tick }),
    expected: "look: dispatch",
  },
  { when: "it can", snapshot: one({}, { trigger: tick, canDispatch: true }), expected: "dispatch #12 (implement)" },
  {
    when: "it can, but a dispatched run is at work that this server would cancel",
    snapshot: one({}, { trigger: tick, canDispatch: "busy" }),
    expected: "idle: #12 is ready, but another dispatched run is at work, and this server would cancel that one",
  },
  { when: "it cannot", snapshot: one({}, { trigger: tick, canDispatch: false }), expected: begins },
  {
    when: "work without an agent it does itself",
    snapshot: one({ record: { ...dead, state: "published" } }, { trigger: tick, canDispatch: true }),
    expected: "resume #12",
  },
  {
    when: "so is handing an item to a person",
    snapshot: one({ record: { ...dead, attempt: 3 } }, { trigger: tick, canDispatch: true }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
]);

test("idle says what was looked at and why none was taken", () => {
  const items = [
    anItem({ issue: { number: 1, title: "One", labels: ["bot", "hold"], createdAt: 1 } }),
    anItem({ issue: { number: 2, title: "Two", createdAt: 2 }, record: live }),
  ];
  expect(decide(aSnapshot({ items }), aPolicy())).toEqual({
    kind: "idle",
    reason: "2 items looked at, none is ready",
    passed: [
      { item: 1, title: "One", row: 1, reason: "`hold` is on the issue" },
      { item: 2, title: "Two", row: 2, reason: "claimed by run 7" },
    ],
    replies: [],
  });
  const named = decide(aSnapshot({ items: items.slice(0, 1), trigger: { item: 1 } }), aPolicy());
  expect(named).toMatchObject({ reason: "#1: `hold` is on the issue" });
});

describe("the same work after the claim", () => {
  const work = (item: Parameters<typeof anItem>[0], more: Parameters<typeof aSnapshot>[0] = {}) =>
    decide(one(item, more), aPolicy());

  test("the same", () => {
    expect(sameWork(work({}), work({}))).toBe(true);
    expect(sameWork(work({}), work({ issue: { comments: 1 }, details: { comments: [run()] } }))).toBe(true);
    const published = { record: { ...dead, state: "published" } } as const;
    expect(sameWork(work(published), work(published))).toBe(true);
  });

  test("another item, kind, branch or start is other work", () => {
    expect(sameWork(work({}), work({ issue: { number: 13 } }))).toBe(false);
    expect(sameWork(work({}), work({ issue: { labels: ["hold"] } }))).toBe(false);
    expect(sameWork(work({ issue: { labels: ["hold"] } }), work({ issue: { labels: ["hold"] } }))).toBe(false);
    const ours = { head: sha("f") };
    const there = work({ record: ours, details: { branch: sha("f") } });
    expect(sameWork(there, there)).toBe(true);
    expect(sameWork(work({ record: ours }), there)).toBe(false);
    const next = { record: { state: "closed" }, details: { timeline: [labelled(writer, now, { id: 101 })] } } as const;
    expect(
      sameWork(work({}), work({ ...next, details: { ...next.details, timeline: [...next.details.timeline] } })),
    ).toBe(false);
    expect(sameWork(work({}), work({ record: { ...dead, attempt: 3 } }))).toBe(false);
  });
});

describe("taken back from a run at work", () => {
  const rows: [string, Parameters<typeof anIssue>[0], string | null][] = [
    ["nothing happened", { assignees: [bot] }, null],
    ["closed", { state: "closed" }, "the issue was closed"],
    ["locked", { locked: true }, "the issue was locked"],
    ["hold", { labels: ["bot", "hold"] }, "`hold` was put on"],
    ["the label off", { labels: [] }, "`bot` was taken off"],
    ["somebody assigned", { assignees: [bot, "bob"] }, "@bob was assigned"],
    ["somebody who was assigned before", { assignees: ["ALICE", "Agent-Bot"] }, null],
  ];
  test.for(rows)("%s", ([, issue = {}, expected]) => {
    expect(takenBack(anItem({ issue }), aPolicy(), [bot], ["alice"])).toBe(expected);
  });
});

test("docs/decisions.md lists the rows of the table in the order in which they are asked", () => {
  const page = readFileSync(new URL("../../docs/decisions.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| (\d+) \| (\d+) \| /gm)].map((found) => [Number(found[1]), Number(found[2])]);
  expect(rows).toEqual(table.map(({ row }, index) => [index + 1, row]));
});
