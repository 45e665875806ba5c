// A verdict made known: one review on the pull request, its commit status, its stage, the record. A person's own pull request is that person's
// again afterwards; any other goes on with the next decision.

import { foreignChecks } from "../core/checks.ts";
import { type Effect, reviewEffect, verdictStatus } from "../core/effects.ts";
import * as report from "../core/report.ts";
import { approvalsNeeded, keptRounds, roundsBefore, verdictNote } from "../core/verdict.ts";
import type { RoundNote, VerdictNote } from "../ledger/record.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling, facts, spent } from "./endings.ts";
import type { Interruption, Keepalive } from "./keepalive.ts";
import type { JudgedChange, ReviewJob } from "./review-change.ts";
import type { Reviewed, Verdict } from "./reviewer.ts";
import { settle } from "./settle.ts";
import { answered, handTo, place, stageEffect, statusComment, triggerOff } from "./wanted.ts";

type Given = Reviewed & { end: Verdict };

export type Published = { kind: "ended"; outcome: Outcome } | { kind: "stopped"; why: Interruption };

/** What follows from a verdict. */
interface Standing {
  note: VerdictNote;
  rounds: RoundNote[];
  /** Failure verdicts, this one included. */
  round: number;
  /** Another reviewer has to approve it too. */
  needsMore: boolean;
  /** A person's own pull request, with everything said about it. */
  isOver: boolean;
}

export async function publishVerdict(
  job: ReviewJob,
  change: JudgedChange,
  given: Given,
  life: Keepalive,
): Promise<Published> {
  const standing = standingOf(job, change, given);
  const { note, rounds, round, isOver } = standing;
  const said = report.verdictWords(note);
  const effects: Effect[] = [
    reviewOf(job, given, standing),
    judgedStatus(job, said.state, said.description),
    ...(isOver ? handBack(job, change, given, standing) : stageOf(job, note)),
    statusComment(report.reviewedComment(statusOf(job, given, standing))),
    ...answered(job.plan, "rocket"),
  ];
  const stage = note.verdict === "changes-requested" ? "needs-rework" : isOver ? "merge-ready" : "needs-review";
  const forgotten = {
    base: null,
    lastFailure: null,
    cooldownUntil: null,
    attempt: 0,
    instruction: undefined,
    ordered: undefined,
  };
  const kept = { verdict: note, rounds: keptRounds(rounds), round, profile: given.profile.name, pull: job.pull };
  const settled = await settle(
    job,
    { after: "done", stage, effects, head: null, change: { ...spent(job, given), ...forgotten, ...kept } },
    life,
  );
  if (settled.kind === "stopped") return { kind: "stopped", why: settled.why };
  return { kind: "ended", outcome: afterSettling(job, settled, outcomeOf(job, given, standing)) };
}

function standingOf({ plan, claim, settings, snapshot }: ReviewJob, change: JudgedChange, given: Given): Standing {
  const { verdict: before } = claim.record;
  const reviewers = Math.min(settings.reviewers.length, snapshot.profiles.reviewers.length);
  const judged = {
    ...{ head: change.head, round: plan.round + 1, profile: given.profile.name, patch: change.patch },
    approvalsNeeded: approvalsNeeded(change.protectedPaths.length > 0, reviewers),
  };
  const note = verdictNote(given.end, judged, before);
  const isBad = note.verdict === "changes-requested";
  const needsMore = !isBad && note.approvedBy.length < note.approvalsNeeded;
  return {
    ...{ note, rounds: roundsBefore(claim.record, change.head), needsMore },
    ...{ round: plan.round + (isBad ? 1 : 0), isOver: plan.foreign && !needsMore },
  };
}

/** The commit status of the head that is judged. */
export function judgedStatus(
  { plan, run }: Pick<ReviewJob, "plan" | "run">,
  ...[state, description]: [state: "pending" | "success" | "error" | "failure", description: string]
): Effect {
  return verdictStatus(plan.pull.headSha, state, description, run.url);
}

/**
 * One review for each claim, whoever finishes its effects and how often: a second claim comes this far on the same head only when somebody
 * asks for another judgement, which must then be seen. The head tells reviews apart whose ledger was lost between them.
 */
function reviewOf(job: ReviewJob, given: Given, { note }: Standing): Effect {
  const { ports, claim, run, settings } = job;
  const { end, profile } = given;
  const key = `${note.head.slice(0, 12)}-${claim.record.epoch}`;
  const body = report.reviewBody({
    ...{ verdict: note.verdict, round: note.round, roundsMax: settings.policy.maxRounds, profile: profile.name, run },
    ...{ head: note.head, summary: end.summary, findings: end.findings, inText: end.inText, key },
    ...{ approvalsNeeded: note.approvalsNeeded, approvals: note.approvedBy.length },
  });
  const formal = note.verdict === "approved" ? "approve" : "request-changes";
  return reviewEffect({
    ...{ id: "review", key, commit: note.head, body },
    ...(ports.reviewer === null ? { as: "bot", event: "comment" } : { as: "reviewer", event: formal }),
    comments: end.onLines.map((finding) => ({
      ...{ path: finding.path, line: finding.line, body: report.findingComment(finding) },
    })),
  });
}

// An approved one keeps its label: the next decision hands it over or asks for a second opinion.
function stageOf(job: ReviewJob, note: VerdictNote): Effect[] {
  return note.verdict === "approved" ? [] : [stageEffect(job, place(job), "needs-rework")];
}

/** A person's pull request is that person's again. */
function handBack(job: ReviewJob, change: JudgedChange, given: Given, standing: Standing): Effect[] {
  const key = String(job.claim.record.epoch);
  return [
    stageEffect(job, place(job), standing.note.verdict === "approved" ? "merge-ready" : "needs-rework"),
    ...triggerOff(job),
    ...handTo(job, job.plan.askedBy),
    {
      ...({ id: "handover", do: "comment", on: place(job), purpose: "handover", key, mode: "new" } as const),
      body: report.handoverComment(handedBack(job, change, given, standing, key)),
    },
  ];
}

function handedBack(
  job: ReviewJob,
  change: JudgedChange,
  given: Given,
  { note, rounds }: Standing,
  key: string,
): report.HandedOver {
  const { plan, claim, item, run, snapshot } = job;
  const { pull, askedBy } = plan;
  const found = item.details?.pull ?? null;
  const checks = found === null ? [] : foreignChecks(found.statuses, found.base.required, snapshot.workflow).all;
  const usd = claim.record.spend.usd + (given.costUsd ?? 0);
  return {
    ...{ askedBy, pull: pull.number, branch: pull.headIsHere ? pull.headRef : "", head: change.head },
    ...{ work: claim.record.work ?? null, verdict: note, rounds, foreignChecks: checks },
    ...{ protectedPaths: change.protectedPaths, followUps: [], costUsd: usd > 0 ? usd : null },
    ...{ generation: plan.generation, run, key, personsPull: true },
  };
}

function statusOf(job: ReviewJob, given: Given, standing: Standing): report.ReviewedStatus {
  const { note } = standing;
  return {
    ...{ pull: job.pull, verdict: note.verdict, round: note.round, roundsMax: job.settings.policy.maxRounds },
    ...{ findings: given.end.findings, summary: note.summary, profile: given.profile.name, run: job.run },
    ...{ durationMs: given.durationMs, costUsd: given.costUsd, next: nextStep(job, standing) },
  };
}

function nextStep(job: ReviewJob, { note, needsMore, isOver, round }: Standing): report.ReviewedStatus["next"] {
  if (isOver) return "person";
  if (note.verdict === "changes-requested") return round >= job.settings.policy.maxRounds ? "person" : "rework";
  return needsMore ? "review" : "hand-over";
}

const nexts: Record<report.ReviewedStatus["next"], string> = {
  "hand-over": "It is handed over.",
  review: "It touches protected paths: a second agent reviews it.",
  rework: "The author goes on with it.",
  person: "A person decides.",
};

function outcomeOf(job: ReviewJob, given: Given, standing: Standing): Outcome {
  const { note } = standing;
  const how = note.verdict === "approved" ? "is approved" : `needs changes (${report.countsText(note.findings)})`;
  return outcome({
    ...{ ...facts(job, given), outcome: "done", head: note.head, verdict: note.verdict },
    reason: `#${job.item.issue.number}: pull request #${job.pull} ${how}`,
    next: nexts[nextStep(job, standing)],
  });
}
