// From a decision to a claim: the record that asks for it, the compare-and-swap, and the look afterwards whether the decision still holds.

import { randomUUID } from "node:crypto";
import { bodyHash } from "../core/candidate.ts";
import { sameWork } from "../core/decide.ts";
import type { Work } from "../core/decision.ts";
import type { Effects } from "../core/effects.ts";
import type { Item, Snapshot, Trigger } from "../core/model.ts";
import { decided } from "../deciding.ts";
import { type ClaimOutcome, claimItem, type LedgerPorts, type SlotToTake } from "../ledger/claim.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { observe, type Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { forgeNow, type Job } from "./job.ts";

export async function claimWork(
  ports: Ports,
  settings: Settings,
  who: Who,
  snapshot: Snapshot,
  work: Work,
  effects: Effects | null,
): Promise<ClaimOutcome> {
  const ledger = await ledgerPorts(ports, settings);
  const { record: fact } = work.item;
  const old = fact.kind === "none" ? null : fact.sha;
  const record = { ...recordFor(ports, settings, who, work), run: await runOf(ports) };
  return claimItem(ledger, record, old, slotFor(work, snapshot), effects);
}

export async function ledgerPorts(ports: Ports, settings: Settings): Promise<LedgerPorts> {
  return { host: await ports.host(), clock: ports.clock, now: () => forgeNow(ports), limits: settings.policy.limits };
}

function slotFor(work: Work, snapshot: Snapshot): SlotToTake | null {
  if (work.kind !== "implement") return null;
  const { slot } = work.plan;
  return { number: slot, old: snapshot.slots.find((s) => s.number === slot)?.sha ?? null };
}

function recordFor(ports: Ports, settings: Settings, who: Who, work: Work): LedgerRecord {
  const { item } = work;
  const before = item.record.kind === "record" ? item.record.record : null;
  const base = {
    ...(before ?? firstRecord(settings, item)),
    ...{ owner: who.owner, nonce: randomUUID(), seq: 0, epoch: (before?.epoch ?? 0) + 1 },
    ...{ run: null, at: new Date(forgeNow(ports)).toISOString(), ttlSeconds: settings.policy.limits.ttlSeconds },
  };
  switch (work.kind) {
    // Everything stays as the dead run published it; only the holder changes.
    case "resume":
      return { ...base, state: "published", slot: null };
    case "give-up":
      return { ...base, state: "held", slot: null, askedBy: work.askedBy, generation: work.generation };
    case "implement": {
      const { plan } = work;
      const fresh = before === null || before.generation !== plan.generation;
      const isNewOrder = fresh || plan.handled.some((id) => !before.handled.includes(id));
      return {
        ...base,
        ...{ state: "held", kind: "implement", after: "done", slot: plan.slot },
        ...{
          generation: plan.generation,
          branch: plan.branch,
          expect: plan.expect,
          attempt: plan.attempt,
          askedBy: plan.askedBy,
        },
        ...{
          baseBranch: settings.policy.base,
          base: null,
          head: fresh ? null : base.head,
          pull: fresh ? null : base.pull,
        },
        ...{ stage: null, round: 0, profile: settings.profiles[0]?.name ?? null, cooldownUntil: null, done: [] },
        orderAt: new Date(plan.orderAt).toISOString(),
        // Failures that cost no attempt are counted too: only a new order starts afresh.
        lastFailure: isNewOrder ? null : base.lastFailure,
        handled: [...new Set([...base.handled, ...plan.handled])].slice(-200),
        bodyHash: isNewOrder || base.bodyHash === null ? bodyHash(item.issue) : base.bodyHash,
      };
    }
    default:
      return work satisfies never;
  }
}

function firstRecord(settings: Settings, item: Item): LedgerRecord {
  return {
    ...{
      v: 1,
      state: "held",
      key: item.key,
      kind: "implement",
      generation: 1,
      epoch: 0,
      seq: 0,
      attempt: 0,
      round: 0,
      stage: null,
    },
    ...{
      owner: "",
      nonce: "",
      run: null,
      at: new Date(0).toISOString(),
      ttlSeconds: 0,
      slot: null,
      branch: "",
      expect: null,
    },
    ...{
      baseBranch: settings.policy.base,
      base: null,
      askedBy: "",
      head: null,
      pull: null,
      profile: null,
      done: [],
      handled: [],
    },
    ...{ cooldownUntil: null, lastFailure: null, spend: { usd: 0, tokens: 0 }, after: "done", bodyHash: null },
  };
}

async function runOf(ports: Ports): Promise<LedgerRecord["run"]> {
  const own = await ports.ownRun();
  return own === null ? null : { id: own.id, number: own.number, attempt: own.attempt, url: own.url };
}

export type Confirmed = { kind: "yes"; item: Item } | { kind: "no"; why: string };

/** After the claim the item is read again and decided again; the run goes on only for the same decision. Otherwise the claim is undone. */
export async function confirm(job: Job, work: Extract<Work, { kind: "implement" }>): Promise<Confirmed> {
  const { ports, settings, who, snapshot } = job;
  const { policy } = settings;
  const { number } = work.item.issue;
  const trigger: Trigger = {
    ...snapshot.trigger,
    event: "other",
    item: number,
    byHand: snapshot.trigger.byHand && snapshot.trigger.item === number,
  };
  const fresh = (await observe(ports, who, trigger, policy)).snapshot;
  // The forge's facts of now with the ledger as it was before the claim: that is what the claim was decided on.
  const items = fresh.items.map((item) => (item.key === work.item.key ? { ...item, record: work.item.record } : item));
  const before: Snapshot = { ...fresh, items, records: snapshot.records, slots: snapshot.slots };
  const { decision } = await decided(ports, policy, before);
  if (sameWork(work, decision) && decision.kind === "implement") return { kind: "yes", item: decision.item };
  const why = decision.kind === "idle" ? decision.reason : `${decision.kind} is what it needs now`;
  await undo(job);
  return { kind: "no", why: `#${number} changed meanwhile: ${why}` };
}

/** The record goes back to what it said before the claim; only the count of claims moves on. */
async function undo(job: Job): Promise<void> {
  const { record: fact } = job.item;
  const change: Partial<LedgerRecord> =
    fact.kind === "record" ? before(fact.record) : { state: "released", attempt: 0, handled: [], askedBy: "" };
  await job.claim.finish(change);
}

// A dead claim that was taken over does not come back to life.
function before(record: LedgerRecord): Partial<LedgerRecord> {
  const {
    state,
    attempt,
    generation,
    branch,
    expect,
    askedBy,
    handled,
    cooldownUntil,
    lastFailure,
    stage,
    bodyHash,
    head,
    pull,
    round,
  } = record;
  const kept = {
    attempt,
    generation,
    branch,
    expect,
    askedBy,
    handled,
    cooldownUntil,
    lastFailure,
    stage,
    bodyHash,
    head,
    pull,
    round,
  };
  return { ...kept, state: state === "held" ? "released" : state };
}
