import type { Asker } from "../access.ts";
import type { Job, Run } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { repositoryView } from "./repository.ts";
import { epochTime, time } from "./time.ts";
import { userView } from "./user.ts";

const nobody: Asker = { user: undefined, token: undefined };

/** `status` and `conclusion` in GitHub's words. */
function state(run: Run): Record<string, string> {
  if (run.status === "waiting") return { status: "queued" };
  if (run.status === "running") return { status: "in_progress" };
  return { status: "completed", conclusion: run.status };
}

function spans(run: Run): Record<string, string> {
  return {
    started_at: run.startedAt === null ? epochTime : time(run.startedAt),
    completed_at: run.endedAt === null ? epochTime : time(run.endedAt),
  };
}

function api(world: World, run: Run): string {
  return `${world.url}/api/v1/repos/${fullName(run.repo)}/actions`;
}

/** The page of a run: by number up to 1.25, by id from 1.26. */
export function runPage(world: World, run: Run): string {
  return `${world.url}/${fullName(run.repo)}/actions/runs/${world.features.from26 ? run.id : run.number}`;
}

/** Where a job's status leads: a path, with the job's index up to 1.25 and its id from 1.26. */
export function jobPath(world: World, run: Run, job: Job): string {
  const page = `/${fullName(run.repo)}/actions/runs/`;
  return world.features.from26
    ? `${page}${run.id}/jobs/${job.id}`
    : `${page}${run.number}/jobs/${run.jobs.indexOf(job)}`;
}

export function branchOf(run: Run): string {
  return run.ref.replace(/^refs\/(heads|tags)\//, "");
}

export function runView(world: World, run: Run, attempt = run.attempt): Record<string, unknown> {
  const { from27 } = world.features;
  const url = `${api(world, run)}/runs/${run.id}`;
  const previous = attempt > 1 ? `${url}/attempts/${attempt - 1}` : null;
  return {
    id: run.id,
    url,
    ...(from27 ? { previous_attempt_url: previous } : {}),
    html_url: runPage(world, run),
    display_title: run.title,
    path: `${run.workflow}@${run.ref}`,
    event: run.event,
    run_attempt: from27 ? attempt : 0,
    run_number: run.number,
    repository_id: 0,
    head_sha: run.sha,
    head_branch: branchOf(run),
    ...state(run),
    actor: userView(world, run.actor, undefined),
    trigger_actor: userView(world, run.actor, undefined),
    repository: repositoryView(world, run.repo, nobody, false),
    ...(from27 ? { pull_requests: [] } : {}),
    ...spans(run),
  };
}

export function jobView(world: World, run: Run, job: Job): Record<string, unknown> {
  const picked = job.taskId !== null;
  const steps = picked ? job.steps.map((name) => ({ name, number: 0, ...state(run), ...spans(run) })) : [];
  return {
    id: job.id,
    url: `${api(world, run)}/jobs/${job.id}`,
    html_url: `${runPage(world, run)}/jobs/${job.id}`,
    run_id: run.id,
    run_url: `${api(world, run)}/runs/${run.id}`,
    name: job.name,
    labels: job.runsOn,
    run_attempt: world.features.from27 || picked ? run.attempt : 0,
    head_sha: run.sha,
    head_branch: branchOf(run),
    ...state(run),
    runner_id: picked ? 1 : 0,
    ...(picked ? { runner_name: "runner-1" } : {}),
    steps,
    created_at: time(run.createdAt),
    ...spans(run),
  };
}

/** One entry of `actions/tasks`: only runs that a runner picked up, in Gitea's own words for the status. */
export function taskView(world: World, run: Run, job: Job): Record<string, unknown> {
  const started = run.startedAt ?? run.createdAt;
  return {
    id: job.taskId,
    name: job.name,
    head_branch: branchOf(run),
    head_sha: run.sha,
    run_number: run.number,
    event: run.event,
    display_title: run.title,
    status: run.status,
    workflow_id: run.workflow,
    url: runPage(world, run),
    created_at: time(started),
    updated_at: time(run.endedAt ?? started),
    run_started_at: time(started),
  };
}
