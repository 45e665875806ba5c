import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A program that runs a workflow file on this machine, without docker, the way a runner would. */
export interface Executor {
  readonly name: string;
  /** Null when it can run here, else one sentence that says why not and what to do. */
  available(): string | null;
  /** Runs all jobs of the file that react to the event. A failing job is a result; it throws only when the program itself cannot be used. */
  run(execution: Execution): Promise<ExecutionResult>;
}

export interface Execution {
  /** Path of the workflow file on this machine. */
  workflowFile: string;
  /** `payload` is what Gitea would send; of a dispatch the `inputs` below are added to it. */
  event: { name: string; payload: Readonly<Record<string, unknown>> };
  inputs?: Readonly<Record<string, string>>;
  /** They reach the executor by environment or by its protocol, never by argument. */
  secrets?: Readonly<Record<string, string>>;
  vars?: Readonly<Record<string, string>>;
  /** The environment of the runner itself, which in host mode every step inherits. */
  env?: Readonly<Record<string, string>>;
  /** Base URL of the forge, no slash at its end. */
  serverUrl: string;
  /** `owner/name` that the workflow belongs to. */
  repository: string;
  /** The action that the workflow `uses:`. act reads it from `checkout`; the runner clones it from `serverUrl`. */
  actionRepo: ActionRepo;
  /** What the executor takes for the checked-out repository (act copies it on `actions/checkout`); an empty repository when absent. */
  repoDir?: string;
  /** The job's automatic token: `github.token`, `secrets.GITHUB_TOKEN`. Absent: an empty one under act, a meaningless one under the runner. */
  token?: string;
  /** What the run is called; every field has a default. */
  identity?: Partial<RunIdentity>;
  /** Aborting it cancels the job as the server's cancel button does (act: as Ctrl-C does); `post` still runs. */
  signal?: AbortSignal;
  /** Aborting it kills the program and all that it started, as a machine that loses its power: no `post`, no report. */
  outage?: AbortSignal;
  /** Called for each line of the log as it arrives. */
  onLine?: (line: string) => void;
  /** Wall clock, in ms; then the whole process tree is killed. Default 300,000. */
  timeoutMs?: number;
}

export interface ActionRepo {
  /** `owner/name`, as in `uses:`. */
  name: string;
  ref: string;
  /** Folder with `action.yml` and `dist`. */
  checkout: string;
}

export interface RunIdentity {
  id: number;
  number: number;
  attempt: number;
  actor: string;
  /** Full ref name. */
  ref: string;
  sha: string;
}

export type Conclusion = "success" | "failure" | "cancelled" | "skipped" | "unknown";

export interface StepResult {
  /** The job's id in the workflow file. */
  job: string;
  /** Position in the job, from 0. */
  index: number;
  /** The step's `name`, `uses` or first line of `run`. */
  name: string;
  result: Conclusion;
}

export interface ExecutionResult {
  /** 0 when every job succeeded or was skipped. */
  exitCode: number;
  result: Conclusion | "timeout";
  /** What a person would see on the run's page: output of all steps, secrets masked; then, for a failure of the executor, its own words. */
  log: string;
  steps: StepResult[];
  /** Command lines of processes of this run that were still alive after its end, and were killed by the harness. */
  survivors: string[];
}

export const executionTimeoutMs = 300_000;

/** Longest log kept, in characters; a run that writes more loses the middle. */
export const logCharactersMax = 8_000_000;

export const defaultIdentity: RunIdentity = {
  id: 1,
  number: 1,
  attempt: 1,
  actor: "nobody",
  ref: "refs/heads/main",
  sha: "0000000000000000000000000000000000000000",
};

const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** Where `npm run tools` puts a program, or null when it is not there. */
export function toolPath(name: string): string | null {
  const folder = process.env["AGENT_DISPATCH_TOOLS"] || path.join(repositoryRoot, ".cache", "tools");
  const file = path.resolve(folder, process.platform === "win32" ? `${name}.exe` : name);
  return existsSync(file) ? file : null;
}

/**
 * The runner's own environment: what a service has, not what the developer's shell has, so that no variable of the machine at hand decides
 * a test. HOME, caches and temporary files lie in the folder given, which is removed afterwards.
 */
export function serviceEnvironment(home: string, temp: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: home,
    TMPDIR: temp,
    XDG_CACHE_HOME: path.join(home, ".cache"),
    XDG_CONFIG_HOME: path.join(home, ".config"),
    XDG_DATA_HOME: path.join(home, ".local", "share"),
    GIT_CONFIG_NOSYSTEM: "1",
  };
}

/** `payload` as the server would send it for this event: of a dispatch with its inputs, which an executor given a payload reads only there. */
export function eventPayload({ event, inputs }: Execution): Record<string, unknown> {
  if (event.name !== "workflow_dispatch") return { ...event.payload };
  return { ...event.payload, inputs: { ...inputs } };
}
