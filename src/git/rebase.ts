// Replays commits onto another one in the host's own repository: what `git rebase --reapply-cherry-picks --empty=drop` does, by objects alone.
//
// Git 2.38 cannot be told a merge base, so each step makes one: a commit with the tree so far whose only parent is the parent of the commit
// to be replayed. Its merge base with that commit is that parent, and nothing else.

import { readBatch } from "./batch.ts";
import { DATE_MAX } from "./compose.ts";
import { explain } from "./git.ts";
import { type RawCommit, readRawCommit, subjectOf } from "./history.ts";
import { identityEnv } from "./host.ts";
import { mergeTree } from "./merging.ts";
import type { Host } from "./port.ts";

export interface RebaseOrder {
  head: string;
  base: string;
  /** Of `head` and `base`, from `ensureMergeBase`. */
  mergeBase: string;
}

export type Rebased =
  /** `head` itself when it stands on `base` already. */
  | { kind: "clean"; head: string; tree: string; commits: number }
  /** Nothing is left: `base` has it all. */
  | { kind: "empty" }
  /** `at`: the commit that does not apply; texts as of `mergeInto`. */
  | { kind: "conflict"; at: string; subject: string; paths: string[]; pathCount: number; texts: string[] }
  | { kind: "has-merges" }
  /** Too many commits (300), or git ended without an answer. */
  | { kind: "unreadable"; why: string };

const COMMITS_MAX = 300;
/** All commits with their messages. */
const COMMITS_BYTES_MAX = 64 * 1024 * 1024;

/** Keeps author, author's date and message of each commit; the committer is the bot, at the commit's own date or that of what is below it. */
export async function rebaseOnto(host: Host, order: RebaseOrder): Promise<Rebased> {
  const read = await readChain(host, order);
  if (read.kind !== "chain") return read;
  const { start, chain, onto } = read;
  const changing = chain.filter(({ tree }, at) => tree !== (chain[at - 1] ?? start).tree);
  if (changing.length === 0) return { kind: "empty" };
  const tip = chain.at(-1) ?? start;
  if (order.base === order.mergeBase) {
    return { kind: "clean", head: tip.sha, tree: tip.tree, commits: chain.length };
  }
  return replayAll(host, onto, start, chain);
}

interface Link extends RawCommit {
  sha: string;
}

type Chain =
  /** From the merge base (`start`, not in `chain`) to the head, oldest first, each the only parent of the next. */
  { kind: "chain"; start: Link; chain: Link[]; onto: Link } | Extract<Rebased, { kind: "has-merges" | "unreadable" }>;

async function readChain(host: Host, { head, base, mergeBase }: RebaseOrder): Promise<Chain> {
  const bound = ["--topo-order", "--reverse", `--max-count=${COMMITS_MAX + 1}`];
  const listed = await host.run(["rev-list", ...bound, head, `^${mergeBase}`, "--"]);
  if (listed.kind !== "ended" || listed.code !== 0) return { kind: "unreadable", why: explain(listed) };
  const ids = listed.stdout.toString("latin1").split("\n").slice(0, -1);
  if (ids.length > COMMITS_MAX) return { kind: "unreadable", why: `more than ${COMMITS_MAX} commits` };
  const input = [mergeBase, base, ...ids].map((sha) => `${sha}\n`).join("");
  const batch = await host.run(["cat-file", "--batch"], { input, outputBytesMax: COMMITS_BYTES_MAX });
  if (batch.kind !== "ended" || batch.code !== 0) return { kind: "unreadable", why: explain(batch) };
  const objects = readBatch(batch.stdout);
  const links = [mergeBase, base, ...ids].flatMap((sha, at) => {
    const object = objects[at];
    const raw = object?.type === "commit" ? readRawCommit(object.content) : null;
    return raw === null ? [] : [{ sha, ...raw }];
  });
  const [start, onto, ...chain] = links;
  if (start === undefined || onto === undefined || chain.length !== ids.length) {
    return { kind: "unreadable", why: "a commit is not here" };
  }
  if (chain.some(({ parents }) => parents.length > 1)) return { kind: "has-merges" };
  const isChain = chain.every(({ parents }, at) => parents[0] === (chain[at - 1] ?? start).sha);
  return isChain ? { kind: "chain", start, chain, onto } : { kind: "unreadable", why: "the commits are no line" };
}

async function replayAll(host: Host, onto: Link, start: Link, chain: readonly Link[]): Promise<Rebased> {
  let { sha: head, tree } = onto;
  let date = Math.min(onto.date, DATE_MAX);
  let commits = 0;
  let parent = start;
  for (const commit of chain) {
    const next = await replay(host, tree, parent, commit);
    parent = commit;
    if (next.kind === "unreadable") return next;
    if (next.kind === "conflict") {
      const { paths, pathCount, texts } = next;
      return { kind: "conflict", at: commit.sha, subject: subjectOf(commit.message), paths, pathCount, texts };
    }
    if (next.tree === tree) continue;
    tree = next.tree;
    date = Math.max(date, Math.min(commit.date, DATE_MAX));
    head = await write(host, commit, { tree, parent: head, date });
    commits += 1;
  }
  return commits === 0 ? { kind: "empty" } : { kind: "clean", head, tree, commits };
}

/** The tree so far with what `commit` changed against its parent. */
async function replay(host: Host, tree: string, parent: Link, commit: Link): ReturnType<typeof mergeTree> {
  if (commit.tree === parent.tree) return { kind: "clean", tree };
  if (tree === parent.tree) return { kind: "clean", tree: commit.tree };
  const env = identityEnv(host.bot, 0);
  const made = await host.must(["commit-tree", tree, "-p", parent.sha, "-F", "-"], { input: "step\n", env });
  return mergeTree(host, made.toString("latin1").trim(), commit.sha);
}

/**
 * As bytes, since `commit-tree` would clean the author's name, refuse some that exist, and convert the message. Signatures are left out: they
 * are of the old commit.
 */
async function write(
  host: Host,
  { author, encoding, message }: Link,
  { tree, parent, date }: { tree: string; parent: string; date: number },
): Promise<string> {
  const plain = (text: string) => text.replace(/[<>\0-\x1f]/g, "");
  const input = Buffer.concat([
    Buffer.from(`tree ${tree}\nparent ${parent}\nauthor `),
    author,
    Buffer.from(`\ncommitter ${plain(host.bot.name)} <${plain(host.bot.email)}> ${date} +0000\n`),
    ...(encoding === null ? [] : [Buffer.from("encoding "), encoding, Buffer.from("\n")]),
    Buffer.from("\n"),
    message,
  ]);
  // `--literally`: odd author lines and messages are on the forge already, in the commit that this one replaces.
  const made = await host.must(["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], { input });
  return made.toString("latin1").trim();
}
