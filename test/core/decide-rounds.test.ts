// Rounds and attempts of an open pull request, an ordered fix until it is done, what a rework is told, a lost ledger.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
  aPolicy,
  aPulledItem,
  aReview,
  aStatus,
  assigned,
  aVerdict,
  bot,
  iso,
  labelled,
  minute,
  now,
  sha,
  writer,
} from "../support/builders.ts";
import { chapter, dead, live, pulled, run, said } from "../support/decisions.ts";

const bad = aVerdict({ verdict: "changes-requested", approvedBy: [] });
const red = aStatus("ci / test", "failure");
const rerun = { head: sha("b"), at: iso(now - 10 * minute), started: true };
const isSlotTaken = {
  slots: [{ number: 1, sha: sha("1"), holder: { key: "issue-9", epoch: 4 } }],
  records: {
    "issue-9": {
      kind: "record" as const,
      sha: sha("c"),
      record: { ...pulledRecord(), ...live, key: "issue-9", epoch: 4 },
    },
  },
};

function pulledRecord() {
  const { record } = aPulledItem();
  if (record.kind !== "record") throw new Error("a pulled item has a record");
  return record.record;
}

const review = "row 15: review #20, attempt 1";
const mends = (row: number, why: string, round = 1, attempt = 1) =>
  `row ${row}: rework #20 for ${why}; round ${round}, attempt ${attempt}`;

chapter("rounds and attempts", [
  {
    when: "the last round",
    snapshot: pulled({ record: { verdict: bad, round: 2 } }),
    expected: mends(14, "findings", 2),
  },
  {
    when: "rounds used up by verdicts",
    snapshot: pulled({ record: { verdict: bad, round: 3 } }),
    expected: "give up #12 for alice: 3 rounds did not bring it to an approval",
  },
  {
    when: "rounds used up, and a conflict",
    snapshot: pulled({ record: { round: 3 }, facts: { merge: "conflict" } }),
    expected: "give up #12 for alice: 3 rounds did not bring it to an approval; it conflicts with the base branch",
  },
  {
    when: "rounds used up, and red",
    snapshot: pulled({ record: { round: 3, rerun }, facts: { statuses: [red] } }),
    expected: "give up #12 for alice: 3 rounds did not bring it to an approval",
  },
  {
    when: "rounds used up, a review is still made",
    snapshot: pulled({ record: { round: 3 } }),
    expected: review,
  },
  {
    when: "rounds used up, and an order: they begin anew",
    snapshot: pulled({ record: { verdict: bad, round: 3 }, details: { comments: [run()] } }),
    expected: mends(14, "an order, findings", 0),
  },
  {
    when: "rounds used up, and a conflict under an order",
    snapshot: pulled({ record: { round: 3 }, facts: { merge: "conflict" }, details: { comments: [run()] } }),
    expected: mends(11, "an order, conflict", 0),
  },
  {
    when: "more rounds allowed",
    snapshot: pulled({ record: { verdict: bad, round: 3 } }),
    policy: aPolicy({ maxRounds: 4 }),
    expected: mends(14, "findings", 3),
  },
  {
    when: "attempts used up by reviews that died",
    snapshot: pulled({ record: { ...dead, attempt: 3, kind: "review" } }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
  {
    when: "attempts used up by reworks that died",
    snapshot: pulled({ record: { ...dead, attempt: 3, kind: "rework", verdict: bad, round: 1 } }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
  {
    when: "attempts used up, and an order",
    snapshot: pulled({ record: { ...dead, attempt: 3, kind: "review" }, details: { comments: [run()] } }),
    expected: review,
  },
  {
    when: "a finished step begins the count of attempts anew",
    snapshot: pulled({ record: { state: "done", attempt: 3 } }),
    expected: review,
  },
  {
    when: "a review that died is tried again",
    snapshot: pulled({ record: { ...dead, kind: "review" } }),
    expected: "row 15: review #20, attempt 2",
  },
  {
    when: "no place is free: a review waits",
    snapshot: pulled({}, isSlotTaken),
    policy: aPolicy({ maxConcurrent: 1 }),
    expected: "skip by row 15: all places for agents are taken (`max-concurrent` is 1)",
  },
  {
    when: "no place is free: what needs no agent goes on",
    snapshot: pulled({ record: { verdict: aVerdict() } }, isSlotTaken),
    policy: aPolicy({ maxConcurrent: 1 }),
    expected: "row 16: hand over #20 to alice",
  },
]);

const fixing: Partial<LedgerRecord> = {
  kind: "rework",
  handled: ["label:100", "comment:300"],
  instruction: "oil the lock",
  ordered: true,
};
const asked = { state: "blocked", stage: "needs-info", question: { text: "Which oil?", at: iso(now - 30 * minute) } };

chapter("an ordered fix goes on until it is done", [
  {
    when: "its first attempt failed",
    snapshot: pulled({ record: { ...fixing, state: "released", attempt: 1 } }),
    expected: mends(4, "an order", 0, 2),
  },
  {
    when: "its run died",
    snapshot: pulled({ record: { ...fixing, ...dead } }),
    expected: mends(4, "an order", 0, 2),
  },
  {
    when: "on an approved head: never handed over without it",
    snapshot: pulled({ record: { ...fixing, state: "released", attempt: 1, verdict: aVerdict() } }),
    expected: mends(4, "an order", 0, 2),
  },
  {
    when: "attempts used up",
    snapshot: pulled({ record: { ...fixing, ...dead, attempt: 3 } }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
  {
    when: "given up, and ordered to go on: where it stopped",
    snapshot: pulled({
      record: { ...fixing, state: "blocked", stage: "blocked", attempt: 3 },
      details: { timeline: [labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: mends(4, "an order", 0),
  },
  {
    when: "it asked, and was answered",
    snapshot: pulled({
      issue: { labels: [], comments: 1, updatedAt: now },
      record: { ...fixing, ...asked, state: "blocked", instruction: undefined },
      details: { comments: [aComment("Linseed.", { id: 301 })] },
    }),
    expected: mends(4, "an order", 0),
  },
  {
    when: "a review ordered instead",
    snapshot: pulled({
      record: { ...fixing, state: "released", attempt: 1 },
      details: { comments: [aComment("/agent review", { id: 301 })] },
    }),
    expected: "row 4: review #20, attempt 1",
  },
  {
    when: "ordered without a word",
    snapshot: pulled({ record: { ...fixing, instruction: "", state: "released", attempt: 1 } }),
    expected: mends(4, "an order", 0, 2),
  },
  {
    when: "a rework that nobody ordered, and whose cause is gone, is over",
    snapshot: pulled({ record: { ...fixing, ordered: false, instruction: "", state: "released", attempt: 1 } }),
    expected: "row 15: review #20, attempt 2",
  },
  {
    when: "done: the new head is judged",
    snapshot: pulled({ record: { ...fixing, instruction: undefined } }),
    expected: review,
  },
  {
    when: "the label taken off meanwhile",
    snapshot: pulled({ issue: { labels: [] }, record: { ...fixing, state: "released" } }),
    expected: "skip by row 9: `bot` is off",
  },
]);

describe("what a rework is told", () => {
  const planOf = (item: Parameters<typeof aPulledItem>[0]) => {
    const decision = decide(pulled(item), aPolicy());
    if (decision.kind !== "rework") throw new Error(`expected a rework, got ${said(decision)}`);
    return decision.plan;
  };

  test("the words of all that was ordered since, oldest first; reviews with their line comments", () => {
    const plan = planOf({
      record: { verdict: bad, round: 2 },
      details: { comments: [aComment("/agent fix the hinge", { createdAt: now - 20 * minute })] },
      facts: {
        reviews: [aReview({ state: "changes-requested", body: "Not yet." })],
        lineComments: [
          { id: 1, review: 31, path: "door.ts", line: 3, body: "Squeaks.", author: writer, at: now },
          { id: 2, review: 32, path: "other.ts", line: null, body: "Not of this review.", author: writer, at: now },
        ],
      },
    });
    expect(plan).toMatchObject({
      ...{ round: 0, attempt: 1, askedBy: "alice", orderAt: now - 10 * minute },
      instruction: "the hinge\n\nNot yet.\n\nOn `door.ts` line 3: Squeaks.",
      causes: { ordered: true, findings: true, conflict: false, reviews: [31] },
      handled: ["review:31", "comment:300", "label:100"],
    });
  });

  test("whether a person approved this head: then the branch is never rewritten", () => {
    const facts = { merge: "conflict" } as const;
    expect(planOf({ facts }).approved).toBe(false);
    expect(planOf({ facts: { ...facts, reviews: [aReview()] } }).approved).toBe(true);
    expect(planOf({ facts: { ...facts, reviews: [aReview({ commit: sha("e") })] } }).approved).toBe(false);
    expect(planOf({ facts: { ...facts, reviews: [aReview({ dismissed: true })] } }).approved).toBe(false);
  });

  test("whom the program asked, on each page by itself: who took the pull request stays there", () => {
    // She took it before the last order, which is newer.
    const at = now - 30 * minute;
    const asked = [labelled(writer, now - 32 * minute), assigned("alice", bot, at), assigned("carol", bot, at)];
    const plan = planOf({
      ...{ record: { verdict: bad }, issue: { assignees: ["alice", "carol"] }, details: { timeline: asked } },
      pull: { assignees: ["alice", "carol"] },
      facts: { timeline: [assigned("alice", "alice", now - 35 * minute), assigned("carol", bot, at)] },
    });
    expect(plan).toMatchObject({ unassign: ["alice", "carol"], unassignOnPull: ["carol"] });
  });

  test("words that a failed attempt could not fulfil are said again", () => {
    expect(planOf({ record: { ...fixing, state: "released", attempt: 1 } }).instruction).toBe("oil the lock");
    const blocked: Partial<LedgerRecord> = { ...fixing, state: "blocked", stage: "blocked" };
    const timeline = [labelled(writer, now - minute, { id: 101 })];
    expect(planOf({ record: blocked, details: { timeline } }).instruction).toBe("oil the lock");
  });

  test("a reviewer is another than the author and than who approved already", () => {
    const decision = decide(
      pulled({
        record: {
          verdict: aVerdict({ approvalsNeeded: 2 }),
          work: { head: sha("b"), profile: "first", summary: "", followUps: [], checks: null },
        },
      }),
      aPolicy(),
    );
    expect(decision).toMatchObject({ kind: "review", plan: { avoid: ["second", "first"], foreign: false, round: 0 } });
  });
});

chapter("a lost ledger", [
  {
    when: "the open pull request is judged anew",
    snapshot: pulled({ record: { kind: "none" } }),
    expected: review,
  },
  {
    when: "what was done without the label stays a person's",
    snapshot: pulled({ issue: { labels: [], assignees: [] }, record: { kind: "none" } }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
]);

test("a lost ledger: the generation stands in the pull request's marker", () => {
  const body = (generation: string) => `<!-- agent-dispatch:pull v1 issue=12 generation=${generation} -->`;
  const generationOf = (text: string) => {
    const decision = decide(pulled({ record: { kind: "none" }, pull: { body: text } }), aPolicy());
    return decision.kind === "review" ? decision.plan.generation : said(decision);
  };
  expect(generationOf(body("3"))).toBe(3);
  expect(generationOf(body("x"))).toBe(1);
  expect(generationOf(body("-2"))).toBe(1);
  expect(generationOf("edited away")).toBe(1);
});
