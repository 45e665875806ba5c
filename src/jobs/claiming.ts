// From a decision to a claim: the record that asks for it, the compare-and-swap, and the look afterwards whether the decision still holds.

import { randomUUID } from "node:crypto";
import { bodyHash } from "../core/candidate.ts";
import { sameWork } from "../core/decide.ts";
import { type AgentWork, type Decision, isAgentWork, type LightPlan, type Work } from "../core/decision.ts";
import type { Effects } from "../core/effects.ts";
import type { Item, Snapshot, Trigger } from "../core/model.ts";
import { keptRounds } from "../core/verdict.ts";
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
  if (!isAgentWork(work)) return null;
  const { slot } = work.plan;
  return { number: slot, old: snapshot.slots.find((s) => s.number === slot)?.sha ?? null };
}

/** The record that a claim asks for. Nothing is written. */
export function recordFor(ports: Ports, settings: Settings, who: Who, work: Work): LedgerRecord {
  const { item } = work;
  const before = item.record.kind === "record" ? item.record.record : null;
  const base: LedgerRecord = {
    ...(before ?? firstRecord(settings, item)),
    ...{ owner: who.owner, nonce: randomUUID(), seq: 0, epoch: (before?.epoch ?? 0) + 1, slot: null },
    ...{ run: null, at: new Date(forgeNow(ports)).toISOString(), ttlSeconds: settings.policy.limits.ttlSeconds },
  };
  switch (work.kind) {
    // Everything stays as the dead run published it; only the holder changes.
    case "resume":
      return { ...base, state: "published" };
    case "give-up":
      return { ...base, state: "held", askedBy: work.askedBy, generation: work.generation };
    case "hand-over":
    case "land":
      return { ...obeying(base, work.plan), kind: work.kind === "land" ? "land" : "resume", pull: work.pull.number };
    case "stop":
      return { ...obeying(base, work.plan), kind: "resume" };
    case "rerun":
      return { ...base, state: "held", kind: before?.kind ?? "rework" };
    case "implement":
    case "review":
    case "rework":
      return agentRecord(settings, base, before, work);
    default:
      return work satisfies never;
  }
}

/** A claim without an agent, under the orders that it obeys. */
function obeying(base: LedgerRecord, { askedBy, handled }: LightPlan): LedgerRecord {
  return { ...base, state: "held", askedBy, handled: merged(base.handled, handled) };
}

/** Orders that are remembered; older ones are answered by any of these. */
const handledMax = 200;

function merged(before: readonly string[], now: readonly string[]): string[] {
  return [...new Set([...before, ...now])].slice(-handledMax);
}

function agentRecord(
  settings: Settings,
  base: LedgerRecord,
  before: LedgerRecord | null,
  work: AgentWork,
): LedgerRecord {
  const { item, plan, kind } = work;
  const { generation, branch, expect, attempt, askedBy, slot } = plan;
  const fresh = before === null || before.generation !== generation;
  const isNewOrder = fresh || plan.handled.some((id) => !before.handled.includes(id));
  const profiles = kind === "review" ? settings.reviewers : settings.profiles;
  const known = fresh ? firstRecord(settings, item) : base;
  return {
    ...base,
    ...{ state: "held", kind, after: "done", slot, generation, branch, expect, attempt, askedBy, base: null, done: [] },
    ...startOf(work, known, settings),
    ...{ profile: profiles[0]?.name ?? null, cooldownUntil: null, instruction: plan.instruction },
    ...(fresh ? { verdict: undefined, rounds: undefined, work: undefined, question: undefined } : {}),
    ...(kind === "review" && isNewOrder && !fresh ? judgedAgain(base, plan.pull.headSha) : {}),
    ordered: work.kind === "rework" && work.plan.causes.ordered ? true : undefined,
    ...{ waitsForBase: undefined, landing: undefined, unfinished: undefined, resumeAt: undefined },
    orderAt: new Date(plan.orderAt).toISOString(),
    // Failures that cost no attempt are counted too: only a new order starts afresh.
    lastFailure: isNewOrder ? null : base.lastFailure,
    handled: merged(base.handled, plan.handled),
    bodyHash: isNewOrder || base.bodyHash === null ? bodyHash(item.issue) : base.bodyHash,
  };
}

/** Who orders another look at a head wants another verdict: the one before is history, also when this review fails. */
function judgedAgain(record: LedgerRecord, head: string): Partial<LedgerRecord> {
  const { verdict, rounds = [] } = record;
  if (verdict?.head !== head) return {};
  const { round, summary, findings } = verdict;
  return {
    verdict: undefined,
    rounds: keptRounds([...rounds, { round, head, verdict: verdict.verdict, summary, findings, replies: [] }]),
  };
}

/** What the work is about: an issue, or a pull request at one head. */
function startOf(work: AgentWork, known: LedgerRecord, settings: Settings): Partial<LedgerRecord> {
  if (work.kind === "implement") {
    return { baseBranch: settings.policy.base, head: known.head, pull: known.pull, stage: null, round: 0 };
  }
  const { pull, round, foreign } = work.plan;
  // A round that only this rework makes counts when it is published, not when it is tried.
  const own = work.kind === "rework" && !work.plan.causes.ordered && !work.plan.causes.findings;
  const head = known.head ?? (foreign ? null : pull.headSha);
  return { baseBranch: pull.baseRef, head, pull: pull.number, stage: known.stage, round: own ? round - 1 : round };
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

export type Confirmed<W extends Work> = { kind: "yes"; work: W } | { kind: "no"; why: string };

/** After the claim the item is read again and decided again; the run goes on only for the same decision. Otherwise the claim is undone. */
export async function confirm<W extends Work>(job: Job, work: W): Promise<Confirmed<W>> {
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
  if (isSame(work, decision)) return { kind: "yes", work: decision };
  const why = decision.kind === "idle" ? decision.reason : `${decision.kind} is what it needs now`;
  await undo(job);
  return { kind: "no", why: `#${number} changed meanwhile: ${why}` };
}

function isSame<W extends Work>(work: W, decision: Decision): decision is W {
  return sameWork(work, decision);
}

/** The record goes back to what it said before the claim; only the count of claims moves on. */
async function undo(job: Job): Promise<void> {
  const { record: fact } = job.item;
  const change: Partial<LedgerRecord> =
    fact.kind === "record" ? before(fact.record) : { state: "released", attempt: 0, handled: [], askedBy: "" };
  await job.claim.finish(change);
}

// A dead claim that was taken over does not come back to life. What was absent before is absent again.
function before(record: LedgerRecord): Partial<LedgerRecord> {
  const { v: _v, key: _key, epoch: _epoch, seq: _seq, owner: _owner, nonce: _nonce, at: _at, ...rest } = record;
  const { run: _run, ttlSeconds: _ttl, slot: _slot, ...kept } = rest;
  const absent = {
    ...{ orderAt: undefined, instruction: undefined, verdict: undefined, rounds: undefined, work: undefined },
    ...{ question: undefined, waitsForBase: undefined, landing: undefined, ordered: undefined },
  };
  return { ...absent, ...kept, state: kept.state === "held" ? "released" : kept.state };
}
