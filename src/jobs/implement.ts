// One attempt at an issue: assign, clone, agent, checks, publish, effects. Every ending goes through one commit point (settle.ts), so that a
// run that dies anywhere leaves either nothing or a record from which the rest can be done.

import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import * as report from "../core/report.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Failed } from "./agent-run.ts";
import type { Authored } from "./author.ts";
import { applyEffects } from "./effects.ts";
import { type AgentJob, afterSettling, facts, fail, giveUp, interrupted, spent, workNote } from "./endings.ts";
import { effectPorts, forgeNow, type Job } from "./job.ts";
import type { Keepalive } from "./keepalive.ts";
import { keep } from "./kept.ts";
import { live } from "./life.ts";
import { notPublished } from "./not-published.ts";
import { patiently } from "./patience.ts";
import { settle } from "./settle.ts";
import {
  answered,
  droppedPaths,
  handTo,
  patchEffect,
  stageEffect,
  statusComment,
  triggerOff,
  workBegins,
} from "./wanted.ts";
import type { Attempted } from "./workshop.ts";

export function implement(job: Job, work: Extract<Work, { kind: "implement" }>): Promise<Outcome> {
  const own: AgentJob = { ...job, kind: "implement", plan: work.plan, pull: null };
  return live(own, {
    begin: () => begin(own),
    async work(workspace, life, agents) {
      const attempted = await own.ports.workshop.implement(own, workspace, agents, life.signal);
      if (!("kind" in attempted.authored)) agents.ended(attempted.authored);
      return end(own, attempted, life);
    },
    fail: (failure, spend, change) => fail(own, failure, spend, { change }),
  });
}

/** What people see while it works: label on, bot assigned, status comment, a reaction under the command. */
async function begin(job: AgentJob): Promise<void> {
  const { plan, ports, settings, item, claim } = job;
  const startedAt = new Date(forgeNow(ports)).toISOString();
  const body = report.workingComment({
    ...{
      attempt: plan.attempt,
      attemptsMax: settings.policy.maxAttempts,
      profile: claim.record.profile ?? "?",
      run: job.run,
    },
    ...{ branch: plan.branch, askedBy: plan.askedBy, startedAt, sandboxed: false },
  });
  const effects = workBegins(job, null, startedAt, body);
  await applyEffects(effectPorts(job), { v: 1, issue: item.issue.number, effects }, null);
}

async function end(job: AgentJob, { authored, base }: Attempted, life: Keepalive): Promise<Outcome> {
  // A base that is red by itself is not tried again before it moves.
  const extra = (failure: Failed) =>
    failure.class === "base-red" && base !== null ? { change: { waitsForBase: base } } : {};
  if ("kind" in authored) return fail(job, authored, null, extra(authored));
  const stopped = await patiently(job.ports, async () => ({ again: null, result: await life.check() }));
  if (stopped !== null) return interrupted(job, stopped, authored);
  const { end: ending } = authored;
  switch (ending.kind) {
    case "failed":
      return fail(job, ending, authored, extra(ending));
    case "interrupted":
      return interrupted(job, { kind: "taken-back", why: "it was stopped" }, authored);
    case "words":
      return speak(job, ending, authored);
    case "work":
      return publish(job, ending, authored, life);
    default:
      return ending satisfies never;
  }
}

async function publish(
  job: AgentJob,
  work: Extract<Authored["end"], { kind: "work" }>,
  authored: Authored,
  life: Keepalive,
): Promise<Outcome> {
  const { plan, item, settings } = job;
  const { composed, result, checks } = work;
  const run = job.run;
  const issue = item.issue.number;
  const dropped = droppedPaths(composed.droppedPatch);
  const summary = result.summary ?? result.body ?? "";
  const profile = authored.profile.name;
  const body = report.pullBody({
    ...{
      issue,
      generation: plan.generation,
      title: result.title ?? "",
      body: result.body ?? "",
      summary,
      finished: true,
      profile,
      run,
      checks,
    },
    ...{
      head: composed.head,
      followUps: result.followUps.map((f) => ({ title: f.title, body: f.body ?? "" })),
      droppedWorkflows: dropped.length,
    },
    change: {
      ...{
        files: composed.changes.changeCount,
        insertions: composed.changes.insertions,
        deletions: composed.changes.deletions,
      },
      lines: composed.changes.changes
        .slice(0, 40)
        .map((c) => `${c.path} | ${c.binary ? "binary" : `+${c.addedLines} -${c.deletedLines}`}`),
    },
  });
  const effects: Effect[] = [
    {
      ...({
        id: "pull",
        do: "pull",
        head: plan.branch,
        base: settings.policy.base,
        issue,
        generation: plan.generation,
      } as const),
      ...{ title: report.pullTitle(result.title ?? "", item.issue.title), body },
    },
    stageEffect(job, "pull", "needs-review"),
  ];
  if (checks !== "statuses" && checks.length > 0) {
    const description = `${checks.length} check${checks.length === 1 ? "" : "s"} passed before publishing`;
    const status = { context: "agent-dispatch/checks", state: "success", description, target: run.url ?? "" } as const;
    effects.push({ id: "checks", do: "status", sha: composed.head, ...status });
  }
  if (composed.droppedPatch !== null) effects.push(patchEffect(job, "pull", composed.droppedPatch, dropped));
  const { costUsd, durationMs } = authored;
  const comment = report.publishedComment({
    profile,
    run,
    attempt: plan.attempt,
    durationMs,
    costUsd,
    checks,
    head: composed.head,
    summary,
  });
  effects.push(statusComment(comment), ...answered(plan, "rocket"));
  const change = {
    ...{ ...spent(job, authored), base: null, lastFailure: null, cooldownUntil: null, profile, attempt: 0, round: 0 },
    ...{
      instruction: undefined,
      ordered: undefined,
      question: undefined,
      verdict: undefined,
      rounds: undefined,
      rerun: undefined,
    },
    work: workNote(job, composed.head, profile, result, checks),
  };
  const ending = { after: "done", stage: "needs-review", effects, head: composed.head, change } as const;
  const settled = await settle(job, ending, life);
  const done = outcome({
    ...facts(job, authored),
    ...{
      outcome: "done",
      head: composed.head,
      pullRequest: settled.kind === "settled" ? settled.pull : null,
    },
    reason:
      settled.kind === "settled"
        ? `#${issue}: pull request #${settled.pull ?? "?"} is open`
        : `#${issue}: the work is published`,
    next: "The next run reviews it.",
  });
  return (await notPublished(job, settled, authored)) ?? afterSettling(job, settled, done);
}

/** No code to publish: a question, a reason why nothing needs doing, or a patch that only a person may apply. */
async function speak(
  job: AgentJob,
  words: Extract<Authored["end"], { kind: "words" }>,
  authored: Authored,
): Promise<Outcome> {
  const { plan, item } = job;
  const { result, droppedPatch } = words;
  const run = job.run;
  const key = String(job.claim.record.epoch);
  const text = result.question ?? result.summary ?? result.body ?? "";
  if (result.status === "implemented" || result.status === "blocked") {
    const why =
      result.status === "blocked"
        ? `The agent says it cannot be done here: ${text}`
        : "The agent changed nothing but workflow files, which are never pushed.";
    const extra = droppedPatch === null ? [] : [patchEffect(job, "issue", droppedPatch, droppedPaths(droppedPatch))];
    return giveUp(job, { failure: null, text: why, output: "" }, authored, extra);
  }
  const say = result.status === "needs-info" ? report.questionComment : report.noChangeComment;
  const line =
    result.status === "needs-info"
      ? report.waitingLine("answer", null, run)
      : report.statusLine("**Nothing to change**, the agent says; its evidence is below", run);
  const effects: Effect[] = [
    stageEffect(job, "issue", "needs-info"),
    ...triggerOff(job),
    ...handTo(job, plan.askedBy),
    statusComment(line),
    {
      id: "question",
      do: "comment",
      on: "issue",
      purpose: "question",
      key,
      mode: "new",
      body: say(plan.askedBy, text, run, key),
    },
    ...answered(plan, "rocket"),
  ];
  // Only a question waits for an answer: what needs nothing is closed, or asked for again.
  const at = new Date(forgeNow(job.ports)).toISOString();
  const isQuestion = result.status === "needs-info";
  const asked = { attempt: 0, question: isQuestion ? { text: job.ports.redact(text).slice(0, 4_000), at } : undefined };
  const kept = isQuestion ? await keep(job, authored, "it asked a question") : {};
  const settled = await settle(job, {
    after: "blocked",
    stage: "needs-info",
    effects,
    head: null,
    change: { ...spent(job, authored), ...asked, ...kept },
  });
  const done = outcome({
    ...{ ...facts(job, authored), outcome: "needs-person" },
    reason: `#${item.issue.number}: ${result.status === "needs-info" ? "the agent asks a question" : "the agent says that nothing needs to be changed"}`,
    next: isQuestion ? "The answer of anybody trusted goes on with it." : `@${plan.askedBy} closes it, or asks again.`,
  });
  return afterSettling(job, settled, done);
}
