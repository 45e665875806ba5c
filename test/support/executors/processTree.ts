import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Starting a program together with everything that it starts, and ending all of it.
 *
 * A step's process leads its own group, an agent its own session, and both may outlive their parents; so neither a process group nor the
 * parent links alone reach everything. What belongs to a run is found by its private folder instead: each of its processes has a
 * descendant link to the program, or the folder's name in its environment.
 */

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** Command lines of processes that were still there after the program's end. */
  survivors: string[];
}

export interface Start {
  command: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** The run's private folder. */
  folder: string;
  timeoutMs: number;
  onLine: (line: string, stream: "stdout" | "stderr") => void;
  /** Signal to send to the program alone when `abort` fires. */
  abort?: { signal: AbortSignal; send: NodeJS.Signals } | undefined;
  /** Kills the whole tree when it fires. */
  outage?: AbortSignal | undefined;
}

/** Runs to the end, never longer than the time limit and `graceMs` for output to drain. Throws when the program cannot be started. */
export async function runTree(start: Start): Promise<Ended> {
  const child = spawn(start.command, start.args, {
    cwd: start.cwd,
    env: start.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const lines = [
    readLines(child.stdout, (line) => start.onLine(line, "stdout")),
    readLines(child.stderr, (line) => start.onLine(line, "stderr")),
  ];
  let timedOut = false;
  const killTree = () => killAll(processesOf(start.folder, child.pid));
  const timer = setTimeout(() => {
    timedOut = true;
    killTree();
  }, start.timeoutMs);
  start.outage?.addEventListener("abort", killTree, { once: true });
  if (start.outage?.aborted) killTree();
  const send = () => child.kill(start.abort?.send);
  start.abort?.signal.addEventListener("abort", send, { once: true });
  if (start.abort?.signal.aborted) send();
  try {
    const { code, signal } = await new Promise<Pick<Ended, "code" | "signal">>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
    });
    const survivors = await endTree(start.folder);
    await Promise.race([Promise.all(lines), sleep(graceMs)]);
    return { code, signal, timedOut, survivors: timedOut ? [] : survivors };
  } finally {
    clearTimeout(timer);
    start.abort?.signal.removeEventListener("abort", send);
    start.outage?.removeEventListener("abort", killTree);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** Longest wait for killed processes to be gone and for pipes to drain, in ms. */
const graceMs = 5_000;

/** Kills every process of a run's private folder and says which there were. */
export async function endTree(folder: string): Promise<string[]> {
  const found = processesOf(folder, undefined);
  const commands = found.map(({ command }) => command);
  for (const deadline = Date.now() + graceMs; Date.now() < deadline; await sleep(20)) {
    const alive = processesOf(folder, undefined);
    if (alive.length === 0) break;
    killAll(alive);
  }
  return commands;
}

export interface Found {
  pid: number;
  command: string;
}

/** Linux only: elsewhere there is no /proc, and only the program's own process group is ended. */
export function processesOf(folder: string, root: number | undefined): Found[] {
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return root === undefined ? [] : [{ pid: -root, command: "process group" }];
  }
  const parents = new Map<number, number>();
  const marked = new Set<number>(root === undefined ? [] : [root]);
  for (const entry of entries) {
    const pid = Number(entry);
    const stat = read(`/proc/${entry}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat === "" || state === "Z" || pid === process.pid) continue;
    parents.set(pid, Number(parent));
    if (read(`/proc/${entry}/environ`).includes(folder)) marked.add(pid);
  }
  for (let size = -1; size !== marked.size; ) {
    size = marked.size;
    for (const [pid, parent] of parents) if (marked.has(parent)) marked.add(pid);
  }
  return [...marked]
    .filter((pid) => parents.has(pid))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function killAll(found: readonly Found[]): void {
  for (const { pid } of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone already, which is what was wanted.
    }
  }
}

async function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) onLine(line);
  } catch {
    // A destroyed pipe ends the lines as its end does.
  }
}
