// What of the ledger has had its day: records of items that are closed for long, and uploaded commits that no record knows. Pure; decided from
// the ledger that every run reads anyway, so that a run with nothing to sweep makes no request for it.

import type { Issue } from "../forge/model.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { hasLabel, type RecordFact, type Snapshot } from "./model.ts";
import { holdLabel, type Policy } from "./policy.ts";

/** How long an item stays in the ledger after its record was closed, by the forge's clock. */
export const sweepAfterMs = 14 * 24 * 3_600_000;
/** Most items of one run, and as many uploads without a record; the next run goes on. */
const sweptMax = 20;

/** An item whose turn it may be: whether its issue is closed still has to be asked of the forge. */
export interface Due {
  key: string;
  /** Of the issue or pull request. */
  number: number;
  record: LedgerRecord;
  /** The record's commit. */
  sha: string;
  /** Commit at `wip/<key>`, which goes with it; null = not there. */
  wip: string | null;
}

export interface Orphan {
  key: string;
  sha: string;
}

export interface ToSweep {
  due: Due[];
  /** Uploads whose item has no record, or a closed one. */
  orphans: Orphan[];
}

type Known = Pick<Snapshot, "records" | "wips" | "archive" | "pause">;

/** `now`: the forge's clock, ms since 1970. Oldest first. Nothing of a newer version, and nothing while the program is paused. */
export function toSweep(known: Known, now: number): ToSweep {
  const { pause, records, wips, archive } = known;
  if (pause !== null && (pause.until === null || pause.until > now)) return { due: [], orphans: [] };
  const all = Object.entries(records).flatMap(([key, fact]) => {
    if (fact.kind !== "record" || !isDue(fact.record, now)) return [];
    const number = Number(/^(?:issue|pr)-(\d+)$/.exec(key)?.[1]);
    return [{ key, number, record: fact.record, sha: fact.sha, wip: wips[key] ?? null }];
  });
  // A line that cannot be added would be lost: without the archive the records stay.
  const mayAdd = archive.kind !== "unreadable";
  const due = mayAdd ? all.sort((a, b) => closedAt(a) - closedAt(b) || a.number - b.number).slice(0, sweptMax) : [];
  const orphans = Object.entries(wips)
    .filter(([key]) => isOrphan(records[key]) && !due.some((item) => item.key === key))
    .map(([key, sha]) => ({ key, sha }))
    .slice(0, sweptMax);
  return { due, orphans };
}

function isDue(record: LedgerRecord, now: number): boolean {
  const { state, at, sweepAfter } = record;
  if (state !== "closed" || now - Date.parse(at) <= sweepAfterMs) return false;
  return sweepAfter === undefined || Date.parse(sweepAfter) <= now;
}

function closedAt({ record }: Due): number {
  return Date.parse(record.at);
}

function isOrphan(fact: RecordFact | undefined): boolean {
  if (fact === undefined || fact.kind === "none") return true;
  return fact.kind === "record" && fact.record.state === "closed";
}

export interface Sweep {
  over: { due: Due; issue: Issue | null }[];
  /** Open again, asked for again, or on hold: their records say until when nobody asks again. */
  open: { due: Due; change: Pick<LedgerRecord, "sweepAfter"> }[];
}

/** With the issues as they are now, in the order of `due`; null = it is gone. */
export function sorted(due: readonly Due[], issues: readonly (Issue | null)[], policy: Policy, now: number): Sweep {
  const sweep: Sweep = { over: [], open: [] };
  for (const [at, one] of due.entries()) {
    const issue = issues[at] ?? null;
    if (isOver(issue, policy)) sweep.over.push({ due: one, issue });
    else sweep.open.push({ due: one, change: { sweepAfter: new Date(now + sweepAfterMs).toISOString() } });
  }
  return sweep;
}

function isOver(issue: Issue | null, { label }: Policy): boolean {
  if (issue === null) return true;
  return issue.state === "closed" && !hasLabel(issue.labels, label) && !hasLabel(issue.labels, holdLabel);
}
