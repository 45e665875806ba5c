// The story: an issue with a label becomes a checked pull request, and the next run finds nothing to do. Told while it happens, on any server;
// every thing told is also demanded, so that a program that no longer does it ends the story with an error.

import { readFile } from "node:fs/promises";
import { z } from "zod";
import {
  assigneeLogins,
  Issue,
  labelIssue,
  labelNames,
  openIssue,
  readComments,
  readFileOn,
  readIssue,
  readStatuses,
  waitForPull,
} from "../test/e2e/harness.ts";
import type { Account, Repo, Server } from "../test/e2e/servers/server.ts";
import { agentWorkflow } from "../test/e2e/world.ts";
import { follow, sightings } from "./follow.ts";
import { readGit } from "./git.ts";
import { check, onHold, project, issue as reported } from "./project.ts";
import { projectRoot } from "./step.ts";
import type { Teller } from "./terminal.ts";

export interface Stage {
  server: Server;
  repo: Repo;
  alice: Account;
  bot: Account;
  issue: Issue;
  held: Issue;
}

/** Two people, one of them the bot; one repository with the program set up in it as on any other. */
export async function setStage(server: Server, agentCommand: string): Promise<Stage> {
  const [alice, bot] = [await server.createUser("alice"), await server.createUser("bot")];
  const [org, tools] = [await server.createOrg("acme"), await server.createOrg("tools")];
  const action = await server.pushAction(projectRoot, `${tools}/agent-dispatch`, "v1");
  const workflow = agentWorkflow(action.uses, { agentCommand, checks: check });
  const repo = await server.createRepo(org, "pages", project);
  await server.addCollaborator(repo, alice, "write");
  await server.addCollaborator(repo, bot, "admin");
  const token = await server.createToken(bot, ["write:repository", "write:issue", "read:user", "read:organization"]);
  await server.setSecret(repo, "AGENT_TOKEN", token);
  const issues = {
    issue: await openIssue(server, alice, repo, reported.title, reported.body),
    held: await openIssue(server, alice, repo, onHold.title, onHold.body),
  };
  for (const label of ["bot", "hold"]) await labelIssue(server, alice, repo, issues.held.number, label);
  // Last, so that nothing before has started a run.
  await server.pushFiles(repo, { ".gitea/workflows/agent.yml": workflow }, { message: "Set up agent-dispatch" });
  return { server, repo, alice, bot, ...issues };
}

export interface Told {
  issue: number;
  pull: number;
}

export async function tell(stage: Stage, teller: Teller): Promise<Told> {
  const { server, repo, alice, bot, issue, held } = stage;

  teller.part("A person asks");
  teller.fact(`alice opens issue ${teller.strong(`#${issue.number}`)} in ${repo.fullName}: “${issue.title}”`);
  teller.quote(reported.body);
  teller.fact(`alice opens issue #${held.number}: “${held.title}”, with the labels bot and hold: not now`);
  const mainBefore = await readFileOn(server, repo, "main", "pages.js");
  await labelIssue(server, alice, repo, issue.number, "bot");
  teller.fact(`alice puts the label ${teller.strong("bot")} on #${issue.number}`);

  teller.part("The label starts a run: claim, agent, checks, pull request");
  const started = await server.waitForRun(repo, "the run of the label", ({ event }) => event === "issues");
  teller.fact(`run ${started.number} starts (event: issues, workflow: ${started.workflow})`);
  const worked = await follow(server, repo, started, teller, sightings(server, repo, issue.number));
  demand(worked.run.status === "success", `run ${worked.run.number} ends green`, worked.run.status);
  demand(last(worked.lines).startsWith("done: "), "the last line of its log says what was done", last(worked.lines));
  teller.fact(`run ${worked.run.number} ends green`);

  teller.part("What there is now");
  const pull = await waitForPull(server, repo, "the pull request", (p) => p.head.ref === `agent/issue-${issue.number}`);
  const git = await readGit(`${server.url}/${repo.fullName}.git`, pull.head.ref, issue.number);
  teller.fact(`branch ${teller.strong(pull.head.ref)}, the agent's commits one by one:`);
  teller.quote(git.commits.map(({ sha, subject, author }) => `${sha.slice(0, 10)} ${subject}  (${author})`).join("\n"));
  demand(git.commits.length === 2, "both commits of the agent are kept", git.commits.length);
  demand(
    git.commits.every(({ author }) => author === bot.login),
    "their author is the bot",
    git.commits.map(({ author }) => author),
  );
  const mended = await readFileOn(server, repo, pull.head.ref, "pages.js");
  demand(mended?.includes("Math.ceil(") === true, "the bug is mended on the branch", mended);
  demand((await readFileOn(server, repo, "main", "pages.js")) === mainBefore, "main is as it was", "a change");

  teller.fact(
    `pull request ${teller.strong(`#${pull.number}`)} “${pull.title}” by ${pull.user.login}, labels: ${labelNames(pull).join(", ")}`,
  );
  teller.quote(withoutTags(pull.body));
  demand(pull.user.login === bot.login, "the bot opened the pull request", pull.user.login);
  demand(labelNames(pull).join() === "agent/needs-review", "it waits for review", labelNames(pull));
  demand(pull.body.trimEnd().endsWith(`Closes #${issue.number}`), "it closes the issue", pull.body);

  const statuses = await readStatuses(server, repo, pull.head.sha);
  const checks = statuses.find(({ context }) => context === "agent-dispatch/checks");
  demand(checks?.status === "success", "the checks passed on the published commit", statuses);
  teller.fact(
    `status of ${pull.head.sha.slice(0, 10)}: agent-dispatch/checks ${checks?.status}, “${checks?.description}”`,
  );
  const asked = await readIssue(server, repo, issue.number);
  demand(labelNames(asked).join() === "bot", "the issue keeps its label", labelNames(asked));
  demand(assigneeLogins(asked).join() === bot.login, "the bot is assigned", assigneeLogins(asked));
  teller.fact(`issue #${issue.number}: labels: ${labelNames(asked).join(", ")}; assigned: ${bot.login}`);
  const comments = await readComments(server, repo, issue.number);
  demand(comments.length === 1, "one comment, edited in place", comments.length);

  teller.fact(`the ledger, git log of ${git.ledgerRef}, newest first:`);
  teller.quote(git.ledger.map(({ sha, subject }) => `${sha.slice(0, 10)} ${subject}`).join("\n"));
  demand(git.ledger[0]?.subject.includes(" done ") === true, "the record is done", git.ledger);
  demand(git.ledger.at(-1)?.subject.includes(" held ") === true, "it began with a claim", git.ledger);

  teller.part("The next run: nothing to do");
  const before = await stateOf(stage, issue.number);
  await server.as(alice).post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main" });
  const next = await server.waitForRun(repo, "the run by hand", ({ event }) => event === "workflow_dispatch");
  teller.fact(`alice starts run ${next.number} by hand; a cron tick does the same`);
  const idle = await follow(server, repo, next, teller, async () => []);
  demand(idle.run.status === "success", `run ${idle.run.number} ends green`, idle.run.status);
  demand(last(idle.lines).startsWith("idle: "), "the last line of its log says that it was idle", last(idle.lines));
  for (const [number, why] of [
    [issue.number, `#${pull.number}`],
    [held.number, "hold"],
  ] as const) {
    const reason = idle.lines.find((line) => line.trim().startsWith(`#${number} `));
    demand(reason?.includes(why) === true, `it says why it leaves #${number} alone`, idle.lines);
  }
  demand((await stateOf(stage, issue.number)) === before, "it wrote nothing", "a change on the forge");
  teller.fact(`run ${idle.run.number} ends green, with its reasons; it wrote nothing`);
  return { issue: issue.number, pull: pull.number };
}

/** Everything on the forge that a run could have changed. */
async function stateOf({ server, repo }: Stage, issue: number): Promise<string> {
  const api = server.as(server.admin);
  const issues = await api.list(`/repos/${repo.fullName}/issues?state=all&type=all`, Issue.loose());
  const timeline = await api.get(`/repos/${repo.fullName}/issues/${issue}/timeline`, z.unknown());
  const refs = await api.get(`/repos/${repo.fullName}/git/refs`, z.unknown());
  return JSON.stringify([issues, timeline, refs]);
}

/** Markdown as a terminal can show it. */
function withoutTags(text: string): string {
  return text
    .replaceAll(/<!--.*?-->|<[^>]*>/gs, "")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

export class StoryError extends Error {}

function demand(holds: boolean, what: string, got: unknown): void {
  if (!holds) throw new StoryError(`expected: ${what}; got: ${JSON.stringify(got)?.slice(0, 2_000)}`);
}

function last(lines: readonly string[]): string {
  return lines.findLast((line) => !line.startsWith("::")) ?? "";
}

/** Shell command line of the scripted agent. */
export async function agentCommand(): Promise<string> {
  const file = `${projectRoot}/demo/agent.mjs`;
  await readFile(file);
  return `node '${file}'`;
}
