// What follows when a publish did not come about: the same for a first change and for a rework.

import type { Outcome } from "../outcome.ts";
import type { Spent } from "./author.ts";
import { type AgentJob, fail, interrupted } from "./endings.ts";
import { failedHere } from "./life.ts";
import type { Settled } from "./settle.ts";

/** Null: it is published, or there is nothing more to be done about it by this run. The work is kept where an agent did it. */
export async function notPublished(job: AgentJob, settled: Settled, spend: Spent | null): Promise<Outcome | null> {
  const { branch, expect } = job.plan;
  switch (settled.kind) {
    case "stopped":
      return interrupted(job, settled.why, spend);
    case "branch-refused": {
      const from = expect === null ? "" : ` from \`${expect.slice(0, 10)}\``;
      const text = `The branch \`${branch}\` could not be moved${from} to the work: ${settled.detail}`;
      return fail(job, failedHere("push-rejected", text, ""), spend);
    }
    case "not-uploaded":
      return fail(job, failedHere("forge-error", settled.why, ""), spend);
    default:
      return null;
  }
}
