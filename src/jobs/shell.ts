// Runs the project's own commands (`prepare`, `checks`): in a process group of their own, with a limit, and with an environment that holds no
// secret of the host. What they print goes to a file.

import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { type Ended, supervise } from "../agent/supervise.ts";
import { traceInto } from "../agent/trace.ts";
import type { Policy } from "../core/policy.ts";
import type { CheckResult } from "../core/report.ts";

export interface ShellTask {
  command: string;
  cwd: string;
  /** Holds the private folders, and nobody else works below it. */
  root: string;
  /** Private folders of the run. */
  home: string;
  tmp: string;
  /** Folder for outputs, not writable by what runs. */
  kept: string;
  policy: Policy;
  path: string;
  /** Variables that mark the processes of this run. */
  marks: Readonly<Record<string, string>>;
  stop: AbortSignal;
}

export interface ShellEnd extends CheckResult {
  /** Null when it ended by itself. */
  killed: string | null;
}

let runs = 0;

export async function runShell(task: ShellTask): Promise<ShellEnd> {
  const name = `command-${++runs}`;
  const outputFile = join(task.kept, `${name}.out`);
  const { limits } = task.policy;
  const resultFile = join(task.tmp, `${name}-${process.hrtime.bigint()}`);
  await mkdir(task.tmp, { recursive: true });
  const env = {
    PATH: task.path,
    HOME: task.home,
    TMPDIR: task.tmp,
    LANG: "C.UTF-8",
    TERM: "dumb",
    CI: "true",
    AGENT_DISPATCH_RESULT: resultFile,
    ...task.marks,
  };
  const ended = await supervise(
    { file: "sh", args: ["-c", task.command], cwd: task.cwd, env, stdin: "", resultFile, folder: task.root },
    outputFile,
    {
      wallMs: limits.checkMinutes * 60_000,
      silenceMs: 0,
      startUpMs: 0,
      outputBytesMax: limits.outputBytesMax,
      repeatsMax: 0,
      graceMs: limits.killSeconds * 1000,
      drainMs: 0,
    },
    { stop: task.stop, onLook: traceInto(task.kept) },
  );
  return { command: task.command, durationMs: ended.durationMs, ...codeOf(ended), tail: await outputTail(ended) };
}

function codeOf(ended: Ended): { exitCode: number | null; killed: string | null } {
  switch (ended.how) {
    case "exit":
      return ended.dead === null
        ? { exitCode: null, killed: `processes it started could not be ended (${ended.unkillable.join(", ")})` }
        : { exitCode: ended.code, killed: null };
    case "signal":
      return { exitCode: null, killed: `it was ended by ${ended.signal}` };
    case "killed":
      return { exitCode: null, killed: ended.text };
    case "spawn-error":
      return { exitCode: null, killed: ended.text };
    default:
      return ended satisfies never;
  }
}

async function outputTail(ended: Ended): Promise<string> {
  const parts = await Promise.all([ended.outputFile, ended.errorFile].map((file) => fileTail(file, 8_000)));
  return parts.filter((part) => part.trim() !== "").join("\n");
}

/** The end of a file as text; empty when it cannot be read. */
export async function fileTail(file: string, bytes: number): Promise<string> {
  try {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(size, bytes));
      await handle.read(buffer, 0, buffer.length, Math.max(0, size - bytes));
      return buffer.toString("utf8");
    } finally {
      await handle.close();
    }
  } catch {
    return "";
  }
}
