import type { Pull } from "../model.ts";
import type { World } from "../world.ts";

/** The tip of the head branch, also after a merge; once the branch is gone what the server kept. */
export function headOf(world: World, pull: Pull): string {
  return world.git(pull.issue.repo).branch(pull.headBranch) ?? pull.headSha;
}

/** After a move of head or base the check "runs" for `mergeCheckMs`. */
export function startCheck(world: World, pull: Pull): void {
  pull.checkingUntil = world.nowMs() + world.mergeCheckMs;
}

export function isChecking(world: World, pull: Pull): boolean {
  return world.nowMs() < pull.checkingUntil;
}

/** Brings `mergeable` and `mergeBase` up to date, unless closed or the check is still running. */
export async function checkConflicts(world: World, pull: Pull): Promise<void> {
  if (pull.issue.state === "closed" || isChecking(world, pull)) return;
  const git = world.git(pull.issue.repo);
  const base = git.branch(pull.baseBranch);
  if (base === undefined || (pull.fork === undefined && git.branch(pull.headBranch) === undefined)) return;
  const head = headOf(world, pull);
  pull.mergeBase = await git.mergeBase(base, head);
  pull.mergeable = (await git.mergedTree(base, head)) !== undefined;
}
