import { describe } from "../errors.ts";
import type { Progress } from "./output.ts";
import type { Watch } from "./watch.ts";

export interface Limits {
  /** Longest life of the agent, in ms; 0 means no limit. */
  wallMs: number;
  /**
   * Longest silence before the agent is stopped, in ms; any byte on either output ends a silence; 0 means no limit. While a tool call is open it is
   * `toolSilences` times as long: most CLIs print nothing of what their tools do.
   */
  silenceMs: number;
  /** Longest time until the first byte, in ms; 0 means no limit. */
  startUpMs: number;
  /** Most bytes on both outputs together; what comes after is not kept. */
  outputBytesMax: number;
  /** Equal tool calls in a row after which the agent is stopped; 0 means no limit. */
  repeatsMax: number;
  /** From SIGTERM to SIGKILL, in ms. */
  graceMs: number;
  /** How long the agent may live on after `hooks.output` calls it finished, in ms. */
  drainMs: number;
}

/** Most bytes of output that are kept unless the policy says otherwise. */
export const outputBytesMaxDefault = 20_000_000;

/** Why the supervisor ended the agent. lingered: it had finished its work and did not end, which is no failure. */
export type EndReason = "wall" | "silence" | "start-up" | "output" | "repeats" | "stopped" | "lingered";

/** How much longer a silence may be while a tool call is open: a build or a test suite of half an hour with the default of ten minutes. */
export const toolSilences = 3;

/** What the supervisor has seen of a running agent. */
export interface Seen {
  life: Watch;
  /** Since the last byte, or the start. */
  silence: Watch;
  /** Since its work was done; null before. */
  finished: Watch | null;
  /** On both outputs. */
  bytes: number;
  /** What it told of itself; null where nobody reads along. */
  progress: Pick<Progress, "openTool" | "repeats"> | null;
  /** A wish to end it. */
  stop: AbortSignal | null;
}

/** The first that holds: a person's wish before any limit, and work that is done before the limits it would run into by not ending. */
export function reasonToStop(seen: Seen, limits: Limits): { reason: EndReason; text: string } | null {
  const { life, silence, finished, bytes, progress, stop } = seen;
  const isOver = (watch: Watch, limitMs: number) => limitMs > 0 && watch.elapsedMs >= limitMs;
  if (stop?.aborted === true) return { reason: "stopped", text: stopText(stop.reason) };
  if (finished !== null && finished.elapsedMs >= limits.drainMs)
    return { reason: "lingered", text: `The agent had finished but did not end for ${duration(limits.drainMs)}.` };
  if (bytes > limits.outputBytesMax)
    return {
      reason: "output",
      text: `The agent printed more than ${megabytes(limits.outputBytesMax)} and was stopped.`,
    };
  const repeats = progress?.repeats ?? 0;
  if (limits.repeatsMax > 0 && repeats >= limits.repeatsMax)
    return { reason: "repeats", text: `The agent made the same tool call ${repeats} times in a row and was stopped.` };
  if (isOver(life, limits.wallMs))
    return { reason: "wall", text: `The agent was stopped at its time limit of ${duration(limits.wallMs)}.` };
  // Before the first byte the silence is the whole life, but for the time in which nobody could hear it.
  if (bytes === 0 && isOver(silence, limits.startUpMs))
    return { reason: "start-up", text: `The agent printed nothing within ${duration(limits.startUpMs)} of its start.` };
  const tool = progress?.openTool ?? null;
  const silenceMs = limits.silenceMs * (tool === null ? 1 : toolSilences);
  if (isOver(silence, silenceMs)) {
    const meanwhile = tool === null ? "" : ` while \`${tool}\` was at work`;
    return {
      reason: "silence",
      text: `The agent was stopped after ${duration(silenceMs)} without any output${meanwhile}.`,
    };
  }
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
