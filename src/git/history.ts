// Where two histories part, and what lies between two commits, in a repository whose history is cut (shallow).
//
// Threat: in a cut history git takes the oldest commits it has for first ones. A merge base can then be missing, which looks like unrelated
// histories, or be one that is too old, which makes conflicts that are none. So every answer is checked: git walks only edges that exist, so a
// base that it finds is common to both; it can only be not the newest if some walk ended at a cut before it came to that base. Where no commit
// outside of the bases' own history is cut, the answer is the one that the whole history gives; else older commits are fetched.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { explain, type GitResult } from "./git.ts";
import type { Host, Identity } from "./port.ts";
import { WHOLE_HISTORY } from "./port.ts";

export type MergeBase =
  /** `mergeBase`: the one that git names first; after criss-cross merges there are others, and `mergeInto` knows of them. */
  | { kind: "found"; mergeBase: string }
  /** Certain: both histories are here to their beginnings. */
  | { kind: "unrelated" }
  /** Not to be had within the bounds, or a commit that it needs is gone from the forge. */
  | { kind: "unknown"; why: string };

/** Fetched one after the other until the merge base is certain; in commits from where the history is cut. */
const DEPTHS = [500, 5000, WHOLE_HISTORY];
/** All of the fetches together, in ms. */
const DEEPEN_MS = 10 * 60_000;
/** Ids of commits between two tips: 1.5 million of them. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;
/** Merges of merges that are followed in a cut history; beyond that the whole history decides. */
const CRISSCROSS_MAX = 4;
/** Places from which older commits are fetched at once. */
const CUTS_MAX = 200;

/**
 * Finds the merge base of two commits that are here, fetching older history as far as needed. From where it is cut, not from the two: they
 * need not be on the forge, for example a merge that is not pushed yet.
 */
export async function ensureMergeBase(
  host: Host,
  { head, base }: { head: string; base: string },
  { deadlineMs = DEEPEN_MS }: { deadlineMs?: number } = {},
): Promise<MergeBase> {
  const begun = performance.now();
  for (const depth of DEPTHS) {
    const known = await readMergeBase(host, head, base);
    if (known.kind !== "cut") return known;
    const leftMs = deadlineMs - (performance.now() - begun);
    if (leftMs <= 0) return { kind: "unknown", why: `older commits took more than ${deadlineMs / 1000} s` };
    const why = await host.deepen(known.cuts.slice(0, CUTS_MAX), depth, leftMs);
    if (why !== null) return { kind: "unknown", why };
  }
  const known = await readMergeBase(host, head, base);
  return known.kind === "cut" ? { kind: "unknown", why: "the forge's own history is cut" } : known;
}

/** `cuts`: commits whose parents must be here before anything is certain. */
type Cut = { kind: "cut"; cuts: string[] };

/** What the commits that are here say. */
async function readMergeBase(host: Host, a: string, b: string, level = 0): Promise<MergeBase | Cut> {
  const found = await host.run(["merge-base", "--all", a, b]);
  if (found.kind !== "ended" || found.code > 1) return { kind: "unknown", why: explain(found) };
  const bases = lines(found.stdout);
  const uncertain = (await findCuts(host, [a, b], bases)) ?? (await findCrissCrossCuts(host, a, b, bases, level));
  if (uncertain !== null) return uncertain;
  return bases[0] === undefined ? { kind: "unrelated" } : { kind: "found", mergeBase: bases[0] };
}

/** Of several bases one may be behind another across a cut, and git merges them with each other first; so theirs must be certain too. */
async function findCrissCrossCuts(
  host: Host,
  a: string,
  b: string,
  bases: readonly string[],
  level: number,
): Promise<Cut | Extract<MergeBase, { kind: "unknown" }> | null> {
  if (bases.length < 2) return null;
  const whole = await findCuts(host, [a, b], []);
  if (whole === null || bases.length > CRISSCROSS_MAX || level === CRISSCROSS_MAX) return whole;
  for (const [at, one] of bases.entries()) {
    for (const other of bases.slice(at + 1)) {
      const known = await readMergeBase(host, one, other, level + 1);
      if (known.kind === "unknown" || known.kind === "cut") return known;
    }
  }
  return null;
}

/** The commits that `of` has and `not` has not whose parents are not here; null when there are none. */
async function findCuts(
  host: Host,
  of: readonly string[],
  not: readonly string[],
): Promise<Cut | Extract<MergeBase, { kind: "unknown" }> | null> {
  const cuts = await readCuts(host);
  if (cuts.size === 0) return null;
  const input = [...of, ...not.map((sha) => `^${sha}`)].map((line) => `${line}\n`).join("");
  const listed = await host.run(["rev-list", "--stdin"], { input, outputBytesMax: LIST_BYTES_MAX });
  if (listed.kind !== "ended" || listed.code !== 0) return { kind: "unknown", why: explain(listed) };
  const found = lines(listed.stdout).filter((sha) => cuts.has(sha));
  return found.length === 0 ? null : { kind: "cut", cuts: found };
}

/** The commits whose parents are not here. */
async function readCuts(host: Host): Promise<Set<string>> {
  const file = join(host.gitDir, "shallow");
  const text = await readFile(file, "latin1").catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return "";
    throw thrown;
  });
  return new Set(text.split("\n").filter((line) => line !== ""));
}

/**
 * Whether `a` is `b` or behind it. False when it cannot be seen here: after `ensureMergeBase` of the two the answer is exact; before it,
 * `true` is certain and `false` means "not as far as the history goes here".
 */
export async function isAncestor(host: Host, a: string, b: string): Promise<boolean> {
  const result = await host.run(["merge-base", "--is-ancestor", a, b]);
  if (result.kind === "ended" && (result.code === 0 || result.code === 1)) return result.code === 0;
  if (result.kind === "ended" && /Not a valid (?:commit|object) name/.test(result.stderr)) return false;
  throw readError("merge-base", result);
}

export interface CommitInfo {
  tree: string;
  parents: string[];
  author: Identity;
  committer: Identity;
  /** When it was committed, in seconds since 1970. */
  date: number;
  /** First line of the message, at most 200 characters. */
  subject: string;
}

/** One commit that is here; throws RunError when it is not. Its parents are the real ones, also where the history is cut. */
export async function commitInfo(host: Host, sha: string): Promise<CommitInfo> {
  const raw = readRawCommit(await host.must(["cat-file", "commit", sha]));
  if (raw === null) throw new TypeError(`${sha} is no commit`);
  const { tree, parents, date } = raw;
  const [author, committer] = [identityOf(raw.author), identityOf(raw.committer)];
  return { tree, parents, author, committer, date, subject: subjectOf(raw.message) };
}

/** A commit as it is stored. What people wrote stays bytes. */
export interface RawCommit {
  tree: string;
  parents: string[];
  /** `<name> <<email>> <seconds> <zone>`. */
  author: Buffer;
  committer: Buffer;
  /** When it was committed, in seconds since 1970; 0 when that is not to be read. */
  date: number;
  /** Of the message and the names; null: UTF-8. */
  encoding: Buffer | null;
  message: Buffer;
}

/** Null when the bytes are no commit. */
export function readRawCommit(content: Buffer): RawCommit | null {
  const headEnd = content.indexOf("\n\n");
  const head = headEnd < 0 ? content : content.subarray(0, headEnd);
  const fields = new Map<string, Buffer[]>();
  for (let at = 0; at < head.length; ) {
    const lineEnd = head.indexOf(10, at);
    const line = head.subarray(at, lineEnd < 0 ? head.length : lineEnd);
    const space = line.indexOf(32);
    // A line that begins with a space goes on with a signature: left out, and so never a field.
    if (space > 0) {
      const name = line.subarray(0, space).toString("latin1");
      fields.set(name, [...(fields.get(name) ?? []), line.subarray(space + 1)]);
    }
    at += line.length + 1;
  }
  const [tree, author, committer] = ["tree", "author", "committer"].map((name) => fields.get(name)?.[0]);
  if (tree === undefined || author === undefined || committer === undefined) return null;
  return {
    ...{ tree: tree.toString("latin1"), author, committer, encoding: fields.get("encoding")?.[0] ?? null },
    parents: (fields.get("parent") ?? []).map((parent) => parent.toString("latin1")),
    date: Number(/ (\d{1,12}) [+-]\d+$/.exec(committer.toString("latin1"))?.[1] ?? 0),
    message: headEnd < 0 ? Buffer.alloc(0) : content.subarray(headEnd + 2),
  };
}

/** First line of a message, at most 200 characters. */
export function subjectOf(message: Buffer): string {
  const [first = ""] = message.subarray(0, 4000).toString("utf8").trimStart().split("\n", 1);
  return first.slice(0, 200);
}

function identityOf(line: Buffer): Identity {
  const [, name = "", email = ""] = /^([^<]*)<([^>]*)>/.exec(line.toString("utf8")) ?? [];
  return { name: name.trim(), email };
}

export interface ForeignCommit {
  sha: string;
  /** At most 200 characters. */
  subject: string;
  author: Identity;
}

export interface ForeignCommits {
  /** Newest first, at most 20. */
  commits: ForeignCommit[];
  count: number;
  /** There may be more: only the newest 5,000 commits were looked at, or the history behind them is not here. */
  cut: boolean;
}

const FOREIGN_LISTED_MAX = 20;
const LOOKED_AT_MAX = 5000;

/**
 * What people committed: what `to` has and `from` and `besides` have not (for example the tip of the base branch, when that was merged into
 * `to`), where author or committer is not the bot. Name and email must both be the bot's: where the account is a person's own, the two often
 * differ in one, and taking a person's commit for ours costs more than the other way round.
 */
export async function foreignCommits(
  host: Host,
  { from, to, bot, besides = [] }: { from: string; to: string; bot: Identity; besides?: readonly string[] },
): Promise<ForeignCommits> {
  const format = "--format=%H%x00%an%x00%ae%x00%cn%x00%ce%x00%s";
  const order = ["--topo-order", `--max-count=${LOOKED_AT_MAX}`, "--no-color", "--no-notes", "--no-mailmap"];
  const range = [to, `^${from}`, ...besides.map((sha) => `^${sha}`)];
  const result = await host.run(["log", "-z", ...order, format, ...range, "--"]);
  const isWhole = result.kind === "ended" && result.code === 0;
  if (!isWhole && result.kind !== "too-much-output") throw readError("log", result);
  const fields = result.stdout.toString("utf8").split("\0");
  const cuts = await readCuts(host);
  const found: ForeignCommit[] = [];
  let lookedAt = 0;
  let atCut = false;
  for (let at = 0; at + 5 < fields.length; at += 6) {
    const [sha = "", name = "", email = "", committerName = "", committerEmail = "", subject = ""] = fields.slice(at);
    lookedAt += 1;
    atCut ||= cuts.has(sha);
    if (isBot(bot, { name, email }) && isBot(bot, { name: committerName, email: committerEmail })) continue;
    found.push({ sha, subject: subject.slice(0, 200), author: { name, email } });
  }
  const cut = !isWhole || atCut || lookedAt >= LOOKED_AT_MAX;
  return { commits: found.slice(0, FOREIGN_LISTED_MAX), count: found.length, cut };
}

function isBot(bot: Identity, who: Identity): boolean {
  return who.name.trim() === bot.name.trim() && who.email.toLowerCase() === bot.email.toLowerCase();
}

function readError(command: string, result: GitResult): RunError {
  return new RunError(`git ${command} in the host's own repository failed: ${explain(result)}`, {
    remedy: "The next run starts with a fresh repository; if it happens again, report it with this text.",
    mender: "agent-dispatch",
    retry: true,
  });
}

function lines(stdout: Buffer): string[] {
  return stdout
    .toString("latin1")
    .split("\n")
    .filter((line) => line !== "");
}
