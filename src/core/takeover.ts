// Whether a claim is alive, and what a dead one leaves behind. Pure.
//
// A claim dies by age, or sooner by the forge's own word that its run has ended. That word alone is not enough: the forge sums up a run from
// its jobs and can call it ended while one still works, and it calls a run ended that it lost sight of. So a claim that still gives signs of
// life is alive whatever the forge says. Neither way can publish anything twice: the ledger decides that without a clock.

import type { Conclusion, ForgeRun } from "../forge/model.ts";
import { isLive, type LedgerRecord, type RunOfRecord } from "../ledger/record.ts";
import type { Limits } from "./policy.ts";

/** How the forge says that the run of a claim ended. */
export interface EndOfRun {
  /** ms since 1970 by the forge's clock; null where it does not say when. */
  at: number | null;
  how: Conclusion;
}

/** By key of the item. Null: the forge was asked and does not say that the run ended; absent: it was not asked. */
export type Ends = Readonly<Record<string, EndOfRun | null>>;

interface Moment {
  /** The forge's clock, ms since 1970. */
  now: number;
  ends: Ends;
}

/** Somebody may still be at work under this record, which is that of `record.key`. */
export function isAlive(record: LedgerRecord, moment: Moment, limits: Limits): boolean {
  if (!isLive(record, moment.now, limits.slackSeconds)) return false;
  const end = moment.ends[record.key] ?? null;
  if (end === null || !isSilent(record, moment.now, limits)) return true;
  return end.at !== null && moment.now - end.at < limits.endedSeconds * 1000;
}

/** Without a sign of life for so long that the end of its run would count: only then the forge is asked. */
export function isSilent(record: LedgerRecord, now: number, limits: Limits): boolean {
  return now - Date.parse(record.at) >= limits.endedSeconds * 1000;
}

/** What the forge's list or its answer about one run says of the run that a record names; null when it is not that run, or has not ended. */
export function endOf(found: ForgeRun | null, run: RunOfRecord): EndOfRun | null {
  if (found === null || found.number !== run.number || found.state !== "ended") return null;
  if (run.workflow !== undefined && run.workflow !== found.workflow) return null;
  return { at: found.endedAt, how: found.conclusion ?? "unknown" };
}

/** Cancels in a row after which a person gets the item. */
export const cancelsMax = 2;

/** Whether it matters how the run of this dead claim ended, and nobody has asked the forge yet. */
export function wantsEnd(record: LedgerRecord, ends: Ends): boolean {
  return record.state === "held" && record.slot !== null && record.run !== null && ends[record.key] === undefined;
}

/** What counts on after the end of a claim: its attempt, unless the run was cancelled, or this very process made it and started nothing. */
export function leftBehind(
  record: LedgerRecord,
  ends: Ends,
  owner: string,
): Pick<LedgerRecord, "attempt"> & { cancelled: number } {
  const { state, slot, attempt, cancelled = 0 } = record;
  // Work without an agent counts no attempt; whatever is not `held` was ended by its own run, or by that run's last step.
  if (state !== "held" || slot === null) return { attempt, cancelled };
  const without = Math.max(0, attempt - 1);
  // A claim of ours that we look at again never came to its agent: its answer was lost, or it could not be given back.
  if (record.owner === owner) return { attempt: without, cancelled };
  if (ends[record.key]?.how === "cancelled") return { attempt: without, cancelled: cancelled + 1 };
  return { attempt, cancelled: 0 };
}
