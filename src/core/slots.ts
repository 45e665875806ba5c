// Places for agents: at most `max-concurrent` claims run one at a time. A slot names the claim that holds it and lives as long as that claim.

import type { Slot, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { isAlive } from "./takeover.ts";

/** Number of a free slot, from 1; null when all are taken. Runs probe from different places, so that they seldom meet. */
export function freeSlot(snapshot: Snapshot, policy: Policy): number | null {
  const start = hash(snapshot.owner) % policy.maxConcurrent;
  for (let step = 0; step < policy.maxConcurrent; step++) {
    const number = ((start + step) % policy.maxConcurrent) + 1;
    const slot = snapshot.slots.find((s) => s.number === number);
    if (slot === undefined || !isTaken(slot, snapshot, policy)) return number;
  }
  return null;
}

function isTaken(slot: Slot, snapshot: Snapshot, policy: Policy): boolean {
  if (slot.holder === null) return true;
  const fact = snapshot.records[slot.holder.key];
  if (fact === undefined || fact.kind === "none") return false;
  // What cannot be read is never taken for free.
  if (fact.kind === "unreadable") return true;
  return fact.record.epoch === slot.holder.epoch && isAlive(fact.record, snapshot, policy.limits);
}

/** Small stable number from a text (FNV-1a, 32 bit). */
export function hash(text: string): number {
  let value = 2_166_136_261;
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  return value;
}
