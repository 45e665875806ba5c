// Orders by every means, by every kind of giver, obeyed before or not; and what of several is obeyed.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
  aPolicy,
  aReview,
  assigned,
  aVerdict,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  stranger,
  writer,
} from "../support/builders.ts";
import { chapter, one, pulled, run, said } from "../support/decisions.ts";

type Given = NonNullable<Parameters<typeof pulled>[0]>;

/** A way in which `by` orders something a minute ago; `id` is what a record remembers of it. */
interface Means {
  id: string;
  order(by: string): Given & { trigger?: NonNullable<Parameters<typeof one>[1]>["trigger"] };
  obeyed: string;
}

const at = now - minute;
const stage = (label: string, by: string) => ({
  pull: { labels: [label], updatedAt: now },
  facts: { timeline: [labelled(by, at, { id: 110, label })] },
});
const comment = (body: string, by: string) => ({
  pull: { updatedAt: now },
  facts: { comments: [aComment(body, { id: 301, author: by, createdAt: at })] },
});

const again = "row 16: hand over #20 to ";
const rework = "row 4: rework #20 for an order; round 0, attempt 1";
const means: Record<string, Means> = {
  "the label": {
    id: "label:103",
    order: (by) => ({ issue: { labels: ["bot"] }, details: { timeline: [labelled(by, at, { id: 103 })] } }),
    obeyed: again,
  },
  "the bot assigned": {
    id: "assign:203",
    order: (by) => ({
      issue: { assignees: [bot], updatedAt: now },
      details: { timeline: [assigned(bot, by, at, { id: 203 })] },
    }),
    obeyed: again,
  },
  "a command on the issue": {
    id: "comment:301",
    order: (by) => ({
      issue: { updatedAt: now },
      details: { comments: [aComment("/agent run", { id: 301, author: by, createdAt: at })] },
    }),
    obeyed: again,
  },
  "a command on the pull request": {
    id: "comment:301",
    order: (by) => comment("/agent review", by),
    obeyed: "row 4: review #20, attempt 1",
  },
  "a mention on the pull request": { id: "comment:301", order: (by) => comment(`@${bot} mend it`, by), obeyed: rework },
  "`/agent stop`": { id: "comment:301", order: (by) => comment("/agent stop", by), obeyed: "stop #12 for " },
  "`/agent retry`": { id: "comment:301", order: (by) => comment("/agent retry", by), obeyed: again },
  "agent/needs-review": {
    id: "stage:110",
    order: (by) => stage("agent/needs-review", by),
    obeyed: "row 4: review #20, attempt 1",
  },
  "agent/needs-rework": { id: "stage:110", order: (by) => stage("agent/needs-rework", by), obeyed: rework },
  "agent/merge-ready": {
    id: "stage:110",
    order: (by) => stage("agent/merge-ready", by),
    obeyed: "row 4: hand over #20 to ",
  },
  "agent/needs-info": { id: "stage:110", order: (by) => stage("agent/needs-info", by), obeyed: "stop #12 for " },
  "agent/blocked": { id: "stage:110", order: (by) => stage("agent/blocked", by), obeyed: "stop #12 for " },
  "a review that asks for changes": {
    id: "review:31",
    order: (by) => ({
      pull: { updatedAt: now },
      facts: { reviews: [aReview({ author: by, state: "changes-requested", body: "No.", at })] },
    }),
    obeyed: rework,
  },
  "a command in a review": {
    id: "review:31",
    order: (by) => ({
      pull: { updatedAt: now },
      facts: { reviews: [aReview({ author: by, state: "comment", body: "/agent fix it", at })] },
    }),
    obeyed: rework,
  },
  "a reply to a question": {
    id: "comment:301",
    order: (by) => ({
      issue: { updatedAt: now },
      record: { state: "blocked", stage: "needs-info", question: { text: "Which?", at: iso(now - hour) } },
      details: { comments: [aComment("The left one.", { id: 301, author: by, createdAt: at })] },
    }),
    obeyed: "row 16: rework #20 for an order; round 0, attempt 1",
  },
};

/** Issue 12, its pull request approved; the label is off. */
function world({ order }: Means, by: string, change: Partial<LedgerRecord> = {}) {
  const { issue, pull, record, facts, details: given } = order(by);
  return pulled({
    issue: { labels: [], assignees: [], comments: 1, ...issue },
    pull: { ...pull },
    record: { stage: "needs-review", verdict: aVerdict(), ...(record as Partial<LedgerRecord> | undefined), ...change },
    ...(facts === undefined ? {} : { facts }),
    details: { timeline: [], ...given },
  });
}

describe.for(Object.entries(means))("%s", ([, way]) => {
  const decided = (by: string, change: Partial<LedgerRecord> = {}) => said(decide(world(way, by, change), aPolicy()));
  const { obeyed } = way;

  test("by somebody trusted", () => {
    expect(decided(writer)).toBe(obeyed.endsWith(" ") ? obeyed + writer : obeyed);
  });

  test.for([
    ["a stranger", stranger],
    ["the program", bot],
    ["the automatic token", "gitea-actions"],
  ] as const)("by %s: not obeyed", ([, by]) => {
    // Its own label is what a run puts back: the work begun goes on, for whoever asked for it.
    if (way.id === "label:103" && by !== stranger) expect(decided(by)).toBe("row 16: hand over #20 to alice");
    else expect(decided(by)).toMatch(/^skip by row (4|8|9)/);
  });

  test("by somebody whose right is not known: asked, and refused while it cannot be proved", () => {
    expect(decided("carol")).toBe("look at #12: access of carol");
    const snapshot = world(way, "carol");
    const access = { carol: { kind: "unknown", why: "hidden" } } as const;
    const items = snapshot.items.map((item) => ({ ...item, details: item.details && { ...item.details, access } }));
    expect(said(decide({ ...snapshot, items }, aPolicy()))).toMatch(/^skip by row (4|8|9)/);
  });

  test("obeyed before", () => {
    const before = decided(writer, { handled: [way.id] });
    if (way.id === "label:103") expect(before).toBe("row 16: hand over #20 to alice");
    else expect(before).toMatch(/^skip by row (4|9)/);
  });
});

chapter("what takes an order back", [
  {
    when: "the label taken off again",
    snapshot: one({
      issue: { labels: [], updatedAt: now },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, at, { id: 101, added: false })] },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "the stage label taken off again",
    snapshot: pulled({
      record: { verdict: aVerdict() },
      facts: { timeline: [labelled(writer, at, { id: 110, label: "agent/needs-rework" })] },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "another stage label put on by the program since",
    snapshot: pulled({
      pull: { labels: ["agent/needs-review"] },
      record: { verdict: aVerdict() },
      facts: {
        timeline: [
          labelled(writer, now - hour, { id: 110, label: "agent/needs-rework" }),
          labelled(bot, at, { id: 111, label: "agent/needs-review" }),
        ],
      },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "the review dismissed",
    snapshot: pulled({
      record: { verdict: aVerdict() },
      facts: { reviews: [aReview({ state: "changes-requested", dismissed: true })] },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "the bot unassigned again",
    snapshot: one({
      issue: { labels: [], updatedAt: now },
      details: { timeline: [assigned(bot, writer, now - hour), assigned(bot, writer, at, { id: 201, added: false })] },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a plain comment answers nothing where nothing was asked",
    snapshot: one(
      {
        issue: { labels: [], comments: 1 },
        record: { state: "blocked", stage: "blocked" },
        details: { timeline: [], comments: [aComment("The left one.")] },
      },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
]);

chapter("an issue without a pull request", [
  {
    when: "assigning the bot is the same as the label",
    snapshot: one({
      issue: { labels: [], assignees: [bot] },
      details: { timeline: [assigned(bot, writer, at)] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "assigning the bot goes on after giving up, too",
    snapshot: one({
      issue: { labels: [], assignees: [bot] },
      record: { state: "blocked", attempt: 3 },
      details: { timeline: [assigned(bot, writer, at)] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "the bot left assigned by the program is no order",
    snapshot: one({
      issue: { labels: [], assignees: [bot] },
      record: { state: "blocked", attempt: 3 },
      details: { timeline: [assigned(bot, bot, at)] },
    }),
    expected: "skip by row 4: it waits for a person; put the label on again to go on",
  },
  {
    when: "`/agent fix` is work like any other",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent fix the hinge")] } }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "a stage label put on after giving up is seen without its event",
    snapshot: one({
      issue: { labels: ["agent/needs-rework"] },
      record: { state: "blocked", stage: "blocked" },
      details: null,
    }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "the same, read",
    snapshot: one({
      issue: { labels: ["agent/needs-rework"] },
      record: { state: "blocked", stage: "blocked" },
      details: { timeline: [labelled(writer, at, { id: 110, label: "agent/needs-rework" })] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "the stage label that the program wrote is none",
    snapshot: one({
      issue: { labels: ["agent/blocked"] },
      record: { state: "blocked", stage: "blocked" },
      details: null,
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "`/agent review` has nothing to judge",
    snapshot: one({
      record: { state: "blocked" },
      issue: { comments: 1 },
      details: { comments: [aComment("/agent review")] },
    }),
    expected: "skip by row 4: it waits for a person; put the label on again to go on",
  },
  {
    when: "an unknown command orders nothing, and stops nothing",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent dance")] } }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "a reply to its question",
    snapshot: one(
      {
        issue: { labels: [], comments: 1 },
        record: { state: "blocked", stage: "needs-info", question: { text: "Which?", at: iso(now - hour) } },
        details: { comments: [aComment("The left one.")] },
      },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by alice",
  },
  {
    when: "what was said before the question answers nothing",
    snapshot: one(
      {
        issue: { labels: [], comments: 1 },
        record: { state: "blocked", stage: "needs-info", question: { text: "Which?", at: iso(now - minute) } },
        details: { comments: [aComment("The left one.")] },
      },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
]);

describe("of several orders", () => {
  const at = (minutes: number) => now - minutes * minute;
  const comments = [
    aComment("/agent fix the hinge", { id: 301, createdAt: at(9) }),
    aComment("/agent fix the lock", { id: 302, createdAt: at(8) }),
    aComment("/agent dance", { id: 303, createdAt: at(7) }),
    aComment("/agent fix nothing", { id: 304, author: stranger, createdAt: at(6) }),
    aComment("/agent review closely", { id: 305, createdAt: at(5) }),
  ];

  test("the newest trusted one is obeyed, the words of all are told, all are remembered", () => {
    const decision = decide(pulled({ details: { comments } }), aPolicy());
    expect(decision).toMatchObject({
      kind: "review",
      row: 4,
      plan: {
        instruction: "the hinge\n\nthe lock\n\nclosely",
        handled: ["comment:305", "comment:302", "comment:301", "label:100"],
        orderComments: [305],
        orderAt: at(5),
      },
    });
  });

  test("what is older than an obeyed one is answered with it", () => {
    const snapshot = pulled({ record: { handled: ["comment:302"] }, details: { comments } });
    expect(decide(snapshot, aPolicy())).toMatchObject({ kind: "review", plan: { instruction: "closely" } });
    const all = pulled({ record: { handled: ["comment:305"] }, details: { comments } });
    expect(decide(all, aPolicy())).toMatchObject({ kind: "review", row: 15, plan: { instruction: "" } });
  });

  test("a question to the program is none", () => {
    const why = aComment("/agent why", { id: 306, createdAt: at(1) });
    const decision = decide(pulled({ details: { comments: [...comments, why] } }), aPolicy());
    expect(decision).toMatchObject({ kind: "review", row: 4 });
    const ids = "replies" in decision ? (decision.replies ?? []).map((reply) => reply.id) : [];
    expect(ids.sort()).toEqual(["comment:303", "comment:304", "comment:306"]);
  });

  test("of the same moment one wins, whichever way they are listed", () => {
    const same = [run({ id: 301 }), aComment("/agent stop", { id: 302 })];
    const lists = [same, [...same].reverse()];
    const [a, b] = lists.map((list) => said(decide(pulled({ details: { comments: list } }), aPolicy())));
    expect(a).toBe(b);
  });
});

test("a run by hand obeys once, and needs no proof", () => {
  const trigger = { event: "dispatch", item: 12, byHand: true, actor: "ann" } as const;
  const snapshot = (record: Partial<LedgerRecord>) =>
    pulled(
      { issue: { labels: [] }, record: { verdict: aVerdict(), ...record }, details: { timeline: [] } },
      { trigger },
    );
  expect(said(decide(snapshot({}), aPolicy()))).toBe("row 16: hand over #20 to ann");
  expect(said(decide(snapshot({ handled: ["dispatch:run-9"] }), aPolicy()))).toBe(
    "skip by row 9: `bot` is off, nobody asks for work",
  );
});
