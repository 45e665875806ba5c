// Reviewers at work: one profile after the other, each in a session and a clone of its own, until one gives a verdict.

import type { Profile } from "../agent/profile.ts";
import { isOfTheProfile } from "../core/failure.ts";
import { earlierApproval, findingIds, type ReadVerdict, verdictOf } from "../core/verdict.ts";
import type { Workspace } from "../workspace.ts";
import { type AgentRun, type Failed, failed, runAgent } from "./agent-run.ts";
import { counter, type Spent } from "./author.ts";
import { prepare } from "./checks.ts";
import { earliest, free, park, usable } from "./parking.ts";
import { type JudgedChange, makeReviewClone, type ReviewJob } from "./review-change.ts";
import { reviewText } from "./review-prompt.ts";
import type { ShellEnd } from "./shell.ts";

/** What a review came to, with what it took. */
export interface Reviewed extends Spent {
  end: Verdict | Failed | { kind: "interrupted" };
}

export type Verdict = Extract<ReadVerdict, { kind: "verdict" }>;

/**
 * Who may judge, in the order in which they are tried: the author's own profile last, in a session that knows nothing of the other. Who approved
 * this head already is no second opinion.
 */
export function reviewersFor({ plan, settings, claim, snapshot }: ReviewJob): Profile[] {
  const approval = earlierApproval(claim.record.verdict, plan.pull.headSha);
  const reviewers = Math.max(1, snapshot.profiles.reviewers.length);
  const isOpen = approval !== null && approval.approvedBy.length < Math.min(approval.approvalsNeeded, reviewers);
  const done = isOpen ? approval.approvedBy : [];
  const left = usable(settings.reviewers, plan).filter((profile) => !done.includes(profile.name));
  const isAvoided = (profile: Profile) => plan.avoid.includes(profile.name);
  return [...left.filter((profile) => !isAvoided(profile)), ...left.filter(isAvoided)];
}

/** Tries the profiles in order: one that is out of quota, logged out or missing gives way to the next in the same run. Null: there is none. */
export async function askReviewers(
  job: ReviewJob,
  workspace: Workspace,
  change: JudgedChange,
  stop: AbortSignal,
): Promise<Reviewed | null> {
  const { clock } = job.ports;
  const startedAt = clock.elapsed();
  const deadline = startedAt + job.settings.timeoutMs;
  const { spent, spend } = counter();
  let last: Reviewed | null = null;
  for (const profile of reviewersFor(job)) {
    const end = await ask(job, workspace, change, { profile, deadline, spend, stop });
    last = { end, profile, ...spent, durationMs: clock.elapsed() - startedAt };
    if (end.kind !== "failed" || !isOfTheProfile(end.class)) {
      if (end.kind === "verdict") await free(job, profile);
      return last;
    }
    spent.parkedUntil = earliest(spent.parkedUntil, await park(job, profile, end));
    last = { ...last, ...spent };
  }
  return last;
}

interface Session {
  profile: Profile;
  deadline: number;
  spend: (run: AgentRun) => void;
  stop: AbortSignal;
}

async function ask(
  job: ReviewJob,
  workspace: Workspace,
  change: JudgedChange,
  { profile, deadline, spend, stop }: Session,
): Promise<Reviewed["end"]> {
  const unprepared = await makeReady(job, workspace, change, stop);
  if (stop.aborted) return { kind: "interrupted" };
  const leftMs = Math.max(1, deadline - job.ports.clock.elapsed());
  const prompt = await reviewText(job, workspace, change, unprepared, leftMs);
  const bench = { job, plan: job.plan, kind: job.kind, pull: job.pull, workspace, base: change.start, profile, stop };
  const run = await runAgent(bench, prompt, leftMs, null);
  spend(run);
  if (stop.aborted) return { kind: "interrupted" };
  if (run.kind === "failed") return run.failed;
  const read = verdictOf(run.result, {
    ...{ diff: change.diff, round: job.plan.round + 1, used: findingIds(job.claim.record) },
    redact: job.ports.redact,
  });
  return read.kind === "none" ? failed("contract-invalid", read.why, "") : read;
}

/**
 * A fresh clone, prepared as an author's is, so that tests can be run in it; nothing of a fork is run. A `prepare` that fails stops no review:
 * the reviewer is told, and judges whether the change is to blame.
 */
async function makeReady(
  job: ReviewJob,
  workspace: Workspace,
  change: JudgedChange,
  stop: AbortSignal,
): Promise<ShellEnd | null> {
  await job.ports.log.group("Clone", () => makeReviewClone(job, workspace, change));
  const unprepared = job.plan.pull.headIsHere ? await prepare(job, workspace, stop) : null;
  if (unprepared !== null) job.ports.log.line(`prepare failed: ${unprepared.command}; the review goes on without it`);
  return unprepared;
}
