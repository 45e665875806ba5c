import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe } from "../errors.ts";
import type { Invocation } from "./invocation.ts";

export type Exit = { how: "exit"; code: number } | { how: "signal"; signal: string };

/** It never ran. `errno` is the system's name, for example ENOENT. */
export interface SpawnError {
  how: "spawn-error";
  errno: string;
  text: string;
}

export interface Running {
  kind: "running";
  child: ChildProcessWithoutNullStreams;
  /** Also the number of its group. */
  pid: number;
  /** False from the moment its exit was seen: then its number may be given to another process. */
  isRunning: () => boolean;
  exit: Promise<Exit>;
  /** Both outputs at their end, which an orphan that holds them can put off for ever. */
  closed: Promise<unknown>;
}

/** Starts the process, in a session and group of its own. Answers at once, so that nothing happens between its start and the caller's next line. */
export function start(invocation: Invocation): Running | { kind: "failed"; error: Promise<SpawnError> } {
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(invocation.file, invocation.args, {
      cwd: invocation.cwd,
      // The marker that every process of the agent is found by.
      env: { ...invocation.env, AGENT_DISPATCH_RESULT: invocation.resultFile },
      // Our own group is the runner's and must never be signalled.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      shell: false,
    });
  } catch (cause) {
    return { kind: "failed", error: Promise.resolve(spawnError(invocation, cause)) };
  }
  const { pid } = child;
  if (pid === undefined)
    return { kind: "failed", error: once(child, "error").then(([cause]) => spawnError(invocation, cause)) };
  let isRunning = true;
  const exit = new Promise<Exit>((resolve) => {
    // On exit, not on close: a daemon that keeps the pipe would make the agent seem alive.
    child.once("exit", (code, signal) => {
      isRunning = false;
      resolve(code === null ? { how: "signal", signal: signal ?? "unknown" } : { how: "exit", code });
    });
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.on("error", () => undefined);
  return { kind: "running", child, pid, isRunning: () => isRunning, exit, closed };
}

/** Writes the prompt and closes. An agent that does not read it, or ends before, is no error of ours: EPIPE is ignored. */
export function feed(agent: Running, text: string): void {
  agent.child.stdin.on("error", () => undefined);
  agent.child.stdin.end(text);
}

function spawnError(invocation: Invocation, cause: unknown): SpawnError {
  const errno = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown";
  // The system reports a missing folder and a missing program alike.
  const text =
    errno === "ENOENT" && !existsSync(invocation.cwd)
      ? "The agent could not be started: its working directory does not exist."
      : `The agent's program ${invocation.file} could not be started: ${describe(cause)}.`;
  return { how: "spawn-error", errno, text };
}
