// A person's pull request: judged once a head where it carries the label, changed only on an order, never in a fork.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import {
  aComment,
  aPolicy,
  aPulledItem,
  aReview,
  aSnapshot,
  aStatus,
  aVerdict,
  hour,
  labelled,
  minute,
  now,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { chapter, dead, run, said } from "../support/decisions.ts";

type Given = NonNullable<Parameters<typeof aPulledItem>[0]>;

function recordOf(given: Given["record"]): NonNullable<Given["record"]> {
  if (given === undefined) return { kind: "none" };
  return "sha" in given || given.kind === "none" ? given : { key: "pr-34", pull: 34, ...given };
}

/** Pull request 34 by carol, labelled by alice; no record unless one is given. */
function theirs(change: Given = {}, more: Parameters<typeof aSnapshot>[0] = {}) {
  const item = aPulledItem({
    ...change,
    issue: { number: 34, isPull: true, author: "carol", assignees: [], ...change.issue },
    pull: { number: 34, author: "carol", headRef: "door", body: "Oil it.", labels: ["bot"], ...change.pull },
    record: recordOf(change.record),
  });
  return aSnapshot({ items: [{ ...item, key: "pr-34" }], ...more });
}

const judged = (verdict: "approved" | "changes-requested", change: object = {}) => ({
  ...{ stage: verdict === "approved" ? "merge-ready" : "needs-rework", ...change },
  verdict: aVerdict({ verdict }),
});
const judges = "row 10: review #34, attempt 1";
const bad = judged("changes-requested");
const again = { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] };
const fork = { pull: { headIsHere: false } };
const fix = (change: Parameters<typeof aComment>[1] = {}) => aComment("/agent fix the hinge", change);

chapter("row 10: it is judged", [
  { when: "labelled by somebody trusted", snapshot: theirs(), expected: judges },
  { when: "read first", snapshot: theirs({ details: null }), expected: "look at #34: details, door" },
  {
    when: "of a fork: no branch is read",
    snapshot: theirs({ ...fork, details: null }),
    expected: "look at #34: details, ",
  },
  { when: "of a fork", snapshot: theirs(fork), expected: judges },
  {
    when: "labelled by a stranger",
    snapshot: theirs({ details: { timeline: [labelled(stranger, now - hour)] } }),
    expected: "skip by row 4: the order is refused: @mallory may not write code here",
  },
  {
    when: "not labelled",
    snapshot: theirs({ issue: { labels: [] }, pull: { labels: [] } }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a draft",
    snapshot: theirs({ pull: { draft: true } }),
    expected: "skip by row 11: pull request #34 is a draft",
  },
  {
    when: "a draft, and a command",
    snapshot: theirs({ pull: { draft: true }, details: { comments: [run()] } }),
    expected: "skip by row 10: pull request #34 is a draft",
  },
  {
    when: "its branch moved a moment ago",
    snapshot: theirs({ details: { branch: sha("e") } }),
    expected: "skip by row 11: the branch of pull request #34 moved a moment ago; the next look sees its new head",
  },
  { when: "a conflict is its author's matter", snapshot: theirs({ facts: { merge: "conflict" } }), expected: judges },
  { when: "red checks too", snapshot: theirs({ facts: { statuses: [aStatus("ci", "failure")] } }), expected: judges },
  {
    when: "checks are pending",
    snapshot: theirs({ facts: { statuses: [aStatus("ci", "pending")] } }),
    expected: "skip by row 10: waiting for the check `ci`",
  },
  {
    when: "checks are pending, and a command",
    snapshot: theirs({ facts: { statuses: [aStatus("ci", "pending")] }, details: { comments: [run()] } }),
    expected: judges,
  },
  {
    when: "taken by its author after the order",
    snapshot: theirs({ issue: { assignees: ["carol"] } }),
    expected: "skip by row 5: @carol is assigned",
  },
  {
    when: "a first approval, two are needed",
    snapshot: theirs({ record: { verdict: aVerdict({ approvalsNeeded: 2 }), stage: "needs-review" } }),
    expected: judges,
  },
  {
    when: "its judge died",
    snapshot: theirs({ record: { ...dead, kind: "review", stage: null } }),
    expected: "row 10: review #34, attempt 2",
  },
]);

chapter("judged already", [
  {
    when: "bad, the label off as the program left it",
    snapshot: theirs({ issue: { labels: [] }, pull: { labels: [] }, record: bad }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "bad, the label never came off",
    snapshot: theirs({ record: bad }),
    expected: "skip by row 10: head `bbbbbbbbbb` is judged already",
  },
  {
    when: "good, the label never came off",
    snapshot: theirs({ record: judged("approved") }),
    expected: "skip by row 4: pull request #34 waits for a person",
  },
  {
    when: "good, and in conflict since: its author's matter",
    snapshot: theirs({
      issue: { labels: [] },
      record: judged("approved"),
      facts: { merge: "conflict" },
      pull: { updatedAt: now },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "pushed again, the label off",
    snapshot: theirs({ issue: { labels: [] }, pull: { headSha: sha("e"), labels: [] }, record: bad }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "pushed again while it carried the label",
    snapshot: theirs({ pull: { headSha: sha("e") }, record: bad }),
    expected: judges,
  },
  {
    when: "the label again: the same head once more",
    snapshot: theirs({ record: bad, details: again }),
    expected: judges,
  },
  {
    when: "`/agent review`",
    snapshot: theirs({ record: bad, details: { comments: [aComment("/agent review")] } }),
    expected: "row 4: review #34, attempt 1",
  },
]);

chapter("it is changed only on an order", [
  {
    when: "`/agent fix`",
    snapshot: theirs({ record: bad, details: { comments: [fix()] } }),
    expected: "row 4: rework #34 for an order, findings; round 0, attempt 1",
  },
  {
    when: "a mention is the same",
    snapshot: theirs({ record: bad, details: { comments: [aComment("@agent-bot mend it")] } }),
    expected: "row 4: rework #34 for an order, findings; round 0, attempt 1",
  },
  {
    when: "`agent/needs-rework` by a person",
    snapshot: theirs({
      issue: { labels: ["agent/needs-rework"], updatedAt: now },
      record: bad,
      details: { timeline: [labelled(writer, now - minute, { id: 101, label: "agent/needs-rework" })] },
    }),
    expected: "row 4: rework #34 for an order, findings; round 0, attempt 1",
  },
  {
    when: "`/agent fix` by a stranger",
    snapshot: theirs({ record: bad, details: { comments: [fix({ author: stranger })] } }),
    expected: "skip by row 10: head `bbbbbbbbbb` is judged already",
  },
  {
    when: "by its author, who may not write",
    snapshot: theirs({
      record: bad,
      details: { comments: [fix({ author: "carol" })], access: { carol: { kind: "no", evidence: "" } } },
    }),
    expected: "skip by row 10: head `bbbbbbbbbb` is judged already",
  },
  {
    when: "a person's review that asks for changes is for its author",
    snapshot: theirs({ record: bad, facts: { reviews: [aReview({ state: "changes-requested" })] } }),
    expected: "skip by row 10: head `bbbbbbbbbb` is judged already",
  },
  {
    when: "in a fork: refused",
    snapshot: theirs({ ...fork, record: bad, details: { comments: [fix()] } }),
    expected: "skip by row 10: head `bbbbbbbbbb` is judged already",
  },
  {
    when: "the fix failed once: it goes on",
    snapshot: theirs({
      record: {
        ...bad,
        state: "released",
        kind: "rework",
        attempt: 1,
        instruction: "the hinge",
        ordered: true,
        handled: ["label:100", "comment:300"],
      },
      details: { comments: [fix()] },
    }),
    expected: "row 4: rework #34 for an order, findings; round 0, attempt 2",
  },
  {
    when: "fixed: its new head is judged",
    snapshot: theirs({
      record: { state: "done", stage: "needs-review", kind: "rework", handled: ["label:100", "comment:300"] },
    }),
    expected: judges,
  },
]);

describe("a fork", () => {
  test("a fix is refused with the reason", () => {
    const decision = decide(theirs({ ...fork, record: bad, details: { comments: [fix()] } }), aPolicy());
    const replies = decision.kind === "idle" ? decision.replies : [];
    expect(replies.map(({ on, body }) => [on, body.split("\n").at(-1)])).toEqual([
      [34, "Not done: its branch lies in a fork, where the program never pushes."],
    ]);
  });

  test("has no branch that could be published to", () => {
    const decision = decide(theirs(fork), aPolicy());
    expect(decision).toMatchObject({ kind: "review", plan: { branch: "", expect: null, foreign: true } });
  });
});

test("never landed, whoever approved it", () => {
  const approved = { record: judged("approved"), facts: { reviews: [aReview()] }, pull: { updatedAt: now } };
  const decision = decide(theirs(approved), aPolicy({ merge: "when-approved" }));
  expect(said(decision)).toBe("skip by row 4: pull request #34 waits for a person");
});
