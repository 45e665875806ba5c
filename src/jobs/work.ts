// From a kind of work to the job that does it: the only place that knows them all.

import type { Work } from "../core/decision.ts";
import type { Effects } from "../core/effects.ts";
import type { Outcome } from "../outcome.ts";
import { giveUpWork } from "./give-up.ts";
import { handOver } from "./hand-over.ts";
import { implement } from "./implement.ts";
import type { Job } from "./job.ts";
import { land } from "./land.ts";
import { rerun } from "./rerun.ts";
import { resume } from "./resume.ts";
import { review } from "./review.ts";
import { rework } from "./rework.ts";
import { stop } from "./stop.ts";

/** `effects`: what a dead run left to be written, for `resume`. */
export function doWork(job: Job, work: Work, effects: Effects | null): Promise<Outcome> {
  switch (work.kind) {
    case "resume":
      // Row 1 leaves a record alone whose effects cannot be read: writing it anew would lose them.
      if (effects === null) throw new Error("a resume was decided without effects that can be read");
      return resume(job, effects);
    case "give-up":
      return giveUpWork(job, work);
    case "hand-over":
      return handOver(job, work);
    case "land":
      return land(job, work);
    case "stop":
      return stop(job, work);
    case "rerun":
      return rerun(job, work);
    case "implement":
      return implement(job, work);
    case "review":
      return review(job, work);
    case "rework":
      return rework(job, work);
    default:
      return work satisfies never;
  }
}
