// Carries out repairs: the ledger is read again right before each write, so that none touches an item that a run has claimed meanwhile.

import type { Double } from "../core/doubles.ts";
import { type Snapshot, sameLogin } from "../core/model.ts";
import { lateRepairs, type Repair, repairs } from "../core/repairs.ts";
import { describe, ForgeError } from "../errors.ts";
import { amendRecord } from "../ledger/amend.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { itemRef } from "../ledger/refs.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { ledgerPorts } from "./claiming.ts";
import { applyEffects } from "./effects.ts";
import { forgeNow, looseEffectPorts } from "./job.ts";

/** Whether anything was changed, so that a fresh look is worth its requests. */
export async function repair(ports: Ports, settings: Settings, who: Who, snapshot: Snapshot): Promise<boolean> {
  let changed = false;
  for (const one of repairs(snapshot, settings.policy)) if (await tried(ports, settings, who, one)) changed = true;
  return changed;
}

/** What the facts show that were read for a decision. Nothing of it changes what was decided. */
export async function repairLate(
  ports: Ports,
  settings: Settings,
  who: Who,
  snapshot: Snapshot,
  chosen: string | null,
): Promise<void> {
  for (const one of lateRepairs(snapshot, settings.policy, chosen)) await tried(ports, settings, who, one);
}

async function tried(ports: Ports, settings: Settings, who: Who, one: Repair): Promise<boolean> {
  try {
    const done = await carryOut(ports, settings, who, one);
    if (done) ports.log.line(`repaired: ${one.why}`);
    return done;
  } catch (error) {
    ports.log.warning(`could not repair #${one.item.issue.number}: ${describe(error)}; the next run tries again`);
    return false;
  }
}

async function carryOut(ports: Ports, settings: Settings, who: Who, one: Repair): Promise<boolean> {
  const { item, effects, doubles } = one;
  const ref = itemRef(item.key);
  const expected = item.record.kind === "record" ? item.record.sha : null;
  const unchanged = async () => ((await (await ports.host()).remoteRefs([ref])).get(ref) ?? null) === expected;
  if (!(await unchanged())) return false;
  const fence = async () => {
    if (!(await unchanged())) throw new Error("a run claimed it meanwhile");
  };
  await applyEffects(
    looseEffectPorts(ports, who, fence),
    { v: 1, issue: item.issue.number, effects },
    item.former?.pull.number ?? item.pull?.number ?? null,
  );
  for (const double of doubles) {
    await fence();
    await remove(ports, who, double);
  }
  return await amend(ports, settings, who, one);
}

async function amend(ports: Ports, settings: Settings, who: Who, { item, close, change }: Repair): Promise<boolean> {
  if (item.record.kind !== "record" || (!close && change === null)) return true;
  const over: Partial<LedgerRecord> = close
    ? {
        ...({ state: "closed", stage: null, slot: null, owner: who.owner } as const),
        ...{ kept: undefined, judging: undefined, at: new Date(forgeNow(ports)).toISOString() },
      }
    : {};
  const ledger = await ledgerPorts(ports, settings);
  const moved = await amendRecord(ledger, item.record, { ...change, ...over }, close ? item.wip : null);
  if (moved.kind !== "ok") ports.log.line(`the record of #${item.issue.number} could not be changed: ${moved.kind}`);
  return moved.kind === "ok";
}

/** Not allowed, or gone already. */
const left: readonly number[] = [403, 404, 405];

/** By the account that wrote it. What the forge refuses stays: a doubled word is no reason for a red run. */
async function remove(ports: Ports, who: Who, { what, id, on, author }: Double): Promise<void> {
  const forge = sameLogin(author, who.me.login) ? ports.forge : (ports.reviewer ?? ports.forge);
  try {
    if (what === "comment") await forge.deleteComment(id);
    else await forge.deleteReview(on, id);
  } catch (error) {
    if (!(error instanceof ForgeError) || !left.includes(error.failure.status)) throw error;
    ports.log.line(`left as it is: ${error.message}`);
  }
}
