import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Dead } from "../../src/agent/tree.ts";
import { makeClone } from "../../src/git/clone.ts";
import { type Composition, compose } from "../../src/git/compose.ts";
import { importWork } from "../../src/git/import.ts";
import type { Host } from "../../src/git/port.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";
import { BOT, host, nobodyAlive, remove, seed, TOKEN, tempDir } from "./support.ts";

let dir = "";
let server: GitServer;
let ours: Host;
let base = "";
let dead: Dead;
let clone = "";
let pristine = "";
let number = 0;

beforeAll(async () => {
  dir = tempDir();
  server = await startGitServer(dir, TOKEN);
  const first = seed(dir, server.repository, { "a.txt": "a\n" });
  const work = join(dir, "more");
  plainGit(dir, ["clone", "--quiet", server.repository, work]);
  mkdirSync(join(work, ".gitea/workflows"), { recursive: true });
  writeFileSync(join(work, ".gitea/workflows/ci.yml"), "on: push\n");
  plainGit(work, ["add", "-A"]);
  plainGit(work, ["commit", "--quiet", "-m", "ci"]);
  plainGit(work, ["push", "--quiet", "origin", "HEAD:main"]);
  ours = await host(join(dir, "host"), server.url);
  base = (await ours.fetchBranch("main")) ?? first;
  dead = await nobodyAlive();
  pristine = join(dir, "pristine");
  await makeClone(ours, { dir: pristine, commit: base, branchName: "agent/issue-1" });
});
afterAll(async () => {
  await server.close();
  remove(dir);
});
beforeEach(async () => {
  number += 1;
  clone = join(dir, `clone-${number}`);
  cpSync(pristine, clone, { recursive: true });
});

function git(...args: string[]): string {
  return plainGit(clone, args);
}

function write(name: string, content: string): void {
  mkdirSync(join(clone, name, ".."), { recursive: true });
  writeFileSync(join(clone, name), content);
}

function commit(message: string): void {
  git("add", "-A");
  git("commit", "--quiet", "--allow-empty", "-m", message);
}

async function composed(): Promise<Composition & { kind: "composed" }> {
  const work = await importWork(ours, { cloneDir: clone, base, dead });
  if (work.kind !== "work") throw new Error(JSON.stringify(work));
  const result = await compose(ours, {
    work,
    dropPaths: (path) => /^\.(gitea|github|forgejo)\/workflows\//.test(path),
    trailers: ["Agent-Dispatch: issue-1"],
    leftoverSubject: "Finish the work",
    mapMessage: (message) => message.replaceAll("secret", "***"),
  });
  if (result.kind !== "composed") throw new Error(result.why);
  return result;
}

async function log(head: string, format = "%s"): Promise<string[]> {
  const text = await ours.must(["log", `--format=${format}`, `${base}..${head}`]);
  return text.toString().trimEnd().split("\n");
}

describe("compose", () => {
  it("keeps commits one by one, by the bot, leftovers last", async () => {
    write("a.txt", "1\n");
    commit("one\n\nwith a secret");
    commit("empty");
    write("a.txt", "2\n");
    commit("two\n\nbody\n\nFixes: x");
    write("b.txt", "left\n");
    const result = await composed();
    expect(result).toMatchObject({ commits: 3, droppedPatch: null, changes: { changeCount: 2 } });
    expect(await log(result.head, "%an <%ae> %cn <%ce> %at %s")).toEqual([
      `agent-bot <bot@example.org> agent-bot <bot@example.org> 1700000000 Finish the work`,
      `agent-bot <bot@example.org> agent-bot <bot@example.org> 1700000000 two`,
      `agent-bot <bot@example.org> agent-bot <bot@example.org> 1700000000 one`,
    ]);
    const messages = await log(result.head, "%B");
    expect(messages.join("\n")).toMatchInlineSnapshot(`
      "Finish the work

      Agent-Dispatch: issue-1

      two

      body

      Fixes: x
      Agent-Dispatch: issue-1

      one

      with a ***

      Agent-Dispatch: issue-1"
    `);
    expect((await composed()).head).toBe(result.head);
    expect(BOT.email).toBe("bot@example.org");
  });

  it("takes workflow files out of every commit and says so", async () => {
    write(".gitea/workflows/ci.yml", "on: evil\n");
    write("a.txt", "1\n");
    commit("mixed");
    write(".github/workflows/new.yml", "on: evil\n");
    commit("only a workflow");
    rmSync(join(clone, ".gitea"), { recursive: true });
    write(".gitea", "a file in its place\n");
    write("c.txt", "c\n");
    const result = await composed();
    expect(await log(result.head)).toEqual(["Finish the work", "mixed"]);
    expect(result.changes.changes.map(({ path }) => path)).toEqual(["a.txt", "c.txt"]);
    expect(result.droppedPatch).toContain("+on: evil");
    const tree = await ours.must(["ls-tree", "-r", "--name-only", result.head]);
    expect(tree.toString().split("\n")).toEqual([".gitea/workflows/ci.yml", "a.txt", "c.txt", ""]);
    const everything = await ours.must(["log", "-p", `${base}..${result.head}`]);
    expect(everything.toString()).not.toContain("evil");
  });

  it("nothing but workflow files leaves nothing to publish", async () => {
    write(".gitea/workflows/ci.yml", "on: evil\n");
    commit("evil");
    expect(await composed()).toMatchObject({ head: base, commits: 0, droppedPatch: expect.stringContaining("evil") });
  });

  it("a merge becomes one commit, rewritten history one commit with the final tree", async () => {
    write("a.txt", "1\n");
    commit("on the branch");
    git("checkout", "--quiet", "-b", "side", base);
    write("side.txt", "s\n");
    commit("on the side");
    git("checkout", "--quiet", "agent/issue-1");
    git("merge", "--quiet", "--no-ff", "-m", "merge the side", "side");
    const merged = await composed();
    expect(await log(merged.head)).toEqual(["merge the side", "on the branch"]);
    expect(await log(merged.head, "%p")).not.toContainEqual(expect.stringContaining(" "));

    git("checkout", "--quiet", "--orphan", "anew");
    commit("all anew");
    const anew = await composed();
    expect(await log(anew.head)).toEqual(["Finish the work"]);
    expect(anew.tree).toBe(merged.tree);
    expect((await ours.must(["rev-parse", `${anew.head}^`])).toString().trim()).toBe(base);
  });

  it("can be pushed", async () => {
    write("a.txt", "1\n");
    const { head } = await composed();
    expect(await ours.push([{ ref: "refs/heads/agent/issue-1", old: null, new: head }])).toEqual({
      kind: "ok",
      upToDate: [],
    });
  });
});
