import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/core/model.ts";
import { repairs } from "../../src/core/repairs.ts";
import {
  anItem,
  aPolicy,
  aPull,
  aPulledItem,
  aSnapshot,
  aVerdict,
  bot,
  hour,
  iso,
  minute,
  now,
  sha,
} from "../support/builders.ts";

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

  test("something happened on the issue since: a person may have assigned it", () => {
    const at = now - 10 * minute;
    const since = (updatedAt: number) =>
      of({ issue: { assignees: [bot], updatedAt }, record: { state: "blocked", at: iso(at) } });
    expect(since(at + 2 * minute)).toHaveLength(1);
    expect(since(at + 2 * minute + 1)).toEqual([]);
  });

  test.for<[string, Parameters<typeof anItem>[0]]>([
    [
      "a dead claim whose label was taken off: that was a person",
      { issue: { assignees: [bot], labels: [] }, record: { state: "held", at: iso(now - 2 * hour) } },
    ],
    ["a dead claim is taken over", { record: { state: "held", at: iso(now - hour) } }],
    ["effects of a dead run are finished", { record: { state: "published", at: iso(now - hour) } }],
    ["the work is done and waits for its review", { record: { state: "done" } }],
    ["its pull request is open", { record: { state: "blocked" }, pull: aPull() }],
    ["without a record somebody else assigned it", {}],
  ])("not when %s", ([, change]) => {
    expect(of({ ...left, ...change })).toEqual([]);
  });
});

describe("a person's pull request that is over", () => {
  const theirs = {
    key: "pr-34",
    issue: { number: 34, isPull: true, state: "closed", labels: ["bot", "agent/needs-rework", "bug"] },
  } as const;

  test("labels off, record closed, the branch left alone", () => {
    const record = { state: "done", key: "pr-34", pull: 34, branch: "door", head: sha("b") } as const;
    expect(of({ ...theirs, record })).toMatchObject([
      {
        why: "#34 is over: the pull request was closed",
        close: true,
        effects: [{ do: "labels", on: "issue", add: [], remove: ["bot", "agent/needs-rework"] }],
      },
    ]);
  });

  test("while it is open nothing is", () => {
    const issue = { ...theirs.issue, state: "open" } as const;
    expect(of({ ...theirs, issue, pull: aPull({ number: 34 }), record: { state: "blocked" } })).toEqual([]);
  });
});

describe("a dead reviewer's pending status", () => {
  const dead = {
    state: "held",
    kind: "review",
    at: iso(now - hour),
    head: sha("b"),
    expect: sha("e"),
    pull: 20,
  } as const;
  const status = { do: "status", sha: sha("e"), context: "agent-dispatch/review", state: "error" };

  test("is ended where the item is over", () => {
    const [repair] = of({ record: dead, former: merged });
    expect(repair?.effects).toContainEqual(expect.objectContaining(status));
    expect(repair?.effects[0]).toMatchObject({ target: "https://forge.example/acme/app/actions/runs/7" });
  });

  test("of a first approval that waited for a second, too", () => {
    const verdict = aVerdict({ approvalsNeeded: 2, head: sha("b") });
    const [repair] = of({ record: { state: "done", pull: 20, verdict }, former: merged });
    expect(repair?.effects).toContainEqual(expect.objectContaining({ ...status, sha: sha("b") }));
  });

  test.for([
    ["it was no review", { ...dead, kind: "rework" }],
    ["it gave its verdict", { state: "done", pull: 20, verdict: aVerdict() }],
    [
      "changes were requested",
      { state: "done", pull: 20, verdict: aVerdict({ verdict: "changes-requested", approvalsNeeded: 2 }) },
    ],
    ["no head is known", { ...dead, head: null, expect: null }],
  ] as const)("none: %s", ([, record]) => {
    const [repair] = of({ record, former: merged });
    expect(repair?.close).toBe(true);
    expect(repair?.effects.map((effect) => effect.do)).not.toContain("status");
  });

  test("while the item goes on the next reviewer ends it", () => {
    expect(of({ record: dead, pull: aPull() })).toEqual([]);
  });
});

describe("a stage label that differs from the record", () => {
  const record = { stage: "needs-review", at: iso(now - 10 * minute) } as const;
  const pulled = (labels: string[], change: object = {}, pull: object = {}) =>
    repairs(
      aSnapshot({ items: [aPulledItem({ record: { ...record, ...change }, pull: { labels, ...pull } })] }),
      aPolicy(),
    );
  const put = (add: string, remove: string[], on = "pull") => [
    { close: false, effects: [{ do: "labels", on, add: [add], remove, since: iso(Date.parse(record.at) - 1) }] },
  ];

  test("the record wins", () => {
    expect(pulled(["agent/merge-ready", "bug"])).toMatchObject(put("agent/needs-review", ["agent/merge-ready"]));
    expect(pulled([])).toMatchObject(put("agent/needs-review", []));
    expect(pulled(["agent/needs-review", "agent/blocked"])).toMatchObject(put("agent/needs-review", ["agent/blocked"]));
    expect(pulled(["agent/needs-review"], { state: "blocked", stage: "blocked" })).toMatchObject(
      put("agent/blocked", ["agent/needs-review"]),
    );
  });

  test("on an issue without a pull request, too", () => {
    const blocked = { ...record, state: "blocked", stage: "needs-info" } as const;
    expect(of({ issue: { labels: [] }, record: blocked })).toMatchObject(put("agent/needs-info", [], "issue"));
    expect(of({ issue: { labels: ["agent/needs-info"] }, record: blocked })).toEqual([]);
  });

  test("never against what a person may have done since", () => {
    expect(pulled(["agent/needs-rework"], {}, { updatedAt: now - 10 * minute + 1 })).toEqual([]);
    expect(pulled(["agent/needs-rework"], {}, { updatedAt: now - 10 * minute })).toHaveLength(1);
    const blocked = { ...record, state: "blocked", stage: "needs-info" } as const;
    expect(of({ issue: { labels: [], updatedAt: now }, record: blocked })).toEqual([]);
  });

  test.for([
    ["it is the same", ["agent/needs-review"], {}, {}],
    ["at work again", ["agent/needs-rework"], { state: "released" }, {}],
    ["effects are on their way", ["agent/needs-rework"], { state: "published", at: iso(now - hour) }, {}],
    ["stopped by a person, by that label", ["agent/blocked"], { state: "blocked" }, {}],
    ["no stage was ever written", ["agent/needs-rework"], { stage: null }, {}],
    ["a stage of a later program", ["agent/needs-rework"], { stage: "needs-sleep" }, {}],
    ["hold on the pull request", ["hold"], {}, {}],
  ] as const)("none: %s", ([, labels, change, pull]) => {
    expect(pulled([...labels], change, pull)).toEqual([]);
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
