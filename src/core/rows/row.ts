// What a row of the decision table is, and the few answers it can give.

import type { Candidate } from "../candidate.ts";
import type { Wanted, Work } from "../decision.ts";

export type Answer = { kind: "skip"; reason: string } | { kind: "look"; wanted: Wanted } | { kind: "work"; work: Work };

export interface Row {
  row: number;
  /** What the row is about, as the documentation names it. */
  about: string;
  /** Null lets the item through to the next row. */
  judge(c: Candidate): Answer | null;
  /** What the row looks at, in words, for `/agent why`. */
  fact(c: Candidate): string;
}

export const skip = (reason: string): Answer => ({ kind: "skip", reason });
export const lookAt = (wanted: Wanted): Answer => ({ kind: "look", wanted });
export const work = (chosen: Work): Answer => ({ kind: "work", work: chosen });
