import { expect, test } from "vitest";
import { outcome } from "../src/outcome.ts";
import { summaryOf } from "../src/summary.ts";

test("idle, with what was looked at", () => {
  const passed = [
    { item: 1, title: "One | two", row: 1, reason: "`hold` is on the issue" },
    { item: 2, title: "Ping @ann\n# head", row: 2, reason: "claimed by run 7" },
  ];
  const idle = outcome({
    kind: "idle",
    outcome: "idle",
    reason: "2 items looked at, none is ready",
    next: "The next tick looks again.",
    passed,
  });
  expect(summaryOf(idle)).toMatchInlineSnapshot(`
    "### agent-dispatch: idle

    2 items looked at, none is ready. The next tick looks again.

    | Looked at | Why not |
    |---|---|
    | #1 One \\| two | \`hold\` is on the issue |
    | #2 Ping @​ann # head | claimed by run 7 |
    "
  `);
});

test("done, with its facts", () => {
  const done = outcome({
    ...{
      kind: "implement",
      outcome: "done",
      reason: "#12: pull request #20 is open",
      next: "The next run reviews it.",
    },
    ...{ item: 12, pullRequest: 20, branch: "agent/issue-12", profile: "claude", attempt: 1, costUsd: 0.5 },
  });
  expect(summaryOf(done)).toMatchInlineSnapshot(`
    "### agent-dispatch: done

    #12: pull request #20 is open. The next run reviews it.

    | | |
    |---|---|
    | Item | #12 |
    | Pull request | #20 |
    | Branch | agent/issue-12 |
    | Agent | claude |
    | Attempt | 1 |
    | Cost | 0.50 USD |
    "
  `);
});

test("failed, and nothing known but the reason", () => {
  expect(
    summaryOf(
      outcome({ kind: "implement", outcome: "failed", failure: "timeout", reason: "too slow.", next: "Later" }),
    ),
  ).toMatchInlineSnapshot(`
    "### agent-dispatch: failed

    too slow. Later.

    | | |
    |---|---|
    | Failure | timeout |
    "
  `);
});

test("a bounded list", () => {
  const passed = Array.from({ length: 200 }, (_, i) => ({
    item: i,
    title: "x".repeat(500),
    row: 17,
    reason: "y".repeat(500),
  }));
  const long = summaryOf(outcome({ kind: "idle", outcome: "idle", reason: "r", next: "n", passed }));
  expect(long.length).toBeLessThan(20_000);
  expect(long.split("\n").filter((line) => line.startsWith("| #"))).toHaveLength(50);
});
