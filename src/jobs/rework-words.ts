// A rework that changed nothing: a question, a reasoned "no", or nothing that could be acted on.

import { judgeUnchanged, roundsWith, type Unchanged } from "../core/answers.ts";
import type { Effect } from "../core/effects.ts";
import { questionComment, waitingLine } from "../core/report.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Workspace } from "../workspace.ts";
import type { Authored } from "./author.ts";
import { afterSettling, facts, fail, giveUp, interrupted, spent } from "./endings.ts";
import { forgeNow } from "./job.ts";
import type { Keepalive } from "./keepalive.ts";
import { keep } from "./kept.ts";
import { failedHere } from "./life.ts";
import type { ReworkJob, Start } from "./rework-job.ts";
import { openFindings } from "./rework-prompt.ts";
import { droppedEffect, publishWork } from "./rework-publish.ts";
import { redactedReplies, replyEffect } from "./rework-replies.ts";
import { settle } from "./settle.ts";
import { answered, handTo, place, stageEffect, statusComment, triggerOff } from "./wanted.ts";

type Words = Extract<Authored["end"], { kind: "words" }>;

export async function speak(
  job: ReworkJob,
  words: Words,
  authored: Authored,
  workspace: Workspace,
  life: Keepalive,
  start: Start,
): Promise<Outcome> {
  const { plan } = job;
  const { result, droppedPatch } = words;
  const text = result.question ?? result.summary ?? result.body ?? "";
  if (result.status === "needs-info") return ask(job, authored, { text, why: "the agent asks a question" }, [], {});
  const patch = droppedEffect(job, droppedPatch);
  if (result.status === "blocked") {
    const why = `The agent says it cannot be done here: ${text}`;
    return giveUp(job, { failure: null, text: why, output: "" }, authored, patch);
  }
  const judged = judgeUnchanged(result, {
    ...{ causes: plan.causes, instruction: plan.instruction, findings: openFindings(job) },
    unresolved: unresolved(job, start),
  });
  if (judged.kind === "answered") return stay(job, words, authored, workspace, life, start);
  if (judged.kind === "declined") return decline(job, authored, judged, result, patch);
  if (droppedPatch !== null) {
    const why = "The agent changed nothing but workflow files, which are never pushed.";
    return giveUp(job, { failure: null, text: why, output: "" }, authored, patch);
  }
  return fail(job, failedHere("no-change", `The agent changed nothing: ${judged.why}`, ""), authored);
}

/** What words cannot settle while the branch stays where the work began. */
function unresolved({ plan }: ReworkJob, { commit, conflict, failing }: Start): string[] {
  const red = commit === plan.expect ? plan.causes.red : [];
  return [
    ...(conflict === null ? [] : [`the conflict with \`${plan.pull.baseRef}\` is still there`]),
    ...failing.map((check) => `\`${check.context}\` still fails`),
    ...red.map((status) => `\`${status.context}\` is still red`),
  ];
}

/** Every finding is answered. Where the host had brought the branch up to date, that is published with the answers. */
async function stay(
  job: ReworkJob,
  { result, droppedPatch }: Words,
  authored: Authored,
  workspace: Workspace,
  life: Keepalive,
  { commit, mergeBase }: Start,
): Promise<Outcome> {
  const work = { result, mergeBase, replies: redactedReplies(job, result), droppedPatch };
  if (commit === job.plan.expect) return publishWork(job, authored, life, { ...work, head: null, checks: [] });
  const checked = await job.ports.log.group("Checks", () =>
    job.ports.workshop.check(job, workspace, commit, life.signal),
  );
  switch (checked.kind) {
    case "stopped":
      return interrupted(job, life.interruption ?? { kind: "taken-back", why: "it was stopped" }, authored);
    case "red": {
      const { command, tail } = checked.failed;
      const text = `\`${command}\` fails once the branch is up to date, and the agent changed nothing`;
      return fail(job, failedHere("checks-failed", text, tail), authored);
    }
    case "green": {
      const checks = job.settings.checks === "statuses" ? "statuses" : checked.results;
      return publishWork(job, authored, life, { ...work, head: commit, checks });
    }
    default:
      return checked satisfies never;
  }
}

/** A person asked for it and the agent says no: back to that person, once. Their answer is an order like any other. */
async function decline(
  job: ReworkJob,
  authored: Authored,
  judged: Extract<Unchanged, { kind: "declined" }>,
  result: Words["result"],
  patch: readonly Effect[],
): Promise<Outcome> {
  const { plan, claim } = job;
  const { headSha, mergeBase } = plan.pull;
  const replies = redactedReplies(job, result);
  const answers =
    replies.length === 0
      ? []
      : [await replyEffect(job, authored, { head: headSha, mergeBase, summary: judged.reason, replies })];
  const text = `It changed nothing of what you asked for, and says why:\n\n${judged.reason}\n\nShall it be done all the same, or otherwise?`;
  const { rounds, verdict } = claim.record;
  const over = judged.settled ? { verdict: undefined, rounds: roundsWith(rounds, verdict, replies) } : {};
  return ask(job, authored, { text, why: "the agent declines what was asked for" }, [...answers, ...patch], over);
}

/** A question to the person who asked, on the pull request; a plain answer sets the work going again. */
async function ask(
  job: ReworkJob,
  authored: Authored,
  question: { text: string; why: string },
  more: readonly Effect[],
  change: Partial<LedgerRecord>,
): Promise<Outcome> {
  const { plan, ports, item, run, claim } = job;
  const on = place(job);
  const key = String(claim.record.epoch);
  const body = questionComment(plan.askedBy, question.text, run, key, on === "pull" ? plan.pull.number : null);
  const effects: Effect[] = [
    stageEffect(job, on, "needs-info"),
    ...triggerOff(job),
    ...handTo(job, plan.askedBy),
    ...more,
    statusComment(waitingLine("answer", on === "pull" ? plan.pull.number : null, run)),
    { id: "question", do: "comment", on, purpose: "question", key, mode: "new", body },
    ...answered(plan, "rocket"),
  ];
  const asked = { text: ports.redact(question.text).slice(0, 4_000), at: new Date(forgeNow(ports)).toISOString() };
  const known = { attempt: 0, lastFailure: null, instruction: undefined, ordered: undefined, question: asked };
  const kept = await keep(job, authored, "it asked a question");
  const settled = await settle(job, {
    ...({ after: "blocked", stage: "needs-info", effects, head: null } as const),
    change: { ...spent(job, authored), ...known, ...change, ...kept },
  });
  const done = outcome({
    ...{ ...facts(job, authored), outcome: "needs-person", reason: `#${item.issue.number}: ${question.why}` },
    next: "The answer of anybody trusted goes on with it.",
  });
  return afterSettling(job, settled, done);
}
