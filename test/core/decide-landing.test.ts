// When the program merges what was handed over: `merge: when-approved`.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
  aPolicy,
  aReview,
  aStatus,
  assigned,
  aVerdict,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  type pullFacts,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { dead, pulled, said } from "../support/decisions.ts";

type Given = NonNullable<Parameters<typeof pulled>[0]>;

const off = labelled(bot, now - 25 * minute, { id: 102, added: false });
const timeline = [labelled(writer, now - hour), assigned("alice", bot, now - 25 * minute), off];

/** Handed over 20 minutes ago; something happened on it a minute ago, so that it is looked at. */
const ready = (change: Given = {}): Given => ({
  ...change,
  issue: { labels: [], assignees: [writer], ...change.issue },
  pull: { labels: ["agent/merge-ready"], updatedAt: now - minute, ...change.pull },
  record: { stage: "merge-ready", verdict: aVerdict(), ...(change.record as Partial<LedgerRecord> | undefined) },
  details: change.details === null ? null : { timeline, ...change.details },
});
const handed = (change: Given = {}, more: Parameters<typeof pulled>[1] = {}) => pulled(ready(change), more);
const untouched = { pull: { updatedAt: now - hour } };

const waits = "skip by row 8: pull request #20 waits for a person to merge it";
const red = aStatus("ci / test", "failure");

const policy = aPolicy({ merge: "when-approved" });
const approved = (facts: Parameters<typeof pullFacts>[0] = {}, change: Given = {}) =>
  handed({ ...change, facts: { reviews: [aReview()], ...facts } });
const notYet = (why: string) => `skip by row 8: pull request #20 is not merged yet: ${why}`;
const lands = "row 8: land #20, approved by alice";
const put = (times: number, change: Partial<LedgerRecord> = {}) => ({
  record: { landing: { head: sha("b"), times, answer: "Please try again later" }, ...change },
});

describe("merge: when-approved", () => {
  const rows: [string, ReturnType<typeof handed>, string][] = [
    ["approved, and nothing reports anything", approved(), lands],
    ["nobody approved it", approved({ reviews: [] }), notYet("no person approved this head")],
    [
      "another head was approved",
      approved({ reviews: [aReview({ commit: sha("e") })] }),
      notYet("no person approved this head"),
    ],
    [
      "the approval was dismissed",
      approved({ reviews: [aReview({ dismissed: true })] }),
      notYet("no person approved this head"),
    ],
    [
      "approved by the program's reviewer",
      approved({ reviews: [aReview({ author: bot })] }),
      notYet("no person approved this head"),
    ],
    [
      "a comment is no approval",
      approved({ reviews: [aReview({ state: "comment", body: "Fine." })] }),
      notYet("no person approved this head"),
    ],
    [
      "approved by a stranger",
      approved({ reviews: [aReview({ author: stranger })] }),
      notYet("nobody who approved it may write code here"),
    ],
    [
      "approved by somebody whose right is not known yet",
      approved({ reviews: [aReview({ author: "Carol" })] }),
      "look at #12: access of Carol",
    ],
    [
      "approved by a stranger and by somebody trusted",
      approved({ reviews: [aReview({ author: stranger, at: now }), aReview({ id: 32 })] }),
      lands,
    ],
    [
      "somebody else asked for changes",
      approved({ reviews: [aReview(), aReview({ id: 32, author: stranger, state: "changes-requested" })] }),
      notYet("@mallory asked for changes"),
    ],
    [
      "who approved asked for changes later, and may not order",
      approved({
        reviews: [
          aReview({ author: stranger }),
          aReview({ id: 32 }),
          aReview({ id: 33, author: stranger, state: "changes-requested", at: now - minute }),
        ],
      }),
      notYet("@mallory asked for changes"),
    ],
    [
      "who asked for changes approved later",
      approved({ reviews: [aReview({ id: 30, state: "changes-requested", at: now - hour }), aReview()] }),
      lands,
    ],
    [
      "two approvals are required",
      approved({ base: { requiredApprovals: 2 } }),
      notYet("2 approvals are required, 1 count"),
    ],
    [
      "an approval that is not official does not count",
      approved({ reviews: [aReview({ official: false })], base: { requiredApprovals: 1 } }),
      notYet("1 approvals are required, 0 count"),
    ],
    [
      "two approvals by one person are one",
      approved({ reviews: [aReview(), aReview({ id: 32, author: "Alice" })], base: { requiredApprovals: 2 } }),
      notYet("2 approvals are required, 1 count"),
    ],
    [
      "a check is pending, however long",
      approved({ statuses: [aStatus("ci", "pending", { updatedAt: 0 })] }),
      notYet("`ci` is not green"),
    ],
    ["a required check is missing", approved({ base: { required: ["ci*"] } }), notYet("`ci*` is not green")],
    [
      "what is not required does not matter",
      approved({ statuses: [aStatus("ci", "success"), aStatus("lint", "pending")], base: { required: ["ci"] } }),
      lands,
    ],
    ["a warning is green", approved({ statuses: [aStatus("ci", "warning"), aStatus("lint", "skipped")] }), lands],
    ["red: mended, not merged", approved({ statuses: [red] }), "row 12: run ci / test again"],
    [
      "a conflict: mended, not merged",
      approved({ merge: "conflict" }),
      "row 8: rework #20 for conflict; round 1, attempt 1",
    ],
    ["a draft", approved({}, { pull: { draft: true } }), "skip by row 11: pull request #20 is a draft"],
    ["put off once, the wait over", approved({}, put(1, { cooldownUntil: iso(now) })), lands],
    [
      "put off once, a moment ago",
      approved({}, put(1, { cooldownUntil: iso(now + 10 * minute) })),
      notYet("the forge put it off, until 2026-03-01 12:10 UTC"),
    ],
    ["put off four times", approved({}, put(4)), lands],
    ["put off five times", approved({}, put(5)), "give up #12 for alice: the forge put off the merge 5 times"],
    [
      "another head was put off five times",
      approved({}, { record: { landing: { head: sha("e"), times: 5, answer: "" } } }),
      lands,
    ],
    ["the run that merged it died", approved({}, { record: { ...dead, kind: "land" } }), lands],
    [
      "the run that gave it up died",
      approved({}, put(5, { state: "held", at: iso(now - hour), kind: "land" })),
      "give up #12 for alice: the forge put off the merge 5 times",
    ],
    [
      "an order comes first",
      approved({}, { details: { comments: [aComment("/agent fix it")] } }),
      "row 4: rework #20 for an order; round 0, attempt 1",
    ],
    [
      "not handed over yet: a person's approval alone is not enough",
      pulled({ facts: { reviews: [aReview()] } }),
      "row 15: review #20, attempt 1",
    ],
  ];
  test.for(rows)("%s", ([, snapshot, expected]) => {
    expect(said(decide(snapshot, policy))).toBe(expected);
  });

  test("without a look: only where statuses of its head were read", () => {
    const quiet = (statuses: ReturnType<typeof aStatus>[] | null) => said(decide(pulledQuiet(statuses), policy));
    expect(quiet(null)).toBe(waits);
    expect(quiet([])).toBe("look at #12: details, agent/issue-12");
    expect(said(decide(pulledQuiet([]), aPolicy()))).toBe(waits);
    expect(said(decide(pulledQuiet([red]), aPolicy()))).toBe("look at #12: details, agent/issue-12");
  });
});

function pulledQuiet(statuses: ReturnType<typeof aStatus>[] | null) {
  const snapshot = handed({ ...untouched, details: null });
  return { ...snapshot, items: snapshot.items.map((item) => ({ ...item, statuses })) };
}
