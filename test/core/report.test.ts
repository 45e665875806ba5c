// Every text that people read on the forge, as they read it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureClasses } from "../../src/core/failure.ts";
import { findMarker } from "../../src/core/marker.ts";
import {
  blockedComment,
  cancelledComment,
  cancelledLine,
  failedComment,
  noChangeComment,
  type PullText,
  patchComment,
  plain,
  publishedComment,
  pullBody,
  pullTitle,
  questionComment,
  refusalComment,
  sentence,
  statusLine,
  workingComment,
} from "../../src/core/report.ts";
import { pageCharactersMax } from "../../src/core/text.ts";

const run = { number: 212, url: "https://forge.example/acme/app/actions/runs/212" };
const local = { number: null, url: null };
const checks = [
  { command: "npm test", exitCode: 0, durationMs: 65_000, tail: "" },
  { command: 'node -e "a|b"', exitCode: 0, durationMs: 900, tail: "" },
];
const head = "0123456789abcdef0123456789abcdef01234567";

test("working", () => {
  const working = {
    ...{ attempt: 2, attemptsMax: 3, profile: "claude", run, branch: "agent/issue-12", askedBy: "alice" },
    startedAt: "2026-03-01T12:00:00.000Z",
  };
  expect(workingComment({ ...working, sandboxed: false })).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Working on this** · attempt 2 of 3 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    Asked for by alice. The work will come as a pull request from \`agent/issue-12\`. Started 2026-03-01 12:00 UTC.

    The agent runs without a sandbox.

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
  expect(workingComment({ ...working, run: local, askedBy: "", sandboxed: true })).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Working on this** · attempt 2 of 3 · \`claude\` · a run outside the server

    The work will come as a pull request from \`agent/issue-12\`. Started 2026-03-01 12:00 UTC.

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
});

test("published", () => {
  const published = { profile: "claude", run, attempt: 1, durationMs: 754_000, head };
  expect(
    publishedComment({ ...published, costUsd: 1.234, checks, summary: "# Done\n\nThe hinge is oiled; @bob may look." }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Pull request #{{pull}} is open**; the next run reviews it · attempt 1 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    \\# Done The hinge is oiled; @​bob may look.

    | check on \`0123456789\` | exit code | time |
    |---|---|---|
    | \`npm test\` | 0 | 1 min 5 s |
    | \`node -e "a\\|b"\` | 0 | 0.9 s |

    <sub>Took 12 min 34 s, 1.23 USD.</sub>"
  `);
  expect(publishedComment({ ...published, costUsd: null, checks: "statuses", summary: "" })).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Pull request #{{pull}} is open**; the next run reviews it · attempt 1 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    Left to the checks of this repository, on \`0123456789\`.

    <sub>Took 12 min 34 s.</sub>"
  `);
});

test("failed, tried again", () => {
  const failed = { attempt: 1, attemptsMax: 3, run, profile: "claude", nextAt: "2026-03-01T12:05:00.000Z" };
  expect(
    failedComment({
      ...failed,
      ...{ failure: "checks-failed", text: "`npm test` failed on the agent's work (exit code 1).", costsAttempt: true },
      output: "not ok 1 - the door\n``` @ann closes #5 <!-- agent-dispatch:pull v1 issue=1 -->\n",
    }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Not done yet: checks-failed** · attempt 1 of 3 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    \`npm test\` failed on the agent's work (exit code 1).

    It is tried again after 2026-03-01 12:05 UTC. Look at the output of the checks below; the work is not published.

    <details><summary>End of the output</summary>

    \`\`\`\`
    not ok 1 - the door
    \`\`\` @ann closes #5 <!- - agent-dispatch:pull v1 issue=1 -->
    \`\`\`\`

    </details>

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
  expect(
    failedComment({
      ...failed,
      failure: "quota",
      text: "The usage limit is reached.",
      costsAttempt: false,
      output: " \n",
    }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Not done yet: quota** · not counted as an attempt · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    The usage limit is reached.

    It is tried again after 2026-03-01 12:05 UTC. Wait until the usage limit resets, or give a second profile in \`agents\`.

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
  expect(
    failedComment({ ...failed, failure: "crash", text: "exit code 1", costsAttempt: true, nextAt: null, output: "" }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Not done yet: crash** · attempt 1 of 3 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    exit code 1

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
});

test("failed, and what was done so far is kept", () => {
  const kept = { key: "issue-12", head, at: "2026-03-01T12:00:00.000Z", attempt: 2, why: "timeout" };
  expect(
    failedComment({
      ...{ attempt: 2, attemptsMax: 3, run, profile: "claude", nextAt: "2026-03-01T12:30:00.000Z", kept, output: "" },
      ...{ failure: "timeout", text: "It ran for 45 min.", costsAttempt: true },
    }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Not done yet: timeout** · attempt 2 of 3 · \`claude\` · [run 212](https://forge.example/acme/app/actions/runs/212)

    It ran for 45 min.

    It is tried again after 2026-03-01 12:30 UTC. Split the issue, or give more time with \`timeout-minutes\`.

    The work so far is kept: \`git fetch origin refs/agent-dispatch/v1/wip/issue-12\` brings \`0123456789\`, what attempt 2 left (timeout), as \`FETCH_HEAD\`. An agent that goes on is offered it.

    <sub>by agent-dispatch; \`hold\` or \`/agent stop\` stops it, \`/agent run\` asks for another go</sub>"
  `);
  expect(
    blockedComment({ askedBy: "alice", run, key: "7", failure: "timeout", text: "x", attempts: 3, output: "", kept }),
  ).toContain("The work so far is kept: `git fetch origin refs/agent-dispatch/v1/wip/issue-12` brings `0123456789`");
  const hostile = { ...kept, why: "@ann took it\n# back <!-- agent-dispatch:pull v1 issue=1 -->" };
  expect(statusLine("**Stopped**: it was taken back", local, hostile)).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Stopped**: it was taken back · a run outside the server

    The work so far is kept: \`git fetch origin refs/agent-dispatch/v1/wip/issue-12\` brings \`0123456789\`, what attempt 2 left (@​ann took it # back &lt;!- - agent-dispatch:pull v1 issue=1 -->), as \`FETCH_HEAD\`. An agent that goes on is offered it."
  `);
});

test("gave up", () => {
  const gaveUp = { askedBy: "alice", run, key: "7" };
  expect(
    blockedComment({
      ...gaveUp,
      failure: "timeout",
      text: "It ran for 45 min.",
      attempts: 3,
      output: "still thinking\n",
    }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:blocked v1 key=7 -->

    @alice this needs you: the program gave up after 3 attempts (**timeout**).

    It ran for 45 min.

    Split the issue, or give more time with \`timeout-minutes\`.

    <details><summary>End of the output</summary>

    \`\`\`
    still thinking
    \`\`\`

    </details>

    To go on: change what is needed, then put the trigger label on again, or write \`/agent run\` or \`/agent retry\`, with a hint if you have one.

    <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
  `);
  expect(
    blockedComment({
      ...{ ...gaveUp, askedBy: "", run: local },
      ...{ failure: null, text: "The agent says it cannot be done here: there is no door.", attempts: 1, output: "" },
    }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:blocked v1 key=7 -->

    This needs you: the program gave up after 1 attempt.

    The agent says it cannot be done here: there is no door.

    To go on: change what is needed, then put the trigger label on again, or write \`/agent run\` or \`/agent retry\`, with a hint if you have one.

    <sub>Last: a run outside the server</sub>"
  `);
  expect(
    blockedComment({ ...gaveUp, failure: "budget", text: "It would cost 12 USD.", attempts: 0, output: "" }),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:blocked v1 key=7 -->

    @alice this needs you: the program gave up without starting an agent (**budget**).

    It would cost 12 USD.

    Raise \`limits.costUsdPerItem\` in the policy file, or split the issue.

    To go on: change what is needed, then put the trigger label on again, or write \`/agent run\` or \`/agent retry\`, with a hint if you have one.

    <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
  `);
});

test("a question, no change, a refusal, one line", () => {
  expect(questionComment("alice", "Left or right?\n\n- left\n- right", run, "7")).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:question v1 key=7 -->

    @alice the agent asks before it can go on:

    Left or right?

    - left
    - right

    **Answer here** in your own words. The answer of anybody who may write code here sets the work going again, without a label or a command.

    <sub>From [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
  `);
  expect(questionComment("alice", " ", local, "7")).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:question v1 key=7 -->

    @alice the agent asks before it can go on:

    (The agent asks, but left no question; see the log of the run.)

    **Answer here** in your own words. The answer of anybody who may write code here sets the work going again, without a label or a command.

    <sub>From a run outside the server</sub>"
  `);
  expect(
    noChangeComment("alice", "`src/door.ts` line 3 does it already:\n```ts\noil()", run, "7"),
  ).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:question v1 key=7 -->

    @alice the agent says that nothing needs to be changed here:

    \`src/door.ts\` line 3 does it already:
    \`\`\`ts
    oil()
    \`\`\`

    If that is right, close the issue. If not, put the trigger label on again, or write \`/agent run\` and what is missing.

    <sub>From [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
  `);
  expect(refusalComment("comment:300", "`/agent review` is not supported yet.")).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:refusal v1 for=comment:300 -->

    \`/agent review\` is not supported yet."
  `);
  expect(statusLine("**Stopped**: `hold` was put on. Nothing was published", run)).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:status v1 -->

    **Stopped**: \`hold\` was put on. Nothing was published · [run 212](https://forge.example/acme/app/actions/runs/212)"
  `);
});

test("with an open pull request", () => {
  const lastLines = (text: string) => text.split("\n\n").slice(-3, -1);
  const gaveUp = {
    askedBy: "alice",
    failure: null,
    text: "No.",
    attempts: 1,
    output: "",
    run: local,
    key: "7",
    pull: 34,
  };
  expect(lastLines(blockedComment(gaveUp))).toMatchInlineSnapshot(`
    [
      "To go on: change what is needed, then put the trigger label on again, or write \`/agent run\` or \`/agent retry\`, with a hint if you have one.",
      "Pull request #34 stays open as it is. \`/agent fix <what to do>\` on it has the author go on with it; or merge, mend or close it yourself.",
    ]
  `);
  expect(lastLines(questionComment("alice", "Left or right?", local, "7", 34))).toMatchInlineSnapshot(`
    [
      "**Answer here** in your own words. The answer of anybody who may write code here sets the work going again, without a label or a command.",
      "Pull request #34 stays open; the work goes on there.",
    ]
  `);
  expect(lastLines(noChangeComment("alice", "It is so.", local, "7", 34))).toMatchInlineSnapshot(`
    [
      "If that is right, close the issue. If not, put the trigger label on again, or write \`/agent run\` and what is missing.",
      "Pull request #34 stays open as it is. \`/agent fix <what to do>\` on it has the author go on with it; or merge, mend or close it yourself.",
    ]
  `);
});

test("a patch of workflow files", () => {
  const patch = "diff --git a/.gitea/workflows/ci.yml b/.gitea/workflows/ci.yml\n+run: ```\n";
  expect(patchComment([".gitea/workflows/ci.yml"], patch, "7")).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:patch v1 key=7 -->

    The agent also changed a workflow file: \`.gitea/workflows/ci.yml\`.

    Such changes are never pushed, because they would run with this repository's secrets. To take them over, read the patch and apply it with \`git apply\`:

    \`\`\`\`diff
    diff --git a/.gitea/workflows/ci.yml b/.gitea/workflows/ci.yml
    +run: \`\`\`
    \`\`\`\`"
  `);
  const many = Array.from({ length: 7 }, (_, i) => `.gitea/workflows/\`${i}.yml`);
  const long = patchComment(many, `${patch}${"+x\n".repeat(20_000)}`, "7");
  expect(long.slice(0, 480)).toMatchInlineSnapshot(`
    "<!-- agent-dispatch:patch v1 key=7 -->

    The agent also changed 7 workflow files: \`.gitea/workflows/'0.yml\`, \`.gitea/workflows/'1.yml\`, \`.gitea/workflows/'2.yml\`, \`.gitea/workflows/'3.yml\`, \`.gitea/workflows/'4.yml\`, and 2 more.

    Such changes are never pushed, because they would run with this repository's secrets. The patch is too long for a comment; this is its beginning, to be taken over by hand:

    \`\`\`\`diff
    diff --git a/.gitea/workflows/ci.yml b/.gitea/workflows/ci.yml
    +run: "
  `);
  expect(long.length).toBeLessThan(41_000);
});

const pull: PullText = {
  ...{ issue: 12, generation: 1, title: "Mend the door", body: "", summary: "The hinge is oiled.", finished: true },
  ...{ profile: "claude", run, checks, head, followUps: [], droppedWorkflows: 0 },
  change: { files: 2, insertions: 10, deletions: 3, lines: ["src/door.ts | +9 -3", "test/door.ts | +1 -0"] },
};

describe("the pull request", () => {
  test("finished, checked", () => {
    expect(pullBody(pull)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:pull v1 issue=12 generation=1 -->

      The hinge is oiled.

      ### How it was checked

      | check on \`0123456789\` | exit code | time |
      |---|---|---|
      | \`npm test\` | 0 | 1 min 5 s |
      | \`node -e "a\\|b"\` | 0 | 0.9 s |

      ### What changed

      2 files, +10 −3

      <details><summary>Files</summary>

      \`\`\`
      src/door.ts | +9 -3
      test/door.ts | +1 -0
      \`\`\`

      </details>

      <sub>Written by the agent \`claude\` in [run 212](https://forge.example/acme/app/actions/runs/212). The text above is the agent's; the tables are measured.</sub>

      Closes #12"
    `);
  });

  test("a part of it, left to the repository's own checks", () => {
    const body = "## Cause\n\nIt was dry; closes #12 and pings @ann.\n\n```sh\noil --all";
    const followUps = [{ title: "# Oil the window\ntoo", body: "" }];
    const change = { files: 1, insertions: 1, deletions: 0, lines: [] };
    expect(
      pullBody({
        ...pull,
        body,
        change,
        followUps,
        finished: false,
        checks: "statuses",
        droppedWorkflows: 1,
        run: local,
      }),
    ).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:pull v1 issue=12 generation=1 -->

      ## Cause

      It was dry; closes​ #12 and pings @​ann.

      \`\`\`sh
      oil --all
      \`\`\`

      ### How it was checked

      Left to the checks of this repository, on \`0123456789\`.

      ### What changed

      1 file, +1 −0

      Changes to workflow files were taken out; they are in a comment as a patch.

      ### What is left

      - \\# Oil the window too

      <sub>Written by the agent \`claude\` in a run outside the server. The text above is the agent's; the tables are measured.</sub>

      Refs #12"
    `);
  });

  test("nothing said, nothing checked", () => {
    expect(pullBody({ ...pull, summary: " ", checks: [] })).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:pull v1 issue=12 generation=1 -->

      The agent left no description.

      ### How it was checked

      No checks are configured (\`checks\`); nothing was run on \`0123456789\`.

      ### What changed

      2 files, +10 −3

      <details><summary>Files</summary>

      \`\`\`
      src/door.ts | +9 -3
      test/door.ts | +1 -0
      \`\`\`

      </details>

      <sub>Written by the agent \`claude\` in [run 212](https://forge.example/acme/app/actions/runs/212). The text above is the agent's; the tables are measured.</sub>

      Closes #12"
    `);
  });

  test("whatever the agent wrote: one marker, and `Closes` as the last visible line, on a page the forge takes", () => {
    const piece = fc.constantFrom(
      "```",
      "~~~",
      "<details>",
      "<!--",
      "-->",
      "\n",
      "x ".repeat(9_000),
      "Closes #5",
      "| a | b |",
      "    ",
      "> ",
    );
    const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, text, fc.nat({ max: 400 }), (body, title, count) => {
        const many = Array.from({ length: count }, () => ({
          ...checks[0],
          command: `npm run ${title}`,
          exitCode: 0,
          durationMs: 1,
          tail: "",
        }));
        const followUps = Array.from({ length: 20 }, () => ({ title, body }));
        const page = pullBody({ ...pull, body, checks: many, followUps });
        expect(page.length).toBeLessThanOrEqual(pageCharactersMax);
        expect(page.split("\n").at(-1)).toBe("Closes #12");
        expect(page.match(/<!--/g)).toHaveLength(1);
        expect(findMarker(page, "pull")?.values).toEqual({ issue: "12", generation: "1" });
      }),
      { numRuns: 40 },
    );
  });

  test("its title", () => {
    expect(pullTitle("WIP: Mend @ann's door", "Door")).toBe("Mend @\u200bann's door");
    expect(pullTitle("", "The door squeaks")).toBe("The door squeaks");
    expect(pullTitle("WIP:", "[WIP]")).toBe("Work on the issue");
  });
});

test("every failure has a text that says what helps", () => {
  for (const failure of failureClasses) {
    const page = blockedComment({
      askedBy: "alice",
      run,
      key: "1",
      failure,
      text: "It failed.",
      attempts: 1,
      output: "",
    });
    expect(page).toContain(`(**${failure}**)`);
    expect(page.split("\n\n").length).toBe(6);
  }
});

test("lines for the log and the outputs", () => {
  expect(plain("two\nlines for @ann")).toBe("two lines for @ann");
  expect(sentence("it works ...")).toBe("it works.");
  expect(sentence("does it?")).toBe("does it?");
});

describe("a cancelled run", () => {
  const how = "the run was cancelled or ran out of the job's time";

  test("once: the next run begins anew", () => {
    expect(cancelledLine(how, run)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:status v1 -->

      **Cancelled**: the run was cancelled or ran out of the job's time. Nothing was published, and it does not count as an attempt; the next run begins anew · [run 212](https://forge.example/acme/app/actions/runs/212)"
    `);
  });

  test("twice in a row: a person decides", () => {
    const again = { askedBy: "ann", how, times: 2, run, key: "7", pull: null };
    expect(cancelledComment(again)).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:blocked v1 key=7 -->

      @ann this needs you: its run was cancelled 2 times in a row, so the program does not begin again by itself.

      The last one: the run was cancelled or ran out of the job's time. Nothing of its work was published.

      To stop it for good, close the issue, or leave the trigger label off. Where nobody cancelled it, the runner may be ending its jobs: look at the time they may take (\`timeout-minutes\` of the job and the runner's own limit) against the input \`timeout-minutes\`.

      To go on: put the trigger label on again, or write \`/agent run\` or \`/agent retry\`, with a hint if you have one.

      <sub>Last: [run 212](https://forge.example/acme/app/actions/runs/212)</sub>"
    `);
    expect(cancelledComment({ ...again, pull: 34 })).toContain("Pull request #34 stays open as it is.");
    expect(findMarker(cancelledComment(again), "blocked")?.values["key"]).toBe("7");
  });
});
