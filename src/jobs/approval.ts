// A branch whose head a person approved is never rewritten: their word is about that commit.

import { approvalsOf } from "../core/model.ts";
import type { Interruption } from "./keepalive.ts";
import type { ReworkJob } from "./rework-job.ts";

/** Asked right before a publish that moves the branch elsewhere than forward: somebody may have approved the old head meanwhile. */
export async function rewritesApproved(job: ReworkJob, head: string | null): Promise<Interruption | null> {
  const { plan, ports, who } = job;
  const { pull, expect } = plan;
  if (head === null || expect === null || (await ports.workshop.isAncestor(ports, expect, head))) return null;
  const [approval] = approvalsOf(expect, await ports.forge.reviews(pull.number), who);
  return approval === undefined
    ? null
    : { kind: "taken-back", why: `@${approval.author} approved it while it was rebased; the next run merges instead` };
}
