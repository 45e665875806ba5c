// What a reviewer is told: the issue, the change, what was checked, what the author claims, and the rounds before.

import { foreignChecks } from "../core/checks.ts";
import { type PromptCheck, reviewValues } from "../core/prompt.ts";
import { roundsBefore } from "../core/verdict.ts";
import { reviewPrompt } from "../prompts/review.ts";
import type { Workspace } from "../workspace.ts";
import { itemFacts, render } from "./prompts.ts";
import type { JudgedChange, ReviewJob } from "./review-change.ts";
import type { ShellEnd } from "./shell.ts";

/** `unprepared`: the command of `prepare` that failed in the reviewer's clone. `leftMs`: what is left of the time for the whole work. */
export async function reviewText(
  job: ReviewJob,
  workspace: Workspace,
  change: JudgedChange,
  unprepared: ShellEnd | null,
  leftMs: number,
): Promise<string> {
  const { plan, settings, claim, item, snapshot } = job;
  const { pull } = plan;
  const statuses = item.details?.pull?.statuses ?? [];
  const values = reviewValues({
    ...(await itemFacts(job, plan, workspace, change.base)),
    ...{ minutes: leftMs / 60_000, pull: pull.number, pullTitle: pull.title, pullBody: claimOf(job) },
    ...{ round: plan.round + 1, roundsMax: settings.policy.maxRounds },
    ...{ head: change.head, base: pull.baseRef, mergeBase: change.mergeBase, diff: change.text },
    statuses: foreignChecks(statuses, [], snapshot.workflow).all,
    ran: ranOn(job, change.head, unprepared),
    rounds: roundsBefore(claim.record, change.head),
    fork: !pull.headIsHere,
  });
  return render(job, change.base, "review", reviewPrompt, values);
}

/** The pull request's text, and the author's words on its last commit where they are not in it. */
function claimOf({ plan, claim }: ReviewJob): string {
  const { body, headSha } = plan.pull;
  const { work } = claim.record;
  if (work === undefined || work.head !== headSha || work.summary === "" || body.includes(work.summary)) return body;
  return `${body.trim()}\n\nOn its last commit:\n\n${work.summary}`;
}

/** What the host ran on this commit: the author's checks before it was published, and a `prepare` that failed now. */
function ranOn({ claim }: ReviewJob, head: string, unprepared: ShellEnd | null): PromptCheck[] | null {
  const { work } = claim.record;
  const checks = work?.head === head ? (work.checks ?? []) : [];
  const ran: PromptCheck[] = checks.map(({ command, exitCode }) => ({ command, exitCode, tail: "" }));
  if (unprepared !== null) ran.push(unprepared);
  return ran.length === 0 ? null : ran;
}
