// A bound is used up: attempts by runs that died, rounds without an approval, a merge that the forge keeps putting off. A person gets the item.

import { foreignChecks } from "../core/checks.ts";
import type { Work } from "../core/decision.ts";
import { plain, roundsComment } from "../core/report.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling, giveUpEffects } from "./endings.ts";
import type { Job } from "./job.ts";
import { settle } from "./settle.ts";

type GiveUp = Extract<Work, { kind: "give-up" }>;

export async function giveUpWork(job: Job, work: GiveUp): Promise<Outcome> {
  const { item, claim } = job;
  const number = item.issue.number;
  const { attempt, lastFailure, pull } = claim.record;
  const { askedBy } = work;
  const isDead = work.cause === "attempts";
  const last = lastFailure === null ? "" : `. The last known failure was ${lastFailure.class}: ${lastFailure.text}`;
  const text = isDead ? `${work.reason}: their runs ended without a word${last}` : work.reason;
  const failure = isDead ? ("abandoned" as const) : null;
  const open = item.pull === null ? null : item.pull.number;
  const effects = giveUpEffects(
    { ...job, pull: open },
    { failure, text, output: "", askedBy, attempts: attempt },
    isDead ? undefined : roundsText(job, work),
  );
  const change = { pull: open ?? pull, landing: undefined };
  const settled = await settle(job, { after: "blocked", stage: "blocked", effects, head: null, change });
  const done = outcome({
    ...{ kind: "resume", outcome: "needs-person", item: number, failure, pullRequest: open },
    ...{ reason: `#${number}: gave up: ${plain(text)}`, next: `@${askedBy} decides; the label put on again goes on.` },
  });
  return afterSettling(job, settled, done);
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
