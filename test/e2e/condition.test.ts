// The condition of workflows/agent.yml, evaluated by the real runner and by `act`: which events cost a run.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { act } from "../support/executors/act.ts";
import { giteaRunner } from "../support/executors/giteaRunner.ts";

const root = path.dirname(path.dirname(import.meta.dirname));

const own = { user: { login: "bot" }, body: "Done.\n\n<!-- agent-dispatch:pull v1 issue=1 generation=1 -->" };
const labels = (...names: string[]) => names.map((name) => ({ name }));
const by = (login: string) => ({ sender: { login } });
const said = (body: string, ...names: string[]) => ({
  ...by("alice"),
  comment: { body },
  issue: { number: 1, labels: labels(...names) },
});
const reviewed = (type: string, content: string, who = "alice") => ({
  ...by(who),
  pull_request: own,
  review: { type: `pull_request_review_${type}`, content },
});

const cases: [what: string, event: string, payload: Record<string, unknown>, isRun: boolean][] = [
  ["a label on an issue", "issues", { ...by("alice"), issue: { number: 1, labels: labels("bot") } }, true],
  ["a tick without a payload", "schedule", {}, true],
  ["a run by hand", "workflow_dispatch", {}, true],
  ["a plain comment", "issue_comment", said("well"), false],
  ["a plain comment where an answer is awaited", "issue_comment", said("well", "bot", "agent/needs-info"), true],
  ["a command", "issue_comment", said("/agent run"), true],
  ["a mention", "issue_comment", said("@bot go on"), true],
  [
    "a comment of the program",
    "issue_comment",
    said("<!-- agent-dispatch:question v1 --> @alice?", "agent/needs-info"),
    false,
  ],
  [
    "a label by a person on the program's pull request",
    "pull_request_target",
    { ...by("alice"), pull_request: own },
    true,
  ],
  ["a label by the program on its own", "pull_request_target", { ...by("bot"), pull_request: own }, false],
  [
    "a label by a person on their own",
    "pull_request_target",
    { ...by("alice"), pull_request: { user: { login: "alice" }, body: null } },
    true,
  ],
  ["an approval without words", "pull_request_review", reviewed("approved", ""), true],
  ["changes asked for", "pull_request_review", reviewed("rejected", "No."), true],
  ["a review that only comments", "pull_request_review", reviewed("comment", "Nice."), false],
  ["a command in a review", "pull_request_review", reviewed("comment", "/agent fix this"), true],
  [
    "a verdict of the second account",
    "pull_request_review",
    reviewed("rejected", "<!-- agent-dispatch:review v1 --> No.", "reviewer"),
    false,
  ],
  [
    "the author's answer to one",
    "pull_request_review",
    reviewed("comment", "<!-- agent-dispatch:review v1 --> @alice", "bot"),
    false,
  ],
];

let workflowFile = "";
beforeAll(async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-condition-"));
  const document = parseDocument(readFileSync(path.join(root, "workflows", "agent.yml"), "utf8"));
  document.setIn(["jobs", "agent", "steps"], [{ run: "echo this job runs" }]);
  workflowFile = path.join(folder, "agent.yml");
  await writeFile(workflowFile, document.toString({ lineWidth: 0 }));
});
afterAll(() => rm(path.dirname(workflowFile), { recursive: true, force: true }));

describe.each([act, giteaRunner])("$name", (executor) => {
  it.for(cases)("%s", async ([, name, payload, isRun], context) => {
    const reason = executor.available();
    if (reason !== null) return context.skip(reason);
    const { log } = await executor.run({
      workflowFile,
      event: { name, payload },
      serverUrl: "http://127.0.0.1:9",
      repository: "acme/app",
      actionRepo: { name: "nobody/nothing", ref: "v0", checkout: path.dirname(workflowFile) },
      timeoutMs: 30_000,
    });
    expect(log.split("\n").some((line) => line.trim() === "this job runs")).toBe(isRun);
  });
});
