import { describe, expect, test } from "vitest";
import { doubledIn } from "../../src/core/doubles.ts";
import type { Snapshot } from "../../src/core/model.ts";
import { lateRepairs, repairs } from "../../src/core/repairs.ts";
import type { Comment, StatusEntry } from "../../src/forge/model.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aPulledItem,
  aReview,
  aSnapshot,
  aStatus,
  assigned,
  aVerdict,
  bot,
  hour,
  iso,
  minute,
  now,
  pullFacts,
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
    expect(since(at - 1000)).toHaveLength(1);
    // The forge keeps whole seconds: who assigned it in the record's own second may have been a person.
    expect(since(at)).toEqual([]);
    expect(since(at + minute)).toEqual([]);
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
    { close: false, effects: [{ do: "labels", on, add: [add], remove, since: iso(0) }] },
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

describe("a `pending` that came after the verdict", () => {
  const verdict = aVerdict({ head: sha("b") });
  const done = { state: "done", pull: 20, verdict } as const;
  const late = aStatus("agent-dispatch/review", "pending", { creator: bot });
  const looked = (record: object, statuses: StatusEntry[] | null) => of({ record, pull: aPull(), statuses });

  test("the verdict is said again", () => {
    const says = { do: "status", sha: sha("b"), context: "agent-dispatch/review" };
    expect(looked(done, [late])).toMatchObject([
      { close: false, change: null, effects: [{ ...says, state: "success" }] },
    ]);
    const bad = aVerdict({ head: sha("b"), verdict: "changes-requested" });
    expect(looked({ ...done, verdict: bad }, [late])).toMatchObject([{ effects: [{ ...says, state: "failure" }] }]);
  });

  test.each([
    ["it stands there", done, [{ ...late, state: "success" as const }]],
    ["somebody else said it", done, [{ ...late, creator: "bob" }]],
    ["nobody looked", done, null],
    ["another approval is needed", { ...done, verdict: aVerdict({ head: sha("b"), approvalsNeeded: 2 }) }, [late]],
    ["another head is there", { ...done, verdict: aVerdict({ head: sha("e") }) }, [late]],
    ["somebody judges it now", { ...done, state: "held", at: iso(now) }, [late]],
  ])("nothing where %s", (_, record, statuses) => {
    expect(looked(record, statuses)).toEqual([]);
  });
});

describe("a review that ended without a word", () => {
  const died = { state: "held", kind: "review", at: iso(now - hour), pull: 20, judging: sha("b") } as const;
  const says = { do: "status", sha: sha("b"), context: "agent-dispatch/review", state: "error" };
  const ends = (record: object, item: Parameters<typeof anItem>[0] = { pull: aPull() }) => of({ ...item, record });

  test("its pending status ends, once: the record does not name it any more", () => {
    for (const state of ["held", "released", "blocked", "done"] as const) {
      expect(ends({ ...died, state })).toMatchObject([
        {
          close: false,
          change: { judging: undefined },
          effects: [{ ...says, description: "no verdict: its run ended without one" }],
        },
      ]);
    }
  });

  test("also where the head moved meanwhile, or the item is nobody's turn", () => {
    expect(ends(died, { pull: aPull({ headSha: sha("e") }) })).toMatchObject([{ effects: [says] }]);
    expect(ends(died, { pull: aPull(), issue: { labels: [] } })).toMatchObject([{ effects: [says] }]);
  });

  test("with the item, where that is over", () => {
    const [repair] = of({ record: { ...died, judging: sha("e") }, former: merged });
    expect(repair).toMatchObject({ close: true });
    expect(repair?.effects).toContainEqual(expect.objectContaining({ ...says, sha: sha("e") }));
  });

  const first = aVerdict({ approvalsNeeded: 2 });
  test("an approval that waits for a second one is pending by right, until the head moves", () => {
    const waits = { ...died, state: "done", stage: null, verdict: first } as const;
    expect(ends(waits)).toEqual([]);
    expect(ends(waits, { pull: aPull({ headSha: sha("e") }) })).toMatchObject([{ effects: [says] }]);
  });

  test.for([
    ["it is alive", { ...died, at: iso(now) }],
    ["its effects will say it", { ...died, state: "published" }],
    ["it said how it ended", { ...died, judging: undefined }],
  ] as const)("none: %s", ([, record]) => {
    expect(ends(record)).toEqual([]);
  });
});

describe("merged by a run that died then", () => {
  const landing = { ...over.record, kind: "land", state: "held", at: iso(now - hour) } as const;
  const pull = aPull({ state: "closed", merged: true, body: "Closes #12" });
  const closing = expect.objectContaining({ do: "close-issue" });
  const effects = (record: object, former: object = {}, issue: object = {}) =>
    of({ record, former: { ...merged, pull, ...former }, issue })[0]?.effects ?? [];

  test("the issue is closed where the forge left it open and the pull request says so", () => {
    for (const state of ["held", "published", "released"] as const)
      expect(effects({ ...landing, state })).toContainEqual(closing);
  });

  test("the status comment tells it as that run would have, where it is the head that was approved", () => {
    const told = (head: string) =>
      effects({ ...landing, merging: { head, approvedBy: "alice" } }, {}, { state: "closed" }).filter(
        (effect) => effect.do === "comment",
      );
    expect(told(pull.headSha)).toMatchObject([
      { purpose: "status", mode: "edit", body: expect.stringContaining("**Merged** on @alice's approval: #") },
    ]);
    expect(told("f".repeat(40))).toEqual([]);
    expect(effects(landing).filter((effect) => effect.do === "comment")).toEqual([]);
  });

  test.for([
    ["a person merged it", { ...landing, kind: "resume", state: "done" }, {}, {}],
    ["put off, and merged by a person later", { ...landing, state: "done" }, {}, {}],
    ["it says `Refs`", landing, { pull: { ...pull, body: "Refs #12" } }, {}],
    ["it was closed unmerged", landing, { pull: { ...pull, merged: false } }, {}],
    ["the forge closed it", landing, {}, { state: "closed" }],
    ["more was asked for since", landing, { labelledAt: now - minute }, {}],
  ] as const)("not: %s", ([, record, former, issue]) => {
    const found = effects(record, former, issue);
    expect(found).not.toContainEqual(closing);
    expect(of({ record, former: { ...merged, pull, ...former }, issue })).toMatchObject([{ close: true }]);
  });
});

const late = (
  item: ReturnType<typeof anItem>,
  chosen: string | null = null,
  more: Partial<Omit<Snapshot, "trigger">> = {},
) => lateRepairs(aSnapshot({ items: [item], ...more }), aPolicy(), chosen);

describe("what was said twice", () => {
  const say = (id: number, marker: string, author = bot) =>
    aComment(`<!-- agent-dispatch:${marker} -->\n\nwords ${id}`, { id, author });
  const ids = (item: ReturnType<typeof anItem>) =>
    late(item).flatMap((one) => one.doubles.map((d) => `${d.what} ${d.id}`));
  const onIssue = (...comments: Comment[]) => ids(anItem({ record: { state: "blocked" }, details: { comments } }));

  test("the lowest id of each purpose and key stays", () => {
    expect(onIssue(say(7, "status v1"), say(5, "status v1"), say(6, "status v1"))).toEqual(["comment 6", "comment 7"]);
    for (const purpose of ["question", "handover", "blocked", "patch"])
      expect(
        onIssue(say(8, `${purpose} v1 key=3`), say(9, `${purpose} v1 key=3`), say(10, `${purpose} v1 key=4`)),
      ).toEqual(["comment 9"]);
    expect(onIssue(say(8, "refusal v1 for=comment:1"), say(9, "refusal v1 for=comment:1"))).toEqual(["comment 9"]);
    expect(onIssue(say(8, "question v1 key=3"), say(9, "blocked v1 key=3"))).toEqual([]);
  });

  test("only the program's own, with the marker where the program writes it", () => {
    expect(onIssue(say(5, "status v1"), say(6, "status v1", "mallory"))).toEqual([]);
    expect(onIssue(say(5, "status v1", "mallory"), say(6, "status v1"))).toEqual([]);
    const quotes = aComment(`Look:\n<!-- agent-dispatch:status v1 -->`, { id: 6, author: bot });
    expect(onIssue(say(5, "status v1"), quotes)).toEqual([]);
    expect(onIssue(say(5, "question v1"), say(6, "question v1"))).toEqual([]);
    expect(onIssue(say(5, "pull v1 issue=12"), say(6, "pull v1 issue=12"))).toEqual([]);
  });

  test("each page for itself", () => {
    const comments = [say(5, "blocked v1 key=3")];
    const facts = { comments: [say(6, "blocked v1 key=3")] };
    expect(ids(aPulledItem({ facts, details: { comments } }))).toEqual([]);
    const twice = { comments: [...facts.comments, say(7, "blocked v1 key=3")] };
    expect(late(aPulledItem({ facts: twice, details: { comments } }))).toMatchObject([
      { close: false, change: null, effects: [], doubles: [{ what: "comment", id: 7, on: 20, author: bot }] },
    ]);
  });

  test("reviews: each account's own", () => {
    const review = (id: number, key: string, author = bot) =>
      aReview({ id, author, body: `<!-- agent-dispatch:review v1 key=${key} -->\n\nwords` });
    const reviews = [
      review(31, "b-1"),
      review(33, "b-1"),
      review(32, "b-1", "gitea-actions"),
      review(34, "b-2"),
      review(35, "b-1", "mallory"),
    ];
    expect(ids(aPulledItem({ facts: { reviews } }))).toEqual(["review 33"]);
  });

  test("a person's pull request has one page", () => {
    const item = anItem({
      ...{ key: "pr-12", issue: { isPull: true }, pull: aPull({ number: 12, author: "carol" }) },
      details: { comments: [say(5, "status v1"), say(6, "status v1")], pull: pullFacts() },
    });
    expect(ids(item)).toEqual(["comment 6"]);
  });

  test("what the scan of the newest comments shows, where the facts were not read", () => {
    const doubled = [{ what: "comment", id: 7, on: 20, author: bot }] as const;
    expect(late(anItem({ details: null, doubled }))).toMatchObject([{ doubles: doubled }]);
    expect(late(anItem({ details: { comments: [] }, doubled }))).toEqual([]);
    expect(late(anItem({ details: null, doubled, issue: { labels: ["bot", "hold"] } }))).toEqual([]);
    const on = (issue: number, comment: Comment) => ({ ...comment, issue });
    const comments = [
      ...[
        on(20, say(5, "handover v1 key=3")),
        on(20, say(7, "handover v1 key=3")),
        on(21, say(8, "handover v1 key=3")),
      ],
      on(20, say(9, "handover v1 key=3", "mallory")),
    ];
    expect(doubledIn(comments, { program: [bot] })).toEqual(doubled);
  });

  test("a bounded number, and nothing where the facts were not read, on hold, or of a live claim", () => {
    const many = Array.from({ length: 50 }, (_, i) => say(10 + i, "status v1"));
    expect(onIssue(...many)).toHaveLength(20);
    expect(late(anItem({ details: null }))).toEqual([]);
    const comments = [say(5, "status v1"), say(6, "status v1")];
    expect(late(anItem({ issue: { labels: ["bot", "hold"] }, details: { comments } }))).toEqual([]);
    expect(late(anItem({ record: { state: "held", at: iso(now) }, details: { comments } }))).toEqual([]);
    expect(
      late(anItem({ record: { kind: "unreadable", sha: sha("d"), why: "version 2" }, details: { comments } })),
    ).toEqual([]);
    expect(late(anItem({ details: { comments } }), null, { pause: { by: "ann", why: "", until: null } })).toEqual([]);
    expect(late(anItem({ details: { comments } }))).toHaveLength(1);
  });
});

describe("assigned by itself, and nothing goes on", () => {
  const left = (change: object = {}, timeline = [assigned(bot, bot, now - hour)]) =>
    late(anItem({ issue: { assignees: [bot, "alice"] }, details: { timeline }, ...change }));

  test("the timeline says so: without a record, and whatever happened on the issue since", () => {
    const taken = [{ close: false, effects: [{ do: "assign", on: "issue", add: [], remove: [bot] }] }];
    expect(left()).toMatchObject(taken);
    expect(left({ record: { state: "released", at: iso(now - 2 * hour) } })).toMatchObject(taken);
  });

  test("also a dead claim whose trigger label somebody took off: nobody takes that over", () => {
    const record = { state: "held", at: iso(now - hour) } as const;
    expect(left({ record, issue: { assignees: [bot], labels: [] } })).toHaveLength(1);
  });

  test.for<[string, object, ReturnType<typeof assigned>[]]>([
    ["a person assigned it", {}, [assigned(bot, bot, now - hour), assigned(bot, "alice", now - minute)]],
    ["nobody knows who did", {}, []],
    ["its pull request is open", { pull: aPull() }, [assigned(bot, bot, now - hour)]],
    [
      "a dead claim is taken over",
      { record: { state: "held", at: iso(now - hour) } },
      [assigned(bot, bot, now - hour)],
    ],
  ])("not when %s", ([, change, timeline]) => {
    expect(left(change, timeline)).toEqual([]);
  });

  test("not on the item that the run is about to work on", () => {
    const item = anItem({ issue: { assignees: [bot] }, details: { timeline: [assigned(bot, bot, now - hour)] } });
    expect(late(item, item.key)).toEqual([]);
    expect(late(item, "issue-99")).toHaveLength(1);
  });
});
