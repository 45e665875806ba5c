// What a person gets: a pull request that is ready, a decision to take, an explanation.

import { describe, expect, test } from "vitest";
import { findMarker } from "../../src/core/marker.ts";
import * as report from "../../src/core/report.ts";
import type { FindingNote, RoundNote, VerdictNote, WorkNote } from "../../src/ledger/record.ts";

const head = "0123456789abcdef0123456789abcdef01234567";
const earlier = "89abcdef0123456789abcdef0123456789abcdef";
const run = { number: 212, url: "https://forge.example/acme/app/actions/runs/212" };
const local = { number: null, url: null };

const crash: FindingNote = {
  ...{ id: "1.1", severity: "major", path: "src/door.ts", line: 12, title: "A sliding door crashes" },
  body: "`oil(null)` throws.",
};
const nit: FindingNote = { id: "2.1", severity: "nit", path: null, line: null, title: "`hinge` twice", body: "" };
const work: WorkNote = {
  ...{ head, profile: "claude", summary: "The hinge is oiled; sliding doors are left alone.", followUps: [] },
  checks: [{ command: "npm test", exitCode: 0, durationMs: 65_000 }],
};
const verdict: VerdictNote = {
  ...{ head, verdict: "approved", round: 2, summary: "Sliding doors are safe now.", findings: [nit] },
  ...{ approvedBy: ["codex"], approvalsNeeded: 1, patch: "p" },
};
const rounds: RoundNote[] = [
  {
    ...{
      round: 1,
      head: earlier,
      verdict: "changes-requested",
      summary: "It crashes.",
      findings: [crash, { ...nit, id: "1.2" }],
    },
    replies: [{ finding: "1.1", action: "fixed", body: "It returns early now." }],
  },
];
const handedOver: report.HandedOver = {
  ...{ askedBy: "alice", pull: 34, branch: "agent/issue-12", head, work, verdict, rounds, run, key: "11" },
  ...{ foreignChecks: [{ context: "ci / test (push)", state: "success" }], protectedPaths: ["migrations/7.sql"] },
  ...{ followUps: ["Oil the window"], costUsd: 2.13, generation: 1, behind: { base: "main", commits: 3 } },
};
const small = { ...handedOver, rounds: [], protectedPaths: [], followUps: [], behind: null, costUsd: null, run: local };

describe("hand-over", () => {
  test("reviewed and green", () => {
    expect(report.handoverComment(handedOver)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:handover v1 key=11 -->

      @alice pull request #34 is ready to merge: approved in round 2, its checks are green.

      **Look at these yourself**, they are protected: \`migrations/7.sql\`.

      ### What was done

      The hinge is oiled; sliding doors are left alone.

      ### How it was checked

      | check on \`0123456789\` | exit code | time |
      |---|---|---|
      | \`npm test\` | 0 | 1 min 5 s |

      Checks of this repository on \`0123456789\`: \`ci / test (push)\` success.

      ### What the reviewer said

      Approved by \`codex\`.

      Sliding doors are safe now.

      Still open, may stay:

      - **Nit** \`2.1\` · \`hinge\` twice

      ### What is left

      - Oil the window

      ### How to go on

      - **Merge** #34. It is 3 commits behind \`main\`.
      - Have it changed: \`/agent fix <what>\` on #34, a review that asks for changes, or the label \`agent/needs-rework\`. A new review follows.

      <details><summary>Earlier rounds</summary>

      Round 1 on \`89abcdef01\`: changes wanted, 1 major, 1 nit.
      - **Major** \`1.1\` · \`src/door.ts:12\` · A sliding door crashes · *fixed*: It returns early now.
      - **Nit** \`1.2\` · \`hinge\` twice · *no answer*

      </details>

      <sub>\`agent/issue-12\` at \`0123456789\`, 2.13 USD · [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
  });

  test("ordered by a person, with no verdict", () => {
    const checks = ["failure", "pending", "success"].map((state) => ({ context: `ci / ${state}`, state }));
    const ordered = { ...small, verdict: null, orderedBy: "bob", foreignChecks: checks, generation: 2 };
    expect(report.handoverComment(ordered)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:handover v1 key=11 -->

      @alice pull request #34 is yours, as bob asked. **No review approved it**; **red: \`ci / failure\`**, 1 check not ended.

      ### What was done

      The hinge is oiled; sliding doors are left alone.

      ### How it was checked

      | check on \`0123456789\` | exit code | time |
      |---|---|---|
      | \`npm test\` | 0 | 1 min 5 s |

      Checks of this repository on \`0123456789\`: \`ci / failure\` failure, \`ci / pending\` pending, \`ci / success\` success.

      ### How to go on

      - **Have it reviewed** first: \`/agent review\` on #34.
      - Have it changed: \`/agent fix <what>\` on #34, a review that asks for changes, or the label \`agent/needs-rework\`. A new review follows.
      - Merge #34, if you have read it yourself.

      <sub>\`agent/issue-12\` at \`0123456789\`, generation 2 · a run outside the server</sub>"
    `);
  });

  test("what stands first", () => {
    const first = (change: Partial<report.HandedOver>) =>
      report.handoverComment({ ...small, ...change }).split("\n")[2];
    const bad: VerdictNote = { ...verdict, verdict: "changes-requested", findings: [crash] };
    expect([
      first({ verdict: bad, orderedBy: "alice", foreignChecks: [] }),
      first({ verdict: null, foreignChecks: [], askedBy: "" }),
      first({ foreignChecks: [] }),
      first({ foreignChecks: [{ context: "ci", state: "skipped" }] }),
      first({ foreignChecks: [{ context: "ci", state: "unknown" }] }),
      first({ foreignChecks: [{ context: "ci", state: "error" }] }),
    ]).toMatchInlineSnapshot(`
      [
        "@alice pull request #34 is yours, as you asked. **No review approved it**; the last one wants changes (1 major).",
        "Pull request #34 is yours. **No review approved it**.",
        "@alice pull request #34 is ready to merge: approved in round 2.",
        "@alice pull request #34 is ready to merge: approved in round 2, its checks are green.",
        "@alice pull request #34 is reviewed: approved in round 2; 1 check not ended.",
        "@alice pull request #34 is reviewed: approved in round 2; **red: \`ci\`**.",
      ]
    `);
  });

  test("checks left to the repository, verdict from before a rebase, merged when approved", () => {
    const left = { ...small, work: { ...work, checks: null, summary: " " }, verdict: { ...verdict, head: earlier } };
    expect(report.handoverComment({ ...left, foreignChecks: [], mergesWhenApproved: true })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:handover v1 key=11 -->

      @alice pull request #34 is ready to merge: approved in round 2.

      ### What was done

      The author left no summary.

      ### How it was checked

      Left to the checks of this repository, which report nothing on \`0123456789\`.

      ### What the reviewer said

      Approved by \`codex\`. The judged commit is \`89abcdef01\`; the change has stayed the same since.

      Sliding doors are safe now.

      Still open, may stay:

      - **Nit** \`2.1\` · \`hinge\` twice

      ### How to go on

      - **Approve** #34, and the program merges it; or merge it yourself.
      - Have it changed: \`/agent fix <what>\` on #34, a review that asks for changes, or the label \`agent/needs-rework\`. A new review follows.

      <sub>\`agent/issue-12\` at \`0123456789\` · a run outside the server</sub>"
    `);
  });

  test("a person's own pull request", () => {
    const own = { ...small, work: null, personsPull: true } as const;
    const bad: VerdictNote = { ...verdict, verdict: "changes-requested", findings: [nit, crash], approvedBy: [] };
    expect(report.handoverComment(own)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:handover v1 key=11 -->

      @alice the review of #34 is done: **approved**, its checks are green.

      ### How it was checked

      Checks of this repository on \`0123456789\`: \`ci / test (push)\` success.

      ### What the reviewer said

      Approved by \`codex\`.

      Sliding doors are safe now.

      Still open, may stay:

      - **Nit** \`2.1\` · \`hinge\` twice

      ### How to go on

      - **Merge** #34 when you like.
      - Have it changed: \`/agent fix <what>\`, and the author agent works on your branch.

      <sub>\`agent/issue-12\` at \`0123456789\` · a run outside the server</sub>"
    `);
    expect(report.handoverComment({ ...own, verdict: bad, branch: "" })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:handover v1 key=11 -->

      @alice the review of #34 is done: **changes wanted** (1 major, 1 nit), its checks are green.

      ### How it was checked

      Checks of this repository on \`0123456789\`: \`ci / test (push)\` success.

      ### What the reviewer said

      Changes wanted: 1 major, 1 nit.

      Sliding doors are safe now.

      - **Major** \`1.1\` · \`src/door.ts:12\` · A sliding door crashes
      - **Nit** \`2.1\` · \`hinge\` twice

      ### How to go on

      - **Push** what you change, then \`/agent review\` for another look.

      <sub>\`0123456789\` · a run outside the server</sub>"
    `);
  });
});

const usedUp: report.RoundsUsedUp = {
  ...{ askedBy: "alice", pull: 34, base: "main", rounds: 3, history: rounds, conflict: false, red: [], landing: null },
  ...{
    run,
    key: "12",
    verdict: { ...verdict, verdict: "changes-requested", round: 3, findings: [{ ...nit, id: "3.2" }] },
  },
};

describe("a person decides", () => {
  test("reviewer and author do not agree", () => {
    const again: FindingNote = {
      ...crash,
      id: "3.1",
      line: 15,
      title: "`close()` crashes too",
      body: "Line 15 reads null.",
    };
    const other: FindingNote = { ...crash, id: "3.3", severity: "blocker", path: "src/new.ts", title: "New", body: "" };
    const second: RoundNote = {
      ...{ round: 2, head, verdict: "changes-requested", summary: "", findings: [{ ...crash, id: "2.1" }] },
      replies: [{ finding: "2.1", action: "rejected", body: "`close()` is never called on sliding doors." }],
    };
    const disputed = {
      ...verdict,
      verdict: "changes-requested" as const,
      findings: [again, { ...nit, id: "3.2" }, other],
    };
    expect(report.roundsComment({ ...usedUp, verdict: disputed, history: [...rounds, second] })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:blocked v1 key=12 -->

      @alice pull request #34 needs your decision. After 3 rounds, the reviewer still wants changes (1 blocker, 1 major, 1 nit).

      ### Open points

      **Blocker** \`3.3\` · \`src/new.ts:12\` · New

      *The author has not answered it yet.*

      **Major** \`3.1\` · \`src/door.ts:15\` · \`close()\` crashes too

      Line 15 reads null.

      *The author, on \`2.1\` (A sliding door crashes): not changed.*

      \`close()\` is never called on sliding doors.

      And 1 lesser point that may stay.

      **To decide:** for each point, who is right, the reviewer or the author?

      ### How to go on

      - \`/agent fix <your decision>\` on #34: the author works once more, your words first, and a new review follows.
      - \`/agent retry\`: author and reviewer go on by themselves, the rounds counted anew.
      - Merge #34 as it is, if what is left may stay.
      - Mend it by hand, then \`/agent review\`; or close it.

      <details><summary>Earlier rounds</summary>

      Round 1 on \`89abcdef01\`: changes wanted, 1 major, 1 nit.
      - **Major** \`1.1\` · \`src/door.ts:12\` · A sliding door crashes · *fixed*: It returns early now.
      - **Nit** \`1.2\` · \`hinge\` twice · *no answer*

      Round 2 on \`0123456789\`: changes wanted, 1 major.
      - **Major** \`2.1\` · \`src/door.ts:12\` · A sliding door crashes · *not changed*: \`close()\` is never called on sliding doors.

      </details>

      <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
  });

  test("only lesser points are open", () => {
    expect(report.roundsComment({ ...usedUp, history: [] })).toContain(
      "### Open points\n\n**Nit** `3.2` · `hinge` twice\n\n*The author",
    );
  });

  test("a conflict and red checks remained", () => {
    const red = [{ context: "ci / test", state: "failure" }];
    expect(report.roundsComment({ ...usedUp, verdict, history: [], conflict: true, red })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:blocked v1 key=12 -->

      @alice pull request #34 needs your decision. After 3 rounds, it still conflicts with \`main\`; its checks are still red: \`ci / test\`.

      **To decide:** what should hold where both sides changed the same lines.

      ### How to go on

      - \`/agent fix <your decision>\` on #34: the author works once more, your words first, and a new review follows.
      - \`/agent retry\`: author and reviewer go on by themselves, the rounds counted anew.
      - Mend it by hand, then \`/agent review\`; or close it.

      <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
    expect(report.roundsComment({ ...usedUp, verdict: null, history: [], red, rounds: 1 })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:blocked v1 key=12 -->

      @alice pull request #34 needs your decision. After 1 round, its checks are still red: \`ci / test\`.

      **To decide:** is the check right, or is it broken for another reason than this change?

      ### How to go on

      - \`/agent fix <your decision>\` on #34: the author works once more, your words first, and a new review follows.
      - \`/agent retry\`: author and reviewer go on by themselves, the rounds counted anew.
      - Merge #34 as it is, if what is left may stay.
      - Mend it by hand, then \`/agent review\`; or close it.

      <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
    expect(report.roundsComment({ ...usedUp, verdict: null, history: [] })).toContain("it is not good yet");
  });

  test("the merge was put off", () => {
    const landing = { times: 5, answer: "Does not have enough approvals; ask @ann" };
    expect(report.roundsComment({ ...usedUp, verdict, history: [], landing })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:blocked v1 key=12 -->

      @alice pull request #34 is approved, but its merge was put off 5 times. It needs you.

      The forge says: Does not have enough approvals; ask @​ann

      ### How to go on

      - Merge #34 yourself, or see to what the forge asks for; then \`/agent retry\` has the program try again.
      - Have it changed: \`/agent fix <what>\` on #34.

      <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
    const once = report.roundsComment({ ...usedUp, landing: { times: 1, answer: " " } });
    expect(once).toContain("put off 1 time. It");
    expect(once).not.toContain("### Open points");
  });
});

describe("why", () => {
  const gates: report.Gate[] = [
    { row: 1, about: "hold, locked", result: "passes", fact: "no `hold`, not locked" },
    { row: 13, about: "checks of the head", result: "stops", fact: "waiting for `ci | test`" },
    { row: 15, about: "verdict", result: "work", fact: "none for `0123456789`" },
    { row: 11, about: "conflict", result: "unknown", fact: "" },
  ];
  const why = { item: 12, gates, decision: "Nothing now (row 13): waiting for the check `ci | test`." };

  test("as a comment and as plain text", () => {
    expect(report.whyComment({ ...why, key: "comment:31" })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:why v1 for=comment:31 -->

      **#12**: Nothing now (row 13): waiting for the check \`ci | test\`.

      | row | about | answer | fact |
      |---|---|---|---|
      | 1 | hold, locked | passes | no \`hold\`, not locked |
      | 13 | checks of the head | **stops here** | waiting for \`ci \\| test\` |
      | 15 | verdict | **to be done** | none for \`0123456789\` |
      | 11 | conflict | not known |  |

      <sub>The first row that does not pass decides; the rows stand in docs/decisions.md of agent-dispatch.</sub>"
    `);
    expect(findMarker(report.whyComment({ ...why, key: "comment:31" }), "why")?.values).toEqual({ for: "comment:31" });
    expect(report.whyText(why)).toMatchInlineSnapshot(`
      "#12: Nothing now (row 13): waiting for the check \`ci | test\`.
         1  hold, locked        passes  no \`hold\`, not locked
        13  checks of the head  stops   waiting for \`ci | test\`
        15  verdict             work    none for \`0123456789\`
        11  conflict            ?"
    `);
    const kept = { key: "pr-34", head: "0123456789abcdef", at: "2026-03-01T12:00:00.000Z", attempt: 2, why: "timeout" };
    const left =
      "`git fetch origin refs/agent-dispatch/v1/wip/pr-34` brings `0123456789`, what attempt 2 left (timeout)";
    expect(report.whyComment({ ...why, kept, key: "comment:31" })).toContain(left);
    expect(report.whyText({ ...why, gates: [], kept })).toMatchInlineSnapshot(`
      "#12: Nothing now (row 13): waiting for the check \`ci | test\`.
        kept work of attempt 2 (timeout): git fetch origin refs/agent-dispatch/v1/wip/pr-34 brings 0123456789 as FETCH_HEAD"
    `);
    expect(report.whyText({ ...why, gates: [] })).toBe("#12: Nothing now (row 13): waiting for the check `ci | test`.");
  });
});
