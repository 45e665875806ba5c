import { emit } from "../events.ts";
import type { Job, Repo, Run } from "../model.ts";
import { jobPath } from "../views/run.ts";
import type { World } from "../world.ts";
import { endRun, queueRun, startRun } from "./runs.ts";

/** A run of CI as a test wishes it. */
export interface Checks {
  sha: string;
  /** Default `ci.yml`. */
  workflow?: string;
  /** Name of the workflow, with which the contexts begin; default `CI`. */
  name?: string;
  /** Default `push`. */
  event?: string;
  jobs: readonly { name: string; state: "success" | "failure"; log?: string }[];
}

/** Runs it at once, and sets the statuses as Actions do: in the name of a user that is no row. */
export function runChecks(
  world: World,
  repo: Repo,
  checks: Checks,
): { id: number; number: number; targetUrls: string[] } {
  const { sha, workflow = "ci.yml", name = "CI", event = "push" } = checks;
  const jobs = checks.jobs.map((job) => ({ name: job.name, runsOn: ["ubuntu-latest"], steps: ["run"] }));
  const file = { file: workflow, path: `.gitea/workflows/${workflow}`, name, events: [event], inputs: [], jobs };
  const ref = `refs/heads/${repo.defaultBranch}`;
  const run = queueRun(world, repo, { workflow: file, event, actor: repo.owner, sha, ref, title: name, inputs: {} });
  startRun(world, run);
  const targetUrls = run.jobs.map((job, index) => {
    const wish = checks.jobs[index];
    const state = wish?.state ?? "success";
    job.log = wish?.log ?? "";
    const targetUrl = jobPath(world, run, job);
    noteJob(world, run, job, { sha, state, context: `${name} / ${job.name} (${event})` });
    return targetUrl;
  });
  endRun(world, run, checks.jobs.some((job) => job.state === "failure") ? "failure" : "success");
  return { id: run.id, number: run.number, targetUrls };
}

/** The state of a job as Actions note it on a commit; what stands there already is not noted again. */
export function noteJob(
  world: World,
  run: Run,
  job: Job,
  { sha, state, context }: { sha: string; state: "pending" | "success" | "failure" | "skipped"; context: string },
): void {
  const { statuses } = run.repo;
  const targetUrl = jobPath(world, run, job);
  const former = statuses.findLast((other) => other.sha === sha && other.context === context);
  if (former?.state === state && former.targetUrl === targetUrl) return;
  const words = { pending: "Waiting to run", success: "Successful in 0s", failure: "Failing after 0s" };
  const description = state === "skipped" ? "Has been skipped" : words[state];
  const index = 1 + statuses.filter((other) => other.sha === sha).length;
  const creator = world.actionsUser;
  statuses.push({ index, sha, state, context, description, targetUrl, creator, createdAt: world.now() });
  emit(world, run.repo, "status", creator, { sha, context, state, description });
}
