// One git process, from its start to its end in time, with a bounded answer.

import { getExecOutput } from "@actions/exec";
import type { GitResult } from "./git.ts";

/** Between asking git to end and ending it by force, in ms; git removes its lock files when asked. */
export const KILL_MS = 5000;

const STDERR_BYTES_MAX = 64 * 1024;

/** Longest wait for a child of git that still holds a descriptor after git's end, in ms. */
const DRAIN_MS = 1000;

interface Start {
  env: Record<string, string>;
  cwd: string;
  input: Buffer | null;
  deadlineMs: number;
  reportedMs: number;
  hasTimeout: boolean;
  outputBytesMax: number;
  signals: readonly AbortSignal[];
}

export async function start(command: readonly string[], options: Start): Promise<GitResult> {
  const [tool = "sh", ...args] = command;
  // The text that getExecOutput collects has lost all bytes that are no UTF-8, and file names have such; so the bytes are kept here.
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let stdoutBytes = 0;
  let stderrBytes = 0;
  let ended: "too-much-output" | "timed-out" | "stopped" | null = null;
  const timers: NodeJS.Timeout[] = [];

  let asked = false;
  function end(why: "too-much-output" | "timed-out" | "stopped"): void {
    ended ??= why;
    // On a busy machine the shell may not have said its id yet; then this is called again when it does.
    const ids = processIds(stderr);
    if (ids === null || asked) return;
    asked = true;
    signalProcess(ids.leader, "SIGTERM");
    timers.push(setTimeout(() => signalProcess(ids.git, "SIGKILL"), KILL_MS + 500));
  }
  function keep(chunk: Buffer): void {
    const room = options.outputBytesMax - stdoutBytes;
    stdoutBytes += chunk.length;
    if (room > 0) stdout.push(chunk.subarray(0, room));
    if (chunk.length > room) end("too-much-output");
  }
  function keepError(chunk: Buffer): void {
    const room = STDERR_BYTES_MAX - stderrBytes;
    stderrBytes += chunk.length;
    if (room > 0) stderr.push(chunk.subarray(0, room));
    if (ended !== null) end(ended);
    // What git says on standard error is short; a server that sends no end of it is cut off like any other output.
    if (stderrBytes > options.outputBytesMax) end("too-much-output");
  }
  const stop = () => end("stopped");

  const begun = performance.now();
  timers.push(setTimeout(() => end("timed-out"), options.deadlineMs));
  for (const signal of options.signals) signal.addEventListener("abort", stop, { once: true });
  // Aborted while the input was written: that event is over.
  if (options.signals.some((signal) => signal.aborted)) stop();
  try {
    const { exitCode } = await getExecOutput(tool, args, {
      cwd: options.cwd,
      env: options.env,
      ...(options.input === null ? {} : { input: options.input }),
      silent: true,
      delay: DRAIN_MS,
      ignoreReturnCode: true,
      listeners: { stdout: keep, stderr: keepError },
    });
    const text = Buffer.concat(stderr).toString("utf8").replace(FIRST_LINE, "");
    // `timeout` answers 124, or 137 when it had to use force; a child of git may need a moment, so time decides for the latter.
    const late = performance.now() - begun >= options.reportedMs;
    if (ended === null && options.hasTimeout && late && (exitCode === 124 || exitCode === 137)) ended = "timed-out";
    if (ended === "timed-out") return { kind: "timed-out", afterMs: options.reportedMs, stderr: text };
    if (ended === "stopped") return { kind: "stopped", stderr: text };
    if (ended === "too-much-output") return { kind: ended, stdout: Buffer.concat(stdout), stderr: text };
    // A process ended by a signal has no exit code, whatever the type says.
    const code = typeof exitCode === "number" ? exitCode : 255;
    return { kind: "ended", code, stdout: Buffer.concat(stdout), stderr: text };
  } finally {
    for (const signal of options.signals) signal.removeEventListener("abort", stop);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** `leader` is `timeout`, which ends its whole group when asked to end; git itself where there is none (or busybox', which is no parent). */
function processIds(stderr: readonly Buffer[]): { git: number; leader: number } | null {
  const [, git, parent] = FIRST_LINE.exec(Buffer.concat(stderr.slice(0, 2)).toString("latin1")) ?? [];
  if (git === undefined || parent === undefined) return null;
  const isTimeout = Number(parent) !== process.pid && Number(parent) > 1;
  return { git: Number(git), leader: Number(isTimeout ? parent : git) };
}

const FIRST_LINE = /^(\d{1,10}) (\d{1,10})\n/;

/** Ends the one process that we started; the id cannot have been given to another while its end is not yet reported. */
function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
