// Compare-and-swap over refs of the forge.
//
// Goal: exactly one answer about what happened, although requests are lost, delayed and doubled, and answers are lost after the write was
// applied. How: a push is one server transaction that names what it replaces; whatever is not clearly "applied" or "not applied" is settled
// by reading the refs; and only the identical commits are ever pushed again, so that a late first push and its repetition are one.

import type { Clock } from "../clock.ts";
import { describe, RunError } from "../errors.ts";
import type { Host, RefChange } from "../git/host.ts";

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

export interface CasOptions {
  clock: Clock;
  /** Longest time from the call on, in ms. A push or read under way at its end is waited for (it has its own limit). */
  deadlineMs: number;
}

/** What it needs of the host. */
export type CasPort = Pick<Host, "push" | "remoteRefs" | "holds">;

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 5000;
/** Pushes of one call, whatever the deadline. */
const PUSHES_MAX = 50;

export async function compareAndSwap(
  port: CasPort,
  changes: readonly RefChange[],
  { clock, deadlineMs }: CasOptions,
): Promise<CasOutcome> {
  const begun = clock.elapsed();
  const timeLeft = () => deadlineMs - (clock.elapsed() - begun);
  let inDoubt = "";
  let backoffMs = BACKOFF_FIRST_MS;

  for (let pushes = 0; pushes < PUSHES_MAX; pushes++) {
    const outcome = await port.push(changes);
    if (outcome.kind === "ok") return { kind: "ok" };
    // A clear "no" is about this push. After one in doubt it says nothing about that one: only the refs do.
    if (inDoubt === "" && (outcome.kind === "refused" || outcome.kind === "denied")) return outcome;
    if (outcome.kind === "unknown") inDoubt = outcome.cause;

    for (;;) {
      const seen = await look(port, changes, inDoubt !== "" || (outcome.kind === "lost" && outcome.sent));
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
      if (timeLeft() <= waitMs) return { kind: "unknown", cause: inDoubt || "the refs stand as before the push" };
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

async function look(port: CasPort, changes: readonly RefChange[], mayBeApplied: boolean): Promise<Seen> {
  try {
    const found = await port.remoteRefs(changes.map((change) => change.ref));
    const places = new Map<string, Place>();
    for (const change of changes) places.set(change.ref, await placeOf(port, change, found, mayBeApplied));
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
): Promise<Place> {
  const sha = found.get(change.ref) ?? null;
  if (sha === change.new) return "new";
  if (sha === change.old) return "old";
  // History is only asked for where our push may have been applied.
  const isOver = mayBeApplied && sha !== null && change.new !== null && (await port.holds(change.ref, change.new));
  return isOver ? "over" : "else";
}

function settle(
  changes: readonly RefChange[],
  places: ReadonlyMap<string, Place>,
  found: Map<string, string | null>,
  mayBeApplied: boolean,
): Seen {
  const all = [...places.values()];
  const lost = (applied: boolean): Seen => ({
    kind: "settled",
    result: { kind: "lost", found, applied, detail: [...places].map(([ref, place]) => `${ref}: ${place}`).join(", ") },
  });
  // "At new" proves that it was us only for a commit that nobody else can make; that a ref is gone proves nothing.
  const isProof = changes.some((change) => change.new !== null);
  if (all.every((place) => place === "new" || place === "over")) {
    if (!mayBeApplied && !isProof) return lost(false);
    // A person may have pushed onto the branch already; the claim is ours as long as the ledger's refs are.
    const ledgerIsOurs = changes.every(({ ref }) => !isLedger(ref) || places.get(ref) === "new");
    const anyLedger = changes.some(({ ref }) => isLedger(ref));
    const ok = all.every((place) => place === "new") || (anyLedger && ledgerIsOurs);
    return ok ? { kind: "settled", result: { kind: "ok" } } : lost(true);
  }
  if (all.every((place) => place === "old")) return { kind: "untouched" };
  const applied = changes.some(({ ref, new: sha }) => sha !== null && isApplied(places.get(ref)));
  if (!applied) return lost(false);
  const places_ = [...places].map(([ref, place]) => `${ref} is at ${place}`).join(", ");
  return { kind: "settled", result: { kind: "unknown", cause: `the push was applied in part: ${places_}` } };
}

function isApplied(place: Place | undefined): boolean {
  return place === "new" || place === "over";
}

function isLedger(ref: string): boolean {
  return ref.startsWith("refs/agent-dispatch/");
}
