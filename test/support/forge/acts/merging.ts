import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runGit } from "../git/process.ts";
import type { MergeStyle, Pull, User } from "../model.ts";
import type { World } from "../world.ts";
import { headOf } from "./mergeability.ts";

/** `tip` is what the moved branch shall point to. */
export type Merged = { kind: "merged"; tip: string } | { kind: "conflict" } | { kind: "impossible" };

interface Sides {
  base: string;
  head: string;
}

function sidesOf(world: World, pull: Pull): Sides {
  return { base: world.git(pull.issue.repo).branch(pull.baseBranch) ?? "", head: headOf(world, pull) };
}

/** Makes the commit that a merge of this style puts on the base branch; moves nothing. */
export async function mergeIntoBase(
  world: World,
  pull: Pull,
  style: MergeStyle,
  message: string,
  doer: User,
): Promise<Merged> {
  const sides = sidesOf(world, pull);
  switch (style) {
    case "merge":
      return commitMerge(world, pull, sides, [sides.base, sides.head], message, doer, doer);
    case "squash":
      return commitMerge(world, pull, sides, [sides.base], message, pull.issue.poster, doer);
    case "rebase":
      return rebase(world, pull, sides, doer);
    case "rebase-merge": {
      const rebased = await rebase(world, pull, sides, doer);
      if (rebased.kind !== "merged") return rebased;
      const onTop = { base: sides.base, head: rebased.tip };
      return commitMerge(world, pull, onTop, [sides.base, rebased.tip], message, doer, doer);
    }
    case "fast-forward-only": {
      const git = world.git(pull.issue.repo);
      const possible = await git.isAncestor(sides.base, sides.head);
      return possible ? { kind: "merged", tip: sides.head } : { kind: "impossible" };
    }
  }
}

/** Brings the head up to its base; `impossible` if there is nothing to bring. */
export async function updateHead(world: World, pull: Pull, style: "merge" | "rebase", doer: User): Promise<Merged> {
  const sides = sidesOf(world, pull);
  const git = world.git(pull.issue.repo);
  if (git.branch(pull.headBranch) === undefined) return { kind: "impossible" };
  if (await git.isAncestor(sides.base, sides.head)) return { kind: "impossible" };
  if (style === "rebase") return rebase(world, pull, sides, doer);
  const message = `Merge branch '${pull.baseBranch}' into ${pull.headBranch}\n`;
  return commitMerge(world, pull, sides, [sides.head, sides.base], message, doer, doer);
}

async function commitMerge(
  world: World,
  pull: Pull,
  sides: Sides,
  parents: string[],
  message: string,
  author: User,
  committer: User,
): Promise<Merged> {
  const git = world.git(pull.issue.repo);
  const tree = await git.mergedTree(sides.base, sides.head);
  if (tree === undefined) return { kind: "conflict" };
  const tip = await git.writeCommit({
    tree,
    parents,
    message,
    author: identity(author),
    committer: identity(committer),
    at: world.now(),
  });
  return { kind: "merged", tip };
}

/** Needs files: git of this age cannot replay commits without a work tree. */
async function rebase(world: World, pull: Pull, sides: Sides, doer: User): Promise<Merged> {
  const git = world.git(pull.issue.repo);
  const folder = mkdtempSync(join(tmpdir(), "forge-rebase-"));
  const tree = join(folder, "tree");
  const { name, email } = identity(doer);
  const at = `${Math.floor(world.now() / 1000)} +0000`;
  const env = { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, GIT_COMMITTER_DATE: at };
  try {
    await git.run(["worktree", "add", "--quiet", "--detach", tree, sides.head]);
    const answer = await runGit(tree, ["rebase", "--quiet", sides.base], { env });
    if (answer.exit !== 0) return { kind: "conflict" };
    return { kind: "merged", tip: (await runGit(tree, ["rev-parse", "HEAD"])).stdout.toString().trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await git.run(["worktree", "prune"]);
  }
}

function identity(user: User): { name: string; email: string } {
  return { name: user.login, email: user.email };
}
