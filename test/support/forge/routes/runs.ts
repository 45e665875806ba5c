import { rerun } from "../acts/runs.ts";
import { workflowsAt } from "../acts/workflows.ts";
import type { Call } from "../call.ts";
import type { Job, Run } from "../model.ts";
import { empty, json, type Reply, text } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { branchOf, jobView, runView, taskView } from "../views/run.ts";
import { disposition } from "./contents.ts";

const base = "/repos/{owner}/{repo}/actions";

/** Tasks (all versions), runs and jobs (from 1.25, here with 1.26). */
export const runRoutes: Route[] = [
  route("GET", `${base}/tasks`, "repository", listTasks),
  route("GET", `${base}/jobs/{id}/logs`, "repository", getLog),
  route("GET", `${base}/artifacts`, "repository", () => json(200, { artifacts: [], total_count: 0 })),
  route("GET", `${base}/runs`, "repository", (call) => listRuns(call, undefined), { from: "1.26" }),
  route("GET", `${base}/runs/{run}`, "repository", getRun, { from: "1.26" }),
  route("DELETE", `${base}/runs/{run}`, "repository", deleteRun, { from: "1.26" }),
  route("GET", `${base}/runs/{run}/jobs`, "repository", listJobsOfRun, { from: "1.26" }),
  route("POST", `${base}/runs/{run}/rerun`, "repository", rerunAll, { from: "1.26" }),
  route("POST", `${base}/runs/{run}/rerun-failed-jobs`, "repository", rerunFailed, { from: "1.26" }),
  route("GET", `${base}/jobs`, "repository", listJobs, { from: "1.26" }),
  route("GET", `${base}/jobs/{id}`, "repository", getJob, { from: "1.26" }),
  route("GET", `${base}/runs/{run}/attempts/{attempt}`, "repository", getAttempt, { from: "1.27" }),
  route("GET", `${base}/workflows/{file}/runs`, "repository", listRunsOfWorkflow, { from: "1.27" }),
];

/** Newest first. Totals in headers only from 1.26 on. */
function listTasks(call: Call): Reply {
  call.mustRead("actions");
  const tasks = call.repo.runs.flatMap((run) => run.jobs.flatMap((job) => (job.taskId === null ? [] : [{ run, job }])));
  tasks.sort((one, other) => (other.job.taskId ?? 0) - (one.job.taskId ?? 0));
  const views = call.sliceIfAsked(tasks).map(({ run, job }) => taskView(call.world, run, job));
  const headers = call.from26 ? call.totalAndLink(tasks.length) : {};
  return json(200, { workflow_runs: views, total_count: tasks.length }, headers);
}

const byStatus: Record<string, (run: Run) => boolean> = {
  queued: (run) => run.status === "waiting",
  in_progress: (run) => run.status === "running",
  completed: (run) => run.endedAt !== null,
  success: (run) => run.status === "success",
  failure: (run) => run.status === "failure",
  cancelled: (run) => run.status === "cancelled",
  // Gitea's words for blocked runs and for states it does not have.
  pending: () => false,
  waiting: () => false,
  skipped: () => false,
  requested: () => false,
};

function listRuns(call: Call, workflow: string | undefined): Reply {
  call.mustRead("actions");
  const status = call.query.get("status") ?? "";
  const filter = status === "" ? () => true : byStatus[status];
  if (!filter) throw call.errors.error(400, `${call.from27 ? "invalid" : "Invalid"} status ${status}`);
  const is = (field: string, value: string) => !call.query.get(field) || call.query.get(field) === value;
  const found = call.repo.runs.filter(
    (run) =>
      filter(run) &&
      (workflow === undefined || run.workflow === workflow) &&
      is("event", run.event) &&
      is("branch", branchOf(run)) &&
      is("actor", run.actor.login) &&
      is("head_sha", run.sha),
  );
  found.sort((one, other) => other.id - one.id);
  const views = call.slice(found).map((run) => runView(call.world, run));
  return json(200, { workflow_runs: views, total_count: found.length }, call.totalAndLink(found.length));
}

async function listRunsOfWorkflow(call: Call): Promise<Reply> {
  call.mustRead("actions");
  const file = call.param("file");
  const commit = await call.world.git(call.repo).commit(call.repo.defaultBranch);
  const workflows = commit ? await workflowsAt(call.world, call.repo, commit) : [];
  if (!workflows.some((workflow) => workflow.file === file)) {
    throw call.errors.error(404, `workflow "${file}" not found`);
  }
  return listRuns(call, file);
}

function runOf(call: Call): Run {
  call.mustRead("actions");
  const run = call.repo.runs.find((candidate) => candidate.id === call.number("run"));
  if (run) return run;
  throw call.errors.notFound(`run with id ${call.number("run")}: resource does not exist`);
}

function getRun(call: Call): Reply {
  return json(200, runView(call.world, runOf(call)));
}

function getAttempt(call: Call): Reply {
  const run = runOf(call);
  const attempt = call.number("attempt");
  if (attempt < 1 || attempt > run.attempt) throw call.errors.notFound();
  // An earlier attempt has ended, whatever the run does now.
  const shown: Run =
    attempt === run.attempt ? run : { ...run, status: "success", startedAt: run.createdAt, endedAt: run.createdAt };
  return json(200, runView(call.world, shown, attempt));
}

function deleteRun(call: Call): Reply {
  call.mustWrite("actions");
  const run = runOf(call);
  if (run.endedAt === null) throw call.errors.error(400, "this workflow run is not done");
  call.repo.runs = call.repo.runs.filter((other) => other !== run);
  return empty(204);
}

/** 1.26 answers an unknown run with an empty list. */
function listJobsOfRun(call: Call): Reply {
  if (!call.from27) {
    const known = call.repo.runs.find((run) => run.id === call.number("run"));
    return shownJobs(call, known ? known.jobs.map((job) => ({ run: known, job })) : []);
  }
  const run = runOf(call);
  return shownJobs(
    call,
    run.jobs.map((job) => ({ run, job })),
  );
}

function allJobs(call: Call): { run: Run; job: Job }[] {
  return call.repo.runs.flatMap((run) => run.jobs.map((job) => ({ run, job })));
}

function listJobs(call: Call): Reply {
  return shownJobs(call, allJobs(call));
}

function shownJobs(call: Call, jobs: { run: Run; job: Job }[]): Reply {
  call.mustRead("actions");
  const views = call.slice(jobs).map(({ run, job }) => jobView(call.world, run, job));
  return json(200, { jobs: views, total_count: jobs.length }, call.totalAndLink(jobs.length));
}

function getJob(call: Call): Reply {
  call.mustRead("actions");
  const found = allJobs(call).find(({ job }) => job.id === call.number("id"));
  if (found) return json(200, jobView(call.world, found.run, found.job));
  throw call.from27 ? call.errors.notFound() : call.errors.notFound("resource does not exist");
}

function getLog(call: Call): Reply {
  call.mustRead("actions");
  const found = allJobs(call).find(({ job }) => job.id === call.number("id"));
  if (!found) {
    if (!call.from26) throw call.errors.internal();
    throw call.errors.notFound(`run job with id ${call.number("id")}: resource does not exist`);
  }
  const { run, job } = found;
  if (job.taskId === null) throw call.errors.notFound("job not started");
  const name = `${run.workflow.replace(/\.ya?ml$/, "")}-${job.name}-${job.taskId}.log`;
  return part(call, job.log, { "content-disposition": disposition(call, "attachment", name) });
}

/** Honours one range of bytes, `bytes=a-b` or `bytes=-n`; any other header is ignored, as is every range of an empty text. */
function part(call: Call, whole: string, headers: Record<string, string>): Reply {
  const bytes = Buffer.from(whole);
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(call.headers["range"] ?? "") ?? [];
  if (bytes.length === 0 || (first === "" && last === "")) return text(200, bytes, headers);
  const start = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1);
  if (start > end)
    return text(416, "invalid range: failed to overlap\n", { "content-range": `bytes */${bytes.length}` });
  const range = { "content-range": `bytes ${start}-${end}/${bytes.length}` };
  return text(206, bytes.subarray(start, end + 1), { ...headers, ...range });
}

function rerunAll(call: Call): Reply {
  call.mustWrite("actions");
  const run = runOf(call);
  if (run.endedAt === null) throw call.errors.error(400, "this workflow run is not done");
  rerun(run);
  call.world.bus.emit("rerun", run);
  return json(201, runView(call.world, run));
}

function rerunFailed(call: Call): Reply {
  call.mustWrite("actions");
  const run = runOf(call);
  if (run.endedAt === null) throw call.errors.error(400, "this workflow run is not done");
  rerun(run);
  call.world.bus.emit("rerun", run);
  return empty(201);
}
