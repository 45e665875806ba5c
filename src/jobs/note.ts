// Remembers what a look at a waiting pull request found, so that the next idle run need not look again: up to when nothing was asked for, and
// that git calls clean what the forge calls a conflict. One compare-and-swap each, only where something had happened; best effort.

import type { Item, Snapshot } from "../core/model.ts";
import { notesOf } from "../core/notes.ts";
import { describe } from "../errors.ts";
import { amendRecord } from "../ledger/amend.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { ledgerPorts } from "./claiming.ts";

export async function note(ports: Ports, settings: Settings, snapshot: Snapshot): Promise<void> {
  for (const { item, change } of notesOf(snapshot, settings.policy)) {
    try {
      await write(ports, settings, item, change);
    } catch (error) {
      ports.log.line(`what was seen on #${item.issue.number} could not be noted: ${describe(error)}`);
    }
  }
}

async function write(ports: Ports, settings: Settings, item: Item, change: Partial<LedgerRecord>): Promise<void> {
  if (item.record.kind === "record") await amendRecord(await ledgerPorts(ports, settings), item.record, change);
}
