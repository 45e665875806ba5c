// A bound is used up: attempts by runs that died, runs that were cancelled, rounds without an approval, a merge that the forge keeps putting
// off; or somebody else's commits are in the way. A person gets the item.

import { foreignChecks } from "../core/checks.ts";
import type { Work } from "../core/decision.ts";
import type { FailureClass } from "../core/failure.ts";
import { cancelledComment, plain, roundsComment } from "../core/report.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { withHandled } from "./claiming.ts";
import { afterSettling } from "./endings.ts";
import type { Job } from "./job.ts";
import { settle } from "./settle.ts";
import { giveUpEffects } from "./wanted.ts";

type GiveUp = Extract<Work, { kind: "give-up" }>;

export async function giveUpWork(job: Job, work: GiveUp): Promise<Outcome> {
  const { item, claim } = job;
  const number = item.issue.number;
  const { attempt, pull } = claim.record;
  const { askedBy } = work;
  const { failure, text } = wordsOf(job, work);
  const open = item.pull === null ? null : item.pull.number;
  const effects = giveUpEffects(
    { ...job, pull: open },
    { failure, text, output: "", askedBy, attempts: attempt },
    bodyOf(job, work),
  );
  // Only now: a run that dies before it has answered an order leaves it to the next one.
  const handled = withHandled(claim.record.handled, work.handled);
  const change = { pull: open ?? pull, landing: undefined, handled };
  const settled = await settle(job, { after: "blocked", stage: "blocked", effects, head: null, change });
  const done = outcome({
    ...{ kind: "resume", outcome: "needs-person", item: number, failure, pullRequest: open },
    ...{ reason: `#${number}: gave up: ${plain(text)}`, next: `@${askedBy} decides; the label put on again goes on.` },
  });
  return afterSettling(job, settled, done);
}

function wordsOf({ item, claim }: Job, { cause, reason }: GiveUp): { failure: FailureClass | null; text: string } {
  const { lastFailure } = claim.record;
  switch (cause) {
    case "attempts": {
      const last = lastFailure === null ? "" : `. The last known failure was ${lastFailure.class}: ${lastFailure.text}`;
      return { failure: "abandoned", text: `${reason}: their runs ended without a word${last}` };
    }
    case "cancelled":
      return { failure: "cancelled", text: reason };
    case "branch": {
      const at = item.details?.branch ?? "";
      const text = `${reason}; it stands at ${at.slice(0, 10)}. Nothing of it was touched. Rename or delete it`;
      return { failure: null, text };
    }
    case "budget":
      return { failure: "budget", text: reason };
    case "rounds":
    case "landing":
      return { failure: null, text: reason };
    default:
      return cause satisfies never;
  }
}

/** The comment where it is not the usual one. */
function bodyOf(job: Job, work: GiveUp): string | undefined {
  const { cause, askedBy } = work;
  if (cause === "rounds" || cause === "landing") return roundsText(job, work);
  if (cause !== "cancelled") return undefined;
  const { cancelled: times = 0, epoch } = job.claim.record;
  const how = "the forge calls it cancelled; by whom, the program cannot see";
  return cancelledComment({
    askedBy,
    how,
    times,
    run: job.run,
    key: String(epoch),
    pull: job.item.pull?.number ?? null,
  });
}

function roundsText(job: Job, { askedBy }: GiveUp): string {
  const { item, claim, run } = job;
  const { verdict, rounds, round, landing, baseBranch } = claim.record;
  const facts = item.details?.pull ?? null;
  const red = facts === null ? [] : foreignChecks(facts.statuses, facts.base.required, job.snapshot.workflow).red;
  return roundsComment({
    ...{ askedBy, pull: item.pull?.number ?? 0, base: item.pull?.baseRef ?? baseBranch, rounds: round },
    ...{ verdict: verdict ?? null, history: rounds ?? [], conflict: facts?.merge === "conflict" },
    red,
    landing: landing === undefined ? null : { times: landing.times, answer: landing.answer },
    ...{ run, key: String(claim.record.epoch) },
  });
}
