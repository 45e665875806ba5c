import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { startActionsService, type Task, type TaskReport } from "./actionsService.ts";
import {
  type Conclusion,
  defaultIdentity,
  type Execution,
  type ExecutionResult,
  type Executor,
  eventPayload,
  executionTimeoutMs,
  type StepResult,
  serviceEnvironment,
  toolPath,
} from "./executor.ts";
import { LogBuffer } from "./logBuffer.ts";
import { type Ended, runTree } from "./processTree.ts";
import { withRunFolder } from "./runFolder.ts";
import { type Job, jobsOf, workflowName } from "./workflow.ts";

/**
 * The real Gitea runner in host mode, one process and one task per job.
 *
 * Not by its `exec` command: that knows neither event payload nor event name (runner v1.0.8 starts every workflow with `{}`), listens on
 * the machine's outward address and keeps a fixed port, so that two runs collide. Instead it is told to run as a daemon for one task, which
 * it fetches from `actionsService.ts`.
 */
export const giteaRunner: Executor = {
  name: "gitea-runner",
  available: () => (toolPath("gitea-runner") === null ? "the Gitea runner is not built: npm run tools" : null),
  run: runJobs,
};

/** Added to the time a job may take before the process tree is killed, in ms, so that the runner's own limit comes first. */
const slackMs = 15_000;

async function runJobs(execution: Execution): Promise<ExecutionResult> {
  const text = await readFile(execution.workflowFile, "utf8");
  const log = new LogBuffer(execution.onLine);
  const done: Record<string, TaskReport> = {};
  const steps: StepResult[] = [];
  const survivors: string[] = [];
  let timedOut = false;
  for (const job of jobsOf(text)) {
    const { report, ended } = await runJob(execution, text, job, done, log);
    done[job.id] = report;
    steps.push(
      ...job.steps.map((name, index) => ({
        job: job.id,
        index,
        name,
        result: report.steps[index] ?? ("unknown" as const),
      })),
    );
    survivors.push(...ended.survivors);
    timedOut ||= ended.timedOut;
  }
  const result = timedOut ? "timeout" : overall(Object.values(done).map((report) => report.result));
  return {
    exitCode: result === "success" || result === "skipped" ? 0 : 1,
    result,
    log: log.toString(),
    steps,
    survivors,
  };
}

function overall(results: Conclusion[]): Conclusion {
  const worst: Conclusion[] = ["unknown", "failure", "cancelled", "success", "skipped"];
  return worst.find((result) => results.includes(result)) ?? "unknown";
}

async function runJob(
  execution: Execution,
  text: string,
  job: Job,
  done: Readonly<Record<string, TaskReport>>,
  log: LogBuffer,
): Promise<{ report: TaskReport; ended: Ended }> {
  const command = toolPath("gitea-runner");
  if (command === null) throw new Error("the Gitea runner is not built: npm run tools");
  return await withRunFolder("runner", async (folder) => {
    const timeoutMs = execution.timeoutMs ?? executionTimeoutMs;
    const service = await startActionsService(
      execution.serverUrl,
      (serviceUrl) => taskOf(execution, text, job, done, serviceUrl),
      (line) => log.add(line),
    );
    const cancel = () => service.cancel();
    execution.signal?.addEventListener("abort", cancel, { once: true });
    if (execution.signal?.aborted) cancel();
    try {
      const labels = job.labels.map((label) => `${label}:host`);
      const config = path.join(folder.root, "config.yaml");
      const registration = path.join(folder.root, "registration.json");
      await writeFile(config, stringify(runnerConfig(registration)));
      await writeFile(registration, JSON.stringify({ ...registered, address: service.url, labels }));
      const own = new LogBuffer();
      const ended = await runTree({
        command,
        args: ["daemon", "--once", "--config", config],
        cwd: folder.root,
        env: { ...serviceEnvironment(folder.home, folder.temp), ...execution.env },
        folder: folder.root,
        timeoutMs: timeoutMs + (execution.signal === undefined ? 0 : slackMs),
        outage: execution.outage,
        onLine: (line) => own.add(line),
      });
      const report = service.report();
      if (ended.timedOut || ended.code !== 0 || report.result === "unknown") log.add(`[gitea-runner]\n${own}`);
      return { report, ended };
    } finally {
      execution.signal?.removeEventListener("abort", cancel);
      await service.close();
    }
  });
}

const registered = {
  id: 1,
  uuid: "00000000-0000-4000-8000-000000000001",
  name: "runner",
  token: "none",
  ephemeral: false,
};

/**
 * `info`, since at `warn` the runner leaves out of the job's log all that is printed outside of a main step, `post` included.
 * Reports often, so that a cancel is heard within half a second; a real runner asks every 5 s and on every change of step.
 */
function runnerConfig(registration: string): unknown {
  return {
    log: { level: "info" },
    runner: {
      file: registration,
      capacity: 1,
      fetch_interval: "100ms",
      fetch_interval_max: "100ms",
      log_report_interval: "300ms",
      log_report_max_latency: "200ms",
      state_report_interval: "400ms",
    },
    cache: { enabled: false },
  };
}

/** What Gitea 1.26 puts into a task; the names are those of its `GenerateGiteaContext`. */
function taskOf(
  execution: Execution,
  text: string,
  job: Job,
  done: Readonly<Record<string, TaskReport>>,
  serviceUrl: string,
): Task {
  const { id, number, attempt, actor, ref, sha } = { ...defaultIdentity, ...execution.identity };
  const token = execution.token ?? "0123456789abcdef0123456789abcdef01234567";
  const needs = Object.fromEntries(
    job.needs.map((need) => [need, { result: done[need]?.result ?? "unknown", outputs: done[need]?.outputs ?? {} }]),
  );
  return {
    id,
    workflow: job.workflow,
    secrets: { ...execution.secrets, GITHUB_TOKEN: token, GITEA_TOKEN: token },
    vars: { ...execution.vars },
    needs,
    context: {
      action: "",
      actor,
      api_url: `${serviceUrl}/api/v1`,
      base_ref: "",
      event: eventPayload(execution),
      event_name: execution.event.name,
      event_path: "",
      gitea_default_actions_url: serviceUrl,
      gitea_runtime_token: "runtime-token-of-this-job",
      graphql_url: "",
      head_ref: "",
      job: job.id,
      ref,
      ref_name: ref.replace(/^refs\/(heads|tags|pull)\//, ""),
      ref_protected: false,
      ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
      repository: execution.repository,
      repository_owner: execution.repository.split("/")[0] ?? "",
      repositoryUrl: `${serviceUrl}/${execution.repository}.git`,
      retention_days: "",
      run_attempt: String(attempt),
      run_id: String(id),
      run_number: String(number),
      secret_source: "Actions",
      server_url: `${serviceUrl}/`,
      sha,
      token,
      triggering_actor: "",
      workflow: workflowName(text, path.basename(execution.workflowFile)),
      workspace: "",
    },
  };
}
