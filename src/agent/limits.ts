import { describe } from "../errors.ts";
import type { Watch } from "./watch.ts";

export interface Limits {
  /** Longest life of the agent, in ms; 0 means no limit. */
  wallMs: number;
  /** Longest silence before the agent is stopped, in ms; any byte on either output ends a silence; 0 means no limit. */
  silenceMs: number;
  /** Longest time until the first byte, in ms; 0 means no limit. */
  startUpMs: number;
  /** Most bytes on both outputs together; what comes after is not kept. */
  outputBytesMax: number;
  /** From SIGTERM to SIGKILL, in ms. */
  graceMs: number;
  /** How long the agent may live on after `hooks.output` calls it finished, in ms. */
  drainMs: number;
}

/** Most bytes of output that are kept unless the policy says otherwise. */
export const outputBytesMaxDefault = 20_000_000;

/** Why the supervisor ended the agent. lingered: it had finished its work and did not end, which is no failure. */
export type EndReason = "wall" | "silence" | "start-up" | "output" | "stopped" | "lingered";

/** What the supervisor has seen of a running agent. */
export interface Seen {
  life: Watch;
  /** Since the last byte, or the start. */
  silence: Watch;
  /** Since its work was done; null before. */
  finished: Watch | null;
  /** On both outputs. */
  bytes: number;
  /** A wish to end it. */
  stop: AbortSignal | null;
}

/** The first that holds: a person's wish before any limit, and work that is done before the limits it would run into by not ending. */
export function reasonToStop(seen: Seen, limits: Limits): { reason: EndReason; text: string } | null {
  const { life, silence, finished, bytes, stop } = seen;
  const isOver = (watch: Watch, limitMs: number) => limitMs > 0 && watch.elapsedMs >= limitMs;
  if (stop?.aborted === true) return { reason: "stopped", text: stopText(stop.reason) };
  if (finished !== null && finished.elapsedMs >= limits.drainMs)
    return { reason: "lingered", text: `The agent had finished but did not end for ${duration(limits.drainMs)}.` };
  if (bytes > limits.outputBytesMax)
    return {
      reason: "output",
      text: `The agent printed more than ${megabytes(limits.outputBytesMax)} and was stopped.`,
    };
  if (isOver(life, limits.wallMs))
    return { reason: "wall", text: `The agent was stopped at its time limit of ${duration(limits.wallMs)}.` };
  // Before the first byte the silence is the whole life, but for the time in which nobody could hear it.
  if (bytes === 0 && isOver(silence, limits.startUpMs))
    return { reason: "start-up", text: `The agent printed nothing within ${duration(limits.startUpMs)} of its start.` };
  if (isOver(silence, limits.silenceMs))
    return { reason: "silence", text: `The agent was stopped after ${duration(limits.silenceMs)} without any output.` };
  return null;
}

function stopText(reason: unknown): string {
  return reason instanceof DOMException ? "The agent was stopped." : describe(reason);
}

function duration(ms: number): string {
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} minutes`;
}

function megabytes(bytes: number): string {
  return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
}
