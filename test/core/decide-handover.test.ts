// A pull request that is ready and waits for a person: what brings it back; and runs that die at it.

import type { LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
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
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { chapter, dead, pulled, run } from "../support/decisions.ts";

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
const rerun = { head: sha("b"), at: iso(now - 10 * minute), started: true };

chapter("row 8: handed over", [
  { when: "untouched: known without a look", snapshot: handed({ ...untouched, details: null }), expected: waits },
  {
    when: "something happened on it: looked at",
    snapshot: handed({ details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  { when: "what happened was no order", snapshot: handed(), expected: waits },
  {
    when: "the forge calls it a conflict: looked at",
    snapshot: handed({ pull: { ...untouched.pull, mergeable: false }, details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "git called this pair clean before",
    snapshot: handed({
      pull: { ...untouched.pull, mergeable: false },
      record: { mergeClean: { head: sha("b"), base: sha("a") } },
      details: null,
    }),
    expected: waits,
  },
  {
    when: "a conflict, as far as the forge knows",
    snapshot: handed({ facts: { merge: "hint" } }),
    expected: "look: merge",
  },
  {
    when: "a conflict: it comes back by itself",
    snapshot: handed({ facts: { merge: "conflict" } }),
    expected: "row 8: rework #20 for conflict; round 1, attempt 1",
  },
  {
    when: "a conflict, rounds used up",
    snapshot: handed({ record: { round: 3 }, facts: { merge: "conflict" } }),
    expected: "give up #12 for alice: 3 rounds did not bring it to an approval; it conflicts with the base branch",
  },
  {
    when: "red: run again first",
    snapshot: handed({ facts: { statuses: [red] } }),
    expected: "row 12: run ci / test again",
  },
  {
    when: "red after being run again",
    snapshot: handed({ record: { rerun }, facts: { statuses: [red] } }),
    expected: "row 8: rework #20 for red ci / test; round 1, attempt 1",
  },
  {
    when: "red on the base too",
    snapshot: handed({ facts: { statuses: [red], base: { statuses: [red] } } }),
    expected: "skip by row 8: `ci / test` is red, and on the base branch too: it waits until that is mended",
  },
  {
    when: "pending, or behind its base: a person's matter",
    snapshot: handed({ facts: { statuses: [aStatus("ci", "pending")], base: { sha: sha("9") } } }),
    expected: waits,
  },
  {
    when: "approved by a person, who merges it too",
    snapshot: handed({ facts: { reviews: [aReview()] } }),
    expected: waits,
  },
  { when: "a person pushed to it: theirs", snapshot: handed({ pull: { headSha: sha("e") } }), expected: waits },
  {
    when: "a person made it a draft",
    snapshot: handed({ pull: { draft: true }, facts: { merge: "hint" } }),
    expected: "skip by row 11: pull request #20 is a draft",
  },
  {
    when: "hold",
    snapshot: handed({ pull: { labels: ["hold"] }, facts: { merge: "conflict" } }),
    expected: "skip by row 1: `hold` is on pull request #20",
  },
  {
    when: "a person took it, and it conflicts",
    snapshot: handed({
      facts: { merge: "conflict" },
      issue: { assignees: ["bob"] },
      details: { timeline: [...timeline, assigned("bob", "bob", now - minute, { id: 201 })] },
    }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "the label again: the next step is to hand it over again",
    snapshot: handed({
      issue: { labels: ["bot"] },
      details: { timeline: [...timeline, labelled(writer, now - minute, { id: 103 })] },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "the label again, and a new head",
    snapshot: handed({
      issue: { labels: ["bot"] },
      pull: { headSha: sha("e") },
      details: { timeline: [...timeline, labelled(writer, now - minute, { id: 103 })] },
    }),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "the label again, and a conflict",
    snapshot: handed({
      issue: { labels: ["bot"] },
      facts: { merge: "conflict" },
      details: { timeline: [...timeline, labelled(writer, now - minute, { id: 103 })] },
    }),
    expected: "row 8: rework #20 for an order, conflict; round 0, attempt 1",
  },
  {
    when: "the bot assigned again",
    snapshot: handed({
      issue: { assignees: [bot] },
      details: { timeline: [...timeline, assigned(bot, writer, now - minute, { id: 203 })] },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "a stranger puts the label on",
    snapshot: handed({
      issue: { labels: ["bot"] },
      details: { timeline: [...timeline, labelled(stranger, now - minute, { id: 103 })] },
    }),
    expected: waits,
  },
  {
    when: "a person asks for changes",
    snapshot: handed({ facts: { reviews: [aReview({ state: "changes-requested", body: "Oil it." })] } }),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
  {
    when: "a stranger asks for changes",
    snapshot: handed({ facts: { reviews: [aReview({ state: "changes-requested", author: stranger })] } }),
    expected: waits,
  },
  {
    when: "asked for changes, and approved since",
    snapshot: handed({
      facts: { reviews: [aReview({ state: "changes-requested", at: now - hour }), aReview({ id: 32 })] },
    }),
    expected: waits,
  },
  {
    when: "`/agent fix` on the pull request",
    snapshot: handed({ facts: { comments: [aComment("/agent fix the hinge")] } }),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
  {
    when: "a stage label by a person",
    snapshot: handed({
      pull: { labels: ["agent/needs-rework"] },
      facts: { timeline: [labelled(writer, now - minute, { id: 110, label: "agent/needs-rework" })] },
    }),
    expected: "row 4: rework #20 for an order; round 0, attempt 1",
  },
  {
    when: "a stage label by the program is none",
    snapshot: handed({
      pull: { labels: ["agent/merge-ready"] },
      facts: { timeline: [labelled(bot, now - minute, { id: 110, label: "agent/merge-ready" })] },
    }),
    expected: waits,
  },
  {
    when: "`/agent stop`",
    snapshot: handed({ details: { comments: [aComment("/agent stop")] } }),
    expected: "stop #12 for alice",
  },
]);

chapter("a run that looked after it died", [
  {
    when: "while it merged",
    snapshot: handed({ record: { ...dead, kind: "land" } }),
    expected: waits,
  },
  {
    when: "before it put the label on to mend a conflict",
    snapshot: handed({ record: { ...dead, kind: "rework" }, facts: { merge: "conflict" } }),
    expected: "row 8: rework #20 for conflict; round 1, attempt 2",
  },
  {
    when: "and left it released",
    snapshot: handed({ record: { state: "released", attempt: 1, rerun }, facts: { statuses: [red] } }),
    expected: "row 8: rework #20 for red ci / test; round 1, attempt 2",
  },
  {
    when: "and a person took the label off that it had put on",
    snapshot: handed({
      record: { ...dead, kind: "rework" },
      facts: { merge: "conflict" },
      details: {
        timeline: [
          ...timeline,
          labelled(bot, now - 10 * minute, { id: 103 }),
          labelled(writer, now - minute, { id: 104, added: false }),
        ],
      },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "with the label on again: mended without being asked again",
    snapshot: handed({
      issue: { labels: ["bot"], assignees: [bot] },
      record: { ...dead, kind: "rework" },
      facts: { merge: "conflict" },
      details: { timeline: [...timeline, labelled(bot, now - 10 * minute, { id: 103 })] },
    }),
    expected: "row 11: rework #20 for conflict; round 1, attempt 2",
  },
]);

chapter("an order whose run died before its first word", [
  {
    when: "stop: it is obeyed still",
    snapshot: pulled({
      record: { ...dead, kind: "resume", handled: ["label:100", "comment:300"], orderAt: iso(now - hour) },
      details: { comments: [aComment("/agent stop")] },
    }),
    expected: "stop #12 for alice",
  },
  {
    when: "hand-over: not judged instead",
    snapshot: pulled({
      pull: { labels: ["agent/merge-ready"] },
      record: { ...dead, kind: "resume", handled: ["label:100", "stage:110"], orderAt: iso(now - hour) },
      facts: { timeline: [labelled(writer, now - minute, { id: 110, label: "agent/merge-ready" })] },
    }),
    expected: "row 4: hand over #20 to alice",
  },
  {
    when: "a stop that was obeyed long before, and a run by hand since",
    snapshot: pulled({
      record: { ...dead, kind: "resume", handled: ["comment:300"], orderAt: iso(now - minute), verdict: aVerdict() },
      details: { timeline: [labelled(bot, now - minute)], comments: [aComment("/agent stop")] },
    }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "a newer order counts instead",
    snapshot: pulled({
      record: { ...dead, kind: "resume", handled: ["comment:300"], orderAt: iso(now - hour) },
      details: { comments: [aComment("/agent stop"), run({ id: 301, createdAt: now - minute })] },
    }),
    expected: "row 15: review #20, attempt 1",
  },
]);
