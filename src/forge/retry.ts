import type { Incoming } from "./attempt.ts";
import { type NoAnswer, passing, withoutEffect } from "./silence.ts";

/** What one try came to. */
export type Outcome = { kind: "answer"; answer: Incoming } | { kind: "none"; none: NoAnswer };

/** Whether a second sending of the same request does no harm. Reads and writes that only repeat their effect: `repeat`. */
export type Repeat = "repeat" | "once";

/** Bounds of waiting. */
export interface RetryLimits {
  /** Tries of one request, the first included. */
  triesMax: number;
  /** Upper end of the first random wait; doubles with each try. */
  backoffMs: number;
  /** Upper end of any random wait. */
  backoffMsMax: number;
}

/** Whether the same request may be sent again after this outcome, and can end better. */
export function isWorthRepeating(outcome: Outcome, method: string, repeat: Repeat): boolean {
  if (outcome.kind === "none") {
    const { silence } = outcome.none;
    return passing.has(silence) && (repeat === "repeat" || withoutEffect.has(silence));
  }
  const { status } = outcome.answer;
  // 429 refuses before anything is done, so it may be repeated for every method.
  if (status === 429) return true;
  if (repeat === "once") return false;
  if (status === 502 || status === 503 || status === 504) return true;
  // A bare 500 on a read is a database or git hiccup; with a text it is Gitea's considered answer, on a write often its "no" (docs/gitea.md).
  return status === 500 && method === "GET" && isSpeechless(outcome.answer);
}

/** Ms to wait before the next try: what the forge asked for, else full jitter, so that runners that failed together do not come back together. */
export function waitMs(
  outcome: Outcome,
  tries: number,
  limits: RetryLimits,
  random: () => number,
  wall: () => number,
): number {
  const ceiling = Math.min(limits.backoffMsMax, limits.backoffMs * 2 ** (tries - 1));
  const jitter = random() * ceiling;
  const asked = outcome.kind === "answer" ? retryAfterMs(outcome.answer.headers, wall) : null;
  return asked === null ? jitter : asked + random() * limits.backoffMs;
}

/** `Retry-After` in ms: seconds or a date, the latter by the answer's own clock where it has one. Null when absent or unreadable. */
export function retryAfterMs(headers: Headers, wall: () => number): number | null {
  const asked = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(asked)) return Number(asked) * 1000;
  const until = Date.parse(asked);
  if (Number.isNaN(until)) return null;
  const sent = Date.parse(headers.get("date") ?? "");
  return Math.max(0, until - (Number.isNaN(sent) ? wall() : sent));
}

/** Whether an answer says nothing: no body, or Gitea's `{"message": ""}`. */
export function isSpeechless(answer: Incoming): boolean {
  if (answer.text === "") return true;
  const { json } = answer;
  return typeof json === "object" && json !== null && "message" in json && json.message === "";
}
