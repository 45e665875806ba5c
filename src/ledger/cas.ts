// Compare-and-swap over refs of the forge.
//
// Goal: exactly one answer about what happened, although requests are lost, delayed and doubled, and answers are lost after the write was
// applied. How: a push is one server transaction that names what it replaces; whatever is not clearly "applied" or "not applied" is settled
// by reading the refs; and only the identical commits are ever pushed again, so that a late first push and its repetition are one.

import type { Clock } from "../clock.ts";
import { describe, RunError } from "../errors.ts";
import type { RefChange } from "../git/host.ts";
import type { Host } from "../git/port.ts";
import { ledgerPrefix } from "./refs.ts";

export type CasOutcome =
  | { kind: "ok" }
  /**
   * Some ref is not ours to move. `applied`: our write was in force for a moment and was superseded by another run's.
   * `found` is where the refs are; null = not there.
   */
  | { kind: "lost"; found: Map<string, string | null>; applied: boolean; detail: string }
  /** It may have been applied, or may yet be: nothing but reading again later can tell. */
  | { kind: "unknown"; cause: string }
  /** A rule of the server forbids it; for a person. */
  | { kind: "refused"; text: string }
  /** The token may not do it; for a person. */
  | { kind: "denied"; text: string };

export interface CasBounds {
  /** Longest time of one git command, in ms; none goes on beyond `deadlineMs` either. */
  commandMs: number;
  /** The same for a push, where it carries more than records; default `commandMs`. */
  pushMs?: number;
  /** Longest time from the call on, in ms. */
  deadlineMs: number;
}

/** Without `commandMs` a command has the host's own limits, and one under way at the deadline is waited for. Aborted, nothing is tried again. */
export type CasOptions = { clock: Clock; signal?: AbortSignal } & Partial<CasBounds> & Pick<CasBounds, "deadlineMs">;

/** What it needs of the host. */
export type CasPort = Pick<Host, "push" | "remoteRefs" | "holds">;

/** What a command is given even at the very end, in ms: less would only be killed at its start. */
const commandMsMin = 250;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 5000;
/** Pushes of one call, whatever the deadline. */
const PUSHES_MAX = 50;

export async function compareAndSwap(
  port: CasPort,
  changes: readonly RefChange[],
  { clock, signal, deadlineMs, commandMs, pushMs = commandMs }: CasOptions,
): Promise<CasOutcome> {
  const begun = clock.elapsed();
  const timeLeft = () => deadlineMs - (clock.elapsed() - begun);
  const within = (ms: number | undefined) =>
    ms === undefined ? undefined : Math.max(commandMsMin, Math.min(ms, timeLeft()));
  let inDoubt = "";
  let backoffMs = BACKOFF_FIRST_MS;

  for (let pushes = 0; pushes < PUSHES_MAX; pushes++) {
    const limitMs = within(pushMs);
    const outcome = await port.push(changes, limitMs === undefined ? {} : { deadlineMs: limitMs });
    if (outcome.kind === "ok") return { kind: "ok" };
    // A clear "no" is about this push. After one in doubt it says nothing about that one: only the refs do.
    if (inDoubt === "" && (outcome.kind === "refused" || outcome.kind === "denied")) return outcome;
    if (outcome.kind === "unknown") inDoubt = outcome.cause;

    for (;;) {
      const mayBeApplied = inDoubt !== "" || (outcome.kind === "lost" && outcome.sent);
      const seen = await look(port, changes, mayBeApplied, () => within(commandMs));
      if (seen.kind === "settled") {
        return seen.result.kind === "lost" && outcome.kind === "lost"
          ? { ...seen.result, detail: outcome.detail }
          : seen.result;
      }
      if (seen.kind === "untouched" && (outcome.kind === "refused" || outcome.kind === "denied")) return outcome;
      if (seen.kind === "unreadable") {
        // Lost without doubt, and only the new values could not be read: the caller reads anyway.
        if (inDoubt === "" && outcome.kind === "lost" && !outcome.sent) {
          return { kind: "lost", found: new Map(), applied: false, detail: outcome.detail };
        }
        inDoubt = inDoubt === "" ? seen.cause : inDoubt;
      }
      const waitMs = Math.min(backoffMs, BACKOFF_MAX_MS) * (0.5 + clock.random() / 2);
      backoffMs *= 2;
      if (signal?.aborted || timeLeft() <= waitMs)
        return { kind: "unknown", cause: inDoubt || "the refs stand as before the push" };
      await clock.sleep(waitMs);
      if (seen.kind === "untouched") break;
    }
  }
  return { kind: "unknown", cause: inDoubt };
}

type Seen =
  | { kind: "settled"; result: CasOutcome }
  /** All refs are at the old commits: pushing again is safe, and if the first one still arrives, they are the same. */
  | { kind: "untouched" }
  | { kind: "unreadable"; cause: string };

/** Where one ref of the change is: `over` = moved on from our new commit by somebody. */
type Place = "new" | "over" | "old" | "else";

async function look(
  port: CasPort,
  changes: readonly RefChange[],
  mayBeApplied: boolean,
  limitMs: () => number | undefined,
): Promise<Seen> {
  try {
    const names = changes.map((change) => change.ref);
    const found = await port.remoteRefs(names, limitMs());
    const places = new Map<string, Place>();
    for (const change of changes) places.set(change.ref, await placeOf(port, change, found, mayBeApplied, limitMs));
    return settle(changes, places, found, mayBeApplied);
  } catch (thrown) {
    // A mistake of ours must not look like bad weather.
    if (!(thrown instanceof RunError)) throw thrown;
    return { kind: "unreadable", cause: describe(thrown) };
  }
}

async function placeOf(
  port: CasPort,
  change: RefChange,
  found: ReadonlyMap<string, string | null>,
  mayBeApplied: boolean,
  limitMs: () => number | undefined,
): Promise<Place> {
  const sha = found.get(change.ref) ?? null;
  if (sha === change.new) return "new";
  if (sha === change.old) return "old";
  // History is only asked for where our push may have been applied.
  if (!mayBeApplied || sha === null || change.new === null) return "else";
  const isOver = await port.holds(change.ref, change.new, limitMs());
  return isOver ? "over" : "else";
}

function settle(
  changes: readonly RefChange[],
  places: Map<string, Place>,
  found: Map<string, string | null>,
  mayBeApplied: boolean,
): Seen {
  freed(changes, places);
  const all = [...places.values()];
  const lost = (applied: boolean): Seen => ({
    kind: "settled",
    result: { kind: "lost", found, applied, detail: [...places].map(([ref, place]) => `${ref}: ${place}`).join(", ") },
  });
  // "At new" proves that it was us only for a commit that nobody else can make; that a ref is gone proves nothing.
  const isProof = changes.some((change) => change.new !== null);
  if (all.every((place) => place === "new" || place === "over")) {
    if (!mayBeApplied && !isProof) return lost(false);
    // What others may have moved on since says nothing: a person the branch, another run the budget or a slot that we gave back.
    const isOurs = decisive(changes).every(({ ref }) => places.get(ref) === "new");
    return isOurs ? { kind: "settled", result: { kind: "ok" } } : lost(true);
  }
  if (all.every((place) => place === "old")) return { kind: "untouched" };
  const applied = changes.some(({ ref, new: sha }) => sha !== null && isApplied(places.get(ref)));
  if (!applied) return lost(false);
  const places_ = [...places].map(([ref, place]) => `${ref} is at ${place}`).join(", ");
  return { kind: "settled", result: { kind: "unknown", cause: `the push was applied in part: ${places_}` } };
}

/** The refs that say whose the change is: the item's record, else whatever moves. */
function decisive(changes: readonly RefChange[]): readonly RefChange[] {
  const items = changes.filter(({ ref }) => isItem(ref));
  return items.length > 0 ? items : changes;
}

// A ref that we removed may be somebody else's by now, such as a slot. That it was removed shows in a ref that only this push can have moved:
// all of them moved together.
function freed(changes: readonly RefChange[], places: Map<string, Place>): void {
  if (!changes.some(({ ref }) => isItem(ref) && isApplied(places.get(ref)))) return;
  for (const { ref, new: sha } of changes) if (sha === null && places.get(ref) === "else") places.set(ref, "over");
}

function isApplied(place: Place | undefined): boolean {
  return place === "new" || place === "over";
}

function isItem(ref: string): boolean {
  return ref.startsWith(`${ledgerPrefix}item/`);
}
