// What an author is told who goes on with a pull request: a person's words, the conflict, findings, failing checks, then all that an author is told.

import { type FailingCheck, reworkValues } from "../core/prompt.ts";
import { describe } from "../errors.ts";
import type { StatusEntry } from "../forge/model.ts";
import type { FindingNote } from "../ledger/record.ts";
import { reworkPrompt } from "../prompts/rework.ts";
import type { Workspace } from "../workspace.ts";
import { itemFacts, render } from "./prompts.ts";
import { restoredText } from "./rework-instructions.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";

/** End of a job's log that is asked for, in bytes. */
const logBytesMax = 20_000;
/** Red checks whose logs are read. */
const logsMax = 10;

/** `leftMs`: what is left of the time for the whole work. */
export async function reworkText(
  job: ReworkJob,
  workspace: Workspace,
  range: Range,
  start: Start,
  leftMs: number,
): Promise<string> {
  const { plan, settings, claim } = job;
  const { pull, causes } = plan;
  // With a conflict: where the two sides parted, since both are told.
  const { mergeBase } = start.conflict === null ? start : range;
  const values = reworkValues({
    ...(await itemFacts(job, plan, workspace, range.base)),
    ...{ minutes: leftMs / 60_000, pull: pull.number, pullTitle: pull.title },
    ...{ round: causes.ordered ? null : plan.round, roundsMax: settings.policy.maxRounds },
    ...{ head: start.commit, base: pull.baseRef, mergeBase, conflict: start.conflict },
    ...{ findings: openFindings(job), failing: [...start.failing, ...(await failing(job, causes.red))] },
    rounds: claim.record.rounds ?? [],
    earlierWork: range.earlier ?? null,
  });
  return `${await render(job, range.base, "rework", reworkPrompt, values)}${restoredText(start)}`;
}

/** Findings of the newest verdict, as far as this work is about them. */
export function openFindings({ plan, claim }: Pick<ReworkJob, "plan" | "claim">): readonly FindingNote[] {
  const { verdict } = claim.record;
  return plan.causes.findings && verdict?.head === plan.pull.headSha ? verdict.findings : [];
}

async function failing({ ports }: ReworkJob, red: readonly StatusEntry[]): Promise<FailingCheck[]> {
  const checks: FailingCheck[] = [];
  for (const [at, { context, description, targetUrl }] of red.entries()) {
    const log = at < logsMax && targetUrl !== "" ? await logOf(ports, targetUrl) : null;
    checks.push({ context, description, log: log === null ? null : ports.redact(log) });
  }
  return checks;
}

/** The agent can run the check itself: a log that cannot be had is no reason to stop. */
async function logOf(ports: ReworkJob["ports"], targetUrl: string): Promise<string | null> {
  try {
    return await ports.forge.jobLog(targetUrl, logBytesMax);
  } catch (error) {
    ports.log.line(`the log behind ${targetUrl} could not be read: ${describe(error)}`);
    return null;
  }
}
