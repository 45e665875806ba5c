// Processes as a run in a passage sees them.

import { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { never, type Passage } from "./gate.ts";

/** Looks like a process that was just asked for, and never says anything: no id, no output, no end. */
export function muteChild(): ChildProcess {
  return standIn();
}

type StandIn = ChildProcess & Record<"stdin" | "stdout" | "stderr", PassThrough>;

/** One that was never started: it has no id and no end. */
function standIn(): StandIn {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  return Object.assign(new ChildProcess(), streams);
}

/**
 * A process that is one call: started when the passage lets it, its answer is its output and exit. Without an id until then, which fits
 * those that are never signalled by it.
 */
export function callAsChild(
  passage: Passage,
  { kind, label }: { kind: "network" | "local"; label: string },
  start: () => ChildProcess,
): ChildProcess {
  const front = standIn();
  const call = passage.call(kind, label, () => carriedOut(front, start));
  call.then(
    ({ ended, output }) => {
      for (const { from, chunk } of output) front[from].write(chunk);
      front.stdout.end();
      front.stderr.end();
      if (ended.error !== null) front.emit("error", ended.error);
      front.emit("exit", ended.code, ended.signal);
      // As with a real one: when all its output was read, or nobody wants to.
      for (const stream of [front.stdout, front.stderr]) if (stream.readableFlowing === null) stream.resume();
      const read = [once(front.stdout, "end"), once(front.stderr, "end")];
      Promise.all(read).then(() => front.emit("close", ended.code, ended.signal));
    },
    () => never(),
  );
  return front;
}

interface Carried {
  ended: { code: number | null; signal: NodeJS.Signals | null; error: Error | null };
  output: { from: "stdout" | "stderr"; chunk: Buffer }[];
}

function carriedOut(front: StandIn, start: () => ChildProcess): Promise<Carried> {
  return new Promise((resolve) => {
    const output: Carried["output"] = [];
    let error: Error | null = null;
    const child = start();
    if (child.stdin !== null) front.stdin.pipe(child.stdin);
    child.stdin?.on("error", () => undefined);
    child.stdout?.on("data", (chunk: Buffer) => output.push({ from: "stdout", chunk }));
    child.stderr?.on("data", (chunk: Buffer) => output.push({ from: "stderr", chunk }));
    child.once("error", (cause) => {
      error = cause;
      if (child.pid === undefined) resolve({ ended: { code: null, signal: null, error }, output });
    });
    child.once("close", (code, signal) => resolve({ ended: { code, signal, error }, output }));
  });
}

/** A process that outlives the call that starts it. The run hears of its end when `ended` resolves; a dead run hears nothing more. */
export function watchedChild(passage: Passage, child: ChildProcess, ended: () => Promise<void>): ChildProcess {
  const emit = child.emit.bind(child);
  let mayEnd: Promise<void> | null = null;
  child.emit = (name: string | symbol, ...args: unknown[]) => {
    if (passage.dead) return true;
    if (name !== "exit" && name !== "close") return emit(name, ...args);
    mayEnd ??= ended();
    mayEnd.then(() => passage.dead || emit(name, ...args));
    return true;
  };
  // As the kernel does when its parent dies: nobody reads or writes the other ends any more.
  passage.onDeath(() => orphan(child));
  return child;
}

export function orphan(child: ChildProcess): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  child.on("error", () => undefined);
}
