import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that runs beside the stories: a server or a runner. Its output goes to a file. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  isRunning(): boolean;
  /** The last part of what it wrote. */
  tail(): Promise<string>;
  /** TERM, after three seconds KILL, to its process group. */
  stop(): Promise<void>;
  /** KILL at once, as a machine that loses its power. */
  kill(): void;
}

const stopMs = 3_000;
const tailCharacters = 20_000;

const running = new Set<ChildProcess>();

export function startService(
  name: string,
  command: string,
  args: readonly string[],
  options: { cwd: string; env: Record<string, string>; logs: string },
): Service {
  const logFile = path.join(options.logs, `${name}.log`);
  const log = openSync(logFile, "a");
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${command}`);
  watch(child);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid,
    isRunning,
    tail: async () => (await readFile(logFile, "utf8")).slice(-tailCharacters),
    stop: async () => {
      signalGroup(child, "SIGTERM");
      await Promise.race([ended, sleep(stopMs)]);
      signalGroup(child, "SIGKILL");
      await Promise.race([ended, sleep(stopMs)]);
    },
    kill: () => signalGroup(child, "SIGKILL"),
  };
}

/** Nothing started here outlives the tests: not their end, not a Ctrl-C. */
function watch(child: ChildProcess): void {
  if (running.size === 0) {
    process.once("exit", killAll);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, endBy);
  }
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size > 0) return;
    process.off("exit", killAll);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, endBy);
  });
}

function killAll(): void {
  for (const child of running) signalGroup(child, "SIGKILL");
}

function endBy(signal: NodeJS.Signals): void {
  killAll();
  process.kill(process.pid, signal);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
