// The records of one claim, each made from the one before it.
//
// Property: what became of a change that got no answer is never guessed. Its commit is remembered, because a request that was given up may still
// arrive; where the next change then finds the record there, that is our own doing and no loss. Lost is a claim only when the record stands at a
// commit that this claim never made, at an older one of its own (a server restored from a backup), or nowhere.
//
// How: one change at a time. Before each, changes in doubt are looked for on the forge; what is found goes on from there.

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { type Effects, effectsBytesMax } from "../core/effects.ts";
import type { Limits } from "../core/policy.ts";
import { describe, RunError } from "../errors.ts";
import type { RefChange } from "../git/host.ts";
import type { Host } from "../git/port.ts";
import { type CasBounds, type CasOutcome, compareAndSwap } from "./cas.ts";
import { formatRecord, type LedgerRecord } from "./record.ts";
import { itemRef } from "./refs.ts";

export interface LedgerPorts {
  host: Host;
  clock: Clock;
  /** The forge's clock, ms since 1970. */
  now(): number;
  limits: Limits;
}

/** One record that this claim made. */
export interface Link {
  record: LedgerRecord;
  sha: string;
  effects: Effects | null;
  /** Commit of the slot that it holds; null when it holds none. */
  slotSha: string | null;
  /** When the compare-and-swap that made it began, by the local clock: until then nobody had taken the item over. */
  startedAt: number;
}

/** What is to be changed. */
export interface Change {
  record: Partial<LedgerRecord>;
  effects: Effects | null;
  /** Refs that move in the same transaction. */
  more: readonly RefChange[];
  slotSha: string | null;
}

export type MoveOutcome =
  | { kind: "ok" }
  | { kind: "lost" }
  /** The claim stands, but one of the other refs is not where it was expected. */
  | { kind: "elsewhere"; detail: string }
  | Extract<CasOutcome, { kind: "unknown" | "refused" | "denied" }>;

export class Chain {
  readonly #ports: LedgerPorts;
  #link: Link;
  /** Commits that the record had in this claim, and right before it. */
  readonly #former = new Set<string>();
  /** Changes from the present link whose outcome is not known: at most one of them stands on the forge, now or later. */
  #doubts: Link[] = [];
  #loss: Loss | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  /** `before`: the record's commit that the claim replaced. */
  constructor(ports: LedgerPorts, link: Link, before: string | null) {
    this.#ports = ports;
    this.#link = link;
    if (before !== null) this.#former.add(before);
  }

  get link(): Link {
    return this.#link;
  }

  /** Where the claim went; null while it stands as far as this run knows. */
  get loss(): Loss | null {
    return this.#loss;
  }

  /** Ms since the last change that succeeded. Also by the forge's clock: it goes on while this whole machine, clocks and all, stands still. */
  age(): number {
    const { startedAt, record } = this.#link;
    return Math.max(this.#ports.clock.elapsed() - startedAt, this.#ports.now() - Date.parse(record.at));
  }

  /** Tasks with changes in them run one after another. */
  serially<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task, task);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Finds out what became of changes in doubt. Throws RunError when the forge does not say. */
  async settle(): Promise<void> {
    if (this.#doubts.length > 0 && this.#loss === null) this.#found(await this.whereIsIt());
  }

  /** Where the record stands on the forge. Throws RunError when the forge does not say. */
  async whereIsIt(): Promise<string | null> {
    const ref = itemRef(this.#link.record.key);
    return (await this.#ports.host.remoteRefs([ref], usualBounds(this.#ports.limits).commandMs)).get(ref) ?? null;
  }

  /** One change. `next` is asked once it is known where the record stands; null: nothing is left to be done. */
  async move(next: (link: Link) => Change | null, bounds: Partial<CasBounds> = {}): Promise<MoveOutcome> {
    try {
      await this.settle();
      for (;;) {
        const change = this.#loss === null ? next(this.#link) : null;
        if (change === null) return { kind: this.#loss === null ? "ok" : "lost" };
        const outcome = await this.#tryOnce(change, bounds);
        if (outcome !== "again") return outcome;
      }
    } catch (thrown) {
      if (!(thrown instanceof RunError) || !thrown.retry) throw thrown;
      return { kind: "unknown", cause: describe(thrown) };
    }
  }

  async #tryOnce(change: Change, bounds: Partial<CasBounds>): Promise<MoveOutcome | "again"> {
    const made = await this.#make(change);
    const { record, sha } = made;
    const moves = [{ ref: itemRef(record.key), old: this.#link.sha, new: sha }, ...change.more];
    const outcome = await swap(this.#ports, moves, bounds);
    switch (outcome.kind) {
      case "ok":
        this.#adopt(made);
        return outcome;
      case "unknown":
        this.#doubts.push(made);
        return outcome;
      case "lost": {
        const found = outcome.found.get(itemRef(record.key));
        const at = found === undefined ? await this.whereIsIt() : found;
        if (at === this.#link.sha) return { kind: "elsewhere", detail: outcome.detail };
        // An earlier change of ours that was given up has arrived after all: on from there.
        return this.#found(at) ? "again" : { kind: "lost" };
      }
      case "refused": {
        // Also what the server says where it lacks the record that this one was made from: it is back in an older state.
        const at = await this.whereIsIt();
        if (at === this.#link.sha) return outcome;
        return this.#found(at) ? "again" : { kind: "lost" };
      }
      case "denied":
        return outcome;
      default:
        return outcome satisfies never;
    }
  }

  async #make({ record: change, effects, slotSha }: Change): Promise<Link> {
    const { record: before, sha: parent } = this.#link;
    const startedAt = this.#ports.clock.elapsed();
    const at = new Date(this.#ports.now()).toISOString();
    const record: LedgerRecord = { ...before, ...change, seq: before.seq + 1, nonce: randomUUID(), at };
    return { record, sha: await writeRecord(this.#ports, record, parent, effects), effects, slotSha, startedAt };
  }

  #adopt(link: Link): void {
    this.#former.add(this.#link.sha);
    this.#link = link;
    // Each of the others expects the commit that this one has replaced.
    this.#doubts = [];
  }

  /** Takes in where the record was seen. False: not where this claim put it. */
  #found(at: string | null): boolean {
    const ours = this.#doubts.find((doubt) => doubt.sha === at);
    if (ours !== undefined) this.#adopt(ours);
    else if (at !== this.#link.sha) this.#loss = lossAt(at, this.#former);
    return this.#loss === null;
  }
}

/** What became of a lost claim. All but the first: the forge's ledger is not what it was when it confirmed our last change. */
export type Loss = "taken-over" | "gone" | "older";

/** In words that follow the number of an item. */
export const lossWords: Readonly<Record<Loss, string>> = {
  "taken-over": "another run took it over",
  gone: "its record is gone from the ledger: somebody removed it, or the forge is back in an older state",
  older: "its record is an older one again: the forge is back in an older state",
};

function lossAt(at: string | null, former: ReadonlySet<string>): Loss {
  if (at === null) return "gone";
  return former.has(at) ? "older" : "taken-over";
}

/** The commit of a record, made here; nothing is pushed. */
export function writeRecord(
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

/** A compare-and-swap with the usual bounds, or others. */
export function swap(
  { host, clock, limits }: Pick<LedgerPorts, "host" | "clock" | "limits">,
  changes: readonly RefChange[],
  bounds: Partial<CasBounds> = {},
): Promise<CasOutcome> {
  return compareAndSwap(host, changes, { clock, ...usualBounds(limits), ...bounds });
}

/**
 * One git command may take as long as one answer of the forge, and a push that hangs with a look at what became of it is all that one change may
 * take. Both and a whole next push fit between a life sign and the moment at which others may take over, whatever the limits are: so a life sign
 * that hangs is cut, and never costs the claim.
 */
export function usualBounds(limits: Pick<Limits, "apiSeconds" | "renewSeconds" | "ttlSeconds">): CasBounds {
  const { apiSeconds, renewSeconds, ttlSeconds } = limits;
  const commandMs = Math.min(apiSeconds, (ttlSeconds - renewSeconds) / 3) * 1000;
  return { commandMs, deadlineMs: 2 * commandMs };
}
