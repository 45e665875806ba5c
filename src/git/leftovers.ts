// What the agent left uncommitted, as a tree in the host's repository.
//
// `git add -A` is not used: for a folder that is a repository of its own it starts `git status` inside it, with that repository's
// configuration, which can start programs; and it reads a file of any size before anybody can say no. Here every path is looked at first
// (size, kind, no link on the way), then git only lists and hashes plain files and links, with an index and a configuration of ours.
//
// Decided: `.gitignore` and `.gitattributes` of the tree count, as for any git user. Attributes can only convert (line ends, `$Id$`,
// encoding) because no filter driver is configured; so files under Git LFS are taken as they stand. The clone's `.git/info/exclude` does not
// count. Submodules that the branch has already are left alone: a new commit of one must be committed by the agent.

import { lstatSync, type Stats } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { explain, type GitOptions, type GitResult } from "./git.ts";
import { readHead } from "./head.ts";
import type { Host } from "./port.ts";

export interface SizeBounds {
  /** Largest single file left uncommitted, in bytes; default 100 MiB. */
  fileBytesMax?: number;
  /** All of the work: the pack of its commits, and apart from that its uncommitted files, in bytes; default 500 MiB. */
  totalBytesMax?: number;
}

export const FILE_BYTES_MAX = 100 * 1024 * 1024;
export const TOTAL_BYTES_MAX = 500 * 1024 * 1024;

export interface NotTaken {
  path: string;
  why: string;
}

export type Leftovers =
  /** `tree` is that of `head` when nothing was left. */
  | { kind: "tree"; tree: string; notTaken: NotTaken[] }
  /** `path` is the file that is too large by itself, or with which the total went over. */
  | { kind: "too-big"; path: string; bytes: number; bytesMax: number }
  | { kind: "unreadable"; why: string };

/** Paths listed at most, in bytes of names. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;
const NOT_TAKEN_MAX = 100;
let indexes = 0;

export async function takeLeftovers(
  host: Host,
  cloneDir: string,
  head: string,
  bounds: SizeBounds,
): Promise<Leftovers> {
  indexes += 1;
  const indexFile = join(host.git.scratch, `leftovers-${indexes}`);
  try {
    return await take(host, cloneDir, head, bounds, { indexFile });
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.leftovers;
    throw thrown;
  } finally {
    await rm(indexFile, { force: true });
  }
}

class Refusal extends Error {
  readonly leftovers: Leftovers;
  constructor(leftovers: Leftovers) {
    super(leftovers.kind);
    this.leftovers = leftovers;
  }
}

async function take(
  host: Host,
  cloneDir: string,
  head: string,
  bounds: SizeBounds,
  index: GitOptions,
): Promise<Leftovers> {
  const inTree = { ...index, workTree: cloneDir };
  const folder = new Folder(cloneDir);
  const tracked = readTree(await ask(host, ["ls-tree", "-r", "-l", "-z", "--full-tree", head], {}));
  const submodules = new Set(tracked.flatMap((file) => (file.mode === "160000" ? [file.name.toString("latin1")] : [])));
  const size = new Size(bounds);

  // Git follows a link in place of a folder when it compares; so what lies behind one is taken out before git looks.
  const gone: Buffer[] = [];
  for (const file of tracked) {
    if (file.mode === "160000") continue;
    const stat = folder.look(file.name);
    if (stat === null || !(stat.isFile() || stat.isSymbolicLink())) gone.push(file.name);
    else if (stat.size !== file.bytes) size.check(file.name, stat.size);
  }
  await ask(host, ["read-tree", head], index);
  if (gone.length > 0) await updateInfo(host, gone.map(removal), index);

  const listed = await ask(host, ["ls-files", "-z", "-t", "-m", "-o", "--exclude-standard"], inTree);
  const notTaken: NotTaken[] = [];
  const files: Buffer[] = [];
  const info: Buffer[] = [];
  for (const { tag, name } of readTagged(listed)) {
    if (submodules.has(name.toString("latin1"))) continue;
    if (name.at(-1) === SLASH) {
      // A repository inside the tree: taken as what git would make of it, so that the guards see it.
      const nested = name.subarray(0, -1);
      const nestedHead = await readHead(folder.pathOf(nested).toString());
      if (nestedHead.kind === "commit") info.push(entry("160000", nestedHead.sha, nested));
      else notTaken.push({ path: nested.toString("utf8"), why: `a repository of its own: ${nestedHead.why}` });
      continue;
    }
    const stat = folder.look(name);
    if (stat?.isFile() || stat?.isSymbolicLink()) {
      size.add(name, stat.size);
      files.push(name);
    } else if (tag !== "?") info.push(removal(name));
    else notTaken.push({ path: name.toString("utf8"), why: "neither a file nor a link" });
  }
  if (info.length > 0) await updateInfo(host, info, index);
  if (files.length > 0) {
    const input = Buffer.concat(files.flatMap((name) => [name, NUL]));
    const { stderr } = await asked(host, ["update-index", "--add", "--replace", "-z", "--stdin"], { ...inTree, input });
    // `.GIT`, `git~1` and the like: git leaves such names out with a word.
    for (const [, path = ""] of stderr.matchAll(/^Ignoring path (.*)$/gm))
      notTaken.push({ path, why: "git allows no such name" });
  }
  const tree = (await ask(host, ["write-tree"], index)).toString("latin1").trim();
  return { kind: "tree", tree, notTaken: notTaken.slice(0, NOT_TAKEN_MAX) };
}

const SLASH = 0x2f;
const NUL = Buffer.from([0]);

/** The agent's tree as files, without following a link on the way. */
class Folder {
  readonly #root: Buffer;
  readonly #isFolder = new Map<string, boolean>();

  constructor(root: string) {
    this.#root = Buffer.from(`${root}/`);
  }

  pathOf(name: Buffer): Buffer {
    return Buffer.concat([this.#root, name]);
  }

  /** Null when it is not there, or only behind a link. */
  look(name: Buffer): Stats | null {
    return this.#isReached(name) ? statOf(this.pathOf(name)) : null;
  }

  #isReached(name: Buffer): boolean {
    const slash = name.lastIndexOf(SLASH);
    if (slash < 0) return true;
    const parent = name.subarray(0, slash);
    const key = parent.toString("latin1");
    const known = this.#isFolder.get(key);
    if (known !== undefined) return known;
    const isFolder = this.#isReached(parent) && statOf(this.pathOf(parent))?.isDirectory() === true;
    this.#isFolder.set(key, isFolder);
    return isFolder;
  }
}

function statOf(path: Buffer): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    // A name too long, a folder without rights: not there for us.
    return null;
  }
}

class Size {
  readonly #fileMax: number;
  readonly #totalMax: number;
  #total = 0;

  constructor(bounds: SizeBounds) {
    this.#fileMax = bounds.fileBytesMax ?? FILE_BYTES_MAX;
    this.#totalMax = bounds.totalBytesMax ?? TOTAL_BYTES_MAX;
  }

  check(name: Buffer, bytes: number): void {
    if (bytes > this.#fileMax) refuseSize(name, bytes, this.#fileMax);
  }

  add(name: Buffer, bytes: number): void {
    this.check(name, bytes);
    this.#total += bytes;
    if (this.#total > this.#totalMax) refuseSize(name, this.#total, this.#totalMax);
  }
}

function refuseSize(name: Buffer, bytes: number, bytesMax: number): never {
  throw new Refusal({ kind: "too-big", path: name.toString("utf8"), bytes, bytesMax });
}

interface TreeFile {
  mode: string;
  bytes: number;
  name: Buffer;
}

/** `ls-tree -l -z`: `<mode> <type> <id> <size> TAB <path> NUL`. */
function readTree(answer: Buffer): TreeFile[] {
  return parts(answer).flatMap((part) => {
    const tab = part.indexOf(9);
    const [, mode = "", size = "0"] =
      /^(\d{6}) \S+ [0-9a-f]+ +(\d+|-)$/.exec(part.subarray(0, tab).toString("latin1")) ?? [];
    return mode === "" ? [] : [{ mode, bytes: Number(size === "-" ? 0 : size), name: part.subarray(tab + 1) }];
  });
}

/** `ls-files -t -z`: `<tag> SPACE <path> NUL`; a path may come twice. */
function readTagged(answer: Buffer): { tag: string; name: Buffer }[] {
  const seen = new Set<string>();
  return parts(answer).flatMap((part) => {
    const key = part.subarray(2).toString("latin1");
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ tag: part.subarray(0, 1).toString("latin1"), name: part.subarray(2) }];
  });
}

function parts(answer: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < answer.length; ) {
    const end = answer.indexOf(0, at);
    if (end < 0) break;
    found.push(answer.subarray(at, end));
    at = end + 1;
  }
  return found;
}

/** A line for `update-index --index-info`. */
export function entry(mode: string, sha: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${sha}\t`), name, NUL]);
}

/** The same, taking a path out. */
export function removal(name: Buffer): Buffer {
  return entry("0", "0".repeat(40), name);
}

async function updateInfo(host: Host, lines: readonly Buffer[], index: GitOptions): Promise<void> {
  const input = Buffer.concat(lines);
  await ask(host, ["update-index", "--add", "--replace", "-z", "--index-info"], { ...index, input });
}

async function ask(host: Host, args: readonly string[], options: GitOptions): Promise<Buffer> {
  return (await asked(host, args, options)).stdout;
}

async function asked(
  host: Host,
  args: readonly string[],
  options: GitOptions,
): Promise<{ stdout: Buffer; stderr: string }> {
  const result = await host.run(args, { outputBytesMax: LIST_BYTES_MAX, ...options });
  if (result.kind === "ended" && result.code === 0) return result;
  throw new Refusal({ kind: "unreadable", why: whyOf(args, result) });
}

function whyOf(args: readonly string[], result: GitResult): string {
  if (result.kind === "too-much-output") return "the tree has more files than can be listed";
  return `git ${args[0] ?? ""}: ${explain(result)}`;
}
