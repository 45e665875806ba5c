// The action as a runner starts it: the main step and the post step as processes of their own, from the sources. For tests that kill one of them.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";
import { placeOf } from "../../src/agent/mark.ts";
import { isAlive, readProcess } from "../../src/agent/processes.ts";
import { endMarked, markedProcesses } from "../../src/agent/strays.ts";
import { mends, type Stage } from "./run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const loader = pathToFileURL(join(root, "node_modules", "tsx", "dist", "loader.mjs")).href;

export interface StepOptions {
  /** Inputs of the action besides the bot's token; the agent is `mends` unless one is given. */
  inputs?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
}

export interface StepEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningStep {
  child: ChildProcess;
  end: Promise<StepEnd>;
  outputs(): Record<string, string>;
  /** What it kept for its post step. */
  state(): Record<string, string>;
  /** The post step of the same job, to its end. `env` on top of main's. */
  post(env?: Readonly<Record<string, string>>): Promise<StepEnd>;
  /** What lies in its folders on the runner, besides reports. */
  left(): string[];
}

/** Starts a main step; it is ended with the test at the latest. */
export async function startStep(s: Stage, options: StepOptions = {}): Promise<RunningStep> {
  const dir = join(s.dir, `step-${randomUUID().slice(0, 8)}`);
  const folders = { RUNNER_TEMP: join(dir, "temp"), GITHUB_WORKSPACE: join(dir, "workspace") };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  const files = { GITHUB_OUTPUT: join(dir, "output"), GITHUB_STATE: join(dir, "state") };
  for (const file of Object.values(files)) await writeFile(file, "");
  const inputs = { token: s.token, "agent-command": mends, ...options.inputs };
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...folders, ...files },
    ...{ GITHUB_SERVER_URL: s.forge.url, GITHUB_REPOSITORY: s.repo, GITHUB_EVENT_NAME: "workflow_dispatch" },
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    ...options.env,
  };
  // An agent outlives the step that started it.
  const place = placeOf(s.forge.url, s.repo);
  onTestFinished(async () => void (await endMarked(place, markedProcesses(place))));
  const state = () => keyed(readFileSync(files.GITHUB_STATE, "utf8"));
  const { child, end } = start(env, folders.GITHUB_WORKSPACE);
  return {
    ...{ child, end, state },
    outputs: () => keyed(readFileSync(files.GITHUB_OUTPUT, "utf8")),
    post(more = {}) {
      const kept = Object.entries(state()).map(([name, value]) => [`STATE_${name}`, value]);
      return start({ ...env, ...Object.fromEntries(kept), ...more }, folders.GITHUB_WORKSPACE).end;
    },
    left: () =>
      Object.values(folders).flatMap((folder) => readdirSync(folder).filter((name) => !/-report-/.test(name))),
  };
}

function start(env: Record<string, string>, cwd: string): Pick<RunningStep, "child" | "end"> {
  const child = spawn(process.execPath, ["--import", loader, join(root, "src", "main.ts")], { cwd, env });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)];
  const end = new Promise<StepEnd>((resolve) => {
    child.on("exit", (code, signal) =>
      setTimeout(() => resolve({ code, signal, stdout: stdout(), stderr: stderr() }), 50),
    );
  });
  return { child, end };
}

function gather(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  return () => text;
}

/** `name<<end`, the value, `end`: how actions write outputs and state. The last value of a name counts. */
function keyed(text: string): Record<string, string> {
  const found = text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}

/** Whether the process whose number a file holds lives; false before there is one. */
export function livesIn(file: string): boolean {
  const found = readProcess(Number(readFileSync(file, "utf8").trim()));
  return found !== null && isAlive(found);
}
