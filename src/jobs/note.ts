// Remembers what a look at a waiting pull request found, so that the next idle run need not look again: up to when nothing was asked for, and
// that git calls clean what the forge calls a conflict. One compare-and-swap each, only where something had happened; best effort.

import { randomUUID } from "node:crypto";
import type { Item, Snapshot } from "../core/model.ts";
import { notesOf } from "../core/notes.ts";
import { describe } from "../errors.ts";
import { compareAndSwap } from "../ledger/cas.ts";
import { formatRecord } from "../ledger/record.ts";
import { itemRef } from "../ledger/refs.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";

export async function note(ports: Ports, settings: Settings, snapshot: Snapshot): Promise<void> {
  for (const { item, change } of notesOf(snapshot, settings.policy)) {
    try {
      await write(ports, settings, item, change);
    } catch (error) {
      ports.log.line(`what was seen on #${item.issue.number} could not be noted: ${describe(error)}`);
    }
  }
}

async function write(ports: Ports, settings: Settings, item: Item, change: object): Promise<void> {
  if (item.record.kind !== "record") return;
  const { record, sha } = item.record;
  const host = await ports.host();
  // `at` stays: nobody worked on it, and what people did after it is still told apart from what the program did.
  const next = { ...record, ...change, nonce: randomUUID(), seq: record.seq + 1 };
  const made = await host.writeRecord({ parent: sha, message: formatRecord(next), effects: null });
  const deadlineMs = settings.policy.limits.apiSeconds * 2000;
  await compareAndSwap(host, [{ ref: itemRef(item.key), old: sha, new: made }], { clock: ports.clock, deadlineMs });
}
