// The change that a review judges: one head against the commit where it left its base, and what the reviewer's clone starts from.

import type { ReviewPlan } from "../core/decision.ts";
import { protectedIn } from "../core/protect.ts";
import type { JudgedDiff } from "../core/verdict.ts";
import { type CloneOrder, makeClone } from "../git/clone.ts";
import { ensureMergeBase } from "../git/history.ts";
import { withBaseInstructions } from "../git/instructions.ts";
import { patchId } from "../git/patch.ts";
import type { Host } from "../git/port.ts";
import { diffText, linesInDiff } from "../git/review.ts";
import { removeAll, type Workspace } from "../workspace.ts";
import { type Failed, failed } from "./agent-run.ts";
import type { AgentJob } from "./endings.ts";

export type ReviewJob = AgentJob & { kind: "review"; plan: ReviewPlan; pull: number };

export interface JudgedChange {
  head: string;
  /** Tip of the base branch. */
  base: string;
  mergeBase: string;
  /** Commit that the clone starts from: the head, or for a fork the merge base, each with the base's own agent instructions. */
  start: string;
  diff: JudgedDiff;
  /** For the prompt. */
  text: string;
  /** Fingerprint of the diff; empty where git cannot tell. */
  patch: string;
  /** Changed paths that the repository protects. */
  protectedPaths: string[];
}

export type FoundChange =
  | { kind: "change"; change: JudgedChange }
  /** Another head is there now than the one that was to be judged. */
  | { kind: "moved"; why: string }
  /** Nothing to judge. */
  | { kind: "empty" }
  | Failed;

/** Longest diff in a prompt, in bytes. */
const diffBytesMax = 150_000;

/** Fetches what is judged. Nothing of it is checked out or run. */
export async function readChange(job: ReviewJob): Promise<FoundChange> {
  const { plan, ports, settings } = job;
  const { pull } = plan;
  const host = await ports.host();
  const head = await host.fetchRef(pull.headIsHere ? `refs/heads/${pull.headRef}` : `refs/pull/${pull.number}/head`);
  if (head === null) return { kind: "moved", why: "its branch is gone" };
  if (head !== pull.headSha) return { kind: "moved", why: `its branch is at ${head.slice(0, 10)} now` };
  const base = await host.fetchBranch(pull.baseRef);
  if (base === null) return failed("forge-error", `the base branch \`${pull.baseRef}\` is gone`, "");
  const found = await ensureMergeBase(host, { head, base });
  if (found.kind === "unknown")
    return failed("forge-error", `where #${pull.number} left its base cannot be seen: ${found.why}`, "");
  if (found.kind === "unrelated")
    return failed("conflict", `#${pull.number} has no commit in common with \`${pull.baseRef}\``, "");
  const { mergeBase } = found;
  const paths = await changedPaths(host, mergeBase, head);
  if (paths.length === 0) return { kind: "empty" };
  const { start } = await withBaseInstructions(host, { head: pull.headIsHere ? head : mergeBase, base });
  const change = {
    ...{ head, base, mergeBase, start },
    diff: await linesInDiff(host, mergeBase, head),
    text: (await diffText(host, mergeBase, head, { bytesMax: diffBytesMax })).text,
    patch: (await patchId(host, mergeBase, head)) ?? "",
    protectedPaths: protectedIn(paths, settings.policy.protectedPaths),
  };
  return { kind: "change", change };
}

/** Of a renamed file both names. */
async function changedPaths(host: Host, from: string, to: string): Promise<string[]> {
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none"];
  const listed = await host.must([...args, from, to, "--"], { outputBytesMax: 64 * 1024 * 1024 });
  return listed
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
}

/** The throw-away clone, in the place of any before it. A fork's change is in it as a branch only, never as files. */
export async function makeReviewClone(job: ReviewJob, workspace: Workspace, change: JudgedChange): Promise<void> {
  await removeAll(workspace.clone);
  const base = { name: "base", commit: change.base };
  const order: CloneOrder = job.plan.pull.headIsHere
    ? { dir: workspace.clone, commit: change.start, branchName: "review", extra: [base] }
    : {
        ...{ dir: workspace.clone, commit: change.start, branchName: "merge-base" },
        extra: [base, { name: "review", commit: change.head }],
      };
  await makeClone(await job.ports.host(), order);
}
