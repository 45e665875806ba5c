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
import { type Exit, feed, type Running, type SpawnError, start } from "./spawn.ts";
import { type Dead, endTree, look, type Tree, type TreeEnd } from "./tree.ts";
import { type Clock, systemClock, Watch } from "./watch.ts";

export interface Hooks {
  /** Called as soon as the process exists and before anything is waited for, so that `post` can find it. */
  onStarted?: (agent: { pid: number; pgid: number }) => void;
  onHeartbeat?: (beat: Heartbeat) => void;
  /** Reads along on standard output, to notice an agent that has finished its work and does not end. */
  output?: Follower & { readonly isFinished: boolean };
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
  const tree: Tree = { resultFile: invocation.resultFile, leader, seen: new Map() };
  try {
    if (agent.kind === "failed") return ended(await agent.error, 0, [await endTree(tree, { graceMs: 0 })]);
    hooks.onStarted?.({ pid: agent.pid, pgid: agent.pid });
    capture.read(agent.child.stdout, agent.child.stderr, hooks.output ?? null);
    feed(agent, invocation.stdin);
    const stopped = await exitOrStop({ agent, tree, life, silence, capture, limits, hooks, clock });
    const ends = stopped === null ? [] : [await endTree(tree, { graceMs: limits.graceMs })];
    // A killed process that the kernel holds never exits; the sweep then names it.
    const exit = await Promise.race([agent.exit, sleep(exitWaitMs, null, { ref: false })]);
    const durationMs = life.elapsedMs;
    await Promise.race([agent.closed, sleep(hooks.pipesMs ?? 1_000, null, { ref: false })]);
    // After a good run too: daemons outlive those as well. They get no grace, nothing of theirs is worth waiting for.
    ends.push(await endTree(tree, { graceMs: 0 }));
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

/** What is done at every look: remember the tree, tell that it lives, compare with the limits. */
function ticker({ tree, life, silence, capture, limits, hooks, clock }: Scene): () => Killed | null {
  const beat = new Watch(clock);
  const lastLook = new Watch(clock);
  const stop = hooks.stop ?? null;
  let finished: Watch | null = null;
  return () => {
    if (capture.problem !== null) throw cannotKeep(capture.problem.cause);
    if (lastLook.elapsedMs >= (hooks.lookMs ?? 2_000)) {
      lastLook.reset();
      look(tree);
    }
    if (beat.elapsedMs >= (hooks.heartbeatMs ?? 60_000)) {
      beat.reset();
      hooks.onHeartbeat?.({ elapsedMs: life.elapsedMs, silentMs: silence.elapsedMs, bytes: capture.bytes });
    }
    if (hooks.output?.isFinished === true) finished ??= new Watch(clock);
    const found = reasonToStop({ life, silence, finished, bytes: capture.bytes, stop }, limits);
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
