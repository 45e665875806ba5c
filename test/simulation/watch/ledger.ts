// Invariants 1 and 10: an item has one history, in which no live claim is taken from its holder and nothing is written that cannot be read; what a
// later version wrote is nobody's.

import type { Change } from "../forge/state.ts";
import type { Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { keyOf, type RecordView, slackMs, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

/** Limit `endedSeconds` of every simulated policy, in ms. */
const endedMs = 60_000;

export function ledgerRule(world: World): Rule {
  const { forge, watch } = world;

  /** Who made a claim, by key and epoch. */
  const makers = new Map<string, Machine>();

  /** Who else than its holder moves a live record does so without a claim, whatever owner it writes. */
  function wronglyMoved(key: string, old: string | null, by: Machine): [rule: string, text: string] | null {
    const before = viewOf(forge, old);
    if (before === null || before.v !== 1 || (before.state !== "held" && before.state !== "published")) return null;
    const maker = makers.get(`${key} e${before.epoch}`);
    if (maker === undefined || maker === by.main || !isAlive(before)) return null;
    return ["claims", `${key} e${before.epoch}, a live claim of ${maker.name}, was moved by ${by.name}`];
  }

  /** What is wrong with a move of an item's ref, and by which rule. */
  function wrong(key: string, old: string | null, sha: string | null): [rule: string, text: string] | null {
    const before = viewOf(forge, old);
    if (before !== null && before.v !== 1) return ["ledger", `${key} is of version ${before.v} and was moved`];
    if (sha === null) return wronglyRemoved(key, before);
    const after = viewOf(forge, sha);
    if (after === null || after.v !== 1 || after.key !== key) return ["ledger", `${key} cannot be read any more`];
    const [parent = null] = forge.commits.must(sha).parents;
    if (parent !== old) return ["ledger", `${key} does not follow on the record before it`];
    return before === null ? null : wronglyFollowed(key, before, after);
  }

  function wronglyRemoved(key: string, before: RecordView | null): [string, string] | null {
    const age = before === null ? 0 : forge.now() - Date.parse(before.at);
    const isSwept = before?.state === "closed" && age >= 13 * 24 * 3_600_000;
    return isSwept ? null : ["ledger", `the record of ${key} is gone`];
  }

  function wronglyFollowed(key: string, before: RecordView, after: RecordView): [string, string] | null {
    const name = `${key} e${before.epoch}.${before.seq} → e${after.epoch}.${after.seq}`;
    if (after.epoch < before.epoch) return ["ledger", `${name}: the count of claims went back`];
    const isNew = after.epoch > before.epoch;
    if (isNew && after.epoch !== before.epoch + 1) return ["ledger", `${name}: a claim was left out of the count`];
    const isHeld = before.state === "held" || before.state === "published";
    if (!isHeld || before.owner === after.owner) return null;
    if (after.state === "held" && !isNew) return ["claims", `${name}: another owner without a claim of its own`];
    return isAlive(before) ? ["claims", `${name}: a live claim was taken from its holder`] : null;
  }

  /** By the forge's clock and the forge's word on its run: what those who take over must go by. */
  function isAlive({ at, ttlSeconds, run }: RecordView): boolean {
    const now = world.schedule.now;
    const age = now - Date.parse(at);
    // Clocks that are read from an answer may be a second late or early.
    if (ttlSeconds === 0 || age > ttlSeconds * 1000 + slackMs - 1_500) return false;
    const row = run === null ? undefined : forge.runs.find((known) => known.id === run.id);
    const endedFor = row?.endedAt === undefined || row.endedAt === null ? 0 : now - row.endedAt;
    return !(
      row?.state === "ended" &&
      endedFor >= (forge.release.hasRunById ? endedMs - 1_500 : 0) &&
      age >= endedMs - 1_500
    );
  }

  return {
    changed(change: Change) {
      if (change.kind !== "refs" || change.by.machine === null) return;
      for (const { ref, old, new: sha } of change.moves) {
        const key = keyOf(ref);
        if (key === null) continue;
        const found = wrong(key, old, sha) ?? wronglyMoved(key, old, change.by.machine);
        if (found !== null) watch.fail(...found);
        const claim = `${key} e${viewOf(forge, sha)?.epoch}`;
        if (!makers.has(claim)) makers.set(claim, change.by.machine);
      }
    },
  };
}
