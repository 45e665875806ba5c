import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeHooks } from "./hooks.ts";
import { type GitObject, ObjectReader } from "./objects.ts";
import { type Commit, parseCommit, parseTree, type TreeEntry } from "./parse.ts";
import { type GitAnswer, runGit } from "./process.ts";
import { readRef, readRefs } from "./refs.ts";

/** One bare repository: what the REST interface asks of git. */
export class GitRepository {
  readonly dir: string;
  readonly #objects: ObjectReader;
  readonly #memory = new Map<string, Promise<GitAnswer>>();

  constructor(dir: string) {
    this.dir = dir;
    this.#objects = new ObjectReader(dir);
  }

  /** Makes the folder by hand: a `git init` costs more than all of it. */
  static create(dir: string, defaultBranch: string): GitRepository {
    for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"]) {
      mkdirSync(join(dir, folder), { recursive: true });
    }
    writeFileSync(join(dir, "HEAD"), `ref: refs/heads/${defaultBranch}\n`);
    writeFileSync(join(dir, "config"), configuration);
    writeHooks(dir);
    return new GitRepository(dir);
  }

  close(): void {
    this.#objects.close();
  }

  refs(prefix = "refs/"): Map<string, string> {
    return readRefs(this.dir, prefix);
  }

  ref(name: string): string | undefined {
    return readRef(this.dir, name);
  }

  branch(name: string): string | undefined {
    return this.ref(`refs/heads/${name}`);
  }

  isEmpty(): boolean {
    return this.refs("refs/heads/").size === 0;
  }

  object(name: string): Promise<GitObject | undefined> {
    return this.#objects.read(name);
  }

  /** The commit that a branch, tag, full or short id stands for. */
  async commit(name: string): Promise<Commit | undefined> {
    const sha = this.branch(name) ?? name;
    const found = await this.object(`${sha}^{commit}`);
    return found?.type === "commit" ? parseCommit(found.oid, found.content) : undefined;
  }

  async tree(name: string): Promise<{ sha: string; entries: TreeEntry[] } | undefined> {
    const found = await this.object(name.includes(":") ? name : `${name}^{tree}`);
    return found?.type === "tree" ? { sha: found.oid, entries: parseTree(found.content) } : undefined;
  }

  run(
    args: readonly string[],
    options: { input?: string | Buffer; env?: Record<string, string> } = {},
  ): Promise<GitAnswer> {
    return runGit(this.dir, args, options);
  }

  /** As `run`, for questions whose answer can never change: between fixed commits. */
  ask(...args: string[]): Promise<GitAnswer> {
    const key = args.join("\0");
    const known = this.#memory.get(key);
    if (known) return known;
    const answer = this.run(args);
    this.#memory.set(key, answer);
    return answer;
  }

  async mergeBase(one: string, other: string): Promise<string> {
    return (await this.ask("merge-base", one, other)).stdout.toString().trim();
  }

  async isAncestor(older: string, newer: string): Promise<boolean> {
    return (await this.ask("merge-base", "--is-ancestor", older, newer)).exit === 0;
  }

  /** The tree of a clean merge, or undefined where it conflicts. */
  async mergedTree(base: string, head: string): Promise<string | undefined> {
    const answer = await this.ask("merge-tree", "--write-tree", "--name-only", base, head);
    return answer.exit === 0 ? answer.stdout.toString().split("\n")[0] : undefined;
  }

  /** Newest first. */
  async history(range: string, ...paths: string[]): Promise<string[]> {
    const answer = await this.ask("rev-list", range, ...(paths.length > 0 ? ["--", ...paths] : []));
    return answer.stdout.toString().split("\n").filter(Boolean);
  }

  async writeCommit(commit: {
    tree: string;
    parents: string[];
    message: string;
    author: { name: string; email: string };
    at: number;
    authorAt?: number;
    committer?: { name: string; email: string };
  }): Promise<string> {
    const committer = commit.committer ?? commit.author;
    const env = {
      GIT_AUTHOR_NAME: commit.author.name,
      GIT_AUTHOR_EMAIL: commit.author.email,
      GIT_AUTHOR_DATE: `${Math.floor((commit.authorAt ?? commit.at) / 1000)} +0000`,
      GIT_COMMITTER_NAME: committer.name,
      GIT_COMMITTER_EMAIL: committer.email,
      GIT_COMMITTER_DATE: `${Math.floor(commit.at / 1000)} +0000`,
    };
    const parents = commit.parents.flatMap((parent) => ["-p", parent]);
    const answer = await this.run(["commit-tree", commit.tree, ...parents, "-F", "-"], { input: commit.message, env });
    if (answer.exit !== 0) throw new Error(`commit-tree: ${answer.stderr}`);
    return answer.stdout.toString().trim();
  }

  /** Moves one ref; `old` as in `git update-ref` (40 zeros = must be absent). False if git refused. */
  async moveRef(name: string, sha: string, old?: string): Promise<boolean> {
    const args = ["update-ref", name, sha, ...(old === undefined ? [] : [old])];
    return (await this.run(args)).exit === 0;
  }

  /** These and no others. */
  setRefs(refs: ReadonlyMap<string, string>): void {
    rmSync(join(this.dir, "refs"), { recursive: true, force: true });
    mkdirSync(join(this.dir, "refs", "heads"), { recursive: true });
    const lines = [...refs].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, sha]) => `${sha} ${name}\n`);
    writeFileSync(join(this.dir, "packed-refs"), `# pack-refs with: sorted\n${lines.join("")}`);
  }

  async deleteRef(name: string): Promise<boolean> {
    return (await this.run(["update-ref", "-d", name])).exit === 0;
  }
}

/** As Gitea sets up its repositories; nothing here may start a background process or wait for a disk. */
const configuration = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	fsync = none
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[http]
	receivepack = true
[receive]
	advertiseAtomic = true
	advertisePushOptions = true
	autogc = false
	unpackLimit = 10000
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[transfer]
	unpackLimit = 10000
`;
