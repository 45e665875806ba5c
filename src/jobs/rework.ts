// One go of an author at a pull request that came back: conflict, findings, red checks, or a person's words. Like an attempt at an issue
// (implement.ts), but on a branch that is there: it moves from the commit that was looked at, and from nowhere else.

import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { causesOf, workingComment } from "../core/report.ts";
import { giveBack } from "../ledger/take.ts";
import type { Outcome } from "../outcome.ts";
import type { Workspace } from "../workspace.ts";
import type { Authored } from "./author.ts";
import { applyEffects } from "./effects.ts";
import { fail, giveUp, interrupted, lost } from "./endings.ts";
import { effectPorts, forgeNow, type Job } from "./job.ts";
import type { Keepalive } from "./keepalive.ts";
import { type Agents, failedHere, live } from "./life.ts";
import { patiently } from "./patience.ts";
import { bringUpToDate } from "./rebase.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";
import { openFindings } from "./rework-prompt.ts";
import { publishWork } from "./rework-publish.ts";
import { redactedReplies } from "./rework-replies.ts";
import { speak } from "./rework-words.ts";
import { workBegins } from "./wanted.ts";

export async function rework(job: Job, work: Extract<Work, { kind: "rework" }>): Promise<Outcome> {
  const own: ReworkJob = { ...job, kind: "rework", plan: work.plan, pull: work.plan.pull.number };
  let forbidden: string | null = null;
  return live(own, {
    async begin() {
      forbidden = await whyNeverPushed(own);
      if (forbidden === null) await begin(own);
    },
    async work(workspace, life, agents) {
      if (forbidden !== null) return giveUp(own, { failure: null, text: forbidden, output: "" }, null, []);
      const range = await own.ports.workshop.rangeOf(own);
      if (range.kind === "moved") return notNow(own, range.why);
      if (range.kind === "unknown") return fail(own, failedHere("forge-error", range.why, ""), null);
      agents.start();
      return go(own, workspace, life, range, agents);
    },
    fail: (failure, spend, change) => fail(own, failure, spend, { change }),
  });
}

/** Somebody's pull request may lead from the default branch into another one: that branch is never a place for our commits. */
async function whyNeverPushed({ plan, ports, settings }: ReworkJob): Promise<string | null> {
  const { branch, pull } = plan;
  if (branch === "") return "Its branch lies in another repository, where the program never pushes.";
  const repository = await ports.forge.repository();
  const bases = [pull.baseRef, settings.policy.base, repository?.defaultBranch];
  return bases.includes(branch)
    ? `Its branch \`${branch}\` is one that others are based on: the program never pushes there.`
    : null;
}

/** What people see while it works; whom the program had asked is taken off the pull request too. */
async function begin(job: ReworkJob): Promise<void> {
  const { plan, ports, item } = job;
  const since = new Date(forgeNow(ports)).toISOString();
  const { unassignOnPull } = plan;
  const off: Effect = { id: "assign-pull", do: "assign", on: "pull", add: [], remove: [...unassignOnPull], since };
  const effects = [
    ...workBegins(job, "needs-rework", since, working(job, since)),
    ...(unassignOnPull.length > 0 ? [off] : []),
  ];
  await applyEffects(effectPorts(job), { v: 1, issue: item.issue.number, effects }, plan.pull.number);
}

function working(job: ReworkJob, startedAt: string): string {
  const { plan, settings, claim, run } = job;
  const { pull, causes, branch, askedBy, attempt } = plan;
  return workingComment({
    ...({
      kind: "rework",
      pull: pull.number,
      round: causes.ordered ? null : plan.round,
      branch,
      askedBy,
      attempt,
    } as const),
    ...{ roundsMax: settings.policy.maxRounds, attemptsMax: settings.policy.maxAttempts },
    ...{ profile: claim.record.profile ?? "?", run, startedAt, sandboxed: false },
    causes: causesOf(causes, pull.baseRef, openFindings(job).length),
  });
}

/** The next run decides on what is there then. */
async function notNow(job: ReworkJob, why: string): Promise<Outcome> {
  await giveBack(job.claim, job.plan.attempt - 1);
  const reason = `#${job.item.issue.number}: ${why}`;
  return { ...lost(job), failure: null, reason, next: "The next run looks at what is there then." };
}

async function go(
  job: ReworkJob,
  workspace: Workspace,
  life: Keepalive,
  range: Range,
  agents: Agents,
): Promise<Outcome> {
  const here: Start = { commit: range.head, mergeBase: range.mergeBase, conflict: null, failing: [] };
  const ready = job.plan.causes.conflict
    ? await bringUpToDate(job, workspace, life, range)
    : ({ kind: "start", start: here } as const);
  if (ready.kind === "ended") return ready.outcome;
  const authored = await job.ports.workshop.rework(job, workspace, range, ready.start, life.signal);
  agents.ended(authored);
  return end(job, authored, workspace, life, range, ready.start);
}

async function end(
  job: ReworkJob,
  authored: Authored,
  workspace: Workspace,
  life: Keepalive,
  range: Range,
  start: Start,
): Promise<Outcome> {
  const stopped = await patiently(job.ports, async () => ({ again: null, result: await life.check() }));
  if (stopped !== null) return interrupted(job, stopped, authored);
  const { end: ending } = authored;
  switch (ending.kind) {
    case "failed": {
      const change = ending.class === "base-red" ? { waitsForBase: range.base } : {};
      return fail(job, ending, authored, { change });
    }
    case "interrupted":
      return interrupted(job, { kind: "taken-back", why: "it was stopped" }, authored);
    case "words":
      return speak(job, ending, authored, workspace, life, start);
    case "work": {
      const { result, composed, checks } = ending;
      const { head, droppedPatch } = composed;
      const replies = redactedReplies(job, result);
      return publishWork(job, authored, life, {
        result,
        head,
        mergeBase: start.mergeBase,
        checks,
        replies,
        droppedPatch,
      });
    }
    default:
      return ending satisfies never;
  }
}
