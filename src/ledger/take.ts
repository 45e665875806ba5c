// A claim begins: taken by a compare-and-swap, gone on with by the post step, given back.

import { randomUUID } from "node:crypto";
import { truedUp } from "../core/budget.ts";
import type { Effects } from "../core/effects.ts";
import type { RefChange } from "../git/host.ts";
import { type LedgerPorts, type Link, swap, usualBounds, writeRecord } from "./chain.ts";
import { Claim, cannotWriteLedger, isOpen } from "./claim.ts";
import type { LedgerRecord } from "./record.ts";
import { budgetRef, itemRef, slotRef } from "./refs.ts";
import { formatSlot } from "./slot.ts";

export type ClaimOutcome = { kind: "claimed"; claim: Claim } | { kind: "lost" } | { kind: "unknown"; cause: string };

export interface SlotToTake {
  number: number;
  /** The dead slot record that is replaced; null when the place was never used or was given back. */
  old: string | null;
}

/** The day's money with this claim's reservation in it. */
export interface BudgetToMove {
  /** The record `budget` as it was read; null when there is none. */
  old: string | null;
  message: string;
}

/** Tries to claim: one compare-and-swap over the item's record and, for agent work, a slot and the day's budget. `old` is the record's commit as it was read. */
export async function claimItem(
  ports: LedgerPorts,
  record: LedgerRecord,
  old: string | null,
  slot: SlotToTake | null,
  effects: Effects | null,
  budget: BudgetToMove | null = null,
): Promise<ClaimOutcome> {
  const startedAt = ports.clock.elapsed();
  const sha = await writeRecord(ports, record, old, effects);
  const changes: RefChange[] = [{ ref: itemRef(record.key), old, new: sha }];
  let slotSha: string | null = null;
  if (slot !== null) {
    const message = formatSlot(slot.number, record.key, record.epoch, randomUUID());
    slotSha = await ports.host.writeRecord({ parent: null, message, effects: null });
    changes.push({ ref: slotRef(slot.number), old: slot.old, new: slotSha });
  }
  if (budget !== null) {
    const moved = await ports.host.writeRecord({ parent: budget.old, message: budget.message, effects: null });
    changes.push({ ref: budgetRef, old: budget.old, new: moved });
  }
  // Longer than usual: a claim whose outcome stays unknown may stand, with its attempt counted, and nobody to give it back.
  const outcome = await swap(ports, changes, { deadlineMs: 2 * usualBounds(ports.limits).deadlineMs });
  switch (outcome.kind) {
    case "ok":
      return { kind: "claimed", claim: new Claim(ports, { record, sha, effects, slotSha, startedAt }, old) };
    case "lost":
    case "unknown":
      return outcome;
    case "refused":
      // Also what a server says that is back in an older state, and lacks the record that this one was made from.
      if (((await ports.host.remoteRefs([itemRef(record.key)])).get(itemRef(record.key)) ?? null) !== old)
        return { kind: "lost" };
      throw cannotWriteLedger(outcome.text);
    case "denied":
      throw cannotWriteLedger(outcome.text);
    default:
      return outcome satisfies never;
  }
}

/** The claim of a run that is gone, in the hands of its own last step. Null: it is not that run's, or is over. Nothing is written yet. */
export function continueClaim(
  ports: LedgerPorts,
  owner: string,
  found: Pick<Link, "record" | "sha" | "effects" | "slotSha">,
): Claim | null {
  if (found.record.owner !== owner || !isOpen(found.record)) return null;
  // When it was renewed last this process cannot know: what is written beside the record waits for a renewal.
  return new Claim(ports, { ...found, startedAt: Number.NEGATIVE_INFINITY }, null);
}

/** After an error that ends the run: the item is free again at once. Best effort; what fails here, age settles. */
export async function giveBack(claim: Claim, attempt: number): Promise<void> {
  if (claim.lost || claim.record.state !== "held") return;
  const { spend, epoch } = claim.record;
  // An attempt that is given back started no agent: what was reserved is free again.
  const cost = attempt < claim.record.attempt ? 0 : null;
  const change = { attempt: Math.max(0, attempt), spend: truedUp(spend, epoch, cost, 0) };
  await claim.finish({ state: "released", ...change }).catch(() => undefined);
}
