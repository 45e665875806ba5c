// A claim: one run's right to an item, from the compare-and-swap that won it to the one that gives it up.
//
// Goals: an item is never worked on twice at once, and a run that lost its claim publishes nothing, however late its requests arrive.
//
// Kept by: every change of the record names its predecessor, so only the newest holder can make the next one (chain.ts); the branch moves only
// inside a transaction that moves the record too; writes on the forge stop by themselves when no renewal has succeeded for `fenceSeconds`.

import type { Effects } from "../core/effects.ts";
import { RunError } from "../errors.ts";
import type { Permit } from "../forge/port.ts";
import type { RefChange } from "../git/host.ts";
import { OutageTooLong, outageWaitsMs } from "../outage.ts";
import {
  Chain,
  type Change,
  type LedgerPorts,
  type Link,
  type Loss,
  lossWords,
  type MoveOutcome,
  usualBounds,
} from "./chain.ts";
import type { LedgerRecord } from "./record.ts";
import { branchRef, slotRef, wipRef } from "./refs.ts";

export type { LedgerPorts } from "./chain.ts";

/** The claim is gone. Nothing more may be written. Its message says where it went. */
export class ClaimLost extends Error {
  override readonly name = "ClaimLost";
}

export type PublishOutcome =
  | { kind: "ok" }
  | { kind: "lost" }
  /** The claim stands, but the branch is not where it was at the claim, or the forge does not let us write it. */
  | { kind: "branch-refused"; detail: string }
  | { kind: "unknown"; cause: string };

export class Claim {
  /** Where `wip/<key>` stands, as far as this run knows; null = not there. Moved by `upload` (wip.ts). */
  wip: string | null = null;
  readonly #ports: LedgerPorts;
  readonly #chain: Chain;

  /** `before`: the record's commit that the claim replaced. */
  constructor(ports: LedgerPorts, link: Link, before: string | null) {
    this.#ports = ports;
    this.#chain = new Chain(ports, link, before);
  }

  get record(): LedgerRecord {
    return this.#chain.link.record;
  }

  /** The record's commit as this claim last moved it. */
  get sha(): string {
    return this.#chain.link.sha;
  }

  /** What its record still asks for; null before a publish. */
  get effects(): Effects | null {
    return this.#chain.link.effects;
  }

  get lost(): boolean {
    return this.#chain.loss !== null;
  }

  /** Where a lost claim went; null while it stands. */
  get loss(): Loss | null {
    return this.#chain.loss;
  }

  /** For the writes on the forge that belong to this claim; asked again before each sending, however long the one before took. */
  get permit(): Permit {
    return { mayWrite: () => this.#mayWrite(), writeMsMax: this.#ports.limits.apiSeconds * 1000 };
  }

  #mayWrite(): boolean {
    return this.#chain.loss === null && this.#chain.age() < this.#ports.limits.fenceSeconds * 1000;
  }

  /** Another life sign: held e.s → held e.(s+1). A claim that has ended, or was abandoned, needs none. */
  renew(): Promise<"ok" | "lost" | "unknown"> {
    return this.#chain.serially(async () => {
      const same = ({ record, effects, slotSha }: Link) =>
        isOpen(record) && record.ttlSeconds > 0 ? { record: {}, effects, more: [], slotSha } : null;
      const { kind } = await this.#moveAlone(same);
      return kind;
    });
  }

  /**
   * Whether the place for an agent that it took is still its own. A claim that was silent for longer than its lease may have lost that to another item's
   * run, although nobody took over the item. Throws where the forge does not say.
   */
  async holdsPlace(): Promise<boolean> {
    const { record, slotSha } = this.#chain.link;
    if (record.slot === null || slotSha === null) return true;
    const ref = slotRef(record.slot);
    const { host, limits } = this.#ports;
    return (await host.remoteRefs([ref], limits.apiSeconds * 1000)).get(ref) === slotSha;
  }

  /**
   * To be awaited before every write on the forge. After a long silence it renews first, and waits while the forge is away: ten minutes, and
   * what the tries take. Throws ClaimLost, or OutageTooLong; then nothing of this claim may be written.
   */
  async fence(): Promise<void> {
    for (const waitMs of outageWaitsMs) {
      if (this.#isAllowed()) return;
      if ((await this.renew()) === "unknown") await this.#ports.clock.sleep(waitMs);
    }
    if (!this.#isAllowed()) throw new OutageTooLong("the claim could not be renewed");
  }

  #isAllowed(): boolean {
    if (this.#chain.loss !== null) throw new ClaimLost(lossWords[this.#chain.loss]);
    return this.#mayWrite();
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
    return this.#chain.serially(async (): Promise<PublishOutcome> => {
      const publishing = ({ record, slotSha }: Link): Change | null => {
        // An earlier publish without an answer was applied: then this one is done.
        if (record.state === "published") return null;
        // The same work can come to the very commit that stands there: a ref that does not change is no part of a push.
        const isMoved = head !== null && head !== record.expect;
        const moves = isMoved ? [{ ref: branchRef(record.branch), old: record.expect, new: head }] : [];
        const published = head === null ? { moves: undefined } : { head, moves: isMoved ? true : undefined };
        const next = { ...change, ...published, state: "published" } as const;
        return { record: next, effects, more: moves, slotSha };
      };
      return head === null ? await this.#moveAlone(publishing) : await this.#moveWithBranch(publishing);
    });
  }

  /** Published work once more, by whoever finishes it: with other effects, or with refs that did not move the first time. */
  republish(change: Partial<LedgerRecord>, effects: Effects, more: readonly RefChange[]): Promise<PublishOutcome> {
    const again = ({ slotSha }: Link): Change => ({ record: change, effects, more, slotSha });
    return this.#chain.serially(() => this.#moveWithBranch(again));
  }

  async #moveWithBranch(next: (link: Link) => Change | null): Promise<PublishOutcome> {
    const outcome = await this.#chain.move(next, this.#publishBounds());
    switch (outcome.kind) {
      case "ok":
      case "lost":
      case "unknown":
        return outcome;
      case "elsewhere":
        return { kind: "branch-refused", detail: outcome.detail };
      case "refused":
      case "denied":
        return (await this.#chain.whereIsIt()) === this.sha
          ? { kind: "branch-refused", detail: outcome.text }
          : { kind: "lost" };
      default:
        return outcome satisfies never;
    }
  }

  // The commits were uploaded before, but what is still to be written can be a megabyte of text; and no life sign can be made beside it. So it may
  // take longer than other changes, and leaves time for a life sign, with a look at what became of it, before others may take over.
  #publishBounds(): { pushMs: number; deadlineMs: number } {
    const { renewSeconds, ttlSeconds } = this.#ports.limits;
    const { commandMs } = usualBounds(this.#ports.limits);
    const pushMs = Math.max(commandMs, Math.min(3 * commandMs, (ttlSeconds - renewSeconds) * 1000 - 2 * commandMs));
    return { pushMs, deadlineMs: pushMs + commandMs };
  }

  /** Whether an earlier publish, also one without an answer, stands on the forge. Throws RunError when the forge does not say. */
  isPublished(): Promise<boolean> {
    return this.#chain.serially(async () => {
      await this.#chain.settle();
      return this.record.state === "published";
    });
  }

  /** The end of a claim: effects finished or none needed. Frees the slot in the same transaction, and removes `wip/<key>` where that is what was published. */
  finish(change: Partial<LedgerRecord>): Promise<FinishOutcome> {
    return this.#chain.serially(async () => {
      // One that got no answer may have been applied: then this one is done.
      const ending =
        (alone: boolean) =>
        (link: Link): Change | null =>
          isOpen(link.record)
            ? {
                ...{ record: { slot: null, moves: undefined, ...change }, effects: null, slotSha: null },
                more: alone ? [] : this.#freed(link, change),
              }
            : null;
      const outcome = await this.#chain.move(ending(false));
      // Somebody moved the slot or what was uploaded, so it is not ours to remove any more: no reason to leave the record unfinished.
      const last = outcome.kind === "elsewhere" ? await this.#moveAlone(ending(true)) : outcome;
      if (last.kind === "ok") this.wip = null;
      return last;
    });
  }

  #freed({ record, slotSha }: Link, change: Partial<LedgerRecord>): RefChange[] {
    const { slot, key } = record;
    const free = slot === null || slotSha === null ? [] : [{ ref: slotRef(slot), old: slotSha, new: null }];
    // Not with the publish: until its effects are done, what was published can be repaired from there. And nothing but what was published: it may
    // be work that nobody else has.
    const { head } = { ...record, ...change };
    const isOver = record.state === "published" && this.wip !== null && this.wip === head;
    return isOver ? [...free, { ref: wipRef(key), old: this.wip, new: null }] : free;
  }

  /** Lets the next run take over at once: effects could not be finished, and this run ends. */
  abandon(): Promise<FinishOutcome> {
    return this.#chain.serially(() =>
      this.#moveAlone(({ record, effects, slotSha }) => {
        if (!isOpen(record)) return null;
        return { record: abandoned(record, this.#ports), effects, more: [], slotSha };
      }),
    );
  }

  /** A change of the record alone: then a refusal is about the ledger, which nobody can work with. */
  async #moveAlone(
    next: (link: Link) => Change | null,
  ): Promise<Extract<MoveOutcome, { kind: "ok" | "lost" | "unknown" }>> {
    const outcome = await this.#chain.move(next);
    switch (outcome.kind) {
      case "ok":
      case "lost":
      case "unknown":
        return outcome;
      case "refused":
      case "denied":
        throw cannotWriteLedger(outcome.text);
      case "elsewhere":
        throw new Error(`a change of one ref found another in its way: ${outcome.detail}`);
      default:
        return outcome satisfies never;
    }
  }
}

export type FinishOutcome = Exclude<MoveOutcome, { kind: "elsewhere" }>;

/** Not ended. */
export function isOpen({ state }: LedgerRecord): boolean {
  return state === "held" || state === "published";
}

function abandoned(record: LedgerRecord, { limits, now }: Pick<LedgerPorts, "limits" | "now">): Partial<LedgerRecord> {
  const times = (record.unfinished ?? 0) + 1;
  // The next run tries at once; from the second failure on the waits of failed attempts hold, so that no chain of runs spins on it.
  const ladder = limits.cooldownSeconds;
  const waitMs = times === 1 ? 0 : (ladder[Math.min(times - 1, ladder.length) - 1] ?? 300) * 1000;
  // Without a time the first time: clocks that show whole seconds would make the next run wait for one of them.
  const wait = times === 1 ? {} : { resumeAt: new Date(now() + waitMs).toISOString() };
  return { ttlSeconds: 0, unfinished: times, ...wait };
}

/** The ledger is closed to this token: nothing can be claimed, paused or remembered. */
export function cannotWriteLedger(text: string): RunError {
  return new RunError(`The forge does not let this token write refs below \`refs/agent-dispatch/\`: ${text}`, {
    remedy:
      "Give the bot account write access to the code of this repository and its token the scope `write:repository`.",
    mender: "workflow author",
    retry: false,
  });
}
