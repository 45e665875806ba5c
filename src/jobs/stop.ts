// A person said stop: the trigger label off, the bot unassigned, the pull request left as it is.

import type { Work } from "../core/decision.ts";
import { stoppedLine } from "../core/report.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling } from "./endings.ts";
import type { Job } from "./job.ts";
import { settle } from "./settle.ts";
import { statusComment, stopEffects } from "./wanted.ts";

export async function stop(job: Job, work: Extract<Work, { kind: "stop" }>): Promise<Outcome> {
  const { item, claim, run } = job;
  const number = item.issue.number;
  const pull = item.pull?.number ?? null;
  const [comment = null] = work.plan.orderComments;
  const effects = [...stopEffects({ ...job, pull }, comment), statusComment(stoppedLine(work.by, run))];
  const stage = work.stage ?? claim.record.stage;
  const settled = await settle(job, { after: "blocked", stage, effects, head: null, change: { question: undefined } });
  const done = outcome({
    ...{ kind: "resume", outcome: "cancelled", item: number, pullRequest: pull },
    ...{ reason: `#${number}: stopped, @${work.by} ordered it`, next: "The label put on again goes on." },
  });
  return afterSettling(job, settled, done);
}
