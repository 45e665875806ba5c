import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

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
  watch(child, pid);
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

let watchdog: ChildProcess | null = null;

/** One more program beside the tests, since a handler in this process does not run when the process is killed. */
function tell(line: string): void {
  if (watchdog === null) {
    const program = fileURLToPath(new URL("watchdog.mjs", import.meta.url));
    watchdog = spawn(process.execPath, [program], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    watchdog.stdin?.on("error", () => {});
    watchdog.unref();
    // A worker whose test runner is gone would wait for its story to end.
    if (process.connected) process.once("disconnect", () => process.exit(1));
  }
  watchdog.stdin?.write(`${line}\n`);
}

/** Nothing started here outlives the tests: not their end, not a Ctrl-C, not a KILL. */
function watch(child: ChildProcess, pid: number): void {
  tell(`+${pid}`);
  child.once("exit", () => tell(`-${pid}`));
}

/** The folder is removed at the latest when this process ends. */
export function removeAtEnd(folder: string): void {
  tell(`rm ${folder}`);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
