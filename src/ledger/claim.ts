// A claim: one run's right to an item, from the compare-and-swap that won it to the one that gives it up.
//
// Goals: an item is never worked on twice at once, and a run that lost its claim publishes nothing, however late its requests arrive.
//
// Kept by: every change of the record names its predecessor, so only the newest holder can make the next one; the branch moves only inside a
// transaction that moves the record too; writes on the forge stop by themselves when no renewal has succeeded for `fenceSeconds`.
//
// How: all compare-and-swaps of one claim run one after another (renewal, publish, end), each from the record the last one left. What is
// `unknown` is read back until it is known or the deadline passes; then the claim is treated as neither held nor lost, and writes nothing.

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { type Effects, effectsBytesMax } from "../core/effects.ts";
import type { Limits } from "../core/policy.ts";
import { RunError } from "../errors.ts";
import type { Host, RefChange } from "../git/host.ts";
import { type CasOutcome, compareAndSwap } from "./cas.ts";
import { formatRecord, type LedgerRecord } from "./record.ts";
import { branchRef, itemRef, slotRef } from "./refs.ts";
import { formatSlot } from "./slot.ts";

export interface LedgerPorts {
  host: Host;
  clock: Clock;
  /** The forge's clock, ms since 1970. */
  now(): number;
  limits: Limits;
}

/** The claim is gone: another run took the item over. Nothing more may be written. */
export class ClaimLost extends Error {
  override readonly name = "ClaimLost";
}

export type ClaimOutcome = { kind: "claimed"; claim: Claim } | { kind: "lost" } | { kind: "unknown"; cause: string };

export interface SlotToTake {
  number: number;
  /** The dead slot record that is replaced; null when the place was never used or was given back. */
  old: string | null;
}

/** Tries to claim: one compare-and-swap over the item's record and, for agent work, a slot. `old` is the record's commit as it was read. */
export async function claimItem(
  ports: LedgerPorts,
  record: LedgerRecord,
  old: string | null,
  slot: SlotToTake | null,
  effects: Effects | null,
): Promise<ClaimOutcome> {
  const startedAt = ports.clock.elapsed();
  const sha = await write(ports, record, old, effects);
  const changes: RefChange[] = [{ ref: itemRef(record.key), old, new: sha }];
  let slotSha: string | null = null;
  if (slot !== null) {
    const message = formatSlot(slot.number, record.key, record.epoch, randomUUID());
    slotSha = await ports.host.writeRecord({ parent: null, message, effects: null });
    changes.push({ ref: slotRef(slot.number), old: slot.old, new: slotSha });
  }
  const outcome = await swap(ports, changes);
  switch (outcome.kind) {
    case "ok":
      return { kind: "claimed", claim: new Claim(ports, record, sha, slotSha, effects, startedAt) };
    case "lost":
    case "unknown":
      return outcome;
    case "refused":
    case "denied":
      throw cannotWriteLedger(outcome.text);
    default:
      return outcome satisfies never;
  }
}

export type PublishOutcome =
  | { kind: "ok" }
  | { kind: "lost" }
  /** The claim stands, but the branch is not where it was at the claim, or the forge does not let us write it. */
  | { kind: "branch-refused"; detail: string }
  | { kind: "unknown"; cause: string };

export class Claim {
  readonly #ports: LedgerPorts;
  #record: LedgerRecord;
  #sha: string;
  #slotSha: string | null;
  #effects: Effects | null;
  /** Start of the last compare-and-swap that succeeded, by the local clock. */
  #renewedAt: number;
  #queue: Promise<unknown> = Promise.resolve();
  #lost = false;
  /** A move whose outcome is not known yet: it may stand on the forge already. */
  #pending: { record: LedgerRecord; sha: string; effects: Effects | null; startedAt: number } | null = null;

  constructor(
    ports: LedgerPorts,
    record: LedgerRecord,
    sha: string,
    slotSha: string | null,
    effects: Effects | null,
    startedAt: number,
  ) {
    this.#ports = ports;
    this.#record = record;
    this.#sha = sha;
    this.#slotSha = slotSha;
    this.#effects = effects;
    this.#renewedAt = startedAt;
  }

  get record(): LedgerRecord {
    return this.#record;
  }

  /** The record's commit as this claim last moved it. */
  get sha(): string {
    return this.#sha;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Another life sign: held e.s → held e.(s+1). */
  renew(): Promise<CasOutcome["kind"]> {
    return this.#serially(async () => (await this.#move({ seq: this.#record.seq + 1 }, this.#effects, [])).kind);
  }

  /** To be awaited before every write on the forge. Throws ClaimLost; after a long silence it renews first, and waits for as long as that takes. */
  async fence(): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (this.#lost) throw new ClaimLost("another run took the item over");
      if (this.#ports.clock.elapsed() - this.#renewedAt < this.#ports.limits.fenceSeconds * 1000) return;
      if (tries > 0) await this.#ports.clock.sleep(Math.min(30_000, 1000 * 2 ** tries));
      if (tries > 20) throw new ClaimLost("the forge could not be reached to renew the claim");
      await this.renew();
    }
  }

  /**
   * The commit point: one atomic push that moves the record to `published`, with everything still to be written, and the branch with it.
   * Before it nothing of the work can be seen; after it everything else can be redone from the record.
   */
  publish(
    change: Pick<LedgerRecord, "after" | "stage"> & Partial<LedgerRecord>,
    effects: Effects,
    head: string | null,
  ): Promise<PublishOutcome> {
    return this.#serially(async (): Promise<PublishOutcome> => {
      // An earlier publish without an answer may have been applied: then this one is done.
      await this.#settlePending();
      if (this.#record.state === "published" && !this.#lost) return { kind: "ok" };
      const { branch, expect } = this.#record;
      const moves: RefChange[] = head === null ? [] : [{ ref: branchRef(branch), old: expect, new: head }];
      const next = head === null ? change : { ...change, head };
      const outcome = await this.#move({ ...next, state: "published", seq: this.#record.seq + 1 }, effects, moves);
      if (outcome.kind === "ok" || outcome.kind === "unknown") return outcome;
      const detail = outcome.kind === "lost" ? outcome.detail : outcome.text;
      const ref = itemRef(this.#record.key);
      if ((await this.#ports.host.remoteRefs([ref])).get(ref) !== this.#sha) return { kind: "lost" };
      this.#lost = false;
      return { kind: "branch-refused", detail };
    });
  }

  /** Whether an earlier publish, also one without an answer, stands on the forge. */
  isPublished(): Promise<boolean> {
    return this.#serially(async () => {
      await this.#settlePending();
      return this.#record.state === "published";
    });
  }

  /** The end of a claim: effects finished or none needed. Frees the slot in the same transaction. */
  finish(change: Partial<LedgerRecord>): Promise<CasOutcome> {
    return this.#serially(async () => {
      const { slot } = this.#record;
      const free: RefChange[] =
        slot === null || this.#slotSha === null ? [] : [{ ref: slotRef(slot), old: this.#slotSha, new: null }];
      const outcome = await this.#move({ slot: null, seq: this.#record.seq + 1, ...change }, null, free);
      if (outcome.kind === "ok") this.#slotSha = null;
      return outcome;
    });
  }

  /** Lets the next run take over at once: effects could not be finished, and this run ends. */
  abandon(): Promise<CasOutcome> {
    const times = (this.#record.unfinished ?? 0) + 1;
    // The next run tries at once; from the second failure on the waits of failed attempts hold, so that no chain of runs spins on it.
    const ladder = this.#ports.limits.cooldownSeconds;
    const waitMs = times === 1 ? 0 : (ladder[Math.min(times - 1, ladder.length) - 1] ?? 300) * 1000;
    // Without a time the first time: clocks that show whole seconds would make the next run wait for one of them.
    const wait = times === 1 ? {} : { resumeAt: new Date(this.#ports.now() + waitMs).toISOString() };
    const change = { ttlSeconds: 0, unfinished: times, ...wait, seq: this.#record.seq + 1 };
    return this.#serially(() => this.#move(change, this.#effects, []));
  }

  async #move(change: Partial<LedgerRecord>, effects: Effects | null, more: RefChange[]): Promise<CasOutcome> {
    await this.#settlePending();
    if (this.#lost) return { kind: "lost", found: new Map(), applied: false, detail: "the claim was lost before" };
    const startedAt = this.#ports.clock.elapsed();
    const record: LedgerRecord = {
      ...this.#record,
      ...change,
      nonce: randomUUID(),
      at: new Date(this.#ports.now()).toISOString(),
    };
    const sha = await write(this.#ports, record, this.#sha, effects);
    const outcome = await swap(this.#ports, [{ ref: itemRef(record.key), old: this.#sha, new: sha }, ...more]);
    if (outcome.kind === "ok") this.#adopt({ record, sha, effects, startedAt });
    if (outcome.kind === "lost") this.#lost = true;
    if ((outcome.kind === "refused" || outcome.kind === "denied") && more.length === 0)
      throw cannotWriteLedger(outcome.text);
    if (outcome.kind === "unknown") this.#pending = { record, sha, effects, startedAt };
    return outcome;
  }

  #adopt(move: { record: LedgerRecord; sha: string; effects: Effects | null; startedAt: number }): void {
    this.#record = move.record;
    this.#sha = move.sha;
    this.#effects = move.effects;
    this.#renewedAt = move.startedAt;
  }

  // The next move starts from what the last unclear one left: applied, not applied, or applied and superseded by somebody else.
  async #settlePending(): Promise<void> {
    const pending = this.#pending;
    if (pending === null) return;
    const ref = itemRef(this.#record.key);
    const found = (await this.#ports.host.remoteRefs([ref])).get(ref) ?? null;
    if (found === pending.sha) this.#adopt(pending);
    else if (found !== this.#sha) this.#lost = true;
    this.#pending = null;
  }

  #serially<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task, task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

async function write(
  ports: LedgerPorts,
  record: LedgerRecord,
  parent: string | null,
  effects: Effects | null,
): Promise<string> {
  const json = effects === null ? null : JSON.stringify(effects);
  if (json !== null && Buffer.byteLength(json) > effectsBytesMax)
    throw new Error(`effects of ${record.key} are larger than ${effectsBytesMax} bytes`);
  return ports.host.writeRecord({ parent, message: formatRecord(record), effects: json });
}

function swap(ports: LedgerPorts, changes: RefChange[]): Promise<CasOutcome> {
  return compareAndSwap(ports.host, changes, { clock: ports.clock, deadlineMs: ports.limits.apiSeconds * 2000 });
}

function cannotWriteLedger(text: string): RunError {
  return new RunError(`The forge does not let this token write refs below \`refs/agent-dispatch/\`: ${text}`, {
    remedy:
      "Give the bot account write access to the code of this repository and its token the scope `write:repository`.",
    mender: "workflow author",
    retry: false,
  });
}

/** After an error that ends the run: the item is free again at once. Best effort; what fails here, age settles. */
export async function giveBack(claim: Claim, attempt: number): Promise<void> {
  if (claim.lost || claim.record.state !== "held") return;
  await claim.finish({ state: "released", attempt: Math.max(0, attempt) }).catch(() => undefined);
}
