// Merges what a person approved, where the policy says so: exactly the approved head, and nothing if anything is unclear.

import { closes } from "../core/closing.ts";
import type { Work } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { stageLabel, stages } from "../core/policy.ts";
import { landingLine, mergedLine, plain } from "../core/report.ts";
import { landingsMax } from "../core/rows/pull.ts";
import { ForgeError } from "../errors.ts";
import type { MergeAnswer } from "../forge/model.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling } from "./endings.ts";
import { forgeNow, type Job } from "./job.ts";
import { patiently } from "./patience.ts";
import { settle } from "./settle.ts";
import { statusComment } from "./wanted.ts";

type Land = Extract<Work, { kind: "land" }>;

export async function land(job: Job, work: Land): Promise<Outcome> {
  // The head is named with each sending, so one that arrives late or twice merges nothing else.
  const answer = await patiently(job.ports, async () => {
    await job.claim.fence();
    return { again: null, result: await merge(job, work) };
  });
  switch (answer.kind) {
    case "merged":
      return merged(job, work);
    case "moved":
      return released(job, work, answer.answer);
    case "not-yet":
    case "conflict":
    case "refused":
      return putOff(job, work, answer.answer);
    default:
      return answer satisfies never;
  }
}

/** After an answer that was lost the pull request itself says whether it was merged. Throws while the forge is away. */
async function merge({ ports }: Job, { pull }: Land): Promise<MergeAnswer> {
  const [style] = (await ports.forge.repository())?.mergeStyles ?? [];
  if (style === undefined) return { kind: "refused", answer: "the repository allows no way to merge" };
  try {
    return await ports.forge.merge(pull.number, { style, head: pull.headSha });
  } catch (error) {
    if (!(error instanceof ForgeError) || !error.mayBeApplied) throw error;
    const now = await ports.forge.pull(pull.number);
    if (now?.merged === true) return { kind: "merged" };
    if (error.away) throw error;
    // A server error also means an open dependency: counted like any "not yet", so that it ends with a person.
    return { kind: "not-yet", answer: error.message };
  }
}

async function merged(job: Job, { pull, plan, approvedBy, item }: Land): Promise<Outcome> {
  const { run } = job;
  const number = item.issue.number;
  const since = new Date(forgeNow(job.ports)).toISOString();
  const labels = [job.settings.policy.label, ...stages.map(stageLabel)];
  const effects: Effect[] = [
    ...closedIssue(item.issue.number, pull),
    { id: "labels-issue", do: "labels", on: "issue", add: [], remove: labels },
    { id: "labels-pull", do: "labels", on: "pull", add: [], remove: labels },
    statusComment(mergedLine(pull.number, pull.headSha, approvedBy, run)),
    { id: "unassign", do: "assign", on: "issue", add: [], remove: [job.who.me.login], since },
    ...closedBranch(job, pull),
  ];
  const change = { ...{ attempt: 0, lastFailure: null }, landing: undefined, slot: null };
  const settled = await settle(job, { after: "closed", stage: null, effects, head: null, change });
  const done = outcome({
    ...{
      kind: "land",
      outcome: "done",
      item: number,
      pullRequest: pull.number,
      head: pull.headSha,
      branch: pull.headRef,
    },
    reason: `#${number}: pull request #${pull.number} is merged, on @${approvedBy}'s approval`,
    next: plan.askedBy === "" ? "It is done." : `It is done; @${plan.askedBy} asked for it.`,
  });
  return afterSettling(job, settled, done);
}

/** The forge closes it by the text of the pull request; where it did not, the program does. `Refs #N` leaves it open, as the author wants it. */
function closedIssue(number: number, { title, body }: Land["pull"]): Effect[] {
  return closes(`${title}\n${body}`, number) ? [{ id: "close", do: "close-issue" }] : [];
}

function closedBranch({ item, claim }: Job, pull: Land["pull"]): Effect[] {
  const { branch, baseBranch } = claim.record;
  if (item.issue.isPull || branch === "" || branch === baseBranch || branch !== pull.headRef) return [];
  return [{ id: "branch", do: "delete-branch", branch, sha: pull.headSha }];
}

async function putOff(job: Job, { pull, item }: Land, answer: string): Promise<Outcome> {
  const { claim, run, settings } = job;
  const number = item.issue.number;
  const before = claim.record.landing?.head === pull.headSha ? claim.record.landing.times : 0;
  const times = before + 1;
  const wait = settings.policy.limits.cooldownSeconds[0] ?? 300;
  const effects: Effect[] = [statusComment(landingLine(pull.number, times, landingsMax, answer, run))];
  const change = {
    landing: { head: pull.headSha, times, answer: job.ports.redact(answer).slice(0, 1000) },
    cooldownUntil: new Date(forgeNow(job.ports) + wait * 1000).toISOString(),
  };
  const settled = await settle(job, { after: "done", stage: "merge-ready", effects, head: null, change });
  const done = outcome({
    ...{ kind: "land", outcome: "failed", item: number, pullRequest: pull.number, head: pull.headSha },
    reason: `#${number}: the forge does not merge pull request #${pull.number} yet: ${plain(answer)}`,
    next: `It is tried again, ${landingsMax} times in all; then a person gets it.`,
  });
  return afterSettling(job, settled, done);
}

/** The head moved while it was being merged: whoever moved it needs a review and an approval of what it is now. */
async function released(job: Job, { pull, item }: Land, answer: string): Promise<Outcome> {
  const number = item.issue.number;
  await job.claim.finish({ state: "done" });
  return outcome({
    ...{ kind: "land", outcome: "idle", item: number, pullRequest: pull.number },
    reason: `#${number}: pull request #${pull.number} moved meanwhile (${plain(answer)})`,
    next: "The next run looks at its new head.",
  });
}
