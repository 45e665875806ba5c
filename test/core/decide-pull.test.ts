// An open pull request of the program: which of several facts decides.

import { aComment, aStatus, aVerdict, iso, labelled, minute, now, sha, writer } from "../support/builders.ts";
import { chapter, cooling, dead, pulled, run } from "../support/decisions.ts";

const bad = aVerdict({ verdict: "changes-requested", approvedBy: [] });
const red = aStatus("ci / test", "failure");
const pending = aStatus("ci / test", "pending");
const rerun = { head: sha("b"), at: iso(now - 10 * minute), started: true };

const review = "row 15: review #20, attempt 1";
const mends = (row: number, why: string, round = 1, attempt = 1) =>
  `row ${row}: rework #20 for ${why}; round ${round}, attempt ${attempt}`;

chapter("before the rows of its head", [
  {
    when: "its facts are read first",
    snapshot: pulled({ details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "facts of the issue alone never begin a second pull request",
    snapshot: pulled({ details: { pull: null } }),
    expected: "skip by row 17: pull request #20 is open, and its facts are not known",
  },
  {
    when: "a draft",
    snapshot: pulled({ pull: { draft: true } }),
    expected: "skip by row 11: pull request #20 is a draft",
  },
  {
    when: "a draft, and the label put on again: not an explicit order",
    snapshot: pulled({ pull: { draft: true }, details: { timeline: [labelled(writer, now - minute, { id: 101 })] } }),
    expected: "skip by row 11: pull request #20 is a draft",
  },
  {
    when: "a draft, and a command",
    snapshot: pulled({ pull: { draft: true }, details: { comments: [run()] } }),
    expected: review,
  },
  {
    when: "a draft, and a review ordered of it",
    snapshot: pulled({ pull: { draft: true }, details: { comments: [aComment("/agent review")] } }),
    expected: "skip by row 4: pull request #20 is a draft",
  },
  {
    when: "a draft, and a fix ordered of it",
    snapshot: pulled({ pull: { draft: true }, details: { comments: [aComment("/agent fix it")] } }),
    expected: mends(4, "an order", 0),
  },
  {
    when: "a draft never conflicts",
    snapshot: pulled({
      pull: { draft: true, mergeable: false },
      facts: { merge: "hint" },
      details: { comments: [run()] },
    }),
    expected: review,
  },
  {
    when: "somebody pushed a moment ago",
    snapshot: pulled({ details: { branch: sha("e") } }),
    expected: "skip by row 11: the branch of pull request #20 moved a moment ago; the next look sees its new head",
  },
  {
    when: "effects of a dead run come first, whatever its head needs",
    snapshot: pulled({ record: { ...dead, state: "published", verdict: bad }, facts: { merge: "conflict" } }),
    expected: "resume #12",
  },
  {
    when: "cooling down",
    snapshot: pulled({ record: { ...cooling, state: "released" } }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
  {
    when: "the base is red, and has not moved",
    snapshot: pulled({ record: { state: "released", waitsForBase: sha("a") } }, { bases: { main: sha("a") } }),
    expected: "skip by row 6: the base branch fails its own checks at `aaaaaaaaaa`; it waits until that moves",
  },
  {
    when: "the base was red, and has moved",
    snapshot: pulled({ record: { state: "released", waitsForBase: sha("a") } }, { bases: { main: sha("e") } }),
    expected: review,
  },
  {
    when: "the base is red, and somebody orders it all the same",
    snapshot: pulled(
      {
        issue: { updatedAt: now },
        record: { state: "released", waitsForBase: sha("a") },
        details: { comments: [run()] },
      },
      { bases: { main: sha("a") } },
    ),
    expected: review,
  },
  {
    when: "the label taken off",
    snapshot: pulled({ issue: { labels: [] } }),
    expected: "skip by row 9: `bot` is off",
  },
  {
    when: "gave up: it waits for a person, whatever its head needs",
    snapshot: pulled({ record: { state: "blocked", stage: "blocked", verdict: bad }, facts: { merge: "conflict" } }),
    expected: "skip by row 4: it waits for a person; put the label on again to go on",
  },
]);

chapter("which fact about the head decides", [
  { when: "row 11: a conflict", snapshot: pulled({ facts: { merge: "conflict" } }), expected: mends(11, "conflict") },
  {
    when: "row 11: the forge's word is a hint",
    snapshot: pulled({ facts: { merge: "hint" } }),
    expected: "look: merge",
  },
  {
    when: "a conflict before red, pending and a verdict",
    snapshot: pulled({
      record: { verdict: bad, round: 1 },
      facts: { merge: "conflict", statuses: [red, aStatus("lint", "pending")] },
    }),
    expected: mends(11, "conflict, findings, red ci / test"),
  },
  {
    when: "row 12: red checks are run again once",
    snapshot: pulled({ facts: { statuses: [red] } }),
    expected: "row 12: run ci / test again",
  },
  {
    when: "row 12: run again a moment ago",
    snapshot: pulled({ record: { rerun: { ...rerun, at: iso(now - minute) } }, facts: { statuses: [red] } }),
    expected: "skip by row 12: `ci / test` was red and is run again",
  },
  {
    when: "row 12: run again a moment ago, and red once more",
    snapshot: pulled({
      record: { rerun: { ...rerun, at: iso(now - minute) } },
      facts: { statuses: [{ ...red, updatedAt: now - 1000 }] },
    }),
    expected: mends(12, "red ci / test"),
  },
  {
    when: "row 12: red after being run again",
    snapshot: pulled({ record: { rerun }, facts: { statuses: [red] } }),
    expected: mends(12, "red ci / test"),
  },
  {
    when: "row 12: this server cannot run it again",
    snapshot: pulled({
      record: { rerun: { ...rerun, at: iso(now - 1000), started: false } },
      facts: { statuses: [red] },
    }),
    expected: mends(12, "red ci / test"),
  },
  {
    when: "row 12: the head before was run again, this one not yet",
    snapshot: pulled({ record: { rerun: { ...rerun, head: sha("e") } }, facts: { statuses: [red] } }),
    expected: "row 12: run ci / test again",
  },
  {
    when: "row 12: red before pending and a verdict; findings are told with it, and the round is theirs",
    snapshot: pulled({
      record: { rerun, verdict: bad, round: 2 },
      facts: { statuses: [red, aStatus("lint", "pending")] },
    }),
    expected: mends(12, "findings, red ci / test", 2),
  },
  {
    when: "row 12: red on the base too: it waits",
    snapshot: pulled({ facts: { statuses: [red], base: { statuses: [aStatus("ci / test", "error")] } } }),
    expected: "skip by row 12: `ci / test` is red, and on the base branch too: it waits until that is mended",
  },
  {
    when: "row 12: red on the base too, with findings open: those first",
    snapshot: pulled({
      record: { verdict: bad, round: 1 },
      facts: { statuses: [red], base: { statuses: [aStatus("ci / test", "error")] } },
    }),
    expected: mends(14, "findings"),
  },
  {
    when: "row 12: red, but not required",
    snapshot: pulled({ facts: { statuses: [red, aStatus("build", "success")], base: { required: ["build"] } } }),
    expected: review,
  },
  {
    when: "row 12: its own statuses and those of its own workflow never count",
    snapshot: pulled({
      facts: { statuses: [aStatus("agent-dispatch/checks", "failure"), aStatus("agent / run (push)", "failure")] },
    }),
    expected: review,
  },
  {
    when: "row 13: pending",
    snapshot: pulled({ facts: { statuses: [pending] } }),
    expected: "skip by row 13: waiting for the check `ci / test`",
  },
  {
    when: "row 13: pending for half an hour: no longer",
    snapshot: pulled({ facts: { statuses: [{ ...pending, updatedAt: now - 30 * minute }] } }),
    expected: review,
  },
  {
    when: "row 13: a required one is not reported yet",
    snapshot: pulled({ facts: { base: { required: ["ci*"] } } }),
    expected: "skip by row 13: waiting for the required check `ci*`",
  },
  {
    when: "row 13: a required one never came",
    snapshot: pulled({ record: { at: iso(now - 30 * minute) }, facts: { base: { required: ["ci*"] } } }),
    expected: review,
  },
  {
    when: "row 13: pending before a verdict",
    snapshot: pulled({ record: { verdict: bad, round: 1 }, facts: { statuses: [pending] } }),
    expected: "skip by row 13: waiting for the check `ci / test`",
  },
  {
    when: "row 14: changes were requested of this head",
    snapshot: pulled({ record: { verdict: bad, round: 1, stage: "needs-rework" } }),
    expected: mends(14, "findings"),
  },
  { when: "row 15: not judged yet", snapshot: pulled({}), expected: review },
  {
    when: "row 15: a verdict of another head",
    snapshot: pulled({ record: { verdict: { ...bad, head: sha("e") }, round: 1 } }),
    expected: review,
  },
  {
    when: "row 15: approved once, and twice is needed",
    snapshot: pulled({ record: { verdict: aVerdict({ approvalsNeeded: 2 }) } }),
    expected: review,
  },
  {
    when: "row 15: it changes nothing any more",
    snapshot: pulled({ pull: { headSha: sha("a") } }),
    expected: "skip by row 15: pull request #20 changes nothing",
  },
  {
    when: "row 16: approved",
    snapshot: pulled({ record: { verdict: aVerdict() } }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "row 16: approved twice, as needed",
    snapshot: pulled({ record: { verdict: aVerdict({ approvedBy: ["first", "second"], approvalsNeeded: 2 }) } }),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "row 16: two were needed, and only one profile can review now",
    snapshot: pulled(
      { record: { verdict: aVerdict({ approvalsNeeded: 2 }) } },
      { profiles: { authors: ["first"], reviewers: ["second"], tellCost: true, setups: {} } },
    ),
    expected: "row 16: hand over #20 to alice",
  },
  {
    when: "row 16: an order with words wants more than a hand-over",
    snapshot: pulled({
      record: { verdict: aVerdict() },
      details: { comments: [aComment("/agent run and oil the lock")] },
    }),
    expected: mends(16, "an order", 0),
  },
  {
    when: "behind its base only: no reason to work",
    snapshot: pulled({ record: { verdict: aVerdict() }, facts: { base: { sha: sha("9") } } }),
    expected: "row 16: hand over #20 to alice",
  },
]);
