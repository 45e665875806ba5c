// Attempts used up by runs that died without a word: a person gets the item.

import type { Work } from "../core/decision.ts";
import { plain } from "../core/report.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { giveUpEffects } from "./endings.ts";
import type { Job } from "./job.ts";
import { settle } from "./settle.ts";

export async function giveUpDead(job: Job, work: Extract<Work, { kind: "give-up" }>): Promise<Outcome> {
  const number = job.item.issue.number;
  const last = job.claim.record.lastFailure;
  const text = `${work.reason}: their runs ended without a word${last === null ? "" : `. The last known failure was ${last.class}: ${last.text}`}`;
  const why = {
    failure: "abandoned",
    text,
    output: "",
    askedBy: work.askedBy,
    attempts: job.claim.record.attempt,
  } as const;
  const settled = await settle(job, {
    after: "blocked",
    stage: "blocked",
    effects: giveUpEffects(job, why),
    head: null,
    change: {},
  });
  return outcome({
    ...{
      kind: "resume",
      outcome: settled.kind === "lost" ? "lost" : "needs-person",
      item: number,
      failure: "abandoned",
    },
    ...{
      reason: `#${number}: gave up: ${plain(text)}`,
      next: `@${work.askedBy} decides; the label put on again goes on.`,
    },
  });
}
