// The one commit that is published when an agent has resolved a merge: the host's own, with the agent's final tree and nothing of its history.

import { RunError } from "../errors.ts";
import { readChanges, readRaw } from "./changes.ts";
import { type Composition, cleanTrees, editTree, findDropped, patch } from "./compose.ts";
import { explain } from "./git.ts";
import { ensureMergeBase } from "./history.ts";
import type { ImportedWork } from "./import.ts";
import { entry, removal } from "./leftovers.ts";
import { mergeCommit } from "./merging.ts";
import type { Host } from "./port.ts";

export interface ComposeMergeOrder {
  work: ImportedWork;
  /** The head that is published so far and the tip of the base branch, in this order; both on the forge. */
  parents: readonly [head: string, base: string];
  /** Of the merge commit; whatever the agent wrote into commits is not taken. */
  message: string;
  trailers: readonly string[];
  /** Paths that the agent may not decide on. */
  dropPaths: (path: string) => boolean;
}

/**
 * Publishes the agent's resolution as one merge commit by the bot; the same work gives the same commit.
 *
 * Dropped paths are as `settledTree` has them. `changes` are those of the result against the tip of the base branch: what the base brought in
 * is not judged again, all that the pull request would bring is. `droppedPatch`: what the agent had in dropped paths beyond that.
 */
export async function composeMerge(host: Host, order: ComposeMergeOrder): Promise<Composition> {
  const { work, parents, message, trailers, dropPaths } = order;
  const [, base] = parents;
  const settled = await settle(host, parents, dropPaths);
  if (settled.kind === "unreadable") return settled;
  const cleaned = await cleanTrees(host, settled.tree, [work.tree], dropPaths);
  if (cleaned.kind === "unreadable") return cleaned;
  const tree = cleaned.trees.get(work.tree) ?? work.tree;
  const read = await readChanges(host, base, tree);
  if (read.kind === "unreadable") return read;
  const head = await mergeCommit(host, { tree, parents, message, trailers });
  await verify(host, { head, tree, parents, settled: settled.tree, dropPaths });
  const droppedPatch = tree === work.tree ? null : await patch(host, tree, work.tree);
  return { kind: "composed", head, tree, commits: 1, droppedPatch, changes: read.changes };
}

export type Settled = { kind: "tree"; tree: string } | { kind: "unreadable"; why: string };

/**
 * A merge's tree with the dropped paths as they will be published: as the base's tip has them, but where `head` changed one since the merge
 * base (a person did: nobody else can), as `head` has it, without what the base did to that one meanwhile. Give this tree to an agent, not the
 * merge's own: then it sees no conflict in them, and what `composeMerge` drops is what the agent did.
 */
export async function settledTree(
  host: Host,
  order: { tree: string; parents: readonly [head: string, base: string]; dropPaths: (path: string) => boolean },
): Promise<Settled> {
  const settled = await settle(host, order.parents, order.dropPaths);
  if (settled.kind === "unreadable") return settled;
  const cleaned = await cleanTrees(host, settled.tree, [order.tree], order.dropPaths);
  if (cleaned.kind === "unreadable") return cleaned;
  return { kind: "tree", tree: cleaned.trees.get(order.tree) ?? order.tree };
}

const DIFF_BYTES_MAX = 64 * 1024 * 1024;

/** The base's tree with those dropped paths of `head` that `head` changed. Only its dropped paths mean anything. */
async function settle(
  host: Host,
  [head, base]: readonly [string, string],
  dropPaths: (path: string) => boolean,
): Promise<Settled> {
  const known = await ensureMergeBase(host, { head, base });
  if (known.kind !== "found") {
    return { kind: "unreadable", why: known.kind === "unknown" ? known.why : "the histories are unrelated" };
  }
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none"];
  const diff = await host.run([...args, known.mergeBase, head], { outputBytesMax: DIFF_BYTES_MAX });
  if (diff.kind !== "ended" || diff.code !== 0) return { kind: "unreadable", why: explain(diff) };
  const own = readRaw(diff.stdout, 0).entries.filter(({ name }) => dropPaths(name.toString("utf8")));
  const baseTree = (await host.must(["rev-parse", "--verify", `${base}^{tree}`])).toString("latin1").trim();
  if (own.length === 0) return { kind: "tree", tree: baseTree };
  // Removals first: a folder may stand where the other side has a file.
  const gone = own.map(({ name }) => removal(name));
  const there = own.filter(({ newMode }) => newMode !== "000000");
  const lines = [...gone, ...there.map(({ newMode, newSha, name }) => entry(newMode, newSha, name))];
  return editTree(host, baseTree, Buffer.concat(lines));
}

/** What is about to be published is read back. */
async function verify(
  host: Host,
  made: {
    head: string;
    tree: string;
    parents: readonly string[];
    settled: string;
    dropPaths: (path: string) => boolean;
  },
): Promise<void> {
  const shown = await host.must(["log", "-1", "--format=%T %P", made.head, "--"]);
  const fits = shown.toString("latin1").trim() === [made.tree, ...made.parents].join(" ");
  const found = await findDropped(host, made.settled, [made.tree], made.dropPaths);
  if (fits && found.kind === "found" && found.dropped.size === 0) return;
  throw new RunError("The composed merge is not what was asked for.", {
    remedy: "Nothing was pushed. Report it with this text.",
    mender: "agent-dispatch",
    retry: false,
  });
}
