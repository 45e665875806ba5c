// Where the story plays: a repository with the program set up in it as on any other server, people, the bot, and a second account that reviews.

import { readFile } from "node:fs/promises";
import { type Issue, labelIssue, openIssue } from "../test/e2e/harness.ts";
import type { Account, Repo, Server } from "../test/e2e/servers/server.ts";
import { agentWorkflow } from "../test/e2e/world.ts";
import { check, onHold, project, issue as reported } from "./project.ts";
import { projectRoot } from "./step.ts";

export interface Stage {
  server: Server;
  repo: Repo;
  /** Opens the issue, puts the label on, merges. */
  alice: Account;
  bot: Account;
  /** Writes the formal reviews. */
  critic: Account;
  issue: Issue;
  held: Issue;
}

export async function setStage(server: Server, agentCommand: string): Promise<Stage> {
  const alice = await server.createUser("alice");
  const [bot, critic] = [await server.createUser("bot"), await server.createUser("critic")];
  const [org, tools] = [await server.createOrg("acme"), await server.createOrg("tools")];
  const action = await server.pushAction(projectRoot, `${tools}/agent-dispatch`, "v1");
  const inputs = { "reviewer-token": ["$", "{{ secrets.REVIEWER_TOKEN }}"].join("") };
  const workflow = agentWorkflow(action.uses, { agentCommand, checks: check, inputs });
  const repo = await server.createRepo(org, "pages", project);
  await server.addCollaborator(repo, alice, "write");
  await server.addCollaborator(repo, bot, "admin");
  await server.addCollaborator(repo, critic, "write");
  const scopes = ["write:repository", "read:user"];
  await server.setSecret(
    repo,
    "AGENT_TOKEN",
    await server.createToken(bot, [...scopes, "write:issue", "read:organization"]),
  );
  await server.setSecret(repo, "REVIEWER_TOKEN", await server.createToken(critic, scopes));
  const issues = {
    issue: await openIssue(server, alice, repo, reported.title, reported.body),
    held: await openIssue(server, alice, repo, onHold.title, onHold.body),
  };
  for (const label of ["bot", "hold"]) await labelIssue(server, alice, repo, issues.held.number, label);
  // Last, so that nothing before has started a run.
  await server.pushFiles(repo, { ".gitea/workflows/agent.yml": workflow }, { message: "Set up agent-dispatch" });
  return { server, repo, alice, bot, critic, ...issues };
}

/** Shell command line of the scripted agent. */
export async function agentCommand(): Promise<string> {
  const file = `${projectRoot}/demo/agent.mjs`;
  await readFile(file);
  return `node '${file}'`;
}
