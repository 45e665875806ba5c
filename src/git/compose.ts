// Makes the commits that may be published out of the agent's work: one by one along the first parent, by the bot, without the paths that the
// caller takes out (workflow files). The same work gives the same commit ids on every try: no clock, no random value.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { type Changes, type RawEntry, readChanges, readRaw } from "./changes.ts";
import { explain, type GitOptions } from "./git.ts";
import { identityEnv } from "./host.ts";
import type { ImportedWork } from "./import.ts";
import { entry, removal } from "./leftovers.ts";
import type { Host } from "./port.ts";

export interface ComposeOrder {
  work: ImportedWork;
  /** Paths to be left as the base has them, in every commit. */
  dropPaths: (path: string) => boolean;
  /** Lines such as `Agent-Dispatch: issue-12`, added to every message. */
  trailers: readonly string[];
  /** Message of the commit with what was left uncommitted, and of the one commit that replaces a rewritten history. */
  leftoverSubject: string;
  /** For example redaction. */
  mapMessage: (message: string) => string;
}

export type Composition =
  | {
      kind: "composed";
      /** The base itself when nothing is left to publish. */
      head: string;
      tree: string;
      commits: number;
      /** Patch of what was taken out, at most 256 KiB; null when nothing was. */
      droppedPatch: string | null;
      /** Of `head` against the base. */
      changes: Changes;
    }
  /** A commit on the way has a tree that git refuses, or too many files. */
  | { kind: "unreadable"; why: string };

/** More commits than this are published as one. */
const COMMITS_MAX = 300;
const PATCH_BYTES_MAX = 256 * 1024;
const DIFF_BYTES_MAX = 64 * 1024 * 1024;
/** Seconds since 1970 of 2100-01-01: later dates are somebody's mistake or joke. */
export const DATE_MAX = 4_102_444_800;
let indexes = 0;

export async function compose(host: Host, order: ComposeOrder): Promise<Composition> {
  const { work } = order;
  const steps = stepsOf(order);
  const baseTree = await revision(host, `${work.base}^{tree}`);
  const cleaned = await cleanTrees(host, baseTree, [...new Set(steps.map((step) => step.tree))], order.dropPaths);
  if (cleaned.kind === "unreadable") return cleaned;
  const treeOf = (dirty: string) => cleaned.trees.get(dirty) ?? dirty;

  let head = work.base;
  let tree = baseTree;
  let commits = 0;
  for (const step of steps) {
    const next = treeOf(step.tree);
    if (next === tree) continue;
    const env = identityEnv(host.bot, Math.min(Math.max(0, step.date), DATE_MAX));
    const message = messageOf(step.message, order);
    head = line(await host.must(["commit-tree", next, "-p", head, "-F", "-"], { input: message, env }));
    tree = next;
    commits += 1;
  }
  const read = await readChanges(host, work.base, tree);
  if (read.kind === "unreadable") return read;
  await verify(host, order, baseTree, { head, tree, commits });
  const finalTree = treeOf(work.tree);
  const droppedPatch = finalTree === work.tree ? null : await patch(host, finalTree, work.tree);
  return { kind: "composed", head, tree, commits, droppedPatch, changes: read.changes };
}

interface Step {
  tree: string;
  message: string;
  /** Seconds since 1970. */
  date: number;
}

function stepsOf({ work, leftoverSubject }: ComposeOrder): Step[] {
  const chain = firstParents(work);
  const date = work.commits.at(-1)?.authorDate ?? 0;
  if (chain === null) return [{ tree: work.tree, message: leftoverSubject, date }];
  const steps = chain.map((commit) => ({ tree: commit.tree, message: commit.message, date: commit.authorDate }));
  // Empty when nothing was left uncommitted: skipped like any commit that changes nothing.
  return [...steps, { tree: work.tree, message: leftoverSubject, date }];
}

/** The commits from base to head, oldest first; null when base is not on the first-parent line, or they are too many. */
function firstParents(work: ImportedWork): ImportedWork["commits"] | null {
  if (!work.baseIsAncestor || work.commitsCut) return null;
  const bySha = new Map(work.commits.map((commit) => [commit.sha, commit]));
  const chain: ImportedWork["commits"] = [];
  for (let at = work.head; at !== work.base; ) {
    const commit = bySha.get(at);
    if (commit === undefined || chain.length === COMMITS_MAX) return null;
    chain.push(commit);
    at = commit.parents[0] ?? "";
  }
  return chain.reverse();
}

/** `trees`: from the tree that was given to the one with the paths put back. */
export type Cleaned = { kind: "trees"; trees: Map<string, string> } | Unreadable;
type Unreadable = Extract<Composition, { kind: "unreadable" }>;

/** The trees in which a dropped path differs from the base, each with that path put back; trees without such a path are not in the answer. */
export async function cleanTrees(
  host: Host,
  baseTree: string,
  dirty: readonly string[],
  dropPaths: (path: string) => boolean,
): Promise<Cleaned> {
  const found = await findDropped(host, baseTree, dirty, dropPaths);
  if (found.kind === "unreadable") return found;
  const trees = new Map<string, string>();
  for (const [tree, dropped] of found.dropped) {
    // Removals first: a folder may stand where the base has a file.
    const gone = dropped.map((differs) => removal(differs.name));
    const back = dropped.filter((differs) => differs.oldMode !== "000000");
    const lines = [...gone, ...back.map((differs) => entry(differs.oldMode, differs.oldSha, differs.name))];
    const clean = await editTree(host, tree, Buffer.concat(lines));
    if (clean.kind === "unreadable") return clean;
    trees.set(tree, clean.tree);
  }
  return { kind: "trees", trees };
}

/** For each tree that has them: where it differs from the base in a path that is to be dropped. */
export async function findDropped(
  host: Host,
  baseTree: string,
  trees: readonly string[],
  dropPaths: (path: string) => boolean,
): Promise<{ kind: "found"; dropped: Map<string, RawEntry[]> } | Unreadable> {
  const input = trees.map((tree) => `${baseTree} ${tree}\n`).join("");
  const args = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none"];
  const diff = await host.run(args, { input, outputBytesMax: DIFF_BYTES_MAX });
  if (diff.kind !== "ended" || diff.code !== 0) return { kind: "unreadable", why: explain(diff) };
  const dropped = new Map<string, RawEntry[]>();
  for (let at = 0; at < diff.stdout.length; ) {
    // One line names the two trees, then their differences follow.
    const lineEnd = diff.stdout.indexOf(10, at);
    const tree = diff.stdout.subarray(at, Math.max(at, lineEnd)).toString("latin1").split(" ")[1];
    if (tree === undefined) return { kind: "unreadable", why: "git's list of differences ended early" };
    const { entries, next } = readRaw(diff.stdout, lineEnd + 1);
    at = next;
    const found = entries.filter((differs) => dropPaths(differs.name.toString("utf8")));
    if (found.length > 0) dropped.set(tree, found);
  }
  return { kind: "found", dropped };
}

/** A tree with lines for `update-index --index-info` applied. */
export async function editTree(
  host: Host,
  tree: string,
  input: Buffer,
): Promise<{ kind: "tree"; tree: string } | { kind: "unreadable"; why: string }> {
  indexes += 1;
  const index: GitOptions = { indexFile: join(host.git.scratch, `compose-${indexes}`) };
  try {
    for (const [args, options] of [
      [["read-tree", tree], index],
      [["update-index", "--add", "--replace", "-z", "--index-info"], { ...index, input }],
    ] as const) {
      const result = await host.run(args, options);
      if (result.kind !== "ended" || result.code !== 0) return { kind: "unreadable", why: explain(result) };
    }
    return { kind: "tree", tree: line(await host.must(["write-tree"], index)) };
  } finally {
    if (index.indexFile !== undefined) await rm(index.indexFile, { force: true });
  }
}

function messageOf(message: string, { mapMessage, trailers, leftoverSubject }: ComposeOrder): string {
  return withTrailers(mapMessage(message.replaceAll("\0", "")).trim() || leftoverSubject, trailers);
}

/** A whole commit message: the body, trimmed by the caller, and lines such as `Agent-Dispatch: issue-12`. */
export function withTrailers(body: string, trailers: readonly string[]): string {
  if (trailers.length === 0) return `${body}\n`;
  const last = body.split("\n\n").at(-1) ?? "";
  // Trailers join a block of trailers; after anything else they are a paragraph of their own.
  const isTrailers = body.includes("\n\n") && last.split("\n").every((row) => /^[A-Za-z][A-Za-z0-9-]*: \S/.test(row));
  return `${body}${isTrailers ? "\n" : "\n\n"}${trailers.join("\n")}\n`;
}

/** What `to` has beyond `from`, for people, at most 256 KiB. */
export async function patch(host: Host, from: string, to: string): Promise<string> {
  const args = ["diff-tree", "-r", "--patch", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", from, to];
  const result = await host.run(args, { outputBytesMax: PATCH_BYTES_MAX });
  if (result.kind === "too-much-output")
    return `${result.stdout.toString("utf8")}\n[cut after ${PATCH_BYTES_MAX} bytes]\n`;
  if (result.kind === "ended" && result.code === 0) return result.stdout.toString("utf8");
  return `[the patch could not be made: ${explain(result)}]\n`;
}

/** What is about to be published is read back: the commits on top of base, the tree of the last, and no dropped path in any of them. */
async function verify(
  host: Host,
  { work, dropPaths }: ComposeOrder,
  baseTree: string,
  made: { head: string; tree: string; commits: number },
): Promise<void> {
  const listed = line(await host.must(["log", "--format=%T", `${work.base}..${made.head}`, "--"])).split("\n");
  const trees = listed.filter((tree) => tree !== "");
  const fits = trees.length === made.commits && (made.commits === 0 || trees[0] === made.tree);
  const found = await findDropped(host, baseTree, [...new Set(trees)], dropPaths);
  if (fits && found.kind === "found" && found.dropped.size === 0) return;
  throw new RunError("The composed commits are not what was asked for.", {
    remedy: "Nothing was pushed. Report it with this text.",
    mender: "agent-dispatch",
    retry: false,
  });
}

async function revision(host: Host, name: string): Promise<string> {
  return line(await host.must(["rev-parse", "--verify", name]));
}

function line(stdout: Buffer): string {
  return stdout.toString("latin1").trim();
}
