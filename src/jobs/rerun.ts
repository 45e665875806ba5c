// Foreign checks are red: the failed jobs are started again once, since runners and networks fail too. Then the author is asked.

import type { Work } from "../core/decision.ts";
import { rerunLine } from "../core/report.ts";
import { describe } from "../errors.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { afterSettling } from "./endings.ts";
import { forgeNow, type Job } from "./job.ts";
import { settle } from "./settle.ts";
import { statusComment } from "./wanted.ts";

export async function rerun(job: Job, work: Extract<Work, { kind: "rerun" }>): Promise<Outcome> {
  const { claim, item, ports, run } = job;
  const { pull, red } = work;
  const number = item.issue.number;
  const contexts = red.map((status) => status.context);
  await claim.fence();
  const targets = [...new Set(red.map((status) => status.targetUrl))];
  const results: boolean[] = [];
  for (const target of targets) results.push(await started(job, target));
  const began = results.includes(true);
  const before = item.record.kind === "record" ? item.record.record : null;
  const change = {
    rerun: { head: pull.headSha, at: new Date(forgeNow(ports)).toISOString(), started: began },
    pull: pull.number,
  };
  // Nothing else of the record moves: it is as it was, with this noted.
  const after = before === null || before.state === "held" || before.state === "published" ? "released" : before.state;
  const effects = [statusComment(rerunLine(pull.number, contexts, began, run))];
  const stage = before?.stage ?? null;
  const settled = await settle(job, { after, stage, effects: began ? effects : [], head: null, change });
  const done = outcome({
    ...{ kind: "rework", outcome: "done", item: number, pullRequest: pull.number, head: pull.headSha },
    reason: began
      ? `#${number}: red checks of pull request #${pull.number} are run again`
      : `#${number}: red checks of pull request #${pull.number} cannot be run again here`,
    next: began ? "If they stay red, the author mends it." : "The author mends it next.",
  });
  return afterSettling(job, settled, done);
}

/** A re-run that fails is as good as none: the author is asked then. */
async function started({ ports }: Job, target: string): Promise<boolean> {
  try {
    return target !== "" && (await ports.forge.rerun(target));
  } catch (error) {
    ports.log.line(`the checks behind ${target} could not be run again: ${describe(error)}`);
    return false;
  }
}
