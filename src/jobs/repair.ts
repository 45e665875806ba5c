// Carries out repairs: the ledger is read again right before each, so that none touches an item that a run has claimed meanwhile.

import { randomUUID } from "node:crypto";
import type { Snapshot } from "../core/model.ts";
import { repairs } from "../core/repairs.ts";
import { describe } from "../errors.ts";
import { claimItem } from "../ledger/claim.ts";
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
  for (const { item, why, effects, close } of repairs(snapshot, settings.policy)) {
    if (item.record.kind !== "record") continue;
    const { record, sha } = item.record;
    try {
      const ref = itemRef(item.key);
      const unchanged = async () => (await (await ports.host()).remoteRefs([ref])).get(ref) === sha;
      if (!(await unchanged())) continue;
      const fence = async () => {
        if (!(await unchanged())) throw new Error("a run claimed it meanwhile");
      };
      await applyEffects(
        looseEffectPorts(ports, who, fence),
        { v: 1, issue: item.issue.number, effects },
        item.former?.pull.number ?? item.pull?.number ?? null,
      );
      if (close) {
        const closed = {
          ...record,
          state: "closed",
          stage: null,
          slot: null,
          owner: who.owner,
          nonce: randomUUID(),
          at: new Date(forgeNow(ports)).toISOString(),
        } as const;
        await claimItem(await ledgerPorts(ports, settings), { ...closed, seq: record.seq + 1 }, sha, null, null);
      }
      ports.log.line(`repaired: ${why}`);
      changed = true;
    } catch (error) {
      ports.log.warning(`could not repair #${item.issue.number}: ${describe(error)}; the next run tries again`);
    }
  }
  return changed;
}
