import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Dead } from "../../src/agent/tree.ts";
import { makeCheckout, makeClone } from "../../src/git/clone.ts";
import { type ImportedWork, type ImportOrder, importWork, readHead, type Work } from "../../src/git/import.ts";
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
  base = seed(dir, server.repository, { "a.txt": "one\ntwo\n", "b.txt": "b\n", ".gitignore": "ignored/\n" });
  ours = await host(join(dir, "host"), server.url);
  await ours.fetchBranch("main");
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
  writeFileSync(join(clone, name), content);
}

function commit(message: string): string {
  git("add", "-A");
  git("commit", "--quiet", "--allow-empty", "-m", message);
  return git("rev-parse", "HEAD");
}

function imported(bounds: ImportOrder["bounds"] = {}): Promise<Work> {
  return importWork(ours, { cloneDir: clone, base, dead, bounds });
}

async function work(): Promise<ImportedWork> {
  const result = await imported();
  if (result.kind !== "work") throw new Error(JSON.stringify(result));
  return result;
}

describe("the clone", () => {
  it("stands alone: a branch, an identity, no remote, nothing that leads to the host", () => {
    expect(git("status", "--porcelain", "--branch")).toBe("## agent/issue-1");
    expect(git("remote")).toBe("");
    expect(git("config", "user.email")).toBe(BOT.email);
    expect(existsSync(join(clone, ".git/objects/info/alternates"))).toBe(false);
    expect(existsSync(join(clone, ".git/FETCH_HEAD"))).toBe(false);
    expect(
      execFileSync("sh", ["-c", `grep -rlF -e ${TOKEN} -e ${dir}/host ${clone} || true`], { encoding: "utf8" }),
    ).toBe("");
    expect(execFileSync("find", [clone, "-type", "f", "-links", "+1"], { encoding: "utf8" })).toBe("");
  });

  it("is as deep as the host, and a checkout is exactly its commit", async () => {
    for (const text of ["1", "2", "3"]) {
      write("c.txt", text);
      commit(text);
    }
    plainGit(clone, ["push", "--quiet", server.repository, "HEAD:refs/heads/deep"]);
    const shallow = await host(join(dir, "shallow"), server.url);
    const head = (await shallow.fetchBranch("deep", 2)) ?? "";
    const other = join(dir, "shallow-clone");
    await makeClone(shallow, { dir: other, commit: head, branchName: "x" });
    expect(plainGit(other, ["rev-list", "--count", "HEAD"])).toBe("2");
    const checkout = join(dir, "checkout");
    await makeCheckout(shallow, { dir: checkout, commit: head });
    expect(plainGit(checkout, ["status", "--porcelain", "--branch"])).toBe("## HEAD (no branch)");
    expect(readFileSync(join(checkout, "c.txt"), "utf8")).toBe("3");
  });
});

describe("work", () => {
  it("nothing done", async () => {
    expect(await work()).toMatchObject({
      head: base,
      commits: [],
      leftovers: false,
      changeCount: 0,
      baseIsAncestor: true,
    });
  });

  it("commits and leftovers, with their facts", async () => {
    write("a.txt", "one\nTWO\n");
    const first = commit("change a\n\nwhy");
    rmSync(join(clone, "b.txt"));
    write("new.bin", "\0\u0001");
    chmodSync(join(clone, "a.txt"), 0o755);
    mkdirSync(join(clone, "ignored"));
    write("ignored/x", "x");
    const result = await work();
    expect(result).toMatchObject({
      head: first,
      branch: "refs/heads/agent/issue-1",
      leftovers: true,
      commitsCut: false,
    });
    expect(result.commits).toMatchObject([
      { sha: first, subject: "change a", message: "change a\n\nwhy\n", parents: [base], authorDate: 1_700_000_000 },
    ]);
    expect(result.changes).toEqual([
      {
        ...{ path: "a.txt", status: "modified", oldMode: "100644", newMode: "100755", bytes: 8, binary: false },
        ...{ addedLines: 1, deletedLines: 1, linkTarget: null },
      },
      {
        ...{ path: "b.txt", status: "deleted", oldMode: "100644", newMode: "000000", bytes: 0, binary: false },
        ...{ addedLines: 0, deletedLines: 1, linkTarget: null },
      },
      {
        ...{ path: "new.bin", status: "added", oldMode: "000000", newMode: "100644", bytes: 2, binary: true },
        ...{ addedLines: 0, deletedLines: 0, linkTarget: null },
      },
    ]);
    expect(result.addedLines).toEqual([{ path: "a.txt", line: 2, text: "TWO" }]);
    expect(result).toMatchObject({ insertions: 1, deletions: 2, addedLinesCut: false });
  });

  it("on another branch, detached, with packed refs, with rewritten history", async () => {
    git("checkout", "--quiet", "-b", "other");
    write("a.txt", "x\n");
    const other = commit("on another branch");
    git("pack-refs", "--all");
    expect(await work()).toMatchObject({ head: other, branch: "refs/heads/other" });
    git("checkout", "--quiet", "--detach");
    expect(await work()).toMatchObject({ head: other, branch: null, baseIsAncestor: true });
    git("checkout", "--quiet", "--orphan", "fresh");
    const orphan = commit("all anew");
    expect(await work()).toMatchObject({ head: orphan, baseIsAncestor: false, commits: [{ parents: [] }] });
  });

  it("names of every kind stay what they are", async () => {
    const names = ["-rf", "new\nline", "ünï cödé", 'quo"te', "tab\there", "a\\b", ":(glob)x", " lead"];
    for (const name of names) write(name, "x\n");
    const result = await work();
    expect(result.changes.map(({ path }) => path).sort()).toEqual([...names].sort());
    expect(result.addedLines.map(({ path }) => path).sort()).toEqual([...names].sort());
    git("add", "-A");
    expect(result.tree).toBe(git("write-tree"));
  });

  it("added lines that look like headers are lines", async () => {
    write("d.txt", "+++ b/evil\n@@ -1 +1 @@\n");
    expect((await work()).addedLines).toEqual([
      { path: "d.txt", line: 1, text: "+++ b/evil" },
      { path: "d.txt", line: 2, text: "@@ -1 +1 @@" },
    ]);
  });

  it("links are reported with their target and never followed", async () => {
    symlinkSync("/etc/passwd", join(clone, "out"));
    rmSync(join(clone, "b.txt"));
    symlinkSync("../../..", join(clone, "b.txt"));
    mkdirSync(join(clone, "sub"));
    write("sub/f", "f\n");
    commit("a folder");
    rmSync(join(clone, "sub"), { recursive: true });
    mkdirSync(join(dir, `elsewhere-${number}`));
    writeFileSync(join(dir, `elsewhere-${number}`, "f"), "secret of the machine\n");
    symlinkSync(join(dir, `elsewhere-${number}`), join(clone, "sub"));
    const result = await work();
    expect(result.changes.map(({ path, newMode, linkTarget }) => [path, newMode, linkTarget])).toEqual([
      ["b.txt", "120000", "../../.."],
      ["out", "120000", "/etc/passwd"],
      ["sub", "120000", join(dir, `elsewhere-${number}`)],
    ]);
    expect(JSON.stringify(result)).not.toContain("secret of the machine");
  });

  it("a file where a folder was, and a folder where a file was", async () => {
    mkdirSync(join(clone, "sub"));
    write("sub/f", "f\n");
    commit("a folder");
    rmSync(join(clone, "sub"), { recursive: true });
    write("sub", "now a file\n");
    rmSync(join(clone, "b.txt"));
    mkdirSync(join(clone, "b.txt"));
    write("b.txt/inner", "x\n");
    const result = await work();
    git("add", "-A");
    expect(result.tree).toBe(git("write-tree"));
  });
});

describe("size", () => {
  it("a 200 MB file is refused by its size, unread", async () => {
    write("huge", "");
    truncateSync(join(clone, "huge"), 200 * 1024 * 1024);
    const begun = performance.now();
    expect(await imported()).toEqual({ kind: "too-big", path: "huge", bytes: 209_715_200, bytesMax: 104_857_600 });
    expect(performance.now() - begun).toBeLessThan(1000);
    rmSync(join(clone, "huge"));
    // Reading this one would take longer than the test may.
    truncateSync(join(clone, "a.txt"), 50 * 1024 ** 3);
    expect(await imported()).toMatchObject({ kind: "too-big", path: "a.txt" });
  });

  it("commits above the total are refused, ignored files are not counted", async () => {
    write("noise", execFileSync("head", ["-c", "300000", "/dev/urandom"]).toString("latin1"));
    expect(await imported({ totalBytesMax: 100_000 })).toMatchObject({ kind: "too-big", path: "noise" });
    commit("noise");
    expect(await imported({ totalBytesMax: 100_000 })).toMatchObject({
      kind: "too-big",
      path: null,
      bytesMax: 100_000,
    });
    git("reset", "--quiet", "--hard", base);
    mkdirSync(join(clone, "ignored"));
    truncateSync(writeAndName("ignored/big"), 200 * 1024 * 1024);
    expect((await work()).changeCount).toBe(0);
  });

  it("lists are cut, counts are whole", async () => {
    for (let at = 0; at < 30; at++) write(`f${at}`, "1\n2\n");
    const result = await imported({ changesMax: 10, addedLinesMax: 5 });
    expect(result).toMatchObject({ kind: "work", changeCount: 30, insertions: 60, addedLinesCut: true });
    expect(result.kind === "work" && [result.changes.length, result.addedLines.length]).toEqual([10, 5]);
  });
});

function writeAndName(name: string): string {
  write(name, "");
  return join(clone, name);
}

describe("a hostile clone", () => {
  it("starts nothing: hooks, filters, fsmonitor, ssh, pagers, nested repositories", async () => {
    const canary = join(dir, `canary-${number}`);
    const touch = `touch ${canary}; cat`;
    for (const hook of ["post-checkout", "pre-commit", "reference-transaction", "post-index-change", "fsmonitor"]) {
      mkdirSync(join(clone, ".git/hooks"), { recursive: true });
      writeFileSync(join(clone, ".git/hooks", hook), `#!/bin/sh\n${touch}\n`, { mode: 0o755 });
    }
    const commands = ["core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.evil.clean"];
    const more = [
      "filter.evil.smudge",
      "filter.evil.process",
      "diff.evil.textconv",
      "diff.evil.command",
      "core.editor",
    ];
    const config = [...commands, ...more, "uploadpack.packObjectsHook", "core.alternateRefsCommand", "gpg.program"];
    const lines = config.map((key) => `[${key.replace(/\.([^.]+)$/, "")}]`.replace(/\[(\w+)\.(\w+)\]/, '[$1 "$2"]'));
    const evil = config.map((key, at) => `${lines[at]}\n\t${key.split(".").at(-1)} = "${touch}"\n`).join("");
    writeFileSync(join(clone, ".git/config"), `[core]\n\trepositoryformatversion = 0\n${evil}`);
    mkdirSync(join(clone, ".git/info"), { recursive: true });
    for (const name of [".gitattributes", ".git/info/attributes"]) write(name, "* filter=evil diff=evil\n");
    write("a.txt", "changed\n");
    const nested = join(clone, "nested");
    plainGit(dir, ["init", "--quiet", nested]);
    writeFileSync(join(nested, "n"), "n");
    plainGit(nested, ["add", "-A"]);
    plainGit(nested, ["commit", "--quiet", "-m", "nested"]);
    const nestedHead = plainGit(nested, ["rev-parse", "HEAD"]);
    writeFileSync(join(nested, ".git/config"), `[core]\n\trepositoryformatversion = 0\n${evil}`);
    writeFileSync(join(nested, ".gitattributes"), "* filter=evil\n");
    const result = await work();
    expect(existsSync(canary)).toBe(false);
    expect(result.changes.map(({ path, newMode }) => [path, newMode])).toEqual([
      [".gitattributes", "100644"],
      ["a.txt", "100644"],
      ["nested", "160000"],
    ]);
    expect(nestedHead).toMatch(/^[0-9a-f]{40}$/);
    // The proof that the canary sings: git with the clone's own directory does start it.
    plainGit(clone, ["status"]);
    expect(existsSync(canary)).toBe(true);
  });

  it("a submodule that the branch has already runs nothing either", async () => {
    const canary = join(dir, `canary-${number}`);
    const nested = join(clone, "sub");
    plainGit(dir, ["init", "--quiet", nested]);
    writeFileSync(join(nested, "n"), "n");
    plainGit(nested, ["add", "-A"]);
    plainGit(nested, ["commit", "--quiet", "-m", "nested"]);
    const head = commit("a submodule");
    // Moved on, so that git has a reason to look at it; before the filter is set, since this git here would run it.
    plainGit(nested, ["commit", "--quiet", "--allow-empty", "-m", "moved"]);
    writeFileSync(join(nested, ".gitattributes"), "* filter=evil\n");
    writeFileSync(
      join(nested, ".git/config"),
      `[core]\n\trepositoryformatversion = 0\n[filter "evil"]\n\tclean = "touch ${canary}; cat"\n`,
    );
    writeFileSync(join(nested, "n"), "m");
    expect(await work()).toMatchObject({ head, leftovers: false });
    expect(existsSync(canary)).toBe(false);
    git("status");
    expect(existsSync(canary)).toBe(true);
  });

  it.each<[string, (gitDir: string) => void, string]>([
    ["the clone deleted", () => rmSync(clone, { recursive: true }), "gone"],
    ["the clone a link", () => [renameSync(clone, `${clone}-moved`), symlinkSync(`${clone}-moved`, clone)], "gone"],
    [".git deleted", (gitDir) => rmSync(gitDir, { recursive: true }), "gone"],
    [
      ".git a file",
      (gitDir) => [rmSync(gitDir, { recursive: true }), writeFileSync(gitDir, `gitdir: ${dir}/host/repository.git\n`)],
      "unreadable",
    ],
    [
      ".git a link",
      (gitDir) => [rmSync(gitDir, { recursive: true }), symlinkSync(join(dir, "host/repository.git"), gitDir)],
      "unreadable",
    ],
    [
      "HEAD a link",
      (gitDir) => [rmSync(join(gitDir, "HEAD")), symlinkSync("refs/heads/agent/issue-1", join(gitDir, "HEAD"))],
      "unreadable",
    ],
    [
      "HEAD a pipe",
      (gitDir) => [rmSync(join(gitDir, "HEAD")), execFileSync("mkfifo", [join(gitDir, "HEAD")])],
      "unreadable",
    ],
    ["HEAD a folder", (gitDir) => [rmSync(join(gitDir, "HEAD")), mkdirSync(join(gitDir, "HEAD"))], "unreadable"],
    ["HEAD huge", (gitDir) => truncateSync(join(gitDir, "HEAD"), 1 << 30), "unreadable"],
    [
      "HEAD elsewhere",
      (gitDir) => writeFileSync(join(gitDir, "HEAD"), "ref: refs/heads/../../../../etc/passwd\n"),
      "unreadable",
    ],
    ["HEAD garbage", (gitDir) => writeFileSync(join(gitDir, "HEAD"), "--upload-pack=evil"), "unreadable"],
    ["HEAD unborn", (gitDir) => writeFileSync(join(gitDir, "HEAD"), "ref: refs/heads/none\n"), "unreadable"],
    [
      "refs a link",
      (gitDir) => [renameSync(join(gitDir, "refs"), join(gitDir, "r")), symlinkSync("r", join(gitDir, "refs"))],
      "unreadable",
    ],
    [
      "packed-refs garbage",
      (gitDir) => [
        rmSync(join(gitDir, "refs/heads"), { recursive: true }),
        writeFileSync(join(gitDir, "packed-refs"), "\0\xff garbage\n^\nrefs/heads/agent/issue-1 x\n"),
      ],
      "unreadable",
    ],
    ["HEAD names no object", (gitDir) => writeFileSync(join(gitDir, "HEAD"), `${"1".repeat(40)}\n`), "unreadable"],
  ])("%s", async (_, spoil, kind) => {
    write("a.txt", "x\n");
    commit("work");
    spoil(join(clone, ".git"));
    expect((await imported()).kind).toBe(kind);
  });

  it.each<[string, (objects: string) => void]>([
    [
      "alternates",
      (objects) => [
        mkdirSync(join(objects, "info"), { recursive: true }),
        writeFileSync(join(objects, "info/alternates"), `${server.repository}/objects\n`),
      ],
    ],
    [
      "http alternates",
      (objects) => [
        mkdirSync(join(objects, "info"), { recursive: true }),
        writeFileSync(join(objects, "info/http-alternates"), "http://x\n"),
      ],
    ],
    [
      "objects a link",
      (objects) => [renameSync(objects, `${objects}-moved`), symlinkSync(`${objects}-moved`, objects)],
    ],
    [
      "a folder of packs that is a link",
      (objects) => [
        rmSync(join(objects, "pack"), { recursive: true, force: true }),
        symlinkSync(join(server.repository, "objects/pack"), join(objects, "pack")),
      ],
    ],
    ["objects deleted", (objects) => rmSync(objects, { recursive: true })],
    ["objects missing", (objects) => [rmSync(objects, { recursive: true }), mkdirSync(objects)]],
    [
      "objects garbage",
      (objects) =>
        execFileSync("sh", ["-c", `for f in $(find ${objects} -type f); do chmod u+w $f; echo garbage >$f; done`]),
    ],
    ["a pipe among the objects", (objects) => execFileSync("mkfifo", [join(objects, "pack/pack-x.idx")])],
  ])("%s", async (_, spoil) => {
    write("a.txt", `unseen ${number}\n`);
    commit(`work ${number}`);
    spoil(join(clone, ".git/objects"));
    expect((await imported()).kind).toBe("unreadable");
  });

  it("replaced objects, grafts and commit graphs change nothing", async () => {
    write("a.txt", "good\n");
    const good = commit("good");
    write("a.txt", "evil\n");
    const evil = commit("evil");
    git("reset", "--quiet", "--hard", good);
    git("replace", good, evil);
    mkdirSync(join(clone, ".git/info"), { recursive: true });
    writeFileSync(join(clone, ".git/info/grafts"), `${good}\n`);
    writeFileSync(join(clone, ".git/shallow"), `${good}\n`);
    mkdirSync(join(clone, ".git/objects/info"), { recursive: true });
    writeFileSync(join(clone, ".git/objects/info/commit-graph"), "garbage");
    write("a.txt", "good\n");
    const result = await work();
    expect(result).toMatchObject({ head: good, baseIsAncestor: true, leftovers: false });
    expect(result.commits.map(({ subject }) => subject)).toEqual(["good"]);
    expect(result.addedLines.map(({ text }) => text)).toEqual(["good"]);
  });

  it("git's own checks refuse trees with .git in them, and objects under a false name", async () => {
    const blob = plainGit(clone, ["hash-object", "-w", "--stdin"], "#!/bin/sh\n");
    const inner = plainGit(clone, ["mktree"], `100644 blob ${blob}\tconfig\n`);
    const tree = execFileSync("python3", [
      "-c",
      `import sys; sys.stdout.buffer.write(b'40000 .GIT\\0' + bytes.fromhex('${inner}'))`,
    ]);
    const written = execFileSync("git", ["-C", clone, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"], {
      input: tree,
    });
    const head = git("commit-tree", written.toString().trim(), "-p", base, "-m", "evil");
    git("update-ref", "HEAD", head);
    expect(await imported()).toMatchObject({ kind: "unreadable", why: expect.stringContaining("hasDotgit") });

    git("update-ref", "HEAD", base);
    write("a.txt", `false name ${number}\n`);
    const forged = commit("forged");
    const file = (sha: string) => join(clone, ".git/objects", sha.slice(0, 2), sha.slice(2));
    const content = git("rev-parse", `${forged}:a.txt`);
    chmodSync(file(content), 0o644);
    writeFileSync(file(content), readFileSync(file(blob)));
    expect((await imported()).kind).toBe("unreadable");
  });

  it("a folder .GIT, a pipe and a repository without commits are no way in", async () => {
    execFileSync("mkfifo", [join(clone, "pipe")]);
    rmSync(join(clone, "b.txt"));
    execFileSync("mkfifo", [join(clone, "b.txt")]);
    plainGit(dir, ["init", "--quiet", join(clone, "empty")]);
    const result = await work();
    expect(result.changes.map(({ path, status }) => [path, status])).toEqual([["b.txt", "deleted"]]);
    expect(result.notTaken).toEqual([{ path: "empty", why: expect.stringContaining("has no commit") }]);
    mkdirSync(join(clone, ".GIT"));
    write(".GIT/config", "x");
    expect(await imported()).toMatchObject({ kind: "work", notTaken: [{ path: "empty" }, { path: ".GIT/config" }] });
  });

  it("readHead alone: what plain git leaves", async () => {
    expect(await readHead(clone)).toEqual({ kind: "commit", sha: base, branch: "refs/heads/agent/issue-1" });
  });
});
