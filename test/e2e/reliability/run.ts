// One run of the bundle as a process: what a runner starts, without a runner, so that a story can kill, stop and wake it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { bundle, type PreparedStep, prepareStep, type Step } from "../../../demo/step.ts";
import { endTree, processesOf } from "../../support/executors/processTree.ts";

export interface Run {
  /** What it printed so far. */
  readonly lines: readonly string[];
  readonly pid: number;
  isRunning(): boolean;
  /** Its exit status; null when it was killed. */
  readonly ended: Promise<number | null>;
  /** To the one process, as a runner's cancel does; with `tree` to all that it started, as to a machine. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT", whom: "main" | "tree"): void;
  /** As the runner starts it after main, whatever happened to that. What it printed. */
  post(): Promise<string>;
  outputs(): Promise<ReadonlyMap<string, string>>;
  /** Command lines of what it started and what still runs. */
  left(): string[];
  /** Command lines of what is left of it, now ended; removes its folder. */
  close(): Promise<string[]>;
}

/** Longest life of one run, in ms: the stories end theirs much earlier. */
const runMs = 300_000;

export async function startRun(step: Step): Promise<Run> {
  const root = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-reliability-"));
  const folder = { root, home: path.join(root, "home"), temp: path.join(root, "tmp") };
  await mkdir(folder.home);
  await mkdir(folder.temp);
  const prepared = await prepareStep(step, folder);
  const lines: string[] = [];
  const main = start(prepared, {}, (line) => lines.push(line));
  const { pid } = main.child;
  if (pid === undefined) throw new Error("the bundle could not be started");
  const tree = () => processesOf(root, pid).map((found) => found.pid);
  return {
    ...{ lines, pid, ended: main.ended },
    isRunning: () => main.child.exitCode === null && main.child.signalCode === null,
    signal: (name, whom) => {
      for (const target of whom === "main" ? [pid] : tree()) send(target, name);
    },
    post: async () => {
      const said: string[] = [];
      await start(prepared, await prepared.stateEnvironment(), (line) => said.push(line)).ended;
      return said.join("\n");
    },
    outputs: () => prepared.outputs(),
    left: () => processesOf(root, undefined).map((found) => found.command),
    close: async () => {
      send(pid, "SIGKILL");
      await main.ended;
      const left = await endTree(root);
      await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      return left;
    },
  };
}

function start(
  { env, cwd }: PreparedStep,
  state: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): { child: ChildProcess; ended: Promise<number | null> } {
  const begun = performance.now();
  const child = spawn(process.execPath, [bundle], {
    cwd,
    env: { ...env, ...state },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    timeout: runMs,
    killSignal: "SIGKILL",
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
  // On exit, not on close: what a killed run leaves behind holds its outputs open.
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (performance.now() - begun >= runMs) onLine(`[killed after ${runMs / 1000} s]`);
      resolve(code);
    });
  });
  return { child, ended };
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
