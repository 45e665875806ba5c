// What a run leaves of its item: a small model of the jobs, for decision after decision. Pure; what chance decides comes from the luck given.

import type { Decision, Work } from "../../src/core/decision.ts";
import { cooldownSeconds, type FailureClass, failureRules, goesToPerson } from "../../src/core/failure.ts";
import type { Item, PullDetails, Snapshot } from "../../src/core/model.ts";
import { failureAfter, type LedgerRecord, type VerdictNote } from "../../src/ledger/record.ts";
import { aPolicy, aPull, aRecord, aStatus, bot, iso, labelled, labels, pullFacts, sha } from "./builders.ts";

export type Fate = "done" | "died" | "died-early" | "died-published" | FailureClass;

/** How a run ends, and what follows from what it publishes. */
export interface Luck {
  fate: Fate;
  /** A reviewer approves, a re-run turns green, a merge succeeds. */
  good: boolean;
  /** What the base does to a new head. */
  merge: "clean" | "conflict";
  isRed: boolean;
  approvalsNeeded: number;
}

const policy = aPolicy();
let heads = 0;
/** A commit that nothing else names. */
const newHead = () => (++heads).toString(16).padStart(40, "f");

type Rest = Partial<Pick<Item, "issue" | "pull" | "details">>;

/** The item after the run; work that was published by a run that died waits in `later` for whoever finishes it. */
export function after(snapshot: Snapshot, work: Work, luck: Luck, later: Map<string, Item>): Item {
  const { item } = work;
  const before = item.record.kind === "record" ? item.record.record : aRecord({ ...first, key: item.key });
  const base: LedgerRecord = {
    ...before,
    ...{ owner: `run-${snapshot.now}`, epoch: before.epoch + 1, at: iso(snapshot.now), ttlSeconds: 420 },
  };
  const claim = claimOf(base, work);
  const put = (change: Partial<LedgerRecord>, rest: Rest = {}): Item => ({
    ...item,
    ...rest,
    record: { kind: "record", sha: sha("e"), record: { ...claim, ...change } },
  });
  const { fate } = luck;
  if (work.kind === "resume") {
    if (fate.startsWith("died")) return put({ state: "published" });
    const end = later.get(item.key);
    if (end?.record.kind === "record")
      return { ...end, record: { ...end.record, record: { ...end.record.record, at: base.at } } };
    return put({ state: "done", stage: item.pull === null ? null : "needs-review", attempt: 0 });
  }
  if (fate === "died-early" || fate === "died")
    return put({ state: "held" }, fate === "died" && isAgents(work) ? labelOn(item, snapshot) : {});
  if (isAgents(work) && fate !== "done" && fate !== "died-published") return failed(work, claim, fate, snapshot, put);
  const end = ended(work, claim, luck, snapshot, put);
  if (fate !== "died-published") return end;
  later.set(item.key, end);
  return put({ state: "published", ...(end.record.kind === "record" ? { head: end.record.record.head } : {}) });
}

const first = { attempt: 0, epoch: 0, handled: [], askedBy: "", stage: null, head: null, pull: null, round: 0 };

function isAgents(work: Work): work is Extract<Work, { kind: "implement" | "review" | "rework" }> {
  return work.kind === "implement" || work.kind === "review" || work.kind === "rework";
}

/** The record under which the run works. */
function claimOf(base: LedgerRecord, work: Work): LedgerRecord {
  const merged = (handled: readonly string[]) => [...new Set([...base.handled, ...handled])];
  switch (work.kind) {
    case "resume":
    case "rerun":
    case "give-up":
      return base;
    case "hand-over":
    case "stop":
    case "land":
      return {
        ...base,
        kind: work.kind === "land" ? "land" : "resume",
        askedBy: work.plan.askedBy,
        handled: merged(work.plan.handled),
      };
    default: {
      const { kind, plan } = work;
      const isNew = plan.handled.some((id) => !base.handled.includes(id));
      const own = kind === "rework" && !plan.causes.ordered && !plan.causes.findings;
      return {
        ...base,
        ...{ kind, generation: plan.generation, branch: plan.branch, attempt: plan.attempt, askedBy: plan.askedBy },
        ...{ instruction: plan.instruction, orderAt: iso(plan.orderAt), handled: merged(plan.handled), bodyHash: null },
        ...{
          round: own ? plan.round - 1 : plan.round,
          lastFailure: isNew ? null : base.lastFailure,
          landing: undefined,
        },
        ordered: kind === "rework" && plan.causes.ordered,
        // Who orders another look at a head wants another verdict.
        ...(kind === "implement" ? { head: base.head, verdict: undefined } : { pull: plan.pull.number }),
        ...(kind === "review" && isNew ? { verdict: undefined } : {}),
      };
    }
  }
}

type Put = (change: Partial<LedgerRecord>, rest?: Rest) => Item;

function failed(
  work: Extract<Work, { kind: "implement" | "review" | "rework" }>,
  claim: LedgerRecord,
  fate: FailureClass,
  snapshot: Snapshot,
  put: Put,
): Item {
  const { plan, item } = work;
  const last = failureAfter(claim.lastFailure, { class: fate, fingerprint: fate, text: fate }, snapshot.now);
  const attempt = failureRules[fate].costsAttempt ? plan.attempt : plan.attempt - 1;
  if (goesToPerson(fate, plan.attempt, policy.maxAttempts, last.same, last.free))
    return put({ state: "blocked", stage: "blocked", attempt, lastFailure: last }, labelOff(item, snapshot));
  const waitMs = cooldownSeconds(fate, last.same, [300, 1800]) * 1000;
  const change = { state: "released", attempt, lastFailure: last, cooldownUntil: iso(snapshot.now + waitMs) } as const;
  return put(change, labelOn(item, snapshot));
}

function ended(
  work: Exclude<Work, { kind: "resume" }>,
  claim: LedgerRecord,
  luck: Luck,
  snapshot: Snapshot,
  put: Put,
): Item {
  const { item } = work;
  const clean = { attempt: 0, lastFailure: null, cooldownUntil: null, instruction: undefined, ordered: undefined };
  switch (work.kind) {
    case "implement": {
      const pull = aPull({
        number: item.issue.number + 100,
        headRef: work.plan.branch,
        body: "",
        labels: ["agent/needs-review"],
      });
      return published(item, pull, luck, snapshot, put, { ...clean, round: 0 });
    }
    case "rework":
      return published(item, work.plan.pull, luck, snapshot, put, {
        ...clean,
        round: work.plan.round,
        verdict: undefined,
      });
    case "review":
      return judged(work, claim, luck, snapshot, put, clean);
    case "hand-over":
      return put({ ...clean, state: "done", stage: "merge-ready" }, labelOff(item, snapshot));
    case "give-up":
      return put(
        {
          ...{ state: "blocked", stage: "blocked", landing: undefined, generation: work.generation },
          handled: [...new Set([...claim.handled, ...work.handled])],
        },
        labelOff(item, snapshot),
      );
    case "stop":
      return put({ state: "blocked", question: undefined }, labelOff(item, snapshot));
    case "land": {
      const { headSha: head } = work.pull;
      if (luck.good)
        return put({ state: "closed", stage: null }, { pull: null, issue: { ...item.issue, state: "closed" } });
      const times = (claim.landing?.head === head ? claim.landing.times : 0) + 1;
      return put({ state: "done", landing: { head, times, answer: "not yet" } });
    }
    case "rerun": {
      const rerun = { head: work.pull.headSha, at: iso(snapshot.now), started: true };
      const state = claim.state === "held" || claim.state === "published" ? "released" : claim.state;
      const statuses = luck.good ? [aStatus("ci", "success")] : [aStatus("ci", "failure")];
      return put({ state, rerun }, facts(item, { statuses }));
    }
    default:
      return work satisfies never;
  }
}

/** A new head is on the forge. */
function published(
  item: Item,
  pull: NonNullable<Item["pull"]>,
  luck: Luck,
  snapshot: Snapshot,
  put: Put,
  change: Partial<LedgerRecord>,
): Item {
  const headSha = newHead();
  const on = labelOn(item, snapshot);
  const found = item.details?.pull ?? pullFacts();
  const ofPull: PullDetails = { ...found, merge: luck.merge, statuses: luck.isRed ? [aStatus("ci", "failure")] : [] };
  const facts = on.details ?? item.details;
  return put(
    {
      ...change,
      state: "done",
      stage: "needs-review",
      head: headSha,
      pull: pull.number,
      rerun: undefined,
      question: undefined,
    },
    { ...on, pull: { ...pull, headSha }, details: facts === null ? null : { ...facts, branch: headSha, pull: ofPull } },
  );
}

function judged(
  { item, plan }: Extract<Work, { kind: "review" }>,
  claim: LedgerRecord,
  luck: Luck,
  snapshot: Snapshot,
  put: Put,
  clean: Partial<LedgerRecord>,
): Item {
  const { headSha: head } = plan.pull;
  const already = claim.verdict?.head === head && claim.verdict.verdict === "approved" ? claim.verdict.approvedBy : [];
  const verdict: VerdictNote = {
    ...{
      head,
      verdict: luck.good ? "approved" : "changes-requested",
      round: plan.round + 1,
      summary: "",
      findings: [],
    },
    ...{ approvedBy: luck.good ? [...already, `reviewer ${already.length}`] : [], patch: "patch" },
    approvalsNeeded: luck.approvalsNeeded,
  };
  const isOver = plan.foreign && (!luck.good || verdict.approvedBy.length >= verdict.approvalsNeeded);
  const stage = luck.good ? (isOver ? "merge-ready" : "needs-review") : "needs-rework";
  const record = { state: "done", stage, verdict, round: plan.round + (luck.good ? 0 : 1) } as const;
  return put({ ...clean, ...record }, isOver ? labelOff(item, snapshot) : labelOn(item, snapshot));
}

/** The run has put the label on, where a command asked for work. */
function labelOn(item: Item, snapshot: Snapshot): Rest {
  if (item.issue.labels.some((label) => label.name === "bot")) return {};
  return withLabel(item, snapshot, true, labels("bot"));
}

function labelOff(item: Item, snapshot: Snapshot): Rest {
  const left = item.issue.labels.filter((label) => label.name !== "bot");
  return left.length === item.issue.labels.length ? {} : withLabel(item, snapshot, false, left);
}

function withLabel(item: Item, { now }: Snapshot, added: boolean, left: Item["issue"]["labels"]): Rest {
  const { details, issue } = item;
  const entry = labelled(bot, now, { id: 900, added });
  return {
    issue: { ...issue, labels: left },
    details: details === null ? null : { ...details, timeline: [...details.timeline, entry] },
  };
}

function facts(item: Item, change: Partial<PullDetails>): Rest {
  const { details } = item;
  if (details === null || details.pull === null) return {};
  return { details: { ...details, pull: { ...details.pull, ...change } } };
}

/** The forge and the ledger after a decision, a day later. */
export function afterRun(
  snapshot: Snapshot,
  decision: Exclude<Decision, { kind: "look" | "look-control" | "idle" | "control" }>,
  luck: Luck,
  later: Map<string, Item>,
): Snapshot {
  if (decision.kind === "dispatch")
    return { ...snapshot, trigger: { ...snapshot.trigger, event: "other", byHand: false } };
  const left = after(snapshot, decision, luck, later);
  const items = snapshot.items.map((item) => (item.key === left.key ? left : item));
  const records = items.flatMap((item) => (item.record.kind === "none" ? [] : [[item.key, item.record] as const]));
  return {
    ...snapshot,
    items,
    records: Object.fromEntries(records),
    openPulls: items.flatMap((item) => item.pull ?? []),
    now: snapshot.now + 24 * 3_600_000,
    trigger: { ...snapshot.trigger, byHand: false },
    seed: snapshot.seed + 1,
  };
}
