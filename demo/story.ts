// The story: an issue with a label becomes a reviewed pull request that a person merges, by one run after the other. Told while it happens, on any
// server; every thing told is also demanded.

import { labelIssue, type Pull, readFileOn, readPull, until, waitForPull } from "../test/e2e/harness.ts";
import { isOver, type Repo, type WorkflowRun } from "../test/e2e/servers/server.ts";
import { demand } from "./demand.ts";
import { type Followed, follow, sightings } from "./follow.ts";
import { issue as reported } from "./project.ts";
import { stateOf, tellHandOver, tellOver, tellReview, tellWork } from "./seen.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./terminal.ts";

export interface Told {
  issue: number;
  pull: number;
}

export async function tell(stage: Stage, teller: Teller): Promise<Told> {
  const { server, repo, alice, issue, held } = stage;
  const { number } = issue;
  const sight = sightings(server, repo, number);

  teller.part("A person asks");
  teller.fact(`alice opens issue ${teller.strong(`#${number}`)} in ${repo.fullName}: “${issue.title}”`);
  teller.quote(reported.body);
  teller.fact(`alice opens issue #${held.number}: “${held.title}”, with the labels bot and hold: not now`);
  // What is there already is nothing to be seen later.
  await sight();
  const mainBefore = await readFileOn(server, repo, "main", "pages.js");
  await labelIssue(server, alice, repo, number, "bot");
  teller.fact(`alice puts the label ${teller.strong("bot")} on #${number}`);

  teller.part("The author: the label starts a run");
  teller.look("● is what appears on the forge; the lines set further in are the run's log");
  const first = await server.waitForRun(repo, "the run of the label", ({ event }) => event === "issues");
  teller.fact(`run ${first.number} starts (event: ${first.event})`);
  const written = await work(stage, teller, first, sight);
  const opened = await waitForPull(server, repo, "the pull request", (p) => p.head.ref === `agent/issue-${number}`);
  await tellWork(stage, teller, opened, mainBefore);

  teller.part("The reviewer: a fresh agent that never saw the code being written");
  teller.look("the checks are green; watch what the reviewer finds all the same");
  const rejected = await work(stage, teller, await next(stage, teller, written), sight);
  await tellReview(stage, teller, opened);

  teller.part("The author again: the finding is mended and answered");
  teller.look("commits are added, none is rewritten; the answer stands under the reviewer's line");
  const reworked = await work(stage, teller, await next(stage, teller, rejected), sight);
  demand((await readPull(server, repo, opened.number)).head.sha !== opened.head.sha, "the branch moved", opened);

  teller.part("The reviewer again: approved, and handed over by the same run");
  teller.look("label and assignee say whose turn it is: from bot to alice");
  await work(stage, teller, await next(stage, teller, reworked), sight);
  const ready = await readPull(server, repo, opened.number);
  await tellHandOver(stage, teller, ready);

  teller.part("A person merges");
  teller.look("the program never merges, unless the policy says so and a person has approved");
  await quiet(stage);
  await merge(stage, ready);
  teller.fact(`alice reads the change and merges ${teller.strong(`#${ready.number}`)}`);
  const mended = await readFileOn(server, repo, "main", "pages.js");
  demand(mended?.includes("Math.ceil(total / size)") === true, "the bug is mended on main", mended);

  teller.part("The next run cleans up");
  await tellCleanUp(stage, teller, ready, sight);

  teller.part("And the next: nothing to do");
  await tellIdle(stage, teller);
  return { issue: number, pull: ready.number };
}

/** One run that works, to its end. */
async function work(
  { server, repo }: Stage,
  teller: Teller,
  run: WorkflowRun,
  sight: () => Promise<readonly string[]>,
): Promise<Followed> {
  const worked = await follow(server, repo, run, teller, sight);
  demand(worked.run.status === "success", `run ${run.number} ends green`, worked.run.status);
  demand(last(worked.lines).startsWith("done: "), "the last line of its log says what was done", last(worked.lines));
  return worked;
}

/** The run that the one before started at its end; below Gitea 1.26 a person stands in for the cron tick. */
async function next({ server, repo, alice }: Stage, teller: Teller, before: Followed): Promise<WorkflowRun> {
  const isStarted = before.lines.some((line) => line.includes("started the next run"));
  if (!isStarted) await byHand(server.as(alice), repo);
  const run = await server.waitForRun(
    repo,
    "the next run",
    ({ event, number }) => event === "workflow_dispatch" && number > before.run.number,
  );
  const how = isStarted
    ? `run ${before.run.number} started it at its end`
    : "alice starts it by hand; before Gitea 1.26 a cron tick would";
  teller.fact(`run ${run.number} starts: ${how}`);
  return run;
}

async function byHand(api: ReturnType<Stage["server"]["as"]>, repo: Repo): Promise<void> {
  await api.post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main" });
}

/** What the bot itself did has started runs too; they see that and end, but any run cleans up first. */
async function quiet({ server, repo }: Stage): Promise<void> {
  await until(
    async () => ((await server.runs(repo)).every(isOver) ? true : null),
    120_000,
    () => "an end of all runs",
  );
}

/** The forge may still be looking whether it can be merged. */
async function merge({ server, repo, alice }: Stage, { number }: Pull): Promise<void> {
  const place = `/repos/${repo.fullName}/pulls/${number}/merge`;
  let answer: unknown = null;
  await until(
    async () => {
      const { status, body } = await server.as(alice).request("POST", place, { Do: "merge" });
      answer = body;
      return status === 200 ? true : null;
    },
    30_000,
    () => `alice's merge of #${number}; the last answer: ${JSON.stringify(answer)}`,
  );
}

async function tellCleanUp(
  stage: Stage,
  teller: Teller,
  pull: Pull,
  sight: () => Promise<readonly string[]>,
): Promise<void> {
  const { lines } = await idleRun(stage, teller, sight);
  const merged = `#${stage.issue.number} is over: pull request #${pull.number} was merged`;
  demand(
    lines.some((line) => line.includes(merged)),
    "it sees the merge",
    lines,
  );
  await tellOver(stage, teller, pull);
}

async function tellIdle(stage: Stage, teller: Teller): Promise<void> {
  const { held } = stage;
  await quiet(stage);
  const before = await stateOf(stage);
  const { lines } = await idleRun(stage, teller, async () => []);
  const reason = lines.find((line) => line.trim().startsWith(`#${held.number} `));
  demand(reason?.includes("hold") === true, `it says why it leaves #${held.number} alone`, lines);
  demand((await stateOf(stage)) === before, "it wrote nothing", "a change on the forge");
  teller.fact("it wrote nothing");
}

async function idleRun(
  { server, repo, alice }: Pick<Stage, "server" | "repo" | "alice">,
  teller: Teller,
  sight: () => Promise<readonly string[]>,
): Promise<Followed> {
  const newest = Math.max(0, ...(await server.runs(repo)).map(({ number }) => number));
  await byHand(server.as(alice), repo);
  const isNext = ({ event, number }: WorkflowRun) => event === "workflow_dispatch" && number > newest;
  const run = await server.waitForRun(repo, "the run by hand", isNext);
  teller.fact(`alice starts run ${run.number} by hand; a cron tick does the same`);
  const idle = await follow(server, repo, run, teller, sight);
  demand(idle.run.status === "success", `run ${run.number} ends green`, idle.run.status);
  demand(last(idle.lines).startsWith("idle: "), "the last line of its log says that it was idle", last(idle.lines));
  return idle;
}

function last(lines: readonly string[]): string {
  return lines.findLast((line) => !line.startsWith("::")) ?? "";
}
