// Node's ways out of the process, each asking the passage of its caller first. Outside of a passage they are what they were.

import type { ChildProcess, SpawnOptions } from "node:child_process";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { callAsChild, muteChild, orphan, watchedChild } from "./child.ts";
import { type Passage, passageHere } from "./gate.ts";
import { fileLabel, processLabel, requestLabel } from "./labels.ts";

type AnyFunction = (...args: never[]) => unknown;
type Module = Record<string, AnyFunction>;

const require = createRequire(import.meta.url);
let isInstalled = false;

/** Once for a process; import bindings of all modules follow. */
export function installGates(): void {
  if (isInstalled) return;
  isInstalled = true;
  gateFetch();
  gateProcesses(require("node:child_process") as Module);
  gateFiles(require("node:fs/promises") as Module);
  gateFilesNow(require("node:fs") as Module);
  gateSignals();
  gateIntervals();
  syncBuiltinESMExports();
}

function gateFetch(): void {
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const passage = passageHere();
    if (passage === undefined) return real(input, init);
    const url = typeof input === "string" || input instanceof URL ? String(input) : input.url;
    const method = init?.method ?? (input instanceof Request ? input.method : "GET");
    // Read to its end, so that an answer is one thing: there, or lost.
    return passage.call("request", requestLabel(method, url), async () => whole(await real(input, init)));
  };
}

async function whole(response: Response): Promise<Response> {
  const { status, headers } = response;
  const body = await response.arrayBuffer();
  return new Response(status === 204 || status === 304 ? null : body, { status, headers });
}

function gateProcesses(module: Module): void {
  const real = module["spawn"] as (file: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
  const spawn = (file: string, args: readonly string[], options: SpawnOptions): ChildProcess => {
    const passage = passageHere();
    const start = () => real(file, args, options);
    if (passage === undefined) return start();
    const { kind, label } = processLabel(file, args, options);
    if (kind !== "process") return callAsChild(passage, { kind, label }, start);
    return passage.start(label, {
      live: (ended) => watchedChild(passage, start(), ended),
      orphan: () => orphan(start()),
      mute: muteChild,
    });
  };
  module["spawn"] = spawn as AnyFunction;
}

/** What changes files. Reading shows nothing to anybody else. */
export const writers = [
  ...["writeFile", "appendFile", "mkdir", "rm", "rmdir", "unlink", "rename", "chmod"],
  ...["symlink", "link", "copyFile", "cp", "truncate"],
] as const;

function gateFiles(module: Module): void {
  for (const operation of writers) {
    const real = module[operation] as (path: unknown, ...args: unknown[]) => Promise<unknown>;
    const gated = (path: unknown, ...args: unknown[]) => {
      const passage = passageHere();
      if (passage === undefined) return real(path, ...args);
      return passage.call("file", labelOf(passage, operation, path), () => real(path, ...args));
    };
    module[operation] = gated as AnyFunction;
  }
}

/** The same for what answers at once. */
function gateFilesNow(module: Module): void {
  for (const operation of writers.map((name) => `${name}Sync`)) {
    const real = module[operation] as (path: unknown, ...args: unknown[]) => unknown;
    const gated = (path: unknown, ...args: unknown[]) => {
      const passage = passageHere();
      if (passage === undefined) return real(path, ...args);
      return passage.callNow("file", labelOf(passage, operation, path), () => real(path, ...args));
    };
    module[operation] = gated as AnyFunction;
  }
}

function labelOf({ machine }: Passage, operation: string, path: unknown): string {
  const folders = machine === null ? {} : { temp: machine.temp, workspace: machine.workspace };
  return fileLabel(operation, String(path), folders);
}

function gateSignals(): void {
  const real = process.kill.bind(process);
  process.kill = (pid, signal) => {
    const passage = passageHere();
    // 0 only asks whether somebody is there.
    if (passage === undefined || signal === 0) return real(pid, signal);
    return passage.callNow("signal", `signal ${signal ?? "SIGTERM"}`, () => real(pid, signal));
  };
}

/** What a dead run looks at again and again it looks at no more. */
function gateIntervals(): void {
  const real = globalThis.setInterval;
  const gated = (task: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const passage = passageHere();
    const timer = real(task, ms, ...args);
    passage?.onDeath(() => clearInterval(timer));
    return timer;
  };
  globalThis.setInterval = gated as typeof setInterval;
}
