// Verdicts, answers and what the status comment says about them, as people read them.

import { describe, expect, test } from "vitest";
import { findMarker } from "../../src/core/marker.ts";
import * as report from "../../src/core/report.ts";
import type { FindingNote, ReplyNote } from "../../src/ledger/record.ts";

const head = "0123456789abcdef0123456789abcdef01234567";
const run = { number: 212, url: "https://forge.example/acme/app/actions/runs/212" };
const local = { number: null, url: null };
const checks = [{ command: "npm test", exitCode: 0, durationMs: 65_000, tail: "" }];

const crash: FindingNote = {
  ...{ id: "1.1", severity: "major", path: "src/door.ts", line: 12, title: "A door without a hinge crashes" },
  body: "`oil(null)` throws for a sliding door.\n\nReturn early when there is no hinge.",
};
const window: FindingNote = {
  ...{ id: "1.2", severity: "minor", path: "src/door.ts", line: null, title: "`oilAll` oils the window too" },
  body: "The issue asks for doors.",
};
const changelog: FindingNote = {
  ...{ id: "1.3", severity: "nit", path: null, line: null, title: "The changelog is not named", body: "" },
};
const fixed: ReplyNote = { finding: "1.1", action: "fixed", body: "It returns early now; a test fails without it." };
const rejected: ReplyNote = { finding: "1.2", action: "rejected", body: "`docs/oil.md` calls windows doors of glass." };
const clarified: ReplyNote = { finding: "1.3", action: "clarified", body: "" };

const reviewed: report.Reviewed = {
  ...{ verdict: "changes-requested", round: 1, roundsMax: 3, profile: "codex", run, head, key: "8" },
  ...{ summary: "The oiling is right for hinged doors; sliding doors crash.", approvalsNeeded: 1, approvals: 0 },
  ...{ findings: [crash, changelog, window], inText: [changelog, window], checks },
};

describe("the review", () => {
  test("changes wanted, some of them at their lines", () => {
    expect(report.reviewBody(reviewed)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:review v1 head=0123456789abcdef0123456789abcdef01234567 key=8 -->

      **Changes wanted** · round 1 of 3 · commit \`0123456789\`

      1 major, 1 minor, 1 nit; 1 at its line, 2 below.

      The oiling is right for hinged doors; sliding doors crash.

      ### Without a line

      **Minor** \`1.2\` · \`src/door.ts\` · \`oilAll\` oils the window too

      The issue asks for doors.

      **Nit** \`1.3\` · The changelog is not named

      | check on \`0123456789\` | exit code | time |
      |---|---|---|
      | \`npm test\` | 0 | 1 min 5 s |

      <sub>Reviewed by the agent \`codex\` in [run 212](https://forge.example/acme/app/actions/runs/212), in a session of its own. Blocker and major must change; minor and nit may stay.</sub>"
    `);
  });

  test("approved", () => {
    const approved = {
      ...reviewed,
      verdict: "approved",
      findings: [],
      inText: [],
      approvals: 1,
      checks: null,
    } as const;
    expect(report.reviewBody({ ...approved, run: local })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:review v1 head=0123456789abcdef0123456789abcdef01234567 key=8 -->

      **Approved** · round 1 of 3 · commit \`0123456789\`

      No findings.

      The oiling is right for hinged doors; sliding doors crash.

      <sub>Reviewed by the agent \`codex\` in a run outside the server, in a session of its own.</sub>"
    `);
    expect(report.reviewBody({ ...approved, approvalsNeeded: 2 }).split("\n")[2]).toMatchInlineSnapshot(
      `"**Approved, 1 of 2 approvals that this change needs** · round 1 of 3 · commit \`0123456789\`"`,
    );
  });

  test("where the findings stand", () => {
    const where = (findings: FindingNote[], inText: FindingNote[]) =>
      report.reviewBody({ ...reviewed, findings, inText }).split("\n")[4];
    expect(where([crash], [])).toBe("1 major, at its line.");
    expect(where([changelog], [changelog])).toBe("1 nit.");
    expect(where([crash, changelog], [changelog])).toBe("1 major, 1 nit; 1 at its line, 1 below.");
    expect(where([], [])).toBe("No findings.");
  });

  test("a comment on a line", () => {
    expect(report.findingComment(crash)).toMatchInlineSnapshot(`
      "**Major** \`1.1\` · A door without a hinge crashes

      \`oil(null)\` throws for a sliding door.

      Return early when there is no hinge."
    `);
    expect(report.findingComment(changelog)).toMatchInlineSnapshot(`"**Nit** \`1.3\` · The changelog is not named"`);
  });

  test("100 long findings: the worst in full, all others as lines or counted, the end of the page still there", () => {
    const findings = Array.from({ length: 100 }, (_, index): FindingNote => {
      const severity = index < 99 ? "minor" : "blocker";
      return { ...crash, id: `1.${index}`, severity, title: "t ".repeat(150), body: "b ".repeat(2_000) };
    });
    const page = report.reviewBody({ ...reviewed, findings, inText: findings });
    expect(page.length).toBeLessThan(50_000);
    expect(page.indexOf("**Blocker** `1.99`")).toBeLessThan(page.indexOf("**Minor** `1.0`"));
    // Some in full, then one line each: more are named than would fit in full.
    expect(Number(/\n\nAnd (\d+) more\.\n\n/.exec(page)?.[1])).toBeLessThan(85);
    expect(page).toContain("minor and nit may stay.</sub>");
  });
});

const replied: report.Replied = {
  ...{ round: 2, roundsMax: 3, profile: "claude", run, head, key: "9", findings: [crash, window, changelog] },
  ...{ summary: "Sliding doors are left alone.", replies: [fixed, clarified, rejected], inText: [clarified, rejected] },
};

describe("the author's answer", () => {
  test("with what stands under no line", () => {
    expect(report.replyBody(replied)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:review v1 key=9 -->

      **Answer of the author** · round 2 of 3 · commit \`0123456789\`

      1 fixed, 1 explained, 1 not changed; 1 of them at its line.

      Sliding doors are left alone.

      **Not changed** \`1.2\` · \`oilAll\` oils the window too

      \`docs/oil.md\` calls windows doors of glass.

      **Explained** \`1.3\` · The changelog is not named

      <sub>By the agent \`claude\` in [run 212](https://forge.example/acme/app/actions/runs/212). The next run reviews it.</sub>"
    `);
    expect(findMarker(report.replyBody(replied), "review")?.values).toEqual({ key: "9" });
  });

  test("ordered by a person, findings without an answer, an answer to nothing", () => {
    const stray: ReplyNote = { ...fixed, finding: "7 of 9" };
    expect(
      report.replyBody({ ...replied, round: null, summary: "", replies: [stray], inText: [stray], run: local }),
    ).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:review v1 key=9 -->

      **Answer of the author** · asked for by a person · commit \`0123456789\`

      1 fixed. Without an answer: \`1.1\`, \`1.2\`, \`1.3\`.

      **Fixed** \`7 of 9\`

      It returns early now; a test fails without it.

      <sub>By the agent \`claude\` in a run outside the server. The next run reviews it.</sub>"
    `);
    expect(report.replyBody({ ...replied, findings: [], replies: [], inText: [] }).split("\n\n")).toHaveLength(4);
  });

  test("under a line", () => {
    expect(report.replyComment(rejected)).toMatchInlineSnapshot(`
      "**Not changed** \`1.2\`

      \`docs/oil.md\` calls windows doors of glass."
    `);
    expect(report.replyComment(clarified)).toMatchInlineSnapshot(`"**Explained** \`1.3\`"`);
  });
});

describe("the status comment", () => {
  const working = {
    ...{ attempt: 1, attemptsMax: 3, profile: "codex", run, branch: "agent/issue-12", askedBy: "alice" },
    ...{ startedAt: "2026-03-01T12:00:00.000Z", sandboxed: true },
  };
  const took = { pull: 34, roundsMax: 3, profile: "codex", run, durationMs: 200_000, summary: "Sliding doors crash." };

  test("a reviewer at work", () => {
    const review = { ...working, kind: "review", pull: 34, head, round: 1, roundsMax: 3 } as const;
    expect(report.workingComment(review)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **Reviewing #34** · round 1 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)

      Asked for by alice. A fresh agent judges commit \`0123456789\`. Started 2026-03-01 12:00 UTC.

      <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
    `);
    expect(report.workingComment({ ...review, attempt: 2 }).split("\n")[2]).toMatchInlineSnapshot(
      `"**Reviewing #34** · round 1 of 3 · attempt 2 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)"`,
    );
  });

  test("an author at work again", () => {
    const status = { context: "ci / test", state: "failure", description: "", creator: "", targetUrl: "" } as const;
    const red = [{ ...status, updatedAt: 0 }];
    const all = { ordered: true, reviews: [7], conflict: true, findings: true, red };
    const rework = { ...working, kind: "rework", pull: 34, round: 2, roundsMax: 3 } as const;
    expect(report.workingComment({ ...rework, causes: report.causesOf(all, "main", 2) })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **Reworking #34** · round 2 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)

      Why: a person asked; conflict with \`main\`; 2 findings; checks red: \`ci / test\`. Started 2026-03-01 12:00 UTC.

      <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
    `);
    const asked = report.causesOf({ ...all, ordered: false, conflict: false, findings: false, red: [] }, "main", 0);
    expect(asked).toEqual(["a person asked"]);
    expect(report.workingComment({ ...rework, round: null, causes: asked }).split("\n")[2]).toMatchInlineSnapshot(
      `"**Reworking #34** · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)"`,
    );
    expect(report.workingComment({ ...rework, causes: [] }).split("\n")[4]).toBe("Started 2026-03-01 12:00 UTC.");
  });

  test("reviewed", () => {
    const status = { ...took, round: 1, verdict: "changes-requested", costUsd: 0.4, next: "rework" } as const;
    expect(report.reviewedComment({ ...status, findings: [crash, changelog] })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **#34 needs changes**: 1 major, 1 nit · round 1 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)

      Sliding doors crash.

      The next run gives the findings to the author.

      <sub>Took 3 min 20 s, 0.40 USD.</sub>"
    `);
    const good = { ...status, verdict: "approved", costUsd: null } as const;
    const lines = (next: report.ReviewedStatus["next"], findings: FindingNote[]) =>
      report
        .reviewedComment({ ...good, findings, next, summary: "" })
        .split("\n\n")
        .slice(1, 3);
    expect([lines("hand-over", []), lines("review", [changelog]), lines("person", [])]).toMatchInlineSnapshot(`
      [
        [
          "**#34 is approved** · round 1 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)",
          "The next run hands it over.",
        ],
        [
          "**#34 is approved** (1 nit) · round 1 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)",
          "It touches protected paths: the next run has a second agent review it.",
        ],
        [
          "**#34 is approved** · round 1 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)",
          "A person decides; see below.",
        ],
      ]
    `);
  });

  test("reworked, or answered without a change", () => {
    const status = { ...took, round: 2, costUsd: 0.5, checks, head };
    expect(report.reworkedComment({ ...status, changed: true })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **#34 is reworked**; the next run reviews it · round 2 of 3 · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)

      Sliding doors crash.

      | check on \`0123456789\` | exit code | time |
      |---|---|---|
      | \`npm test\` | 0 | 1 min 5 s |

      <sub>Took 3 min 20 s, 0.50 USD.</sub>"
    `);
    expect(report.reworkedComment({ ...status, round: null, changed: false })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **#34 stays as it is**: the author answers every finding; the next run reviews it · \`codex\` · [run 212](https://forge.example/acme/app/actions/runs/212)

      Sliding doors crash.

      <sub>Took 3 min 20 s, 0.50 USD.</sub>"
    `);
  });

  test("brought up to date by the host alone", () => {
    const rebased = { pull: 34, base: "main", onto: `f${head.slice(1)}`, head, merged: false, keepsVerdict: true, run };
    expect(report.rebasedComment(rebased)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **#34 is up to date again**: it is rebased onto \`main\` at \`f123456789\`, without a conflict and without an agent · [run 212](https://forge.example/acme/app/actions/runs/212)

      The change is the same, so its review still counts for \`0123456789\`."
    `);
    expect(report.rebasedComment({ ...rebased, merged: true, keepsVerdict: false })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **#34 is up to date again**: \`main\` is merged into it at \`f123456789\`, without a conflict and without an agent · [run 212](https://forge.example/acme/app/actions/runs/212)

      The next run reviews \`0123456789\`."
    `);
  });

  test("lines", () => {
    const lines = [
      report.handedOverLine(34, "alice", run),
      report.handedOverLine(34, "", local),
      report.stoppedLine("bob", local),
      report.stoppedLine("bob", local, "the trigger label was taken off"),
      report.baseRedLine("main", head, ["ci / test", "lint"], local),
      report.baseRedLine("main", head, [], local),
      report.rerunLine(34, ["ci / test"], true, local),
      report.rerunLine(34, ["ci / test"], false, local),
      report.landingLine(34, 2, 5, "does not have enough approvals", local),
      report.landingLine(34, 2, 5, "", local),
      report.mergedLine(34, head, "alice", local),
    ].map((comment) => comment.split("\n\n"));
    expect(new Set(lines.map(([marker]) => marker))).toEqual(new Set(["<!-- agent-dispatch:status v1 -->"]));
    expect(lines.map(([, text]) => text)).toMatchInlineSnapshot(`
      [
        "**#34 is handed over** to alice: see the comment there · [run 212](https://forge.example/acme/app/actions/runs/212)",
        "**#34 is handed over** to a person: see the comment there · a run outside the server",
        "**Stopped** by @bob: \`/agent stop\` · a run outside the server",
        "**Stopped** by @bob: the trigger label was taken off · a run outside the server",
        "**Waiting for \`main\`**, which is red itself at \`0123456789\`: \`ci / test\`, \`lint\`. It goes on when \`main\` moves · a run outside the server",
        "**Waiting for \`main\`**, which is red itself at \`0123456789\`. It goes on when \`main\` moves · a run outside the server",
        "**Checks of #34 are red** and are started again once: \`ci / test\` · a run outside the server",
        "**Checks of #34 are red** and could not be started again: \`ci / test\` · a run outside the server",
        "**The merge of #34 is put off** (2 of 5): Does not have enough approvals · a run outside the server",
        "**The merge of #34 is put off** (2 of 5): no reason given · a run outside the server",
        "**Merged** on @alice's approval: #34 at \`0123456789\` · a run outside the server",
      ]
    `);
  });

  test("not reviewed, not reworked", () => {
    const failed = {
      failure: "timeout",
      ...{ text: "It ran for 45 min.", attempt: 1, attemptsMax: 3, costsAttempt: true },
      ...{ nextAt: null, run: local, profile: "codex", output: "" },
    } as const;
    const line = (kind: "review" | "rework") => report.failedComment({ ...failed, kind }).split("\n")[2];
    expect([line("review"), line("rework")]).toMatchInlineSnapshot(`
      [
        "**Not reviewed yet: timeout** · attempt 1 of 3 · \`codex\` · a run outside the server",
        "**Not reworked yet: timeout** · attempt 1 of 3 · \`codex\` · a run outside the server",
      ]
    `);
  });
});
