// The pull request is good, or a person wants it as it is: a person gets it, ready to merge.

import { foreignChecks } from "../core/checks.ts";
import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { handedOverLine, handoverComment } from "../core/report.ts";
import { describe } from "../errors.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling } from "./endings.ts";
import type { Job } from "./job.ts";
import { settle } from "./settle.ts";
import { answered, handTo, stageEffect, statusComment, triggerOff } from "./wanted.ts";

type HandOver = Extract<Work, { kind: "hand-over" }>;

export async function handOver(job: Job, work: HandOver): Promise<Outcome> {
  const { item, claim, run, settings } = job;
  const { plan, pull } = work;
  const number = item.issue.number;
  const about = { ...job, pull: pull.number };
  const key = String(claim.record.epoch);
  const effects: Effect[] = [
    stageEffect(job, "pull", "merge-ready"),
    ...triggerOff(about),
    ...handTo(about, plan.askedBy),
    statusComment(handedOverLine(pull.number, plan.askedBy, run)),
    {
      ...({ id: "handover", do: "comment", on: "pull", purpose: "handover", key, mode: "new" } as const),
      body: await text(job, work, key),
    },
    ...answered(plan, "rocket"),
  ];
  const change = {
    ...{ pull: pull.number, attempt: 0, lastFailure: null, cooldownUntil: null },
    instruction: undefined,
    ordered: undefined,
  };
  const settled = await settle(job, { after: "done", stage: "merge-ready", effects, head: null, change });
  const merges =
    settings.policy.merge === "when-approved" ? "It is merged once a person approves it." : "A person merges it.";
  const done = outcome({
    ...{ kind: "resume", outcome: "done", item: number, pullRequest: pull.number, branch: pull.headRef },
    ...{ head: pull.headSha, verdict: verdictOf(job, pull.headSha)?.verdict ?? null },
    ...{ reason: `#${number}: pull request #${pull.number} is ready for @${plan.askedBy}`, next: merges },
  });
  return afterSettling(job, settled, done);
}

function verdictOf({ claim }: Job, head: string) {
  const { verdict } = claim.record;
  return verdict?.head === head ? verdict : null;
}

async function text(job: Job, { plan, pull, row }: HandOver, key: string): Promise<string> {
  const { claim, item, run, settings, snapshot } = job;
  const { record } = claim;
  const facts = item.details?.pull ?? null;
  const checks = facts === null ? [] : foreignChecks(facts.statuses, facts.base.required, snapshot.workflow).all;
  return handoverComment({
    ...{ askedBy: plan.askedBy, pull: pull.number, branch: pull.headRef, head: pull.headSha },
    ...{ work: record.work ?? null, verdict: verdictOf(job, pull.headSha), rounds: record.rounds ?? [] },
    ...{ foreignChecks: checks, protectedPaths: await protectedPaths(job, pull) },
    ...{ followUps: record.work?.followUps ?? [], costUsd: record.spend.usd > 0 ? record.spend.usd : null },
    ...{ generation: record.generation, run, key },
    personsPull: item.issue.isPull,
    orderedBy: row === 4 ? plan.askedBy : null,
    mergesWhenApproved: settings.policy.merge === "when-approved",
  });
}

/** Protected files that it touches. A hand-over does not wait for this: what cannot be read is said in the log. */
async function protectedPaths(job: Job, pull: HandOver["pull"]): Promise<string[]> {
  const { protectedPaths: patterns } = job.settings.policy;
  if (patterns.length === 0) return [];
  try {
    return await job.ports.workshop.protectedPaths(job.ports, pull, patterns);
  } catch (error) {
    job.ports.log.line(`which protected files #${pull.number} touches could not be read: ${describe(error)}`);
    return ["(which of them it touches could not be read)"];
  }
}
