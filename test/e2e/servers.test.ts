import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isOver, labelIssue, onEachServer, openIssue } from "./harness.ts";
import type { Account, Repo } from "./servers/server.ts";

/** What every story relies on, with an action that only says where it is. */
const probe = `
const env = process.env;
console.log("probe " + (env.STATE_phase ?? "main") + " item=" + env.INPUT_ITEM + " by=" + env.GITHUB_ACTOR + " ");
console.log("the token is " + env["INPUT_BOT-TOKEN"]);
const answer = await fetch(env.GITHUB_API_URL + "/user", { headers: { authorization: "token " + env["INPUT_BOT-TOKEN"] } });
console.log("probe user=" + (await answer.json()).login);
if (env.INPUT_ITEM === "hang") { console.log("probe hangs"); await new Promise((resolve) => setTimeout(resolve, 60000)); }
`;

const actionFile = `
name: probe
description: says where it is
inputs: { item: { description: an item }, bot-token: { description: a token } }
runs: { using: node20, main: dist/index.js }
`;

const workflow = (uses: string, dispatchInputs: boolean) => `
on:
  issues: { types: [labeled] }
  workflow_dispatch: ${dispatchInputs ? "{ inputs: { item: { type: string } } }" : ""}
jobs:
  work:
    runs-on: ubuntu-latest
    steps:
      - uses: ${uses}
        with:
          item: \${{ inputs.item || github.event.issue.number }}
          bot-token: \${{ secrets.AGENT_TOKEN }}
`;

onEachServer((server) => {
  let checkout = "";
  let ann: Account;
  let bot: Account;
  let repo: Repo;

  beforeAll(async () => {
    checkout = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-probe-"));
    await mkdir(path.join(checkout, "dist"));
    await writeFile(path.join(checkout, "action.yml"), actionFile);
    await writeFile(path.join(checkout, "dist", "package.json"), '{ "type": "module" }');
    await writeFile(path.join(checkout, "dist", "index.js"), probe);
    ann = await server().createUser("ann");
    bot = await server().createUser("robot");
    const org = await server().createOrg("acme");
    const { uses } = await server().pushAction(checkout, `${org}/agent-dispatch`, "v1");
    repo = await server().createRepo(org, "app", {
      "README.md": "app\n",
      ".gitea/workflows/agent.yml": workflow(uses, server().capabilities.dispatchInputs),
    });
    await server().addCollaborator(repo, ann, "write");
    await server().addCollaborator(repo, bot, "write");
    await server().setSecret(repo, "AGENT_TOKEN", bot.token);
  });

  afterAll(() => rm(checkout, { recursive: true, force: true }));

  it("runs the action when a person labels an issue", async () => {
    const issue = await openIssue(server(), ann, repo, "Something to do");
    await labelIssue(server(), ann, repo, issue.number, "bot");
    const run = await server().waitForRun(
      repo,
      "a run by a label",
      (candidate) => candidate.event === "issues" && isOver(candidate),
    );
    expect(run).toMatchObject({ workflow: "agent.yml", status: "success" });
    const log = await server().jobLog(repo, run);
    expect(log).toContain(`probe main item=${issue.number} by=${ann.login} `);
    expect(log).toContain(`probe user=${bot.login}`);
    expect(log).toContain("the token is ***");
  });

  it("starts nothing for a label that no workflow waits for being taken off, or for a comment", async () => {
    const before = await server().runs(repo);
    const issue = await openIssue(server(), ann, repo, "Something else");
    await server().as(ann).post(`/repos/${repo.fullName}/issues/${issue.number}/comments`, { body: "well" });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await server().runs(repo)).length).toBe(before.length);
  });

  it("runs by dispatch, and cancels", async ({ skip }) => {
    if (!server().capabilities.dispatch || !server().capabilities.cancel) skip();
    const body = { ref: "main", inputs: { item: "hang" } };
    await server().as(bot).post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, body);
    const run = await server().waitForRun(
      repo,
      "a run by dispatch",
      (candidate) => candidate.event === "workflow_dispatch",
    );
    const hangs = async () => (await server().jobLog(repo, run)).includes("probe hangs");
    await expect.poll(hangs, { timeout: 60_000, interval: 300 }).toBe(true);
    await server().cancelRun(repo, run);
    const ended = await server().waitForRun(
      repo,
      "its end",
      (candidate) => candidate.number === run.number && isOver(candidate),
    );
    expect(ended.status).toBe("cancelled");
  });

  it("moves a branch and sees the file", async () => {
    const sha = await server().pushFiles(repo, { "src/a.txt": "one\n" }, { branch: "other", message: "Add a" });
    const branch = (await server().as(ann).request("GET", `/repos/${repo.fullName}/branches/other`)).body;
    expect(branch).toMatchObject({ commit: { id: sha } });
  });
});
