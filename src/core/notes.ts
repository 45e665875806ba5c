// What a look found out about a pull request that only waits, worth keeping for the next look. Pure.

import type { LedgerRecord } from "../ledger/record.ts";
import { candidate, known } from "./candidate.ts";
import type { Item, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";

export interface Note {
  item: Item;
  change: Pick<LedgerRecord, "seenAt" | "mergeClean">;
}

/** Of the items that were looked at closely in a run that then found nothing to do. */
export function notesOf(snapshot: Snapshot, policy: Policy): Note[] {
  const { items, now } = snapshot;
  return items.flatMap((item): Note[] => {
    const facts = item.details?.pull ?? null;
    if (item.pull === null || facts === null || item.record.kind !== "record") return [];
    const { record } = item.record;
    if (record.state !== "done" && record.state !== "blocked") return [];
    // An order that only has to wait (no place, a draft) must be seen again.
    const { pending, ask } = known(candidate(item, snapshot, policy)).s;
    if (pending !== null || ask.length > 0) return [];
    const happenedAt = Math.max(item.pull.updatedAt, item.issue.updatedAt);
    const isNew = happenedAt > seenUntil(record);
    const { sha } = facts.base;
    const isClean = facts.merge === "clean" && !item.pull.mergeable && !item.pull.draft && sha !== null;
    const isKnown = record.mergeClean?.head === item.pull.headSha && record.mergeClean.base === sha;
    if (!isNew && (!isClean || isKnown)) return [];
    const clean = isClean && sha !== null ? { mergeClean: { head: item.pull.headSha, base: sha } } : {};
    // The look began then: whatever happens later is newer.
    return [{ item, change: { ...(isNew ? { seenAt: new Date(now).toISOString() } : {}), ...clean } }];
  });
}

/** What happened until then is known: the program's own last word, or a look that found nothing. */
export function seenUntil(record: LedgerRecord): number {
  return Math.max(Date.parse(record.at), record.seenAt === undefined ? 0 : Date.parse(record.seenAt));
}
