// The prompt that an agent would get, for `dry-run`: the forge and git are read, nothing is written and nothing is checked out.

import type { AgentWork } from "../core/decision.ts";
import { keptBranch, keptWork } from "../core/kept.ts";
import type { Snapshot } from "../core/model.ts";
import { ensureMergeBase } from "../git/history.ts";
import { Claim } from "../ledger/claim.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import type { Workspace } from "../workspace.ts";
import { ledgerPorts, recordFor } from "./claiming.ts";
import type { Job } from "./job.ts";
import { implementText } from "./prompts.ts";
import { readChange } from "./review-change.ts";
import { reviewText } from "./review-prompt.ts";
import { reworkText } from "./rework-prompt.ts";

/** Stands where a run has folders of its own. */
const nowhere: Workspace = {
  ...{ root: "", clone: "", home: "", tmp: "", promptFile: "", kept: "" },
  resultFile: "<the file named by AGENT_DISPATCH_RESULT>",
  remove: async () => {},
};

export async function promptOf(
  ports: Ports,
  settings: Settings,
  who: Who,
  snapshot: Snapshot,
  work: AgentWork,
): Promise<string> {
  const record = recordFor(ports, settings, who, work, snapshot.ends);
  // A claim that is never asked for: the prompts read its record.
  const claim = new Claim(
    await ledgerPorts(ports, settings),
    { record, sha: "", effects: null, slotSha: null, startedAt: 0 },
    null,
  );
  const job: Job = { ports, settings, who, claim, item: work.item, snapshot, run: { number: null, url: null } };
  const host = await ports.host();
  switch (work.kind) {
    case "implement":
      return implementText(job, work.plan, nowhere, await tip(ports, settings.policy.base), keptWork(work.item));
    case "review": {
      const own = { ...job, kind: "review", plan: work.plan, pull: work.plan.pull.number } as const;
      const found = await readChange(own);
      if (found.kind !== "change") throw new Error(`nothing to judge: ${found.kind}`);
      return reviewText(own, nowhere, found.change, null, settings.timeoutMs);
    }
    case "rework": {
      const own = { ...job, kind: "rework", plan: work.plan, pull: work.plan.pull.number } as const;
      const [head, base] = [await tip(ports, work.plan.branch), await tip(ports, work.plan.pull.baseRef)];
      const known = await ensureMergeBase(host, { head, base });
      const mergeBase = known.kind === "found" ? known.mergeBase : base;
      const start = { commit: head, mergeBase, conflict: null, failing: [] };
      const kept = keptWork(work.item);
      const earlier = kept === null ? null : { ...kept, branch: { name: keptBranch, commit: kept.head } };
      return reworkText(own, nowhere, { head, base, mergeBase, earlier }, start, settings.timeoutMs);
    }
    default:
      return work satisfies never;
  }
}

async function tip(ports: Ports, branch: string): Promise<string> {
  const sha = await (await ports.host()).fetchBranch(branch);
  if (sha === null) throw new Error(`the branch ${branch} is gone`);
  return sha;
}
