// An author at a pull request that came back, on this machine: what there is to start from, the clone, the agents, the checks.

import type { FailingCheck } from "../core/prompt.ts";
import { makeClone } from "../git/clone.ts";
import { ensureMergeBase } from "../git/history.ts";
import type { Workspace } from "../workspace.ts";
import { type Authored, author } from "./author.ts";
import { prepare } from "./checks.ts";
import { earlierWork } from "./kept.ts";
import { withInstructions } from "./rework-instructions.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";
import { reworkText } from "./rework-prompt.ts";

export type FoundRange =
  | (Range & { kind: "range" })
  | { kind: "moved"; why: string }
  | { kind: "unknown"; why: string };

/** Both tips as they are now; or why there is nothing to be done with them now. */
export async function rangeOf({ plan, ports, claim }: ReworkJob): Promise<FoundRange> {
  const { pull, branch, expect } = plan;
  const host = await ports.host();
  const earlier = await earlierWork({ ports, claim }, [branch, pull.baseRef]);
  const [head, base] = [await host.fetchBranch(branch), await host.fetchBranch(pull.baseRef)];
  if (base === null) return { kind: "unknown", why: `the base branch \`${pull.baseRef}\` is gone` };
  if (head === null || head !== expect) return { kind: "moved", why: `the branch \`${branch}\` moved meanwhile` };
  const known = await ensureMergeBase(host, { head, base });
  if (known.kind === "unknown")
    return { kind: "unknown", why: `where \`${branch}\` leaves \`${pull.baseRef}\` cannot be seen: ${known.why}` };
  // Without a common history all of the base is new to the branch; a conflict then goes to a person (rebase.ts).
  return { kind: "range", head, base, mergeBase: known.kind === "found" ? known.mergeBase : base, earlier };
}

export async function attemptRework(
  job: ReworkJob,
  workspace: Workspace,
  range: Range,
  given: Start,
  stop: AbortSignal,
): Promise<Authored> {
  const { plan, ports, settings } = job;
  const start = await withInstructions(await ports.host(), given, range.base);
  const startedAt = ports.clock.elapsed();
  const { commit, clone = commit, compose } = start;
  // Two branches of one repository: the names cannot get into each other's way.
  const ofBase = { name: plan.pull.baseRef, commit: range.base };
  const extra = range.earlier ? [ofBase, range.earlier.branch] : [ofBase];
  await ports.log.group("Clone", async () =>
    makeClone(await ports.host(), { dir: workspace.clone, commit: clone, branchName: plan.branch, extra }),
  );
  const told = { ...start, failing: [...start.failing, ...(await unprepared(job, workspace, stop))] };
  const leftMs = () => Math.max(60_000, settings.timeoutMs - (ports.clock.elapsed() - startedAt));
  return author({
    ...({ job, plan, kind: "rework", pull: plan.pull.number, workspace } as const),
    ...{ start: clone, base: range.base, extra, stop },
    ...(compose === undefined ? {} : { compose }),
    prompt: () => reworkText(job, workspace, range, told, leftMs()),
  });
}

/** `prepare` in the clone. What the branch itself may have broken, or a conflict, is for the author to mend: the checks judge at the end. */
async function unprepared(job: ReworkJob, workspace: Workspace, stop: AbortSignal): Promise<FailingCheck[]> {
  const failed = await prepare(job, workspace, stop);
  if (failed === null) return [];
  const how = failed.killed ?? `exit code ${failed.exitCode ?? "none"}`;
  return [{ context: failed.command, description: `it prepares the clone, and failed: ${how}`, log: failed.tail }];
}
