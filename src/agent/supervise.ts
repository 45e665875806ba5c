// Runs one agent to its end, whatever it does.
//
// Always true: it answers within the wall limit plus grace plus a few seconds; the agent's output is never written to our own standard output,
// where the runner would obey its `::commands::`; memory does not grow with the output; when it answers or throws, it has tried to end the
// whole tree, and `dead` says whether that is proven.

import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../errors.ts";
import { Capture, type Follower } from "./capture.ts";
import type { Invocation } from "./invocation.ts";
import { type EndReason, type Limits, reasonToStop } from "./limits.ts";
import type { Progress } from "./output.ts";
import type { Process } from "./processes.ts";
import { type Exit, feed, type Running, type SpawnError, start } from "./spawn.ts";
import { type Dead, endTree, look, ownFolder, type Tree, type TreeEnd } from "./tree.ts";
import { type Clock, systemClock, Watch } from "./watch.ts";

export interface Hooks {
  /** Called as soon as the process exists and before anything is waited for, so that `post` can find it. */
  onStarted?: (agent: { pid: number; pgid: number }) => void;
  /** Called right after the start and then at every look with all that lives of the tree, for the same purpose: see trace.ts. */
  onLook?: (living: readonly Process[]) => void;
  onHeartbeat?: (beat: Heartbeat) => void;
  /** Reads along on standard output, to notice an agent that has finished its work and does not end. */
  output?: Follower & { readonly isFinished: boolean; readonly progress: Progress };
  /** Ends the agent; its reason is told to people. */
  stop?: AbortSignal;
  /** Between heartbeats, in ms. Default 60,000. */
  heartbeatMs?: number;
  /** Between looks at the limits, in ms. Default 500. */
  pollMs?: number;
  /** Between looks at the process table, in ms. Default 2,000. */
  lookMs?: number;
  /** How long an orphan may hold the agent's outputs open after its exit, in ms. Default 1,000. */
  pipesMs?: number;
  clock?: Clock;
}

export interface Heartbeat {
  elapsedMs: number;
  /** Since the last byte, or the start. */
  silentMs: number;
  bytes: number;
  /** Null where nobody reads along. */
  progress: Progress | null;
}

export type Ended = EndedFacts & HowEnded;

export type HowEnded =
  | Exit
  /** The agent may have made of our signal any exit it likes, and printed anything; what it says after that does not count. */
  | { how: "killed"; reason: EndReason; text: string }
  | SpawnError;

export interface EndedFacts {
  /** ms since 1970. */
  startedAt: number;
  /** Until the agent's exit was seen. */
  durationMs: number;
  /** Of both outputs, also those beyond the cap. */
  bytes: number;
  /** Processes besides the agent that had to be ended. */
  survivors: number;
  /** Null: something could not be killed, and `unkillable` names it. Nothing the agent made may be used then. */
  dead: Dead | null;
  unkillable: readonly number[];
  /** Standard output and standard error as they came, cut at the cap. Raw: never to be printed unredacted. */
  outputFile: string;
  errorFile: string;
}

/**
 * Starts the agent and answers when it and all it started are gone. The outputs go to `outputFile` and `outputFile` + ".stderr", which must not
 * exist and must not lie where the agent can write. Throws `RunError` when they cannot be kept, and what a hook throws; also then the tree was
 * ended before.
 */
export async function supervise(
  invocation: Invocation,
  outputFile: string,
  limits: Limits,
  hooks: Hooks = {},
): Promise<Ended> {
  const clock = hooks.clock ?? systemClock;
  const life = new Watch(clock);
  const silence = new Watch(clock);
  const capture = openCapture(outputFile, limits.outputBytesMax, () => silence.reset());
  const ended = (how: HowEnded, durationMs: number, ends: readonly TreeEnd[]): Ended => ({
    ...how,
    startedAt: life.since,
    durationMs,
    bytes: capture.bytes,
    ...deathOf(ends),
    outputFile: capture.outputFile,
    errorFile: capture.errorFile,
  });

  const agent = start(invocation);
  const leader = () => (agent.kind === "running" && agent.isRunning() ? agent.pid : null);
  const { resultFile, folder } = invocation;
  const marks = [`AGENT_DISPATCH_RESULT=${resultFile}`];
  const tree: Tree = { marks, folder: folder === null ? null : ownFolder(folder), leader, seen: new Map() };
  try {
    if (agent.kind === "failed") return ended(await agent.error, 0, [await endTree(tree, { graceMs: 0 })]);
    hooks.onStarted?.({ pid: agent.pid, pgid: agent.pid });
    hooks.onLook?.(look(tree));
    capture.read(agent.child.stdout, agent.child.stderr, hooks.output ?? null);
    feed(agent, invocation.stdin);
    const stopped = await exitOrStop({ agent, tree, life, silence, capture, limits, hooks, clock });
    const ends = stopped === null ? [] : [await endTree(tree, { graceMs: graceOf(stopped, limits) })];
    // A killed process that the kernel holds never exits; the sweep then names it.
    const exit = await Promise.race([agent.exit, sleep(exitWaitMs, null, { ref: false })]);
    const durationMs = life.elapsedMs;
    await Promise.race([agent.closed, sleep(hooks.pipesMs ?? 1_000, null, { ref: false })]);
    // After a good run too: daemons outlive those as well. They get no grace, nothing of theirs is worth waiting for.
    ends.push(await endTree(tree, { graceMs: 0 }));
    // Whoever held the outputs open is gone; what the agent said may still be on its way here on a busy machine.
    await Promise.race([agent.closed, sleep(exitWaitMs, null, { ref: false })]);
    if (capture.problem !== null) throw cannotKeep(capture.problem.cause);
    return ended(stopped ?? exit ?? { how: "signal", signal: "unknown" }, durationMs, ends);
  } finally {
    // Reached with a living agent only when a hook or we ourselves threw.
    if (leader() !== null) await endTree(tree, { graceMs: 0 });
    if (agent.kind === "running") {
      agent.child.stdout.destroy();
      agent.child.stderr.destroy();
    }
    capture.close();
  }
}

const exitWaitMs = 5_000;

/** Longest grace where somebody wants it ended, in ms: they wait, and nothing it still says is used. */
const stopGraceMsMax = 3_000;

function graceOf({ reason }: Killed, { graceMs }: Limits): number {
  return reason === "stopped" ? Math.min(graceMs, stopGraceMsMax) : graceMs;
}

interface Scene {
  agent: Running;
  tree: Tree;
  life: Watch;
  silence: Watch;
  capture: Capture;
  limits: Limits;
  hooks: Hooks;
  clock: Clock;
}

type Killed = Extract<HowEnded, { how: "killed" }>;

/** Waits for the agent's exit (null) or for a reason to end it; rejects with what a hook threw. */
function exitOrStop(scene: Scene): Promise<Killed | null> {
  const { agent, hooks } = scene;
  return new Promise((resolve, reject) => {
    const tick = ticker(scene);
    const check = () => {
      try {
        const killed = tick();
        if (killed !== null) settle(() => resolve(killed));
      } catch (cause) {
        settle(() => reject(cause));
      }
    };
    const timer = setInterval(check, hooks.pollMs ?? 500);
    const settle = (answer: () => void) => {
      clearInterval(timer);
      hooks.stop?.removeEventListener("abort", check);
      answer();
    };
    hooks.stop?.addEventListener("abort", check);
    agent.exit.then(() => settle(() => resolve(null)));
    if (hooks.stop?.aborted === true) check();
  });
}

/** Between two looks, in ms: more than that means that this process, or the whole machine, stood still. Then nobody could hear the agent. */
const standstillMs = 5_000;

/** What is done at every look: remember the tree, tell that it lives, compare with the limits. */
function ticker({ tree, life, silence, capture, limits, hooks, clock }: Scene): () => Killed | null {
  const beat = new Watch(clock);
  const lastLook = new Watch(clock);
  const stop = hooks.stop ?? null;
  const tick = new Watch(clock);
  let finished: Watch | null = null;
  let isLate = false;
  return () => {
    if (capture.problem !== null) throw cannotKeep(capture.problem.cause);
    const stoodStill = tick.elapsedMs > standstillMs;
    tick.reset();
    // What the agent printed meanwhile, and that it ended, is told after this. Once only: a machine that is always late must not put the limits off.
    isLate = stoodStill && !isLate;
    if (stoodStill) silence.reset();
    if (isLate && stop?.aborted !== true) return null;
    if (lastLook.elapsedMs >= (hooks.lookMs ?? 2_000)) {
      lastLook.reset();
      const living = look(tree);
      hooks.onLook?.(living);
    }
    if (beat.elapsedMs >= (hooks.heartbeatMs ?? 60_000)) {
      beat.reset();
      const [elapsedMs, silentMs] = [life.elapsedMs, silence.elapsedMs];
      hooks.onHeartbeat?.({ elapsedMs, silentMs, bytes: capture.bytes, progress: hooks.output?.progress ?? null });
    }
    // Some begin anew after what looked like the end.
    finished = hooks.output?.isFinished === true ? (finished ?? new Watch(clock)) : null;
    const progress = hooks.output?.progress ?? null;
    const found = reasonToStop({ life, silence, finished, bytes: capture.bytes, progress, stop }, limits);
    return found === null ? null : { how: "killed", ...found };
  };
}

function deathOf(ends: readonly TreeEnd[]): Pick<EndedFacts, "survivors" | "dead" | "unkillable"> {
  const last = ends.at(-1);
  const survivors = ends.reduce((sum, end) => sum + end.killed, 0);
  return last?.kind === "dead"
    ? { survivors, dead: last.dead, unkillable: [] }
    : { survivors, dead: null, unkillable: last?.pids ?? [] };
}

function openCapture(outputFile: string, bytesMax: number, onBytes: () => void): Capture {
  try {
    return new Capture(outputFile, bytesMax, onBytes);
  } catch (cause) {
    throw cannotKeep(cause);
  }
}

function cannotKeep(cause: unknown): RunError {
  return new RunError("Could not keep the agent's output.", {
    remedy: "See that the runner's temporary folder is writable and has room.",
    mender: "server operator",
    retry: true,
    cause,
  });
}
