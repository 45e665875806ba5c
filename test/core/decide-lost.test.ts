// Issues that the ledger knows nothing of (any more): swept, or the ledger was lost. Only counters are lost with it.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { firstRecord } from "../../src/core/first-record.ts";
import { claimsShown, generationOf, generationOfBranch } from "../../src/core/lost.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aPulledItem,
  aReview,
  assigned,
  bot,
  hour,
  labelled,
  minute,
  now,
  pullFacts,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { begins, chapter, one, pulled, said } from "../support/decisions.ts";

const none = { kind: "none" } as const;
/** The program said what it does on the issue, the last time 30 minutes ago. */
const status = aComment("<!-- agent-dispatch:status v1 -->\n\nworking", {
  ...{ id: 290, author: bot, createdAt: now - 3 * hour, updatedAt: now - 30 * minute },
});
const past = { generation: 1, endedAt: 0, branch: null };
const program = { program: [bot] };

chapter("which generation", [
  { when: "nothing shows an earlier life: nothing is asked", snapshot: one({}), expected: begins },
  {
    when: "the program was here: what is left of it is asked",
    snapshot: one({ details: { comments: [status] } }),
    expected: "look: past",
  },
  {
    when: "somebody else's comment with our marker says nothing",
    snapshot: one({ details: { comments: [{ ...status, author: stranger }] } }),
    expected: begins,
  },
  {
    when: "its pull requests ended: the next free one",
    snapshot: one({ details: { comments: [status], past: { ...past, generation: 3, endedAt: now - 2 * hour } } }),
    expected: "implement #12 on agent/issue-12-3, attempt 1, asked by alice",
  },
  {
    when: "there never was a pull request: the first one",
    snapshot: one({ details: { comments: [status], past } }),
    expected: begins,
  },
  {
    when: "an open pull request is adopted with its own",
    snapshot: pulled({
      record: none,
      pull: { headRef: "agent/issue-12-4", body: "<!-- agent-dispatch:pull v1 issue=12 generation=4 -->" },
    }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "a record says it, closed or not: nothing is asked",
    snapshot: one({
      record: { state: "closed", generation: 2 },
      details: { comments: [status], timeline: [labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: "implement #12 on agent/issue-12-3, attempt 1, asked by alice",
  },
  {
    when: "a person's pull request has none",
    snapshot: one({
      key: "pr-12",
      issue: { isPull: true, author: writer },
      pull: aPull({ number: 12, author: writer, headRef: "door", body: "" }),
      details: { comments: [status], branch: sha("b"), pull: pullFacts() },
    }),
    expected: "row 10: review #12, attempt 1",
  },
]);

const label = labelled(writer, now - 2 * hour);
const onPull = (details: object, item: object = {}) =>
  pulled({
    record: none,
    issue: { labels: ["bot"], assignees: [] },
    details: { comments: [status], ...details },
    ...item,
  });
const fix = (createdAt: number) => aComment("/agent fix the hinge", { id: 310, createdAt });

chapter("which orders were answered", [
  {
    when: "the label: work goes on where the pull request says it is",
    snapshot: onPull({ timeline: [label] }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "a command from before the program's last word is not obeyed again",
    snapshot: onPull({ timeline: [label], comments: [status, fix(now - hour)] }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "a command of the same second neither",
    snapshot: onPull({ timeline: [label], comments: [status, fix(status.updatedAt)] }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "a command from after it is",
    snapshot: onPull({ timeline: [label], comments: [status, fix(now - minute)] }),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
  {
    when: "a review that asked for changes before it is not answered again",
    snapshot: onPull(
      { timeline: [label] },
      { facts: { reviews: [aReview({ state: "changes-requested", at: now - hour, commit: sha("e") })] } },
    ),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "the program put the label on for a command: that goes on",
    snapshot: onPull({ timeline: [labelled(bot, now - hour)], comments: [status, fix(now - 2 * hour)] }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "a label from before the end of the last pull request asks for nothing more",
    snapshot: one({
      details: { timeline: [label], comments: [status], past: { ...past, generation: 2, endedAt: now - hour } },
    }),
    expected: "skip by row 4: nobody who may give orders asked for it",
  },
  {
    when: "nor does a command, with the label on again by the program",
    snapshot: one({
      details: {
        timeline: [labelled(bot, now - hour)],
        comments: [status, aComment("/agent run", { createdAt: now - 3 * hour })],
        past: { ...past, generation: 2, endedAt: now - 2 * hour },
      },
    }),
    expected: "skip by row 4: nobody who may give orders asked for it",
  },
  {
    when: "a first claim that was given back remembers nothing either",
    snapshot: pulled({
      record: { state: "released", askedBy: "", handled: [], stage: null, attempt: 0 },
      details: { timeline: [label], comments: [status, fix(now - hour)] },
    }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "where a record is, it says which were obeyed, whatever the program said meanwhile",
    snapshot: pulled({ details: { timeline: [label], comments: [status, fix(now - hour)] } }),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
]);

const handedOver = {
  record: none,
  issue: { labels: [], assignees: [writer] },
  pull: { labels: ["agent/merge-ready"] },
};
const toPerson = [label, labelled(bot, now - 30 * minute, { added: false }), assigned(writer, bot, now - 30 * minute)];
const named = { trigger: { event: "comment", item: 12 } } as const;

chapter("handed over before the ledger was lost", [
  {
    when: "nothing is looked at",
    snapshot: pulled({ ...handedOver, details: null }),
    expected: "skip by row 9: `bot` is off",
  },
  {
    when: "an event names it: a conflict, a red check and old orders start nothing",
    snapshot: pulled(
      {
        ...handedOver,
        details: {
          timeline: toPerson,
          comments: [status, fix(now - hour), aComment("Thanks!", { id: 400, createdAt: now - minute })],
        },
        facts: { merge: "conflict", reviews: [aReview({ state: "changes-requested", at: now - hour })] },
      },
      named,
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a new review asks for changes",
    snapshot: pulled(
      {
        ...handedOver,
        details: { timeline: toPerson, comments: [status] },
        facts: { reviews: [aReview({ state: "changes-requested", body: "Not yet.", at: now - minute })] },
      },
      named,
    ),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
]);

describe("the first record", () => {
  const first = (item: ReturnType<typeof anItem>) => firstRecord(item, "main", program);

  test("of an issue nobody worked on", () => {
    expect(first(anItem())).toMatchObject({
      key: "issue-12",
      generation: 1,
      epoch: 0,
      branch: "",
      head: null,
      pull: null,
    });
  });

  test("of an open pull request: generation, branch, base and head as they stand there", () => {
    const body = "<!-- agent-dispatch:pull v1 issue=12 generation=3 -->";
    const item = aPulledItem({ record: none, pull: { body, headRef: "agent/issue-12-3", baseRef: "release" } });
    expect(first(item)).toMatchObject({
      ...{ generation: 3, branch: "agent/issue-12-3", baseBranch: "release", head: sha("b"), pull: 20 },
    });
  });

  test("a person's pull request is not adopted: nothing of it is the program's", () => {
    const pull = aPull({ number: 12, author: writer, headRef: "door", body: "" });
    const item = anItem({ key: "pr-12", issue: { isPull: true }, pull });
    expect(first(item)).toMatchObject({ key: "pr-12", generation: 1, branch: "", head: null, pull: null });
  });

  test("a branch with the program's commits alone is its own, somebody's is not", () => {
    const left = (isOurs: boolean) => ({ ...past, generation: 2, branch: { sha: sha("b"), isOurs } });
    const item = (isOurs: boolean) => anItem({ details: { branch: sha("b"), past: left(isOurs) } });
    expect(first(item(true))).toMatchObject({ generation: 2, head: sha("b") });
    expect(first(item(false))).toMatchObject({ generation: 2, head: null });
  });

  test("counts claims on from the highest that the program's own words name", () => {
    const say = (purpose: string, key: string, author = bot) =>
      aComment(`<!-- agent-dispatch:${purpose} v1 key=${key} -->\n\nwords`, { author });
    const comments = [say("question", "3"), say("blocked", "7"), say("handover", "99", stranger), say("refusal", "55")];
    expect(first(anItem({ details: { comments } })).epoch).toBe(7);
    const reviews = [
      aReview({ author: bot, body: `<!-- agent-dispatch:review v1 key=${"b".repeat(12)}-11 -->` }),
      aReview({ author: writer, body: `<!-- agent-dispatch:review v1 key=${"b".repeat(12)}-80 -->` }),
    ];
    const item = aPulledItem({
      record: none,
      facts: { reviews, comments: [say("patch", "9")] },
      details: { comments },
    });
    expect(claimsShown(item, program)).toBe(11);
    expect(claimsShown(anItem({ details: { comments: [say("blocked", "x1")] } }), program)).toBe(0);
    expect(claimsShown(anItem({ details: null }), program)).toBe(0);
  });
});

test("the generation of a pull request: by its marker, else by its branch", () => {
  const marked = (generation: string) => `<!-- agent-dispatch:pull v1 issue=12 generation=${generation} -->`;
  expect(generationOf({ body: marked("2"), headRef: "agent/issue-12" }, 12)).toBe(2);
  for (const body of ["", marked("0"), marked("-1"), marked("x")])
    expect(generationOf({ body, headRef: "agent/issue-12-5" }, 12)).toBe(5);
  expect(generationOf({ body: "", headRef: "door" }, 12)).toBe(1);
  const branches: Record<string, number | null> = {
    "agent/issue-12": 1,
    "agent/issue-12-2": 2,
    "agent/issue-12-1": null,
    "agent/issue-12-02": null,
    "agent/issue-12-0": null,
    "agent/issue-120": null,
    "agent/issue-12-x": null,
    "xagent/issue-12": null,
  };
  for (const [branch, generation] of Object.entries(branches))
    expect(generationOfBranch(branch, 12), branch).toBe(generation);
});

test("an order that is obeyed anew is remembered with all that are older", () => {
  const comments = [status, fix(now - hour)];
  const decision = decide(onPull({ timeline: [label], comments }), aPolicy());
  expect(said(decision)).toBe("row 15: review #20, attempt 1");
  expect("plan" in decision && [...decision.plan.handled].sort()).toEqual(["comment:310", "label:100"]);
  expect("plan" in decision && "instruction" in decision.plan && decision.plan.instruction).toBe("");
});
