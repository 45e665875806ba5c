// The end of a rework with something to publish: a new head, or answers that let the head stay.

import { roundsWith } from "../core/answers.ts";
import type { Effect } from "../core/effects.ts";
import { type CheckResult, reworkedComment } from "../core/report.ts";
import { shorten } from "../core/text.ts";
import type { LedgerRecord, ReplyNote, WorkNote } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { rewritesApproved } from "./approval.ts";
import type { Authored } from "./author.ts";
import { afterSettling, facts, interrupted, spent, workNote } from "./endings.ts";
import type { Keepalive } from "./keepalive.ts";
import { notPublished } from "./not-published.ts";
import { patiently } from "./patience.ts";
import type { ReworkJob } from "./rework-job.ts";
import { replyEffect } from "./rework-replies.ts";
import { checksStatus } from "./rework-update.ts";
import { settle } from "./settle.ts";
import { answered, droppedPaths, patchEffect, place, stageEffect, statusComment } from "./wanted.ts";

export interface Publication {
  result: Extract<Authored["end"], { kind: "work" }>["result"];
  /** The branch's new commit; null = it stays where it is. */
  head: string | null;
  /** Where the branch leaves its base then. */
  mergeBase: string;
  checks: CheckResult[] | "statuses";
  replies: readonly ReplyNote[];
  /** Changes to workflow files, which are never pushed. */
  droppedPatch: string | null;
}

export async function publishWork(
  job: ReworkJob,
  authored: Authored,
  life: Keepalive,
  work: Publication,
): Promise<Outcome> {
  const { item, plan } = job;
  const { number } = plan.pull;
  const approved = await patiently(job.ports, async () => ({
    ...{ again: null, result: await rewritesApproved(job, work.head) },
  }));
  if (approved !== null) return interrupted(job, approved, authored);
  const effects = await effectsOf(job, authored, work);
  const change = { ...spent(job, authored), ...stateAfter(job, authored, work) };
  const ending = { after: "done", stage: "needs-review", effects, head: work.head, change } as const;
  const settled = await settle(job, ending, life);
  const what = work.head === null ? "stays as it is, every finding is answered" : "is reworked";
  const done = outcome({
    ...{ ...facts(job, authored), outcome: "done", head: work.head ?? plan.pull.headSha },
    ...{ reason: `#${item.issue.number}: pull request #${number} ${what}`, next: "The next run reviews it." },
  });
  return (await notPublished(job, settled, authored)) ?? afterSettling(job, settled, done);
}

/** The pull request's own title and text stay: people may have edited them. */
async function effectsOf(job: ReworkJob, authored: Authored, work: Publication): Promise<Effect[]> {
  const { plan, settings, run } = job;
  const { result, checks, replies, mergeBase, droppedPatch } = work;
  const head = work.head ?? plan.pull.headSha;
  const summary = result.summary ?? result.body ?? "";
  const body = reworkedComment({
    ...{ pull: plan.pull.number, round: plan.causes.ordered ? null : plan.round, roundsMax: settings.policy.maxRounds },
    ...{ profile: authored.profile.name, run, durationMs: authored.durationMs, costUsd: authored.costUsd, checks },
    ...{ head, summary, changed: work.head !== null },
  });
  return [
    stageEffect(job, place(job), "needs-review"),
    ...(work.head === null ? [] : checksStatus(job, head, checks)),
    await replyEffect(job, authored, { head, mergeBase, summary, replies }),
    ...droppedEffect(job, droppedPatch),
    statusComment(body),
    ...answered(plan, "rocket"),
  ];
}

export function droppedEffect(job: ReworkJob, patch: string | null): Effect[] {
  return patch === null ? [] : [patchEffect(job, place(job), patch, droppedPaths(patch))];
}

/** The verdict was about the old head, or is answered: the next reviewer judges anew, and reads the round. */
function stateAfter(job: ReworkJob, authored: Authored, work: Publication): Partial<LedgerRecord> {
  const { plan, claim } = job;
  const { rounds, verdict } = claim.record;
  const profile = authored.profile.name;
  return {
    ...{ profile, round: plan.round, attempt: 0, lastFailure: null, cooldownUntil: null },
    ...{ instruction: undefined, ordered: undefined, rerun: undefined, question: undefined, waitsForBase: undefined },
    ...{ verdict: undefined, rounds: roundsWith(rounds, verdict, work.replies) },
    ...(work.head === null
      ? {}
      : { work: withEarlier(claim.record.work, workNote(job, work.head, profile, work.result, work.checks)) }),
  };
}

/** Who gets it in the end wants to know the whole change, not only what was mended last. */
function withEarlier(before: WorkNote | undefined, now: WorkNote): WorkNote {
  if (before === undefined) return now;
  const words = [before.summary, now.summary].filter((text, at, all) => text !== "" && all.indexOf(text) === at);
  const followUps = [...new Set([...before.followUps, ...now.followUps])].slice(0, 10);
  return { ...now, summary: shorten(words.join("\n\nThen: "), 4_000), followUps };
}
