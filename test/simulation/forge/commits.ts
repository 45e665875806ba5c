// Commits and refs as git's server side knows them: a graph, and transactions over refs that are all or nothing.

import { createHash } from "node:crypto";

export interface Commit {
  sha: string;
  parents: readonly string[];
  /** Longest way to a first commit. */
  height: number;
  /** Login of who wrote it. */
  author: string;
  /** Files that it changes, by number: two sides that changed the same one conflict. */
  touches: readonly number[];
  /** What it changes, the same after a rebase. */
  patch: string;
  message: string;
  /** `effects.json` in its tree; null for every commit but some records. */
  effects: string | null;
}

export interface NewCommit {
  parents: readonly string[];
  author: string;
  message: string;
  touches?: readonly number[];
  patch?: string;
  effects?: string | null;
  /** Seconds since 1970. */
  seconds: number;
}

/** One ref of a transaction; null = not there. */
export interface Move {
  ref: string;
  old: string | null;
  new: string | null;
}

export class Commits {
  readonly #commits = new Map<string, Commit>();
  /** What was found out about two commits: neither can change. */
  readonly #pairs = new Map<string, { mergeBase: string | null; conflicts: boolean }>();

  /** Its id is made of all that it says: the same commit twice is one. */
  add(made: NewCommit): Commit {
    const { parents, author, message, touches = [], patch = "", effects = null, seconds } = made;
    const text = [parents.join(" "), author, message, touches.join(" "), patch, effects ?? "", seconds].join("\0");
    const sha = createHash("sha1").update(text).digest("hex");
    const known = this.#commits.get(sha);
    if (known !== undefined) return known;
    const height = 1 + Math.max(0, ...parents.map((parent) => this.must(parent).height));
    const commit: Commit = { sha, parents, height, author, touches, patch, message, effects };
    this.#commits.set(sha, commit);
    return commit;
  }

  get(sha: string): Commit | undefined {
    return this.#commits.get(sha);
  }

  must(sha: string): Commit {
    const commit = this.#commits.get(sha);
    if (commit === undefined) throw new Error(`there is no commit ${sha}`);
    return commit;
  }

  isAncestor(ancestor: string, of: string): boolean {
    if (ancestor === of) return true;
    const { height } = this.must(ancestor);
    const seen = new Set<string>();
    const left = [of];
    for (let sha = left.pop(); sha !== undefined; sha = left.pop()) {
      if (sha === ancestor) return true;
      const commit = this.must(sha);
      if (commit.height <= height || seen.has(sha)) continue;
      seen.add(sha);
      left.push(...commit.parents);
    }
    return false;
  }

  /** `sha` and all before it. */
  history(sha: string): Set<string> {
    const seen = new Set<string>();
    const left = [sha];
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      left.push(...this.must(at).parents);
    }
    return seen;
  }

  /** Commits of `to` that `from` has not, oldest first. */
  range(from: string | null, to: string): Commit[] {
    const before = from === null ? new Set<string>() : this.history(from);
    return [...this.history(to)]
      .filter((sha) => !before.has(sha))
      .map((sha) => this.must(sha))
      .sort((a, b) => a.height - b.height || (a.sha < b.sha ? -1 : 1));
  }

  /** Null where they have nothing in common. */
  mergeBase(a: string, b: string): string | null {
    return this.#pair(a, b).mergeBase;
  }

  /** Whether both sides changed the same file since they parted. */
  conflicts(a: string, b: string): boolean {
    return this.#pair(a, b).conflicts;
  }

  #pair(a: string, b: string): { mergeBase: string | null; conflicts: boolean } {
    const name = `${a} ${b}`;
    const known = this.#pairs.get(name);
    if (known !== undefined) return known;
    const found = { mergeBase: this.#findBase(a, b), conflicts: this.#findConflict(a, b) };
    this.#pairs.set(name, found);
    return found;
  }

  #findBase(a: string, b: string): string | null {
    const before = this.history(a);
    const common = [...this.history(b)].filter((sha) => before.has(sha)).map((sha) => this.must(sha));
    common.sort((x, y) => y.height - x.height || (x.sha < y.sha ? -1 : 1));
    return common[0]?.sha ?? null;
  }

  #findConflict(a: string, b: string): boolean {
    const touched = (from: string, to: string) => new Set(this.range(from, to).flatMap((commit) => commit.touches));
    const ours = touched(b, a);
    return [...touched(a, b)].some((file) => ours.has(file));
  }

  /** What `head` brings to `base`, as a text that a clean rebase leaves as it is. */
  patchOf(base: string, head: string): string {
    return this.range(base, head)
      .flatMap((commit) => (commit.patch === "" ? [] : [commit.patch]))
      .sort()
      .join(" ");
  }
}

/** Commits that somebody has: everything behind those that were given. */
export class Store {
  readonly #commits: Commits;
  readonly #tips = new Set<string>();

  constructor(commits: Commits) {
    this.#commits = commits;
  }

  add(sha: string | null): void {
    if (sha !== null) this.#tips.add(sha);
  }

  has(sha: string): boolean {
    if (this.#tips.has(sha)) return true;
    return this.#commits.get(sha) !== undefined && [...this.#tips].some((tip) => this.#commits.isAncestor(sha, tip));
  }
}

export class Refs {
  readonly #refs = new Map<string, string>();
  /** Counts changes. */
  version = 0;

  get(name: string): string | null {
    return this.#refs.get(name) ?? null;
  }

  names(prefix: string): string[] {
    return [...this.#refs.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  /** All or nothing, under one lock: null when every ref was where it was expected, else the name of one that was not. */
  conflictOf(moves: readonly Move[]): string | null {
    return moves.find((move) => this.get(move.ref) !== move.old)?.ref ?? null;
  }

  set(name: string, sha: string | null): void {
    this.version++;
    if (sha === null) this.#refs.delete(name);
    else this.#refs.set(name, sha);
  }
}
