// One review: a fresh agent judges one head of a pull request, and its verdict is published. The head may move at any time; then nothing is said
// about the new one. Every ending goes through one commit point (settle.ts), as an author's does.

import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import * as report from "../core/report.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Workspace } from "../workspace.ts";
import { type Failed, failed } from "./agent-run.ts";
import type { Spent } from "./author.ts";
import { applyEffects } from "./effects.ts";
import { afterSettling, facts, fail, interrupted, spent } from "./endings.ts";
import { effectPorts, forgeNow, type Job } from "./job.ts";
import type { Interruption, Keepalive } from "./keepalive.ts";
import { type Agents, live } from "./life.ts";
import { patiently } from "./patience.ts";
import type { JudgedChange, ReviewJob } from "./review-change.ts";
import { judgedStatus, publishVerdict } from "./reviewed.ts";
import { type Reviewed, reviewersFor } from "./reviewer.ts";
import { settle } from "./settle.ts";
import { statusComment, workBegins } from "./wanted.ts";

export function review(job: Job, work: Extract<Work, { kind: "review" }>): Promise<Outcome> {
  const { plan } = work;
  const own: ReviewJob = { ...job, kind: "review", plan, pull: plan.pull.number };
  return live(own, {
    begin: () => begin(own),
    async work(workspace, life, agents) {
      const found = await own.ports.log.group("Fetch", () => own.ports.workshop.readChange(own));
      if (found.kind === "moved") return giveWayTo(own, `the head of #${own.pull} moved: ${found.why}`, null);
      if (found.kind === "empty") return nothingToJudge(own);
      if (found.kind === "failed") return failReview(own, found, null);
      agents.start();
      return judge(own, workspace, found.change, life, agents);
    },
    fail: (failure, spend, change) => failReview(own, failure, spend, change),
  });
}

/** What people see while it is judged. */
async function begin(job: ReviewJob): Promise<void> {
  const { plan, item } = job;
  const since = new Date(forgeNow(job.ports)).toISOString();
  const profile = reviewersFor(job)[0]?.name ?? "?";
  const effects = [
    ...workBegins(job, "needs-review", since, working(job, profile, since)),
    judgedStatus(job, "pending", `round ${plan.round + 1}: ${profile} reviews`),
  ];
  await applyEffects(effectPorts(job), { v: 1, issue: item.issue.number, effects }, job.pull);
}

function working({ plan, settings, run, pull }: ReviewJob, profile: string, startedAt: string): string {
  const { maxAttempts, maxRounds } = settings.policy;
  return report.workingComment({
    ...{ kind: "review", pull, head: plan.pull.headSha, round: plan.round + 1, roundsMax: maxRounds },
    ...{ attempt: plan.attempt, attemptsMax: maxAttempts, profile, run, branch: plan.branch },
    ...{ askedBy: plan.askedBy, startedAt, sandboxed: false },
  });
}

async function judge(
  job: ReviewJob,
  workspace: Workspace,
  change: JudgedChange,
  life: Keepalive,
  agents: Agents,
): Promise<Outcome> {
  const reviewed = await job.ports.workshop.judge(job, workspace, change, life.signal);
  if (reviewed !== null) agents.ended(reviewed);
  const stopped = await patiently(job.ports, async () => ({ again: null, result: await life.check() }));
  if (reviewed === null) {
    const why = "No reviewer is left to judge this head: who approved it already is no second opinion.";
    return failReview(job, failed("start-up", why, ""), null);
  }
  if (stopped !== null) return stop(job, stopped, reviewed);
  const { end } = reviewed;
  switch (end.kind) {
    case "failed":
      return failReview(job, end, reviewed);
    case "interrupted":
      return stop(job, { kind: "taken-back", why: "it was stopped" }, reviewed);
    case "verdict": {
      const now = await patiently(job.ports, async () => ({ again: null, result: await headNow(job) }));
      if (now !== change.head) {
        const why = `the head of #${job.pull} moved while it was judged`;
        return giveWayTo(job, why, reviewed);
      }
      const published = await publishVerdict(job, change, { ...reviewed, end }, life);
      return published.kind === "stopped" ? stop(job, published.why, reviewed) : published.outcome;
    }
    default:
      return end satisfies never;
  }
}

async function headNow(job: ReviewJob): Promise<string | null> {
  return (await job.ports.forge.pull(job.pull))?.headSha ?? null;
}

function failReview(
  job: ReviewJob,
  failure: Failed,
  spend: Spent | null,
  change: Partial<LedgerRecord> = {},
): Promise<Outcome> {
  const effects = [judgedStatus(job, "error", `no verdict: ${failure.class}`)];
  return fail(job, failure, spend, { effects, change });
}

function stop(job: ReviewJob, why: Interruption, reviewed: Reviewed): Promise<Outcome> {
  return interrupted(job, why, reviewed, { effects: [judgedStatus(job, "error", "no verdict: it was stopped")] });
}

/** The new head is judged by itself; this one costs no attempt. */
async function giveWayTo(job: ReviewJob, why: string, reviewed: Reviewed | null): Promise<Outcome> {
  const effects = [judgedStatus(job, "error", "no verdict: the head moved")];
  const next = "The next run judges the new head.";
  return release(job, { why, next, how: "lost", effects, change: { cooldownUntil: null } }, reviewed);
}

async function nothingToJudge(job: ReviewJob): Promise<Outcome> {
  const effects = [judgedStatus(job, "error", "no verdict: it changes nothing")];
  const why = `pull request #${job.pull} changes nothing`;
  const next = "It is judged once something is pushed to it.";
  return release(job, { why, next, how: "idle", effects, change: { empty: job.plan.pull.headSha } }, null);
}

interface Release {
  why: string;
  next: string;
  how: "lost" | "idle";
  effects: Effect[];
  change: Partial<LedgerRecord>;
}

/** The claim is given back without a verdict and without an attempt. */
async function release(
  job: ReviewJob,
  { why, next, how, effects, change }: Release,
  reviewed: Reviewed | null,
): Promise<Outcome> {
  const { plan, claim, item, run } = job;
  const said = statusComment(report.statusLine(`**Not reviewed**: ${why}`, run));
  const settled = await settle(job, {
    ...{ after: "released", stage: claim.record.stage, effects: [said, ...effects], head: null },
    change: { ...spent(job, reviewed), attempt: plan.attempt - 1, ...change },
  });
  const reason = `#${item.issue.number}: ${why}`;
  const done = outcome({ ...facts(job, reviewed), outcome: how, reason, next, head: plan.pull.headSha });
  return afterSettling(job, settled, done);
}
