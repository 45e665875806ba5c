// Carries out the sweep: a line in the archive for each item, and its refs deleted, all in one push, so that of two runs that sweep at once
// exactly one does. Best effort: what fails, or is lost to another run, the next one does.

import type { Snapshot } from "../core/model.ts";
import { type Due, type Orphan, type Sweep, sorted, toSweep } from "../core/sweep.ts";
import { describe } from "../errors.ts";
import type { RefChange } from "../git/host.ts";
import { amended } from "../ledger/amend.ts";
import { archiveLine, formatArchive } from "../ledger/archive.ts";
import { compareAndSwap } from "../ledger/cas.ts";
import type { LedgerPorts } from "../ledger/claim.ts";
import { archiveRef, itemRef, wipRef } from "../ledger/refs.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { ledgerPorts } from "./claiming.ts";
import { forgeNow } from "./job.ts";

/** After the run's work, or where there is none. Nothing due: no request at all. */
export async function sweep(ports: Ports, settings: Settings, snapshot: Snapshot): Promise<void> {
  const { due, orphans } = toSweep(snapshot, forgeNow(ports));
  if (due.length > 0) await tried(ports, () => sweepItems(ports, settings, snapshot, due));
  if (orphans.length > 0) await tried(ports, () => sweepOrphans(ports, settings, orphans));
}

async function tried(ports: Ports, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    ports.log.line(`the ledger could not be swept: ${describe(error)}; a later run tries again`);
  }
}

async function sweepItems(ports: Ports, settings: Settings, snapshot: Snapshot, due: readonly Due[]): Promise<void> {
  const issues = await Promise.all(due.map(({ number }) => ports.forge.issue(number)));
  const now = forgeNow(ports);
  const found = sorted(due, issues, settings.policy, now);
  const ledger = await ledgerPorts(ports, settings);
  const changes = [...(await removals(ledger, snapshot, found)), ...(await kept(ledger, found))];
  const keys = found.over.map(({ due: one }) => one.key);
  const done = await pushed(ports, ledger, changes);
  if (done && keys.length > 0) ports.log.line(`swept into \`${archiveRef}\`: ${keys.join(", ")}`);
}

/** The archive, longer by a line for each item, and the refs that go. */
async function removals({ host }: LedgerPorts, { archive }: Snapshot, { over }: Sweep): Promise<RefChange[]> {
  if (over.length === 0) return [];
  const old = archive.kind === "tip" ? archive.sha : null;
  let tip = old;
  for (const { due, issue } of over) {
    const message = formatArchive(archiveLine(due.record, issue?.createdAt ?? null));
    tip = await host.writeRecord({ parent: tip, message, effects: null });
  }
  const gone = over.flatMap(({ due: { key, sha, wip } }): RefChange[] => [
    { ref: itemRef(key), old: sha, new: null },
    ...(wip === null ? [] : [{ ref: wipRef(key), old: wip, new: null }]),
  ]);
  return [{ ref: archiveRef, old, new: tip }, ...gone];
}

function kept(ledger: LedgerPorts, { open }: Sweep): Promise<RefChange[]> {
  return Promise.all(open.map(async ({ due, change }) => (await amended(ledger, due, change)).change));
}

async function sweepOrphans(ports: Ports, settings: Settings, orphans: readonly Orphan[]): Promise<void> {
  const changes = orphans.map(({ key, sha }): RefChange => ({ ref: wipRef(key), old: sha, new: null }));
  const done = await pushed(ports, await ledgerPorts(ports, settings), changes);
  if (done) ports.log.line(`removed uploads without a record: ${orphans.map(({ key }) => key).join(", ")}`);
}

async function pushed(ports: Ports, { host, clock, limits }: LedgerPorts, changes: RefChange[]): Promise<boolean> {
  const outcome = await compareAndSwap(host, changes, { clock, deadlineMs: limits.apiSeconds * 2000 });
  if (outcome.kind === "ok") return true;
  const why = outcome.kind === "lost" ? "another run was faster" : outcome.kind;
  ports.log.line(`nothing was swept: ${why}`);
  return false;
}
