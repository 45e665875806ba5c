// Merges in the host's own repository: three trees and two histories make a tree, without a work tree, an index or a checkout.
//
// Nothing of the trees acts: git looks for `.gitattributes` in a work tree or an index, and a bare repository has neither (git 2.43 and newer
// also in HEAD, which names no commit here), so no merge driver is chosen, and none is configured that could be. The price: `merge=union` and
// `-merge` of a project do not count here, and what they would have settled is a conflict (or the reverse). Submodules are never opened; where
// both sides moved one, that is a conflict.

import { DATE_MAX, withTrailers } from "./compose.ts";
import { explain, type GitResult } from "./git.ts";
import { commitInfo, ensureMergeBase } from "./history.ts";
import { identityEnv } from "./host.ts";
import type { Host } from "./port.ts";

export interface Conflict {
  kind: "conflict";
  /**
   * With conflict markers (`zdiff3`) where git could write some. Where it could not (one side deleted or renamed, binary files, links,
   * submodules, modes) the tree has one side's version and no marker: `paths` and `texts` tell of these too.
   */
  tree: string;
  /** At most 500, in git's order. */
  paths: string[];
  pathCount: number;
  /** Git's own words, for example `CONFLICT (content): Merge conflict in a.txt`; at most 50 of at most 500 characters. */
  texts: string[];
}

export type Merged =
  | { kind: "clean"; tree: string }
  | Conflict
  /** `head` has all of `base`. */
  | { kind: "up-to-date" }
  | { kind: "unrelated" }
  /** The history could not be had, or git ended without an answer: too large, too slow, an object that is not there. */
  | { kind: "unreadable"; why: string };

const PATHS_MAX = 500;
const TEXTS_MAX = 50;
const TEXT_CHARS_MAX = 500;
const MERGE_MS = 120_000;

/** Merges `base` (theirs) into `head` (ours), both here. Fetches older history when the merge base is not certain without it. */
export async function mergeInto(host: Host, { head, base }: { head: string; base: string }): Promise<Merged> {
  const known = await ensureMergeBase(host, { head, base });
  if (known.kind === "unrelated") return known;
  if (known.kind === "unknown") return { kind: "unreadable", why: known.why };
  if (known.mergeBase === base) return { kind: "up-to-date" };
  return mergeTree(host, head, base);
}

/** The merge itself, of two commits whose merge base is here. */
export async function mergeTree(
  host: Host,
  ours: string,
  theirs: string,
): Promise<Extract<Merged, { kind: "clean" | "conflict" | "unreadable" }>> {
  const result = await host.run(["merge-tree", "--write-tree", "-z", "--name-only", "--messages", ours, theirs], {
    deadlineMs: MERGE_MS,
    // With what the base had between the two sides: whoever resolves it sees what each side meant.
    config: [["merge.conflictStyle", "zdiff3"]],
  });
  return readMerge(result);
}

/** `<tree> NUL (<path> NUL)* NUL (<n> NUL (<path> NUL){n} <type> NUL <text> NUL)*`. */
function readMerge(result: GitResult): Extract<Merged, { kind: "clean" | "conflict" | "unreadable" }> {
  if (result.kind !== "ended" || result.code > 1) return { kind: "unreadable", why: explain(result) };
  const fields = result.stdout.toString("utf8").split("\0");
  const [tree = ""] = fields;
  if (!/^[0-9a-f]{40,64}$/.test(tree)) return { kind: "unreadable", why: `git named no tree: ${explain(result)}` };
  if (result.code === 0) return { kind: "clean", tree };
  const pathsEnd = fields.indexOf("", 1);
  const paths = fields.slice(1, pathsEnd);
  const texts = readTexts(fields.slice(pathsEnd + 1));
  return { kind: "conflict", tree, paths: paths.slice(0, PATHS_MAX), pathCount: paths.length, texts };
}

function readTexts(fields: readonly string[]): string[] {
  const texts: string[] = [];
  for (let at = 0; at < fields.length && texts.length < TEXTS_MAX; ) {
    const count = Number.parseInt(fields[at] ?? "", 10);
    if (!(count >= 0)) break;
    const text = fields[at + count + 2] ?? "";
    if (!text.startsWith("Auto-merging ")) texts.push(text.trim().slice(0, TEXT_CHARS_MAX));
    at += count + 3;
  }
  return texts;
}

export interface MergeCommitOrder {
  tree: string;
  /** First the one that is merged into. */
  parents: readonly [string, ...string[]];
  message: string;
  trailers?: readonly string[];
}

/** A commit by the bot, dated as the latest of its parents: the same order makes the same commit. */
export async function mergeCommit(host: Host, order: MergeCommitOrder): Promise<string> {
  const dates: number[] = [];
  for (const parent of order.parents) dates.push((await commitInfo(host, parent)).date);
  const env = identityEnv(host.bot, Math.min(Math.max(...dates), DATE_MAX));
  const parents = order.parents.flatMap((parent) => ["-p", parent]);
  const input = withTrailers(order.message.replaceAll("\0", "").trim() || "Merge", order.trailers ?? []);
  const made = await host.must(["commit-tree", order.tree, ...parents, "-F", "-"], { input, env });
  return made.toString("latin1").trim();
}
