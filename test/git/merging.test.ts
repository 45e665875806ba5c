import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeClone } from "../../src/git/clone.ts";
import { composeMerge, settledTree } from "../../src/git/compose-merge.ts";
import { commitInfo, ensureMergeBase, foreignCommits, isAncestor } from "../../src/git/history.ts";
import { importWork } from "../../src/git/import.ts";
import { mergeCommit, mergeInto } from "../../src/git/merging.ts";
import { patchId } from "../../src/git/patch.ts";
import type { Host } from "../../src/git/port.ts";
import { rebaseOnto } from "../../src/git/rebase.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";
import { BOT, host, nobodyAlive, remove, TOKEN, tempDir } from "./support.ts";

let dir = "";
let server: GitServer;
let ours: Host;
let number = 0;

beforeAll(async () => {
  dir = tempDir();
  server = await startGitServer(dir, TOKEN);
  ours = await host(join(dir, "host"), server.url);
});
afterAll(async () => {
  await server.close();
  remove(dir);
});

type Files = Record<string, string | Buffer | null>;

/** A work tree of a person, whose commits can be handed to the host's repository. */
class Person {
  readonly work: string;

  constructor() {
    number += 1;
    this.work = join(dir, `person-${number}`);
    plainGit(dir, ["init", "--quiet", "--initial-branch=main", this.work]);
  }

  git(...args: string[]): string {
    return plainGit(this.work, args);
  }

  write(files: Files): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.work, name);
      rmSync(path, { recursive: true, force: true });
      if (content === null) continue;
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, content);
    }
  }

  commit(message: string, files: Files = {}): string {
    this.write(files);
    this.git("add", "-A");
    this.git("commit", "--quiet", "--allow-empty", "-m", message);
    return this.git("rev-parse", "HEAD");
  }

  /** Commits on two branches that part here. */
  sides(head: Files, base: Files): { head: string; base: string } {
    this.git("checkout", "--quiet", "-b", "head");
    const headSha = this.commit("head", head);
    this.git("checkout", "--quiet", "main");
    return { head: headSha, base: this.commit("base", base) };
  }

  /** All branches, put into a host's own repository as if fetched. */
  hand(to: Host = ours): void {
    this.git("push", "--quiet", to.gitDir, `+refs/heads/*:refs/test/${number}/*`);
  }
}

function person(files: Files): Person {
  const made = new Person();
  made.commit("first", files);
  return made;
}

async function merged(start: Files, head: Files, base: Files) {
  const who = person(start);
  const sides = who.sides(head, base);
  who.hand();
  return { ...sides, who, result: await mergeInto(ours, sides) };
}

async function show(tree: string, path: string): Promise<string> {
  return (await ours.must(["cat-file", "blob", `${tree}:${path}`])).toString();
}

const lines = (...texts: (string | number)[]) => texts.map((text) => `${text}\n`).join("");
const TEN = lines(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

describe("mergeInto", () => {
  it("merges what does not touch", async () => {
    const { result } = await merged(
      { a: TEN },
      { a: TEN.replace("1\n", "one\n") },
      { a: TEN.replace("9\n", "nine\n") },
    );
    if (result.kind !== "clean") throw new Error(JSON.stringify(result));
    expect(await show(result.tree, "a")).toBe(TEN.replace("1\n", "one\n").replace("9\n", "nine\n"));
  });

  it("knows what is up to date and what is unrelated", async () => {
    const who = person({ a: "1\n" });
    const first = who.git("rev-parse", "HEAD");
    const second = who.commit("second", { a: "2\n" });
    who.git("checkout", "--quiet", "--orphan", "other");
    const other = who.commit("other", { a: "3\n" });
    who.hand();
    expect(await mergeInto(ours, { head: second, base: first })).toEqual({ kind: "up-to-date" });
    const { tree } = await commitInfo(ours, second);
    expect(await mergeInto(ours, { head: first, base: second })).toEqual({ kind: "clean", tree });
    expect(await mergeInto(ours, { head: second, base: other })).toEqual({ kind: "unrelated" });
    expect([await isAncestor(ours, first, second), await isAncestor(ours, second, first)]).toEqual([true, false]);
    expect(await isAncestor(ours, "f".repeat(40), first)).toBe(false);
  });

  it.each<[string, Files, Files, Files, string[]]>([
    ["content", { a: "1\n" }, { a: "2\n" }, { a: "3\n" }, ["a"]],
    ["add/add", { a: "1\n" }, { b: "2\n" }, { b: "3\n" }, ["b"]],
    ["delete/modify", { a: TEN, b: "" }, { a: null }, { a: `${TEN}11\n` }, ["a"]],
    ["rename/rename", { a: TEN }, { a: null, b: TEN }, { a: null, c: TEN }, ["a", "b", "c"]],
    ["binary", { a: Buffer.from([0, 1]) }, { a: Buffer.from([0, 2]) }, { a: Buffer.from([0, 3]) }, ["a"]],
    ["odd names", { 'ä "\t\n x': "1\n" }, { 'ä "\t\n x': "2\n" }, { 'ä "\t\n x': "3\n" }, ['ä "\t\n x']],
  ])("%s conflicts", async (_, start, head, base, paths) => {
    const { result } = await merged(start, head, base);
    if (result.kind !== "conflict") throw new Error(JSON.stringify(result));
    expect(result.paths).toEqual(paths);
    expect(result.pathCount).toBe(paths.length);
    expect(result.texts.join("\n")).toMatch(/^CONFLICT|Cannot merge binary/m);
  });

  it("shows both sides and what they had in common", async () => {
    const { result, head, base } = await merged({ a: "x\n1\n" }, { a: "x\n2\n" }, { a: "x\n3\n" });
    const { parents } = await commitInfo(ours, head);
    const text = result.kind === "conflict" ? await show(result.tree, "a") : "";
    expect(text).toBe(
      lines("x", `<<<<<<< ${head}`, 2, `||||||| ${parents[0]?.slice(0, 7)}`, 1, "=======", 3, `>>>>>>> ${base}`),
    );
  });

  it("modes, links and submodules that both sides changed conflict, and nothing is followed", async () => {
    const who = person({ a: "1\n", b: "1\n", c: "1\n" });
    const submodule = (sha: string) => who.git("update-index", "--add", "--cacheinfo", `160000,${sha.repeat(40)},sub`);
    who.git("checkout", "--quiet", "-b", "head");
    who.write({ a: null, b: "2\n" });
    symlinkSync("/etc/passwd", join(who.work, "a"));
    who.git("add", "-A");
    submodule("1");
    who.git("commit", "--quiet", "-m", "head");
    who.git("checkout", "--quiet", "main");
    who.write({ a: null });
    symlinkSync("../../..", join(who.work, "a"));
    chmodSync(join(who.work, "b"), 0o755);
    who.git("add", "-A");
    submodule("2");
    who.git("commit", "--quiet", "-m", "base");
    who.hand();
    const [head, base] = [who.git("rev-parse", "head"), who.git("rev-parse", "main")];
    const result = await mergeInto(ours, { head, base });
    expect(result).toMatchObject({ kind: "conflict", paths: ["a", "sub"] });
    const tree = result.kind === "conflict" ? result.tree : "";
    expect((await ours.must(["ls-tree", tree, "b"])).toString()).toMatch(/^100755/);
  });

  it("attributes of a tree choose nothing and start nothing", async () => {
    const canary = join(dir, "canary");
    const attributes = "* merge=evil filter=evil diff=evil text eol=crlf conflict-marker-size=3\n*.u merge=union\n";
    const { who, result, head, base } = await merged(
      { a: "1\n", "x.u": "1\n", ".gitattributes": attributes },
      { a: "2\n", "x.u": "2\n" },
      { a: "3\n", "x.u": "3\n" },
    );
    expect(result).toMatchObject({ kind: "conflict", paths: ["a", "x.u"] });
    // Not even where the repository's own configuration has such programs, which nobody but us writes.
    const evil = await host(join(dir, "evil"), server.url);
    const config = join(evil.gitDir, "config");
    for (const key of ["merge.evil.driver", "filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv"]) {
      plainGit(dir, ["config", "--file", config, key, `touch ${canary}; cat`]);
    }
    who.hand(evil);
    expect(await mergeInto(evil, { head, base })).toEqual(result);
    const rebased = await rebaseOnto(evil, { head, base, mergeBase: who.git("merge-base", head, base) });
    expect(rebased).toMatchObject({ kind: "conflict", at: head });
    await patchId(evil, head, base);
    expect(existsSync(canary)).toBe(false);
    // The canary sings where git does act on them.
    const sung = spawnSync("git", ["-c", `merge.evil.driver=touch ${canary}`, "merge", "--quiet", "head"], {
      cwd: who.work,
    });
    expect([sung.status !== null, existsSync(canary)]).toEqual([true, true]);
  });
});

/** A history of `count` commits as one stream; a commit process each would take minutes. */
function grow(repository: string, branch: string, from: string | null, count: number, path: string): void {
  const stream = [`reset refs/heads/${branch}\n${from === null ? "" : `from ${from}\n`}\n`];
  for (let at = 1; at <= count; at++) {
    const data = `${branch} ${at}\n`;
    stream.push(`commit refs/heads/${branch}\ncommitter P <p@example.org> ${1_600_000_000 + at} +0000\n`);
    if (at === 1 && from !== null) stream[stream.length - 1] += `data 1\nx\nfrom ${from}\n`;
    else stream[stream.length - 1] += "data 1\nx\n";
    stream.push(`M 100644 inline ${path}\ndata ${data.length}\n${data}\n`);
  }
  plainGit(repository, ["fast-import", "--quiet", "--force"], stream.join(""));
}

describe("cut histories", () => {
  async function deepServer(): Promise<{ deep: GitServer; fresh: Host; close: () => Promise<void> }> {
    const place = tempDir();
    const deep = await startGitServer(place, TOKEN);
    grow(deep.repository, "main", null, 30, "start");
    grow(deep.repository, "pr", "refs/heads/main", 200, "pr");
    grow(deep.repository, "main", "refs/heads/main^0", 200, "main");
    const fresh = await host(join(place, "host"), deep.url);
    const close = async () => {
      await deep.close();
      remove(place);
    };
    return { deep, fresh, close };
  }

  async function tips(of: Host, ...refs: string[]): Promise<string[]> {
    const shas: string[] = [];
    for (const ref of refs) shas.push((await of.fetchRef(ref)) ?? "");
    return shas;
  }

  it("finds the merge base 200 commits down, for a fork's pull request too", { timeout: 30_000 }, async () => {
    const { deep, fresh, close } = await deepServer();
    plainGit(deep.repository, ["update-ref", "refs/pull/7/head", "refs/heads/pr"]);
    plainGit(deep.repository, ["update-ref", "-d", "refs/heads/pr"]);
    const [head = "", base = ""] = await tips(fresh, "refs/pull/7/head", "refs/heads/main");
    // What git says of the cut histories.
    expect(await fresh.run(["merge-base", head, base])).toMatchObject({ kind: "ended", code: 1 });
    const result = await mergeInto(fresh, { head, base });
    expect(result.kind).toBe("clean");
    const mergeBase = plainGit(deep.repository, ["merge-base", head, base]);
    expect(await ensureMergeBase(fresh, { head, base })).toEqual({ kind: "found", mergeBase });
    // A later fetch cuts nothing off again, nor does a look at the ledger.
    await tips(fresh, "refs/heads/main", "refs/pull/7/head");
    await fresh.fetchLedger();
    const before = fresh.git.count();
    expect(await ensureMergeBase(fresh, { head, base })).toEqual({ kind: "found", mergeBase });
    expect(fresh.git.count() - before).toBeLessThanOrEqual(2);
    const early = plainGit(deep.repository, ["rev-parse", "refs/pull/7/head~180"]);
    expect(await rebaseOnto(fresh, { head: early, base, mergeBase })).toMatchObject({ kind: "clean", commits: 20 });
    await close();
  });

  it("is not taken in by a common commit that is older than the true one", async () => {
    const { deep, fresh, close } = await deepServer();
    const { repository } = deep;
    // Both sides merge an old commit near their tips: with cut histories that one is all they have in common.
    const old = plainGit(repository, ["rev-list", "--max-count=1", "--skip=20", "main~200"]);
    const tie = (branch: string) => {
      const tree = `${branch}^{tree}`;
      const made = plainGit(repository, ["commit-tree", tree, "-p", branch, "-p", old, "-m", "tie"]);
      plainGit(repository, ["update-ref", `refs/heads/${branch}`, made]);
      return made;
    };
    const [head, base] = [tie("pr"), tie("main")];
    await tips(fresh, "refs/heads/pr", "refs/heads/main");
    const naive = (await fresh.must(["merge-base", head, base])).toString().trim();
    const mergeBase = plainGit(repository, ["merge-base", head, base]);
    expect(naive).toBe(old);
    expect(mergeBase).not.toBe(old);
    expect(await ensureMergeBase(fresh, { head, base })).toEqual({ kind: "found", mergeBase });
    await close();
  });

  it("sees that of two bases one is behind the other", async () => {
    const { deep, fresh, close } = await deepServer();
    const { repository } = deep;
    const [old = "", parted = ""] = ["main~190", "main~10"].map((name) => plainGit(repository, ["rev-parse", name]));
    const tie = (branch: string, parent: string) => {
      const made = plainGit(repository, ["commit-tree", `${parent}^{tree}`, "-p", parent, "-p", old, "-m", branch]);
      plainGit(repository, ["update-ref", `refs/heads/${branch}`, made]);
      return made;
    };
    const [head, base] = [tie("pr", parted), tie("main", "main")];
    await tips(fresh, "refs/heads/pr", "refs/heads/main");
    const all = async () =>
      (await fresh.must(["merge-base", "--all", head, base])).toString().trim().split("\n").sort();
    expect(await all()).toEqual([old, parted].sort());
    expect(await ensureMergeBase(fresh, { head, base })).toEqual({ kind: "found", mergeBase: parted });
    expect(await all()).toEqual([parted]);
    await close();
  });

  it("calls unrelated only what is whole, and gives up in time", async () => {
    const { deep, fresh, close } = await deepServer();
    grow(deep.repository, "other", null, 120, "other");
    const [head = "", base = ""] = await tips(fresh, "refs/heads/other", "refs/heads/main");
    expect(await ensureMergeBase(fresh, { head, base }, { deadlineMs: 0 })).toMatchObject({ kind: "unknown" });
    expect(await mergeInto(fresh, { head, base })).toEqual({ kind: "unrelated" });
    expect(await ensureMergeBase(fresh, { head: "f".repeat(40), base })).toMatchObject({ kind: "unknown" });
    await close();
  });

  it("looks behind 500 commits, also for a commit that the forge does not have", async () => {
    const { deep, fresh, close } = await deepServer();
    grow(deep.repository, "main", "refs/heads/main^0", 6000, "more");
    const [head = "", base = ""] = await tips(fresh, "refs/heads/pr", "refs/heads/main");
    const { tree } = await commitInfo(fresh, head);
    const local = await mergeCommit(fresh, { tree, parents: [head], message: "not pushed" });
    expect(await mergeInto(fresh, { head: local, base })).toMatchObject({ kind: "clean" });
    const mergeBase = plainGit(deep.repository, ["merge-base", head, base]);
    expect(await ensureMergeBase(fresh, { head: local, base })).toEqual({ kind: "found", mergeBase });
    await close();
  });
});

describe("rebaseOnto", () => {
  it("keeps author, date and message, drops what the base has, and does the same twice", async () => {
    const who = person({ a: TEN, b: "1\n" });
    const mergeBase = who.git("rev-parse", "HEAD");
    who.git("checkout", "--quiet", "-b", "head");
    const env = { PATH: process.env["PATH"], HOME: dir, GIT_COMMITTER_NAME: "x", GIT_COMMITTER_EMAIL: "x@x" };
    const author = {
      GIT_AUTHOR_NAME: "Jörg .",
      GIT_AUTHOR_EMAIL: "j@example.org",
      GIT_AUTHOR_DATE: "@1500000000 +0530",
    };
    who.write({ a: TEN.replace("1\n", "one\n") });
    who.git("add", "-A");
    const message = "subject\n\n  indented\n\n\nbody\n# no comment";
    spawnSync("git", ["commit", "--quiet", "--cleanup=verbatim", "-m", message], {
      cwd: who.work,
      env: { ...env, ...author, GIT_COMMITTER_DATE: "@1800000000 +0000" },
    });
    who.commit("empty");
    who.commit("twice", { b: "2\n" });
    const head = who.commit("last", { c: "3\n" });
    who.git("checkout", "--quiet", "main");
    const base = who.commit("base", { b: "2\n", a: TEN.replace("9\n", "nine\n") });
    who.hand();
    const order = { head, base, mergeBase };
    const result = await rebaseOnto(ours, order);
    if (result.kind !== "clean") throw new Error(JSON.stringify(result));
    expect(result.commits).toBe(2);
    expect(await rebaseOnto(ours, order)).toEqual(result);
    const format = "--format=%an|%ae|%ad|%cn|%ce|%ct|%s";
    const log = (await ours.must(["log", "--date=raw", format, `${base}..${result.head}`])).toString().trim();
    expect(log.split("\n")).toEqual([
      "Agent|agent@example.org|1700000000 +0000|agent-bot|bot@example.org|1800000000|last",
      "Jörg|j@example.org|1500000000 +0530|agent-bot|bot@example.org|1800000000|subject",
    ]);
    const raw = (await ours.must(["cat-file", "commit", `${result.head}^`])).toString();
    expect(raw.slice(raw.indexOf("\n\n") + 2).trimEnd()).toBe(message);
    expect(await patchId(ours, mergeBase, `${head}^`)).not.toBe(await patchId(ours, base, `${result.head}^`));
    expect((await ours.run(["fsck", "--no-dangling", result.head])).kind).toBe("ended");
    // It stands on its base already, and what is rebased again stays.
    expect(await rebaseOnto(ours, { head, base: mergeBase, mergeBase })).toMatchObject({ kind: "clean", head });
    const again = await rebaseOnto(ours, { head: result.head, base, mergeBase: base });
    expect(again).toEqual(result);
  });

  it("names the commit that does not apply, refuses merges, and says when nothing is left", async () => {
    const who = person({ a: "1\n" });
    const mergeBase = who.git("rev-parse", "HEAD");
    who.git("checkout", "--quiet", "-b", "head");
    who.commit("fine", { b: "1\n" });
    const at = who.commit("clash", { a: "2\n" });
    const head = who.commit("later", { c: "1\n" });
    who.git("checkout", "--quiet", "main");
    const base = who.commit("base", { a: "3\n" });
    const same = who.commit("same", { a: "2\n", b: "1\n", c: "1\n" });
    who.git("checkout", "--quiet", "-b", "merge", mergeBase);
    who.commit("side", { d: "1\n" });
    who.git("merge", "--quiet", "-m", "merge", base);
    const merge = who.git("rev-parse", "HEAD");
    who.hand();
    const result = await rebaseOnto(ours, { head, base, mergeBase });
    expect(result).toMatchObject({ kind: "conflict", at, subject: "clash", paths: ["a"], pathCount: 1 });
    expect(await rebaseOnto(ours, { head: merge, base, mergeBase })).toEqual({ kind: "has-merges" });
    expect(await rebaseOnto(ours, { head, base: same, mergeBase })).toEqual({ kind: "empty" });
    expect(await rebaseOnto(ours, { head: mergeBase, base, mergeBase })).toEqual({ kind: "empty" });
    expect(await rebaseOnto(ours, { head, base, mergeBase: "f".repeat(40) })).toMatchObject({ kind: "unreadable" });
  });

  it("takes odd commits as they are", async () => {
    const who = person({ a: TEN });
    const sides = who.sides({ a: TEN.replace("1\n", "one\n") }, { b: "1\n" });
    const { tree, parents } = { tree: who.git("rev-parse", "head^{tree}"), parents: who.git("rev-parse", "head^") };
    const raw = Buffer.concat([
      Buffer.from(`tree ${tree}\nparent ${parents}\nauthor `),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(` <> 1 +9999\ncommitter . <x> 99999999999 +0000\nencoding ISO-8859-1\ngpgsig one\n parent two\n\n`),
      Buffer.from([0xe4, 0x0a]),
    ]);
    const file = join(dir, "odd");
    writeFileSync(file, raw);
    const head = who.git("hash-object", "-t", "commit", "-w", "--literally", file);
    who.git("update-ref", "refs/heads/odd", head);
    who.hand();
    const result = await rebaseOnto(ours, { head, base: sides.base, mergeBase: parents });
    if (result.kind !== "clean") throw new Error(JSON.stringify(result));
    const made = await ours.must(["cat-file", "commit", result.head]);
    expect(made.toString("latin1")).toBe(
      `tree ${result.tree}\nparent ${sides.base}\nauthor \xff\xfe <> 1 +9999\ncommitter agent-bot <bot@example.org> ` +
        "4102444800 +0000\nencoding ISO-8859-1\n\n\xe4\n",
    );
  });
});

describe("commits", () => {
  it("a merge commit is the bot's, dated by its parents, the same each time", async () => {
    const { result, head, base } = await merged({ a: "1\n" }, { b: "1\n" }, { c: "1\n" });
    if (result.kind !== "clean") throw new Error(result.kind);
    const order = { tree: result.tree, parents: [head, base] as const, message: "Merge main", trailers: ["A: b"] };
    const sha = await mergeCommit(ours, { ...order, parents: [head, base] });
    expect(await mergeCommit(ours, { ...order, parents: [head, base] })).toBe(sha);
    expect(await commitInfo(ours, sha)).toEqual({
      ...{ tree: result.tree, parents: [head, base], author: BOT, committer: BOT },
      ...{ date: 1_700_000_000, subject: "Merge main" },
    });
    const person = { name: "Agent", email: "agent@example.org" };
    const found = await foreignCommits(ours, { from: head, to: sha, bot: BOT });
    expect(found).toEqual({ commits: [{ sha: base, subject: "base", author: person }], count: 1, cut: false });
    const besides = await foreignCommits(ours, { from: head, to: sha, bot: BOT, besides: [base] });
    expect(besides).toEqual({ commits: [], count: 0, cut: false });
    expect((await foreignCommits(ours, { from: head, to: sha, bot: person })).count).toBe(1);
  });

  it("lists 20 of people's commits and counts the others", async () => {
    const who = person({ a: "1\n" });
    const from = who.git("rev-parse", "HEAD");
    grow(who.work, "many", from, 30, "many");
    who.hand();
    const found = await foreignCommits(ours, { from, to: who.git("rev-parse", "many"), bot: BOT });
    expect([found.commits.length, found.count, found.cut]).toEqual([20, 30, false]);
  });
});

describe("composeMerge", () => {
  const dropPaths = (path: string) => path.startsWith(".gitea/workflows/");

  it("publishes one merge with the agent's tree, workflow files as the sides have them", async () => {
    const who = person({
      a: "1\n",
      ".gitea/workflows/base.yml": "1\n",
      ".gitea/workflows/head.yml": "1\n",
      ".gitea/workflows/both.yml": "1\n",
    });
    const { head, base } = who.sides(
      { a: "2\n", h: "h\n", ".gitea/workflows/head.yml": "head\n", ".gitea/workflows/both.yml": "head\n" },
      {
        a: "3\n",
        b: "b\n",
        ".gitea/workflows/base.yml": "base\n",
        ".gitea/workflows/both.yml": "base\n",
        ".gitea/workflows/new.yml": "new\n",
      },
    );
    who.hand();
    const result = await mergeInto(ours, { head, base });
    if (result.kind !== "conflict") throw new Error(result.kind);
    const settled = await settledTree(ours, { tree: result.tree, parents: [head, base], dropPaths });
    if (settled.kind !== "tree") throw new Error(settled.why);
    const start = await mergeCommit(ours, { tree: settled.tree, parents: [head, base], message: "start" });
    const cloneDir = join(dir, "merge-clone");
    await makeClone(ours, {
      ...{ dir: cloneDir, commit: start, branchName: "agent/issue-1" },
      extra: [{ name: "base", commit: base }],
    });
    expect(plainGit(cloneDir, ["rev-parse", "base", "HEAD^2"])).toBe(`${base}\n${base}`);
    expect(plainGit(cloneDir, ["remote"])).toBe("");

    const work = async () => {
      const read = await importWork(ours, { cloneDir, base: start, dead: await nobodyAlive() });
      if (read.kind !== "work") throw new Error(JSON.stringify(read));
      const order = {
        work: read,
        parents: [head, base] as const,
        message: "Merge main",
        trailers: ["A: b"],
        dropPaths,
      };
      const composed = await composeMerge(ours, order);
      if (composed.kind !== "composed") throw new Error(composed.why);
      return composed;
    };
    writeFileSync(join(cloneDir, "a"), "2 and 3\n");
    const honest = await work();
    expect(honest).toMatchObject({ commits: 1, droppedPatch: null });
    expect(honest.changes.changes.map(({ path }) => path)).toEqual([
      ...[".gitea/workflows/both.yml", ".gitea/workflows/head.yml", "a", "h"],
    ]);
    const workflows = [];
    for (const name of ["base", "head", "both", "new"]) {
      workflows.push(await show(honest.tree, `.gitea/workflows/${name}.yml`));
    }
    expect(workflows).toEqual(["base\n", "head\n", "head\n", "new\n"]);
    expect(await commitInfo(ours, honest.head)).toMatchObject({ parents: [head, base], author: BOT, committer: BOT });
    expect((await work()).head).toBe(honest.head);

    // An agent that commits, rewrites and writes workflow files: the same commit, and people see what was left out.
    writeFileSync(join(cloneDir, ".gitea/workflows/evil.yml"), "evil\n");
    rmSync(join(cloneDir, ".gitea/workflows/new.yml"));
    plainGit(cloneDir, ["checkout", "--quiet", "--orphan", "anew"]);
    plainGit(cloneDir, ["add", "-A"]);
    plainGit(cloneDir, ["commit", "--quiet", "-m", "mine"]);
    const dropped = await work();
    expect(dropped.head).toBe(honest.head);
    expect(dropped.droppedPatch).toContain("+evil");
    expect(dropped.droppedPatch).toContain("-new");
  });
});

/** Numbers that look random and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

describe("against git in a work tree", () => {
  function change(who: Person, pick: (below: number) => number, label: string): void {
    const names = ["a", "b", "d/c", "d/e", "f"];
    const name = names[pick(names.length)] ?? "a";
    const path = join(who.work, name);
    const what = pick(8);
    if (what === 0 || !existsSync(path)) {
      who.write({ [name]: lines(...Array.from({ length: 8 }, (_, at) => `${name} ${at}`), label) });
    } else if (what === 1) who.write({ [name]: null });
    else if (what === 2) who.git("mv", "-f", name, `${name}-${pick(2)}`);
    else if (what === 3) chmodSync(path, pick(2) === 0 ? 0o755 : 0o644);
    else {
      const text = spawnSync("cat", [path], { encoding: "utf8" }).stdout.split("\n");
      text[pick(text.length)] = pick(3) === 0 ? "same" : label;
      who.write({ [name]: text.join("\n") });
    }
    who.commit(label);
  }

  /** Git as people run it: its exit code says whether it went through. */
  function tried(who: Person, args: string[]): { clean: boolean; tree: string; paths: string[] } {
    const identity = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "core.quotePath=false"];
    const env = { PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
    const result = spawnSync("git", [...identity, ...args], { cwd: who.work, env: { ...env, GIT_EDITOR: "true" } });
    const unmerged = who.git("ls-files", "-u", "-z").split("\0");
    const paths = [...new Set(unmerged.flatMap((line) => line.split("\t")[1] ?? []))].sort();
    return { clean: result.status === 0, tree: who.git("rev-parse", "HEAD^{tree}"), paths };
  }

  it("merge and rebase agree on 30 histories", { timeout: 180_000 }, async () => {
    const seen = { mergeClean: 0, mergeConflict: 0, rebaseClean: 0, rebaseConflict: 0 };
    for (let seed = 1; seed <= 30; seed++) {
      const pick = chance(seed * 7919);
      const start = ["a", "b", "d/c", "f"].map((name) => [
        name,
        lines(...Array.from({ length: 12 }, (_, at) => `${name} ${at}`)),
      ]);
      const who = person(Object.fromEntries(start));
      const mergeBase = who.git("rev-parse", "HEAD");
      who.git("checkout", "--quiet", "-b", "head");
      for (let at = 0; at <= pick(4); at++) change(who, pick, `head ${at}`);
      const head = who.git("rev-parse", "HEAD");
      who.git("checkout", "--quiet", "main");
      for (let at = 0; at <= pick(4); at++) change(who, pick, `base ${at}`);
      const base = who.git("rev-parse", "HEAD");
      who.hand();

      const mine = await mergeInto(ours, { head, base });
      who.git("checkout", "--quiet", "-B", "try", head);
      const theirs = tried(who, ["merge", "--quiet", "--no-ff", "--no-edit", base]);
      if (theirs.clean) {
        seen.mergeClean += 1;
        expect(mine, `merge ${seed}`).toEqual({ kind: "clean", tree: theirs.tree });
      } else {
        seen.mergeConflict += 1;
        expect(mine.kind === "conflict" && [...mine.paths].sort(), `merge ${seed}`).toEqual(theirs.paths);
      }

      who.git("reset", "--quiet", "--hard");
      who.git("clean", "-qfd");
      const replayed = await rebaseOnto(ours, { head, base, mergeBase });
      who.git("checkout", "--quiet", "-B", "try", head);
      const options = ["--quiet", "--merge", "--empty=drop", "--no-keep-empty", "--reapply-cherry-picks"];
      const rebased = tried(who, ["rebase", ...options, base]);
      if (rebased.clean && replayed.kind === "empty") {
        expect(who.git("rev-parse", "HEAD"), `rebase ${seed}`).toBe(base);
      } else if (rebased.clean) {
        seen.rebaseClean += 1;
        const commits = Number(who.git("rev-list", "--count", `${base}..HEAD`));
        expect(replayed, `rebase ${seed}`).toMatchObject({ kind: "clean", tree: rebased.tree, commits });
      } else {
        seen.rebaseConflict += 1;
        const at = who.git("rev-parse", "REBASE_HEAD");
        expect(replayed, `rebase ${seed}`).toMatchObject({ kind: "conflict", at });
        expect(replayed.kind === "conflict" && [...replayed.paths].sort(), `rebase ${seed}`).toEqual(rebased.paths);
        who.git("rebase", "--abort");
      }
    }
    // The histories are worth something: each ending was there several times.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(3);
  });
});
