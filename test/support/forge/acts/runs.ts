import { randomBytes } from "node:crypto";
import type { Repo, Run, RunStatus, User } from "../model.ts";
import type { World } from "../world.ts";
import type { Workflow } from "./workflows.ts";

export interface NewRun {
  workflow: Workflow;
  event: string;
  actor: User;
  sha: string;
  ref: string;
  title: string;
  inputs: Record<string, string>;
}

/** Queues a run, as a server does for a dispatch or an event: it waits until a runner picks it up. */
export function queueRun(world: World, repo: Repo, fields: NewRun): Run {
  const run: Run = {
    id: world.next("run"),
    number: 1 + Math.max(0, ...repo.runs.map((other) => other.number)),
    repo,
    workflow: fields.workflow.file,
    title: fields.title,
    event: fields.event,
    actor: fields.actor,
    sha: fields.sha,
    ref: fields.ref,
    status: "waiting",
    attempt: 1,
    inputs: fields.inputs,
    jobs: fields.workflow.jobs.map((job) => ({ ...job, id: world.next("job"), taskId: null, log: "" })),
    createdAt: world.now(),
    startedAt: null,
    endedAt: null,
  };
  repo.runs.push(run);
  return run;
}

/** A runner picked the run up; answers its automatic token. */
export function startRun(world: World, run: Run): string {
  run.status = "running";
  run.startedAt = world.now();
  run.endedAt = null;
  for (const job of run.jobs) job.taskId = world.next("task");
  const value = randomBytes(20).toString("hex");
  world.tokens.push({
    id: world.next("token"),
    name: `run ${run.id}`,
    value,
    user: world.actionsUser,
    scopes: ["all"],
    createdAt: world.now(),
    run,
  });
  return value;
}

/** The run ends and its token with it. */
export function endRun(world: World, run: Run, status: Exclude<RunStatus, "waiting" | "running">): void {
  if (run.status !== "waiting" && run.status !== "running") return;
  run.status = status;
  run.endedAt = world.now();
  world.bus.emit("run-ended", run);
}

/** Up to 1.25 a dispatch ends the run of the same workflow and ref that is still going. */
export function cancelFormer(world: World, repo: Repo, next: Run): void {
  if (world.features.from26) return;
  for (const run of repo.runs) {
    if (run === next || run.status !== "running") continue;
    if (run.workflow !== next.workflow || run.ref !== next.ref || run.event !== next.event) continue;
    endRun(world, run, "cancelled");
  }
}

/** Starts an ended run again under its old id and number. */
export function rerun(run: Run): void {
  run.attempt += 1;
  run.status = "waiting";
  run.startedAt = null;
  run.endedAt = null;
  for (const job of run.jobs) job.taskId = null;
}
