import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/core/model.ts";
import { repairs } from "../../src/core/repairs.ts";
import { anItem, aPolicy, aPull, aSnapshot, bot, hour, iso, minute, now, sha } from "../support/builders.ts";

const of = (item: Parameters<typeof anItem>[0], more: Partial<Omit<Snapshot, "trigger">> = {}) =>
  repairs(aSnapshot({ items: [anItem(item)], ...more }), aPolicy());

const merged = {
  pull: aPull({ state: "closed", merged: true, labels: ["agent/merge-ready", "bug"] }),
  closedAt: now - hour,
  labelledAt: now - 2 * hour,
};
const over = { record: { state: "done", pull: 20, head: sha("b") }, former: merged } as const;

describe("what is over", () => {
  test("merged: labels off, the bot unassigned, the branch deleted, the record closed", () => {
    expect(
      of({ ...over, issue: { labels: ["bot", "agent/blocked", "bug"], assignees: [bot, "alice"] } }),
    ).toMatchObject([
      {
        why: "#12 is over: pull request #20 was merged",
        close: true,
        effects: [
          { do: "labels", on: "issue", add: [], remove: ["bot", "agent/blocked"] },
          { do: "labels", on: "pull", add: [], remove: ["agent/merge-ready"] },
          { do: "assign", on: "issue", add: [], remove: [bot], since: iso(now) },
          { do: "delete-branch", branch: "agent/issue-12", sha: sha("b") },
        ],
      },
    ]);
  });

  test("closed unmerged: the same, but the branch stays", () => {
    const former = { ...merged, pull: aPull({ state: "closed" }) };
    expect(of({ ...over, former })).toMatchObject([
      { why: "#12 is over: pull request #20 was closed", close: true, effects: [{ do: "labels", remove: ["bot"] }] },
    ]);
  });

  test("the label put on after the end stays: it asks for the next generation", () => {
    const former = { ...merged, pull: aPull({ state: "closed" }), labelledAt: now - minute };
    expect(of({ ...over, former })).toMatchObject([{ close: true, effects: [] }]);
    expect(of({ ...over, former, issue: { state: "closed" } })).toMatchObject([{ effects: [{ remove: ["bot"] }] }]);
  });

  test("an issue closed by a person, also with unfinished effects of a dead run", () => {
    for (const state of ["held", "published", "released", "blocked", "done"] as const) {
      expect(of({ issue: { state: "closed" }, record: { state, at: iso(now - hour) } })).toMatchObject([
        { why: "#12 is over: the issue was closed", close: true },
      ]);
    }
  });

  test("a closed issue whose pull request is still open waits", () => {
    expect(of({ issue: { state: "closed" }, pull: aPull(), record: { state: "done", pull: 20 } })).toEqual([]);
  });

  test("a base branch is never deleted", () => {
    const [repair] = of({ ...over, record: { ...over.record, branch: "main" } });
    expect(repair?.effects.map((effect) => effect.do)).not.toContain("delete-branch");
  });
});

describe("the bot left assigned by a run that ended", () => {
  const left = { issue: { assignees: [bot, "alice"] } };

  test.for(["released", "blocked", "closed"] as const)("%s", (state) => {
    expect(of({ ...left, record: { state } })).toMatchObject([
      { close: false, effects: [{ do: "assign", add: [], remove: [bot] }] },
    ]);
  });

  test("a dead claim whose label was taken off", () => {
    expect(
      of({ issue: { assignees: [bot], labels: [] }, record: { state: "held", at: iso(now - hour) } }),
    ).toHaveLength(1);
  });

  test.for([
    ["a dead claim is taken over", { record: { state: "held", at: iso(now - hour) } }],
    ["effects of a dead run are finished", { record: { state: "published", at: iso(now - hour) } }],
    ["the work is done and waits for its review", { record: { state: "done" } }],
    ["its pull request is open", { record: { state: "blocked" }, pull: aPull() }],
    ["without a record somebody else assigned it", {}],
  ] as const)("not when %s", ([, change]) => {
    expect(of({ ...left, ...change })).toEqual([]);
  });
});

describe("hands off", () => {
  test.for([
    ["hold", { ...over, issue: { labels: ["bot", "hold"] } }],
    ["a live claim", { ...over, record: { ...over.record, state: "held", at: iso(now) } }],
    ["a record that cannot be read", { ...over, record: { kind: "unreadable", sha: sha("d"), why: "version 2" } }],
    ["a record that is closed already", { ...over, record: { ...over.record, state: "closed" } }],
  ] as const)("%s", ([, item]) => {
    expect(of({ ...item, issue: { labels: [...("issue" in item ? item.issue.labels : ["bot"])] } })).toEqual([]);
  });

  test("paused", () => {
    expect(of(over, { pause: { by: "ann", why: "", until: null } })).toEqual([]);
    expect(of(over, { pause: { by: "ann", why: "", until: now } })).toHaveLength(1);
  });
});

test("a bounded number a run", () => {
  const items = Array.from({ length: 30 }, (_, i) => anItem({ ...over, issue: { number: 100 + i } }));
  expect(repairs(aSnapshot({ items }), aPolicy())).toHaveLength(10);
});
