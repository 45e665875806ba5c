// The author of a rework reads agent instructions (AGENTS.md and the like) as the base branch has them, not as the branch under rework wrote them:
// they are put back in the clone, and taken out again of what is published.

import type { ComposeOrder, Composition } from "../git/compose.ts";
import { cleanTrees, compose, patch } from "../git/compose.ts";
import { withBaseInstructions } from "../git/instructions.ts";
import type { Host } from "../git/port.ts";
import type { Start } from "./rework-job.ts";

/** The same start, with a clone that has the base's instructions. A merge with conflicts has them from the merge already. */
export async function withInstructions(host: Host, start: Start, base: string): Promise<Start> {
  if (start.compose !== undefined) return start;
  const { start: clone, restored } = await withBaseInstructions(host, { head: start.commit, base });
  if (restored.length === 0) return start;
  return {
    ...{ ...start, clone, restored },
    compose: (order) => composeOn(host, order, { head: start.commit, clone, restored: new Set(restored) }),
  };
}

interface Restored {
  /** The commit that is built on. */
  head: string;
  /** The commit that the agent started from. */
  clone: string;
  restored: ReadonlySet<string>;
}

/** The agent's work as if it had begun at the head: restored files are as there, but for those that the agent itself changed. */
async function composeOn(host: Host, order: ComposeOrder, { head, clone, restored }: Restored): Promise<Composition> {
  const { work } = order;
  const touched = await pathsBetween(host, clone, work.tree);
  const isRestored = (path: string) => restored.has(path) && !touched.has(path);
  const onHead = (sha: string) => (sha === clone ? head : sha);
  const commits = work.commits.map((commit) => ({ ...commit, parents: commit.parents.map(onHead) }));
  const composed = await compose(host, {
    ...order,
    work: { ...work, base: head, head: onHead(work.head), commits },
    dropPaths: (path) => isRestored(path) || order.dropPaths(path),
  });
  if (composed.kind === "unreadable") return composed;
  const own = composed.droppedPatch === null ? null : await withoutRestored(host, head, work.tree, isRestored);
  const droppedPatch = own === null || own === composed.tree ? null : await patch(host, composed.tree, own);
  // Nothing was done: said by the commit that the caller knows as the start.
  return { ...composed, droppedPatch, head: composed.head === head ? clone : composed.head };
}

/** The agent's tree, with restored files as the head has them: what else is taken out of it, the agent did. */
async function withoutRestored(
  host: Host,
  head: string,
  tree: string,
  isRestored: (path: string) => boolean,
): Promise<string> {
  const headTree = (await host.must(["rev-parse", "--verify", `${head}^{tree}`])).toString("latin1").trim();
  const cleaned = await cleanTrees(host, headTree, [tree], isRestored);
  return cleaned.kind === "trees" ? (cleaned.trees.get(tree) ?? tree) : tree;
}

/** Longest list of differences, in bytes. */
const diffBytesMax = 64 * 1024 * 1024;

async function pathsBetween(host: Host, from: string, to: string): Promise<ReadonlySet<string>> {
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none", from, to];
  const listed = await host.must(args, { outputBytesMax: diffBytesMax });
  return new Set(listed.toString("utf8").split("\0"));
}

/** What is said about it at the end of the prompt; nothing where nothing was restored. */
export function restoredText({ restored = [] }: Start): string {
  if (restored.length === 0) return "";
  const few = restored.slice(0, 20).map((path) => JSON.stringify(path));
  const more = restored.length > few.length ? `, and ${restored.length - few.length} more` : "";
  return `
# Files for agents

These files stand in your clone as the base branch has them, since they give orders to agents; the branch's own versions are in the commit before
(\`git show HEAD~1:<path>\` at the start): ${few.join(", ")}${more}. Leave them alone unless your task is about them: then what you leave in one is
published as it stands.
`;
}
