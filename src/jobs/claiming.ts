// From a decision to a claim: the record that asks for it, the compare-and-swap, and the look afterwards whether the decision still holds.

import { randomUUID } from "node:crypto";
import { reserving, withReservation } from "../core/budget.ts";
import { bodyHash } from "../core/candidate.ts";
import { sameWork } from "../core/decide.ts";
import { type AgentWork, type Decision, isAgentWork, type LightPlan, type Work } from "../core/decision.ts";
import type { Effects } from "../core/effects.ts";
import { firstRecord } from "../core/first-record.ts";
import { adoptedWork, keptWork } from "../core/kept.ts";
import { hasLabel, type Snapshot, type Trigger } from "../core/model.ts";
import { type Ends, leftBehind } from "../core/takeover.ts";
import { keptRounds } from "../core/verdict.ts";
import { decided } from "../deciding.ts";
import { formatBudget } from "../ledger/budget.ts";
import type { LedgerPorts } from "../ledger/claim.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { type BudgetToMove, type ClaimOutcome, claimItem, type SlotToTake } from "../ledger/take.ts";
import { upload } from "../ledger/wip.ts";
import { observe, type Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { forgeNow, type Job } from "./job.ts";
import { usable } from "./parking.ts";

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
  const record = { ...recordFor(ports, settings, who, work, snapshot.ends), run: await runOf(ports) };
  const budget = budgetFor(work, record, snapshot, settings);
  const claimed = await claimItem(ledger, record, old, slotFor(work, snapshot), effects, budget);
  if (claimed.kind !== "claimed") return claimed;
  claimed.claim.wip = work.item.wip;
  const adopted = adoptedWork(work.item, record.at);
  // Best effort, as with everything kept: without it the branch's work is begun anew.
  if (adopted !== null && isAgentWork(work)) {
    const bounds = { deadlineMs: ledger.limits.fenceSeconds * 1000 };
    await upload(ledger, claimed.claim, adopted.head, bounds).catch(() => undefined);
  }
  return claimed;
}

export async function ledgerPorts(ports: Ports, settings: Settings): Promise<LedgerPorts> {
  return { host: await ports.host(), clock: ports.clock, now: () => forgeNow(ports), limits: settings.policy.limits };
}

function slotFor(work: Work, snapshot: Snapshot): SlotToTake | null {
  if (!isAgentWork(work)) return null;
  const { slot } = work.plan;
  return { number: slot, old: snapshot.slots.find((s) => s.number === slot)?.sha ?? null };
}

/** Two claims that reserve of the same day meet at this ref: one of them looks again. */
function budgetFor(
  work: Work,
  { key, epoch }: LedgerRecord,
  snapshot: Snapshot,
  settings: Settings,
): BudgetToMove | null {
  if (!isAgentWork(work)) return null;
  const day = withReservation(snapshot, settings.policy, { key, epoch, usd: work.plan.reserve });
  if (day === null) return null;
  const { budget } = snapshot;
  return { old: budget.kind === "budget" ? budget.sha : null, message: formatBudget(day) };
}

/** The record that a claim asks for. Nothing is written. */
export function recordFor(ports: Ports, settings: Settings, who: Who, work: Work, ends: Ends): LedgerRecord {
  const { item } = work;
  const before = item.record.kind === "record" ? item.record.record : null;
  const known = before ?? firstRecord(item, settings.policy.base, who);
  const at = new Date(forgeNow(ports)).toISOString();
  const base: LedgerRecord = {
    ...known,
    // Who takes a dead claim over takes its place in the record: how that one ended must not be forgotten with it.
    ...(before === null ? {} : countsOf(before, ends, who)),
    ...{ owner: who.owner, nonce: randomUUID(), seq: 0, epoch: known.epoch + 1, slot: null },
    ...{ run: null, at, ttlSeconds: settings.policy.limits.ttlSeconds },
    kept: keptWork(item) ?? adoptedWork(item, at) ?? undefined,
    merging: undefined,
  };
  switch (work.kind) {
    // Everything stays as the dead run published it; only the holder changes.
    case "resume":
      return { ...base, state: "published" };
    case "give-up":
      return { ...ofGeneration(base, work.generation), state: "held", askedBy: work.askedBy };
    case "hand-over":
      return { ...obeying(base, work.plan), kind: "resume", pull: work.pull.number };
    case "land": {
      const merging = { head: work.pull.headSha, approvedBy: work.approvedBy };
      return { ...obeying(base, work.plan), kind: "land", pull: work.pull.number, merging };
    }
    case "stop":
      return { ...obeying(base, work.plan), kind: "resume" };
    case "rerun":
      return { ...base, state: "held", kind: before?.kind ?? "rework" };
    case "implement":
    case "review":
    case "rework":
      return agentRecord(settings, who, base, before, work);
    default:
      return work satisfies never;
  }
}

function countsOf(record: LedgerRecord, ends: Ends, { owner }: Who): Pick<LedgerRecord, "attempt" | "cancelled"> {
  const { attempt, cancelled } = leftBehind(record, ends, owner);
  return { attempt, cancelled: cancelled === 0 ? undefined : cancelled };
}

/** The next generation has no pull request yet: with the former one's number in its record it would be over before it began. */
function ofGeneration(base: LedgerRecord, generation: number): LedgerRecord {
  return base.generation === generation ? base : { ...base, generation, pull: null, head: null };
}

/** A claim without an agent, under the orders that it obeys. */
function obeying(base: LedgerRecord, { askedBy, handled }: LightPlan): LedgerRecord {
  return { ...base, state: "held", askedBy, handled: withHandled(base.handled, handled) };
}

/** Orders that are remembered; older ones are answered by any of these. */
const handledMax = 200;

/** Ids of orders, with those that are answered now. */
export function withHandled(before: readonly string[], now: readonly string[]): string[] {
  return [...new Set([...before, ...now])].slice(-handledMax);
}

function agentRecord(
  settings: Settings,
  who: Who,
  base: LedgerRecord,
  before: LedgerRecord | null,
  work: AgentWork,
): LedgerRecord {
  const { item, plan, kind } = work;
  const { generation, branch, expect, attempt, askedBy, slot } = plan;
  const fresh = before === null || before.generation !== generation;
  const isNewOrder = fresh || plan.handled.some((id) => !before.handled.includes(id));
  const profiles = kind === "review" ? settings.reviewers : settings.profiles;
  const known = fresh ? firstRecord(item, settings.policy.base, who) : base;
  return {
    ...base,
    ...{ state: "held", kind, after: "done", slot, generation, branch, expect, attempt, askedBy, base: null, done: [] },
    ...startOf(work, known, settings),
    ...{ profile: usable(profiles, plan)[0]?.name ?? null, cooldownUntil: null, instruction: plan.instruction },
    spend: reserving(base.spend, plan.reserve),
    ...(fresh ? { verdict: undefined, rounds: undefined, work: undefined, question: undefined } : {}),
    ...(kind === "review" && isNewOrder && !fresh ? judgedAgain(base, plan.pull.headSha) : {}),
    ordered: work.kind === "rework" && work.plan.causes.ordered ? true : undefined,
    ...{ waitsForBase: undefined, landing: undefined, unfinished: undefined, resumeAt: undefined, moves: undefined },
    cancelled: plan.cancelled === 0 ? undefined : plan.cancelled,
    judging: work.kind === "review" ? work.plan.pull.headSha : base.judging,
    orderAt: new Date(plan.orderAt).toISOString(),
    // Failures that cost no attempt are counted too: only a new order starts afresh.
    lastFailure: isNewOrder ? null : base.lastFailure,
    handled: withHandled(base.handled, plan.handled),
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

async function runOf(ports: Ports): Promise<LedgerRecord["run"]> {
  const own = await ports.ownRun();
  return own === null ? null : { ...own };
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
  const fresh = (await observe(ports, who, trigger, policy, snapshot.ends)).snapshot;
  // The forge's facts of now with the ledger as it was before the claim: that is what the claim was decided on.
  const items = fresh.items.map((item) => (item.key === work.item.key ? { ...item, record: work.item.record } : item));
  const before: Snapshot = {
    ...fresh,
    items,
    records: snapshot.records,
    slots: snapshot.slots,
    budget: snapshot.budget,
  };
  const { decision } = await decided(ports, policy, before);
  if (isSame(work, decision)) return { kind: "yes", work: decision };
  const why = decision.kind === "idle" ? decision.reason : `${decision.kind} is what it needs now`;
  await undo(job);
  return { kind: "no", why: `#${number} changed meanwhile: ${why}` };
}

function isSame<W extends Work>(work: W, decision: Decision): decision is W {
  return sameWork(work, decision);
}

/** The record goes back to what it said before the claim; only the count of claims moves on. For as long as nothing was begun under it. */
export async function undo(job: Job): Promise<void> {
  const { claim, item, snapshot, who, settings } = job;
  if (claim.lost || claim.record.state !== "held") return;
  const { record: fact } = item;
  if (fact.kind !== "record") {
    await claim.finish({ state: "released", attempt: 0, handled: [], askedBy: "", spend: { usd: 0, tokens: 0 } });
    return;
  }
  // A dead claim stays one where its order has not put the label on yet: it is known from the claim alone.
  const isKnown = fact.record.state !== "held" || hasLabel(item.issue.labels, settings.policy.label);
  const state = isKnown && fact.record.state === "held" ? "released" : fact.record.state;
  await claim.finish({ ...before(fact.record), ...countsOf(fact.record, snapshot.ends, who), state });
}

// A dead claim does not come back to life. What was absent before is absent again.
export function before(record: LedgerRecord): Partial<LedgerRecord> {
  const { v: _v, key: _key, epoch: _epoch, seq: _seq, owner: _owner, nonce: _nonce, at: _at, ...rest } = record;
  const { run: _run, ttlSeconds: _ttl, slot: _slot, ...kept } = rest;
  const absent = {
    ...{ orderAt: undefined, instruction: undefined, verdict: undefined, rounds: undefined, work: undefined },
    ...{ question: undefined, waitsForBase: undefined, landing: undefined, ordered: undefined, judging: undefined },
    merging: undefined,
  };
  return { ...absent, ...kept, ttlSeconds: 0 };
}
