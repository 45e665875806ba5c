// In which order candidates are judged, and for which of them costly facts may be read.

import { hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { isAlive } from "./takeover.ts";

/** A pure total order: finish before start, then priority label, then oldest, then lowest number. */
export function ranked(snapshot: Snapshot, policy: Policy): Item[] {
  return [...snapshot.items].sort(
    (a, b) =>
      kindRank(a, snapshot, policy) - kindRank(b, snapshot, policy) ||
      labelRank(a, policy) - labelRank(b, policy) ||
      a.issue.createdAt - b.issue.createdAt ||
      a.issue.number - b.issue.number,
  );
}

/**
 * Land, resume, rework, review, implement: finish before start. Guessed from what costs nothing, since costly facts are read in this order; a
 * guess that is wrong (a conflict that turns out to be none) moves an item by a place, never out of the list.
 */
function kindRank(item: Item, snapshot: Snapshot, policy: Policy): number {
  const record = item.record.kind === "record" ? item.record.record : null;
  const isDead = record !== null && !isAlive(record, snapshot, policy.limits);
  if (record?.state === "published" && isDead) return 1;
  if (item.pull === null) return 4;
  if (record?.state === "done" && record.stage === "merge-ready") return 0;
  const verdict = record?.verdict?.head === item.pull.headSha ? record.verdict.verdict : null;
  if (verdict === "approved") return 1;
  return verdict === "changes-requested" || !item.pull.mergeable ? 2 : 3;
}

function labelRank(item: Item, policy: Policy): number {
  const index = policy.priorityLabels.findIndex((name) => hasLabel(item.issue.labels, name));
  return index < 0 ? policy.priorityLabels.length : index;
}

/** Most items assigned to somebody that are looked at in one run: nearly always they are simply taken. */
const assignedLooksMax = 1;
/** An assigned item at which nothing happened for so long is not looked at: a label, comment or assignment would have moved its time. */
const assignedLookMs = 24 * 3_600_000;

/**
 * Keys of the items whose costly facts this run may read: the first half of `looksMax` from the top, the rest from a place that moves from run
 * to run. So the best candidate is never passed over, and none of a long list starves.
 */
export function lookable(
  items: readonly Item[],
  snapshot: Snapshot,
  policy: Policy,
  /** Whether the cheap facts leave an item open. It must answer the same through one run, whatever has been read meanwhile. */
  needsLook: (item: Item) => boolean,
): Set<string> {
  const wanting = items.filter(needsLook);
  const isAssigned = (item: Item) => item.issue.assignees.some((login) => !isProgram(snapshot, login));
  const isAsked = (item: Item) => item.commanded || item.issue.number === snapshot.trigger.item || item.pull !== null;
  const free = wanting.filter((item) => isAsked(item) || !isAssigned(item));
  const isBegun = ({ record }: Item) =>
    record.kind === "record" && ["published", "held", "released"].includes(record.record.state);
  const isRecent = (item: Item) => isBegun(item) || snapshot.now - item.issue.updatedAt < assignedLookMs;
  const assigned = wanting.filter((item) => !free.includes(item) && isRecent(item));
  const top = free.slice(0, Math.ceil(policy.looksMax / 2));
  const rest = turn(free.slice(top.length), snapshot.seed, policy.looksMax - top.length - assignedLooksMax);
  const chosen = [...top, ...rest, ...turn(assigned, snapshot.seed, assignedLooksMax)];
  return new Set(chosen.map((item) => item.key));
}

/** `count` of a list from a place that `seed` picks, going round at the end. Hashed: seeds often come in even steps (every second run, every 5 minutes). */
export function turn<T>(list: readonly T[], seed: number, count: number): T[] {
  if (list.length === 0 || count <= 0) return [];
  const start = scattered(seed) % list.length;
  return [...list.slice(start), ...list.slice(0, start)].slice(0, count);
}

/** A number of 32 bits in which every bit depends on every bit of `seed` (the finalizer of MurmurHash3). */
function scattered(seed: number): number {
  const a = Math.imul(seed ^ (seed >>> 16), 0x85eb_ca6b);
  const b = Math.imul(a ^ (a >>> 13), 0xc2b2_ae35);
  return (b ^ (b >>> 16)) >>> 0;
}
