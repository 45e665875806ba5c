// How an attempt ends when it does not end with a pull request, and what every ending has in common. Each is a set of effects that goes
// through the one commit point (settle.ts).

import type { ImplementPlan } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { cooldownSeconds, failureRules, goesToPerson } from "../core/failure.ts";
import { stageLabel } from "../core/policy.ts";
import * as report from "../core/report.ts";
import { clockTime } from "../core/text.ts";
import { failureAfter } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Failed } from "./agent-run.ts";
import type { Authored } from "./author.ts";
import { forgeNow, type Job } from "./job.ts";
import type { Interruption } from "./keepalive.ts";
import { type Ending, type Settled, settle } from "./settle.ts";

export type ImplementJob = Job & { plan: ImplementPlan };

export async function fail(job: ImplementJob, failure: Failed, authored: Authored | null): Promise<Outcome> {
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
  const counts = rule.costsAttempt && (authored === null || authored.started);
  const given = { attempt: counts ? plan.attempt : plan.attempt - 1, lastFailure };
  if (goesToPerson(failure.class, plan.attempt, maxAttempts, lastFailure.same, lastFailure.free)) {
    return giveUp(job, { failure: failure.class, text, output }, authored, [], given);
  }
  const cooldownMs = cooldownSeconds(failure.class, lastFailure.same, limits.cooldownSeconds) * 1000;
  const until = new Date(Math.max(now + cooldownMs, failure.resetsAt ?? 0)).toISOString();
  const comment = report.failedComment({
    ...{ failure: failure.class, text, output, attempt: plan.attempt, attemptsMax: maxAttempts, costsAttempt: counts },
    ...{ nextAt: until, run: job.run, profile: authored?.profile.name ?? claim.record.profile ?? "?" },
  });
  const effects: Effect[] = [unassignBot(job), statusComment(comment)];
  const change = { ...spent(job, authored), ...given, cooldownUntil: until };
  const settled = await settle(job, { after: "released", stage: claim.record.stage, effects, head: null, change });
  const done = outcome({
    ...{ ...facts(job, authored), kind: "implement", outcome: "failed", failure: failure.class },
    ...{
      reason: `#${item.issue.number}: ${failure.class}: ${report.plain(text)}`,
      next: `It is tried again after ${clockTime(until)}. ${rule.remedy}`,
    },
  });
  return afterSettling(job, settled, done);
}

export async function giveUp(
  job: ImplementJob,
  why: { failure: Failed["class"] | null; text: string; output: string },
  authored: Authored | null,
  extra: Effect[],
  change: Ending["change"] = {},
): Promise<Outcome> {
  const { plan, ports, item } = job;
  const effects = [
    ...giveUpEffects(job, { ...why, askedBy: plan.askedBy, attempts: plan.attempt, output: ports.redact(why.output) }),
    ...extra,
  ];
  const settled = await settle(job, {
    after: "blocked",
    stage: "blocked",
    effects,
    head: null,
    change: { ...spent(job, authored), ...change },
  });
  const done = outcome({
    ...{ ...facts(job, authored), kind: "implement", outcome: "needs-person", failure: why.failure },
    reason: `#${item.issue.number}: gave up: ${report.plain(ports.redact(why.text))}`,
    next: `@${plan.askedBy} decides; the label put on again goes on.`,
  });
  return afterSettling(job, settled, done);
}

/** The writes that hand an item to a person: also used when attempts are used up by runs that died. */
export function giveUpEffects(
  job: Job,
  why: { failure: Failed["class"] | null; text: string; output: string; askedBy: string; attempts: number },
): Effect[] {
  const run = job.run;
  const key = String(job.claim.record.epoch);
  return [
    { id: "stage", do: "labels", on: "issue", add: [stageLabel("blocked")], remove: [job.settings.policy.label] },
    handTo(job, why.askedBy),
    statusComment(report.statusLine("**Waiting for a person**: see the comment below", run)),
    {
      id: "blocked",
      do: "comment",
      on: "issue",
      purpose: "blocked",
      key,
      mode: "new",
      body: report.blockedComment({ ...why, run, key }),
    },
  ];
}

/** A person took the item back, or another run did: nothing of the work is published. */
export async function interrupted(job: ImplementJob, why: Interruption, authored: Authored): Promise<Outcome> {
  if (why.kind === "lost") return lost(job);
  const { plan, claim, item } = job;
  const effects: Effect[] = [
    unassignBot(job),
    statusComment(report.statusLine(`**Stopped**: ${why.why}. Nothing was published`, job.run)),
  ];
  const change = { ...spent(job, authored), attempt: plan.attempt - 1, cooldownUntil: null };
  const settled = await settle(job, { after: "released", stage: claim.record.stage, effects, head: null, change });
  const done = outcome({
    ...{
      ...facts(job, authored),
      kind: "implement",
      outcome: "cancelled",
      reason: `#${item.issue.number}: stopped, ${why.why}`,
    },
    next: "Nothing was published. The label put on again goes on.",
  });
  return afterSettling(job, settled, done);
}

export function lost(job: ImplementJob): Outcome {
  const reason = `#${job.item.issue.number}: another run took it over`;
  return outcome({
    ...facts(job, null),
    kind: "implement",
    outcome: "lost",
    reason,
    next: "Nothing to do: that run goes on with it.",
    failure: "claim-lost",
  });
}

export function afterSettling(job: ImplementJob, settled: Settled, done: Outcome): Outcome {
  switch (settled.kind) {
    case "settled":
      return done;
    case "unfinished":
      job.ports.log.warning(`not everything could be written on the forge: ${settled.why}`);
      return { ...done, next: "The next run finishes what could not be written." };
    case "lost":
      return lost(job);
    case "stopped":
      return { ...done, outcome: "cancelled", reason: `#${job.item.issue.number}: it was taken back` };
    case "branch-refused":
      return {
        ...done,
        outcome: "failed",
        failure: "push-rejected",
        reason: `${done.reason}; the forge refused: ${settled.detail}`,
      };
    case "failed":
      return {
        ...done,
        outcome: "failed",
        failure: settled.failure,
        reason: `#${job.item.issue.number}: ${settled.why}`,
        next: "The next run looks what became of it.",
      };
    default:
      return settled satisfies never;
  }
}

export function facts(job: ImplementJob, authored: Authored | null): Partial<Outcome> {
  const { plan, item, claim } = job;
  return {
    ...{ item: item.issue.number, branch: plan.branch, attempt: plan.attempt, costUsd: authored?.costUsd ?? null },
    profile: authored?.profile.name ?? claim.record.profile,
  };
}

export function spent(job: Job, authored: Authored | null): Ending["change"] {
  const { spend } = job.claim.record;
  return {
    spend: { ...spend, usd: spend.usd + (authored?.costUsd ?? 0), tokens: spend.tokens + (authored?.tokens ?? 0) },
  };
}

function unassignBot(job: Job): Effect {
  const since = new Date(forgeNow(job.ports)).toISOString();
  return { id: "unassign", do: "assign", on: "issue", add: [], remove: [job.who.me.login], since };
}

export function handTo(job: Job, login: string): Effect {
  const since = new Date(forgeNow(job.ports)).toISOString();
  return {
    id: "assign",
    do: "assign",
    on: "issue",
    add: login === "" ? [] : [login],
    remove: [job.who.me.login],
    since,
  };
}

export function statusComment(body: string): Effect {
  return { id: "status", do: "comment", on: "issue", purpose: "status", key: "", mode: "edit", body };
}

export function answered(plan: ImplementPlan, reaction: "rocket"): Effect[] {
  return plan.orderComments.map((comment) => ({ id: `answered-${comment}`, do: "react", comment, reaction }));
}

export function patchEffect(job: Job, on: "issue" | "pull", patch: string, paths: readonly string[]): Effect {
  const key = String(job.claim.record.epoch);
  return {
    id: "patch",
    do: "comment",
    on,
    purpose: "patch",
    key,
    mode: "new",
    body: report.patchComment(paths, patch, key),
  };
}

export function droppedPaths(patch: string | null): string[] {
  return [...(patch ?? "").matchAll(/^diff --git a\/(.+?) b\//gm)].flatMap((match) => match[1] ?? []);
}
