// Brings the agent's work into the host's repository, and says what it is. Facts only: what may be published is decided elsewhere.
//
// Goal: whatever the agent left (hooks, configuration, links, forged or broken objects, files of any size) can at worst make its own work
// unreadable. Kept by: git runs with the host's git directory only; the clone's objects are read beside it by one `pack-objects`, after a look
// that nothing in them leads elsewhere; what that wrote is hashed and checked again by `index-pack --strict` without the clone's objects, so
// that nothing is taken on the clone's word; everything after that reads the host's repository alone.

import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dead } from "../agent/tree.ts";
import { type ChangeBounds, type Changes, readChanges } from "./changes.ts";
import { explain } from "./git.ts";
import { readHead, whyNotReadable } from "./head.ts";
import { type NotTaken, type SizeBounds, TOTAL_BYTES_MAX, takeLeftovers } from "./leftovers.ts";
import type { Host } from "./port.ts";

export { readHead } from "./head.ts";

export interface ImportOrder {
  cloneDir: string;
  /** The commit that the agent started from; the host has it. */
  base: string;
  /** The clone is only read when nothing can change it any more. */
  dead: Dead;
  bounds?: SizeBounds & ChangeBounds;
}

export type Work =
  | ImportedWork
  /** The clone or its `.git` is not there any more. */
  | { kind: "gone"; why: string }
  /** It cannot be read, or git's own checks refuse what is in it. */
  | { kind: "unreadable"; why: string }
  /** `path` is null when it is the commits that are too large. */
  | { kind: "too-big"; path: string | null; bytes: number; bytesMax: number };

export interface ImportedWork extends Changes {
  kind: "work";
  base: string;
  /** The agent's own last commit, wherever HEAD was. */
  head: string;
  /** Full name of the branch that HEAD was on; null when detached. */
  branch: string | null;
  /** False after rewritten history. */
  baseIsAncestor: boolean;
  /** What `head` has and `base` has not, oldest first, at most 1,000. */
  commits: WorkCommit[];
  /** There are more; the newest are listed. */
  commitsCut: boolean;
  /** The tree with everything that was left uncommitted. The facts of `Changes` are of this one against base. */
  tree: string;
  /** Something was left uncommitted. */
  leftovers: boolean;
  notTaken: NotTaken[];
}

export interface WorkCommit {
  sha: string;
  tree: string;
  parents: string[];
  subject: string;
  /** Whole message, at most 64 KiB. */
  message: string;
  /** Seconds since 1970. */
  authorDate: number;
}

const COMMITS_MAX = 1000;
const MESSAGE_CHARS_MAX = 64 * 1024;
let packs = 0;

export async function importWork(host: Host, order: ImportOrder): Promise<Work> {
  const { cloneDir, base } = order;
  const bounds = order.bounds ?? {};
  const head = await readHead(cloneDir);
  if (head.kind !== "commit") return head;
  if (head.sha !== base) {
    const problem = await bring(host, cloneDir, head.sha, base, bounds.totalBytesMax ?? TOTAL_BYTES_MAX);
    if (problem !== null) return problem;
  }
  const ancestry = await host.run(["merge-base", "--is-ancestor", base, head.sha]);
  if (ancestry.kind !== "ended" || ancestry.code > 1) return { kind: "unreadable", why: explain(ancestry) };
  const commits = await readCommits(host, base, head.sha);
  if (commits === null) return { kind: "unreadable", why: "the commits' messages cannot be read" };
  const headTree = (await host.must(["rev-parse", "--verify", `${head.sha}^{tree}`])).toString("latin1").trim();
  const left = await takeLeftovers(host, cloneDir, head.sha, bounds);
  if (left.kind !== "tree") return left;
  const read = await readChanges(host, base, left.tree, bounds);
  if (read.kind === "unreadable") return read;
  return {
    ...{ kind: "work", base, head: head.sha, branch: head.branch, baseIsAncestor: ancestry.code === 0 },
    ...{ commits: commits.slice(-COMMITS_MAX), commitsCut: commits.length > COMMITS_MAX },
    ...{ tree: left.tree, leftovers: left.tree !== headTree, notTaken: left.notTaken },
    ...read.changes,
  };
}

type Problem = Exclude<Work, ImportedWork>;

/** Copies what `head` has and `base` has not. The pack lies in a file between the two gits, so that each one's end is seen. */
async function bring(
  host: Host,
  cloneDir: string,
  head: string,
  base: string,
  bytesMax: number,
): Promise<Problem | null> {
  const forbidden = await whyNotReadable(cloneDir);
  if (forbidden !== null) return { kind: "unreadable", why: forbidden };
  packs += 1;
  const path = join(host.git.scratch, `work-${packs}.pack`);
  try {
    const packed = await host.run(["pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset"], {
      alternateObjects: join(cloneDir, ".git", "objects"),
      input: `${head}\n^${base}\n`,
      outputFile: { path, bytesMax },
    });
    const { size } = await stat(path).catch(() => ({ size: 0 }));
    if (size >= bytesMax) return { kind: "too-big", path: null, bytes: size, bytesMax };
    if (packed.kind !== "ended" || packed.code !== 0) return { kind: "unreadable", why: explain(packed) };
    // `sh` opens the file as git's standard input: packs are too large to be passed through this process.
    const indexed = await host.run(
      ["index-pack", "--stdin", "--strict", "--fix-thin", `--max-input-size=${bytesMax}`],
      {
        inputFile: path,
      },
    );
    if (indexed.kind !== "ended" || indexed.code !== 0) return { kind: "unreadable", why: explain(indexed) };
    const type = await host.run(["cat-file", "-t", head]);
    const isCommit = type.kind === "ended" && type.stdout.toString("latin1").trim() === "commit";
    return isCommit ? null : { kind: "unreadable", why: "HEAD is no commit" };
  } finally {
    await rm(path, { force: true });
  }
}

/** Null when they are more text than the output bound, or not readable at all. */
async function readCommits(host: Host, base: string, head: string): Promise<WorkCommit[] | null> {
  if (base === head) return [];
  // No field can hold a NUL, so a message cannot pass for another field.
  const format = "--format=%H%x00%T%x00%P%x00%at%x00%B";
  const order = [
    "--topo-order",
    "--reverse",
    `--max-count=${COMMITS_MAX + 1}`,
    "--no-color",
    "--no-notes",
    "--no-mailmap",
  ];
  const result = await host.run(["log", "-z", ...order, format, `${base}..${head}`, "--"]);
  if (result.kind !== "ended" || result.code !== 0) return null;
  const fields = result.stdout.toString("utf8").split("\0");
  const commits: WorkCommit[] = [];
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [sha = "", tree = "", parents = "", date = "", message = ""] = fields.slice(at, at + 5);
    commits.push({
      ...{ sha, tree, parents: parents.split(" ").filter((parent) => parent !== "") },
      ...{ subject: message.split("\n", 1)[0] ?? "", message: message.slice(0, MESSAGE_CHARS_MAX) },
      authorDate: Number(date) || 0,
    });
  }
  return commits;
}
