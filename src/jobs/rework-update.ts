// The host brought a branch up to date by itself: it is published without an agent, and a verdict on the same diff is kept.

import { roundsWith } from "../core/answers.ts";
import { type Effect, verdictStatus } from "../core/effects.ts";
import { type Checked, rebasedComment } from "../core/report.ts";
import type { LedgerRecord, VerdictNote } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { rewritesApproved } from "./approval.ts";
import { afterSettling, facts, interrupted, spent } from "./endings.ts";
import type { Keepalive } from "./keepalive.ts";
import { notPublished } from "./not-published.ts";
import { patiently } from "./patience.ts";
import type { Range, ReworkJob } from "./rework-job.ts";
import { settle } from "./settle.ts";
import { answered, place, stageEffect, statusComment } from "./wanted.ts";

export interface Update {
  head: string;
  /** The base was merged into the branch; else the branch was rebased. */
  merged: boolean;
  /** What ran on the new head. */
  checks: Checked;
}

/** No attempt and no round: nobody worked on the change. */
export async function publishUpdate(job: ReworkJob, life: Keepalive, range: Range, update: Update): Promise<Outcome> {
  const { plan, item } = job;
  const { pull } = plan;
  const { head, merged } = update;
  const stopped = await patiently(job.ports, async () => ({
    ...{ again: null, result: (await life.check()) ?? (await rewritesApproved(job, head)) },
  }));
  if (stopped !== null) return interrupted(job, stopped, null);
  const verdict = await carriedOver(job, range, head);
  const change = { ...spent(job, null), ...stateAfter(job, update, verdict) };
  const effects = updateEffects(job, range, update, verdict);
  const settled = await settle(job, { after: "done", stage: "needs-review", effects, head, change }, life);
  const how = merged ? `\`${pull.baseRef}\` is merged into it` : `rebased onto ${pull.baseRef}`;
  const done = outcome({
    ...{ ...facts(job, null), outcome: "done", head, profile: null, round: null },
    ...{ verdict: verdict?.verdict ?? null, reason: `#${item.issue.number}: pull request #${pull.number} ${how}` },
    next: verdict === null ? "The next run reviews it." : "Its review still counts; the next run goes on with it.",
  });
  return (await notPublished(job, settled, null)) ?? afterSettling(job, settled, done);
}

/** The newest verdict for the new head, if it approved exactly this diff. */
async function carriedOver(job: ReworkJob, { base }: Range, head: string): Promise<VerdictNote | null> {
  const { verdict } = job.claim.record;
  if (verdict?.verdict !== "approved" || verdict.head !== job.plan.pull.headSha) return null;
  const patch = await job.ports.workshop.patchOf(job.ports, base, head);
  return patch !== null && patch === verdict.patch ? { ...verdict, head } : null;
}

function stateAfter(job: ReworkJob, { head, checks }: Update, kept: VerdictNote | null): Partial<LedgerRecord> {
  const { verdict, rounds, work, round } = job.claim.record;
  const ran =
    checks === "statuses"
      ? null
      : checks.map(({ command, exitCode, durationMs }) => ({ command, exitCode, durationMs }));
  return {
    ...{ round, attempt: job.plan.attempt - 1, lastFailure: null, cooldownUntil: null },
    ...{ instruction: undefined, ordered: undefined, rerun: undefined, question: undefined },
    verdict: kept ?? undefined,
    rounds: kept === null ? roundsWith(rounds, verdict, []) : rounds,
    work: work === undefined ? undefined : { ...work, head, checks: ran },
  };
}

function updateEffects(job: ReworkJob, { base }: Range, update: Update, verdict: VerdictNote | null): Effect[] {
  const { plan, run } = job;
  const { pull } = plan;
  const { head, merged, checks } = update;
  const body = rebasedComment({
    ...{ pull: pull.number, base: pull.baseRef, onto: base, head, merged, run },
    keepsVerdict: verdict !== null,
  });
  return [
    stageEffect(job, place(job), "needs-review"),
    ...checksStatus(job, head, checks),
    ...(verdict === null ? [] : [carriedStatus(job, verdict)]),
    statusComment(body),
    ...answered(plan, "rocket"),
  ];
}

/** Own checks as a status of the published head; none where none ran. */
export function checksStatus({ run }: ReworkJob, head: string, checks: Checked): Effect[] {
  if (checks === "statuses" || checks.length === 0) return [];
  const description = `${checks.length} check${checks.length === 1 ? "" : "s"} passed before publishing`;
  const status = { context: "agent-dispatch/checks", state: "success", description, target: run.url ?? "" } as const;
  return [{ id: "checks", do: "status", sha: head, ...status }];
}

function carriedStatus({ run }: ReworkJob, { head, approvedBy, approvalsNeeded }: VerdictNote): Effect {
  const isEnough = approvedBy.length >= approvalsNeeded;
  const description = `carried over: same diff${isEnough ? "" : `, ${approvedBy.length} of ${approvalsNeeded} approvals`}`;
  const state = isEnough ? "success" : "pending";
  return verdictStatus(head, state, description, run.url);
}
