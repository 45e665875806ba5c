// How an agent's work ends when it does not end with a result, and what every ending has in common. Each is a set of effects that goes through
// the one commit point (settle.ts).

import { tellsCost } from "../agent/profile.ts";
import type { Result } from "../agent/result.ts";
import { truedUp } from "../core/budget.ts";
import type { AgentWork, Plan } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { cooldownSeconds, failureRules, goesToPerson } from "../core/failure.ts";
import * as report from "../core/report.ts";
import { cancelsMax } from "../core/takeover.ts";
import { clockTime } from "../core/text.ts";
import { lossWords } from "../ledger/chain.ts";
import { failureAfter, type LedgerRecord, type WorkNote } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Failed } from "./agent-run.ts";
import type { Spent } from "./author.ts";
import { forgeNow, type Job } from "./job.ts";
import type { Interruption } from "./keepalive.ts";
import { keep, keptFacts } from "./kept.ts";
import { type Ending, type Settled, settle } from "./settle.ts";
import { giveUpEffects, place, statusComment, stopEffects, unassignBot } from "./wanted.ts";

/** A job with an agent. */
export type AgentJob = Job & {
  kind: AgentWork["kind"];
  plan: Plan;
  /** Number of the pull request it is about; null before there is one. */
  pull: number | null;
};

/** What the stage label says while this work is not done. */
function stageOfWork({ claim }: Pick<AgentJob, "claim">): string | null {
  return claim.record.kind === "rework" ? "needs-rework" : claim.record.stage;
}

export async function fail(
  job: AgentJob,
  failure: Failed,
  spend: Spent | null,
  extra: { effects?: Effect[]; change?: Ending["change"] } = {},
): Promise<Outcome> {
  const { plan, ports, settings, claim, item } = job;
  const rule = failureRules[failure.class];
  const { maxAttempts, limits } = settings.policy;
  const now = forgeNow(ports);
  const text = ports.redact(failure.text);
  const output = ports.redact(failure.output);
  const lastFailure = failureAfter(
    claim.record.lastFailure,
    { class: failure.class, fingerprint: failure.fingerprint, text },
    now,
  );
  const counts = rule.costsAttempt && (spend === null || spend.started);
  const kept = await keep(job, spend, failure.class);
  const given = { ...extra.change, ...kept, attempt: counts ? plan.attempt : plan.attempt - 1, lastFailure };
  if (goesToPerson(failure.class, plan.attempt, maxAttempts, lastFailure.same, lastFailure.free)) {
    return giveUp(job, { failure: failure.class, text, output }, spend, extra.effects ?? [], given, kept);
  }
  const cooldownMs = cooldownSeconds(failure.class, lastFailure.same, limits.cooldownSeconds) * 1000;
  // Where no profile can work the item waits for the first that can, as every other item does.
  const untilMs = spend?.parkedUntil ?? Math.max(now + cooldownMs, failure.resetsAt ?? 0);
  const until = new Date(untilMs).toISOString();
  const comment = report.failedComment({
    ...{ failure: failure.class, text, output, attempt: plan.attempt, attemptsMax: maxAttempts, costsAttempt: counts },
    ...{ nextAt: until, run: job.run, profile: spend?.profile.name ?? claim.record.profile ?? "?", kind: job.kind },
    kept: job.kind === "review" ? null : keptFacts(claim.record, kept),
  });
  // With a pull request open the bot stays on the issue: it is still the program's turn.
  const effects: Effect[] = [
    ...(job.pull === null ? [unassignBot(job)] : []),
    statusComment(comment),
    ...(extra.effects ?? []),
  ];
  const change = { ...spent(job, spend), ...given, cooldownUntil: untilMs > now ? until : null };
  const settled = await settle(job, { after: "released", stage: stageOfWork(job), effects, head: null, change });
  const done = outcome({
    ...{ ...facts(job, spend), outcome: "failed", failure: failure.class },
    ...{
      reason: `#${item.issue.number}: ${failure.class}: ${report.plain(text)}`,
      next: `It is tried again after ${clockTime(until)}. ${rule.remedy}`,
    },
  });
  return afterSettling(job, settled, done);
}

export async function giveUp(
  job: AgentJob,
  why: { failure: Failed["class"] | null; text: string; output: string },
  spend: Spent | null,
  extra: Effect[],
  change: Ending["change"] = {},
  keptBefore: Pick<LedgerRecord, "kept"> | null = null,
): Promise<Outcome> {
  const { plan, ports, item } = job;
  const kept = keptBefore ?? (await keep(job, spend, why.failure ?? "given up"));
  const told = { ...why, ...kept, askedBy: plan.askedBy, attempts: plan.attempt, output: ports.redact(why.output) };
  const effects = [...giveUpEffects(job, told), ...extra];
  const settled = await settle(job, {
    ...({ after: "blocked", stage: "blocked", effects, head: null } as const),
    change: { ...spent(job, spend), ...change, ...kept },
  });
  const done = outcome({
    ...{ ...facts(job, spend), outcome: "needs-person", failure: why.failure },
    reason: `#${item.issue.number}: gave up: ${report.plain(ports.redact(why.text))}`,
    next: `@${plan.askedBy} decides; the label put on again goes on.`,
  });
  return afterSettling(job, settled, done);
}

/** A person took the item back, or another run did: nothing of the work is published. */
export async function interrupted(
  job: AgentJob,
  why: Interruption,
  spend: Spent | null,
  extra: { effects?: Effect[] } = {},
): Promise<Outcome> {
  if (why.kind === "lost") return lost(job);
  const { plan, claim, item } = job;
  const kept = await keep(job, spend, why.why);
  if (why.kind === "cancelled") {
    const ending = cancelledEnding(job, why.why, { ...spent(job, spend), ...kept }, extra.effects ?? []);
    const isPersons = ending.after === "blocked";
    const done = outcome({
      ...{ ...facts(job, spend), outcome: isPersons ? "needs-person" : "cancelled", failure: "cancelled" },
      reason: `#${item.issue.number}: ${why.why}`,
      next: isPersons ? `@${plan.askedBy} decides; the label put on again goes on.` : "The next run begins anew.",
    });
    return afterSettling(job, await settle(job, ending), done);
  }
  const ordered = why.kind === "stopped" ? stopEffects(job, why.order.comment) : [unassignBot(job)];
  const effects: Effect[] = [
    ...ordered,
    statusComment(
      report.statusLine(`**Stopped**: ${why.why}. Nothing was published`, job.run, keptFacts(claim.record, kept)),
    ),
    ...(extra.effects ?? []),
  ];
  const handled = why.kind === "stopped" ? { handled: [...claim.record.handled, why.order.id] } : {};
  const change = { ...spent(job, spend), ...kept, attempt: plan.attempt - 1, cooldownUntil: null, ...handled };
  // After an order to stop nothing goes on by itself; after a hold it does once that is off.
  const after = why.kind === "stopped" ? "blocked" : "released";
  const stage = (why.kind === "stopped" ? why.order.stage : undefined) ?? stageOfWork(job);
  const settled = await settle(job, { after, stage, effects, head: null, change });
  const done = outcome({
    ...{ ...facts(job, spend), outcome: "cancelled", reason: `#${item.issue.number}: stopped, ${why.why}` },
    next: "Nothing was published. The label put on again goes on.",
  });
  return afterSettling(job, settled, done);
}

/**
 * The run was cancelled: nothing is published, and no attempt counts. Cancelled again right after that, the item goes to a person, who may have
 * meant the item. `how` tells it in a few words; `cost` is what the record then says was spent, and kept.
 */
export function cancelledEnding(
  job: Pick<AgentJob, "ports" | "who" | "claim" | "item" | "settings" | "run" | "pull" | "snapshot">,
  how: string,
  cost: Ending["change"],
  extra: Effect[],
): Ending {
  const { record } = job.claim;
  const { askedBy, epoch } = record;
  const times = (record.cancelled ?? 0) + 1;
  const attempt = Math.max(0, record.attempt - 1);
  const change = { ...cost, attempt, cancelled: times, cooldownUntil: null };
  const kept = keptFacts(record, cost.kept === undefined ? record : cost);
  if (times >= cancelsMax) {
    const on = place(job) === "pull" ? job.pull : null;
    const body = report.cancelledComment({ askedBy, how, times, run: job.run, key: String(epoch), pull: on, kept });
    const why = { failure: "cancelled" as const, text: how, output: "", askedBy, attempts: attempt };
    const effects = [...giveUpEffects(job, why, body), ...extra];
    return { after: "blocked", stage: "blocked", effects, head: null, change };
  }
  const effects = [
    ...(job.pull === null ? [unassignBot(job)] : []),
    statusComment(report.cancelledLine(how, job.run, kept)),
    ...extra,
  ];
  return { after: "released", stage: stageOfWork(job), effects, head: null, change };
}

export function lost(job: AgentJob): Outcome {
  return outcome({ ...facts(job, null), ...lossOf(job) });
}

/** What is said of a claim that is not ours any more. */
export function lossOf({ claim, item }: Pick<Job, "claim" | "item">) {
  const loss = claim.loss ?? "taken-over";
  const next =
    loss === "taken-over"
      ? "Nothing to do: that run goes on with it."
      : "Nothing more was written. The next run goes on from what the forge says now.";
  const reason = `#${item.issue.number}: ${lossWords[loss]}`;
  return { outcome: "lost", failure: "claim-lost", reason, next } as const;
}

export function afterSettling(job: Pick<Job, "ports" | "item" | "claim">, settled: Settled, done: Outcome): Outcome {
  const number = job.item.issue.number;
  switch (settled.kind) {
    case "settled":
      return done;
    case "before":
      return {
        ...{ ...done, outcome: "done", failure: null, pullRequest: settled.pull ?? done.pullRequest },
        reason: `#${number}: what was published before the forge was away is finished`,
        next: "The next run goes on with it.",
      };
    case "unfinished":
      job.ports.log.warning(`not everything could be written on the forge: ${settled.why}`);
      return { ...done, next: "The next run finishes what could not be written." };
    case "lost":
      return { ...done, ...lossOf(job) };
    case "stopped":
      return { ...done, outcome: "cancelled", reason: `#${number}: it was taken back` };
    case "branch-refused":
      return {
        ...{ ...done, outcome: "failed", failure: "push-rejected" },
        reason: `${done.reason}; the forge refused: ${settled.detail}`,
      };
    case "not-uploaded":
      return {
        ...{ ...done, outcome: "failed", failure: "forge-error", reason: `#${number}: ${settled.why}` },
        next: "The next run tries again.",
      };
    case "failed":
      return {
        ...{ ...done, outcome: "failed", failure: settled.failure, reason: `#${number}: ${settled.why}` },
        next: "The next run looks what became of it.",
      };
    default:
      return settled satisfies never;
  }
}

export function facts(job: AgentJob, spend: Spent | null): Partial<Outcome> & Pick<Outcome, "kind"> {
  const { kind, plan, item, claim, pull } = job;
  return {
    ...{ kind, item: item.issue.number, branch: plan.branch, attempt: plan.attempt, pullRequest: pull },
    round: kind === "review" ? plan.round + 1 : kind === "rework" ? Math.max(1, plan.round) : null,
    costUsd: spend?.costUsd ?? null,
    profile: spend?.profile.name ?? claim.record.profile,
  };
}

/** The true cost in the place of what the claim reserved. */
export function spent(job: Pick<Job, "claim">, spend: Spent | null): Ending["change"] {
  const { spend: before, epoch } = job.claim.record;
  if (spend?.started !== true) return { spend: truedUp(before, epoch, 0, 0) };
  // An agent of a kind that tells its cost and did not was ended before it could; others are taken to cost nothing.
  const unsaid = tellsCost(spend.profile) ? null : 0;
  return { spend: truedUp(before, epoch, spend.costUsd ?? unsaid, spend.tokens) };
}

/** What the record keeps of published work, for the reviewer and the hand-over. */
export function workNote(
  job: Pick<Job, "ports">,
  head: string,
  profile: string,
  result: Result,
  checks: readonly report.CheckResult[] | "statuses",
): WorkNote {
  const { redact } = job.ports;
  return {
    ...{ head, profile, summary: redact(result.summary ?? result.body ?? "").slice(0, 4_000) },
    followUps: result.followUps.slice(0, 10).map((followUp) => redact(followUp.title).slice(0, 200)),
    checks:
      checks === "statuses"
        ? null
        : checks.slice(0, 30).map(({ command, exitCode, durationMs }) => ({
            ...{ command: redact(command).slice(0, 500), exitCode, durationMs },
          })),
  };
}
