// One go of an author at a pull request that came back: conflict, findings, red checks, or a person's words. Like an attempt at an issue
// (implement.ts), but on a branch that is there: it moves from the commit that was looked at, and from nowhere else.

import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { hasLabel, sameLogin } from "../core/model.ts";
import { stageLabel } from "../core/policy.ts";
import type { FailingCheck } from "../core/prompt.ts";
import { causesOf, workingComment } from "../core/report.ts";
import { describe, RunError } from "../errors.ts";
import { makeClone } from "../git/clone.ts";
import { ensureMergeBase } from "../git/history.ts";
import { ClaimLost, giveBack } from "../ledger/claim.ts";
import type { Outcome } from "../outcome.ts";
import { makeWorkspace, type Workspace } from "../workspace.ts";
import { type Authored, author } from "./author.ts";
import { prepare } from "./checks.ts";
import { applyEffects } from "./effects.ts";
import { fail, giveUp, interrupted, lost, place, stageEffect, statusComment } from "./endings.ts";
import { afterBegin, failedHere } from "./implement.ts";
import { effectPorts, forgeNow, type Job } from "./job.ts";
import { type Keepalive, keepAlive } from "./keepalive.ts";
import { bringUpToDate } from "./rebase.ts";
import { withInstructions } from "./rework-instructions.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";
import { openFindings, reworkText } from "./rework-prompt.ts";
import { publishWork } from "./rework-publish.ts";
import { redactedReplies } from "./rework-replies.ts";
import { speak } from "./rework-words.ts";
import { patiently } from "./settle.ts";

export async function rework(job: Job, work: Extract<Work, { kind: "rework" }>): Promise<Outcome> {
  const own: ReworkJob = { ...job, kind: "rework", plan: work.plan, pull: work.plan.pull.number };
  const workspace = await makeWorkspace(job.ports, job.settings.workspace);
  let life: Keepalive | null = null;
  let mayHaveStarted = false;
  try {
    const forbidden = await whyNeverPushed(own);
    if (forbidden !== null) return await giveUp(own, { failure: null, text: forbidden, output: "" }, null, []);
    // First the label is put on where a command asked: its absence would else look like a person's.
    await patiently(job.ports, async () => ({ again: null, result: await begin(own) }));
    life = keepAlive(await afterBegin(own));
    const range = await rangeOf(own);
    if (range.kind === "moved") return await notNow(own, range.why);
    if (range.kind === "unknown") return await fail(own, failedHere("forge-error", range.why, ""), null);
    mayHaveStarted = true;
    return await go(own, workspace, life, range);
  } catch (error) {
    if (error instanceof ClaimLost) return lost(own);
    // Before anything is published: the claim is given back, so that nobody waits for it to age.
    if (job.claim.record.state === "held" && error instanceof RunError && error.retry) {
      return await fail(own, failedHere("forge-error", describe(error), ""), null);
    }
    // What threw once may throw each time: from the agent's start on it counts as an attempt.
    await giveBack(job.claim, mayHaveStarted ? work.plan.attempt : work.plan.attempt - 1);
    throw error;
  } finally {
    await life?.stop();
    await workspace.remove();
  }
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

/** What people see while it works: label and stage on, bot assigned, people whom the program had asked off, status comment, reactions. */
async function begin(job: ReworkJob): Promise<void> {
  const { plan, ports, settings, who, item } = job;
  const since = new Date(forgeNow(ports)).toISOString();
  const { label } = settings.policy;
  const on = place(job);
  const onPull = plan.unassign.filter((login) => plan.pull.assignees.some((name) => sameLogin(name, login)));
  const off: Effect = { id: "assign-pull", do: "assign", on: "pull", add: [], remove: onPull, since };
  const effects: Effect[] = [
    {
      ...({ id: "label", do: "labels", on: "issue" } as const),
      // A label that a person takes off meanwhile is never put back.
      add: hasLabel(item.issue.labels, label) ? [] : [label],
      remove: on === "issue" ? [] : [stageLabel("needs-info"), stageLabel("blocked")],
    },
    stageEffect(job, on, "needs-rework"),
    {
      ...({ id: "assign", do: "assign", on: "issue", remove: [...plan.unassign], since } as const),
      // A person's pull request stays that person's.
      add: plan.foreign ? [] : [who.me.login],
    },
    ...(on === "pull" && onPull.length > 0 ? [off] : []),
    statusComment(ports.redact(working(job, since))),
    ...plan.orderComments.map(
      (comment): Effect => ({ id: `react-${comment}`, do: "react", comment, reaction: "eyes" }),
    ),
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

type Found = (Range & { kind: "range" }) | { kind: "moved"; why: string } | { kind: "unknown"; why: string };

/** Both tips as they are now; or why there is nothing to be done with them now. */
async function rangeOf({ plan, ports }: ReworkJob): Promise<Found> {
  const { pull, branch, expect } = plan;
  const host = await ports.host();
  const [head, base] = [await host.fetchBranch(branch), await host.fetchBranch(pull.baseRef)];
  if (base === null) return { kind: "unknown", why: `the base branch \`${pull.baseRef}\` is gone` };
  if (head === null || head !== expect) return { kind: "moved", why: `the branch \`${branch}\` moved meanwhile` };
  const known = await ensureMergeBase(host, { head, base });
  if (known.kind === "unknown")
    return { kind: "unknown", why: `where \`${branch}\` leaves \`${pull.baseRef}\` cannot be seen: ${known.why}` };
  // Without a common history all of the base is new to the branch; a conflict then goes to a person (rebase.ts).
  return { kind: "range", head, base, mergeBase: known.kind === "found" ? known.mergeBase : base };
}

/** The next run decides on what is there then. */
async function notNow(job: ReworkJob, why: string): Promise<Outcome> {
  await giveBack(job.claim, job.plan.attempt - 1);
  const reason = `#${job.item.issue.number}: ${why}`;
  return { ...lost(job), failure: null, reason, next: "The next run looks at what is there then." };
}

async function go(job: ReworkJob, workspace: Workspace, life: Keepalive, range: Range): Promise<Outcome> {
  const here: Start = { commit: range.head, mergeBase: range.mergeBase, conflict: null, failing: [] };
  const ready = job.plan.causes.conflict
    ? await bringUpToDate(job, workspace, life, range)
    : ({ kind: "start", start: here } as const);
  if (ready.kind === "ended") return ready.outcome;
  const start = await withInstructions(await job.ports.host(), ready.start, range.base);
  const authored = await attempt(job, workspace, life, range, start);
  return end(job, authored, workspace, life, range, start);
}

async function attempt(
  job: ReworkJob,
  workspace: Workspace,
  life: Keepalive,
  range: Range,
  start: Start,
): Promise<Authored> {
  const { plan, ports, settings } = job;
  const startedAt = ports.clock.elapsed();
  const { commit, clone = commit, compose } = start;
  // Two branches of one repository: the names cannot get into each other's way.
  const extra = [{ name: plan.pull.baseRef, commit: range.base }];
  await ports.log.group("Clone", async () =>
    makeClone(await ports.host(), { dir: workspace.clone, commit: clone, branchName: plan.branch, extra }),
  );
  const told = { ...start, failing: [...start.failing, ...(await unprepared(job, workspace, life))] };
  const leftMs = () => Math.max(60_000, settings.timeoutMs - (ports.clock.elapsed() - startedAt));
  return author({
    ...({
      job,
      plan,
      kind: "rework",
      pull: plan.pull.number,
      workspace,
      start: clone,
      base: range.base,
      extra,
    } as const),
    ...(compose === undefined ? {} : { compose }),
    prompt: () => reworkText(job, workspace, range, told, leftMs()),
    stop: life.signal,
  });
}

/** `prepare` in the clone. What the branch itself may have broken, or a conflict, is for the author to mend: the checks judge at the end. */
async function unprepared(job: ReworkJob, workspace: Workspace, life: Keepalive): Promise<FailingCheck[]> {
  const failed = await prepare(job, workspace, life.signal);
  if (failed === null) return [];
  const how = failed.killed ?? `exit code ${failed.exitCode ?? "none"}`;
  return [{ context: failed.command, description: `it prepares the clone, and failed: ${how}`, log: failed.tail }];
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
