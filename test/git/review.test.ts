import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { patchId } from "../../src/git/patch.ts";
import type { Host } from "../../src/git/port.ts";
import { rebaseOnto } from "../../src/git/rebase.ts";
import { diffText, linesInDiff } from "../../src/git/review.ts";
import { plainGit } from "../support/plain-git.ts";
import { host, remove, tempDir } from "./support.ts";

let dir = "";
let ours: Host;
let work = "";
let number = 0;

beforeAll(async () => {
  dir = tempDir();
  ours = await host(join(dir, "host"), "http://127.0.0.1:9/none.git");
});
afterAll(() => remove(dir));
beforeEach(() => {
  number += 1;
  work = join(dir, `work-${number}`);
  plainGit(dir, ["init", "--quiet", "--initial-branch=main", work]);
});

function write(name: string, content: string | Buffer): void {
  mkdirSync(join(work, name, ".."), { recursive: true });
  writeFileSync(join(work, name), content);
}

/** Commits everything and puts it into the host's repository. */
function commit(): string {
  plainGit(work, ["add", "-A"]);
  plainGit(work, ["commit", "--quiet", "--allow-empty", "-m", "x"]);
  plainGit(work, ["push", "--quiet", ours.gitDir, `+HEAD:refs/test/${number}`]);
  return plainGit(work, ["rev-parse", "HEAD"]);
}

const numbered = (count: number, prefix = "") => Array.from({ length: count }, (_, at) => `${prefix}${at + 1}\n`);
const text = (lines: readonly string[]) => lines.join("");

describe("linesInDiff", () => {
  it("has added lines and what is within three lines of a change", async () => {
    const lines = numbered(40);
    write("a", text(lines));
    write("gone", "bye\n");
    write("old", text(numbered(20, "old ")));
    const from = commit();
    lines.splice(19, 1, "new\n", "newer\n");
    write("a", text(lines));
    write("b/ü x", "1\n2\n");
    rmSync(join(work, "gone"));
    renameSync(join(work, "old"), join(work, "moved"));
    write("bin", Buffer.from([0, 1, 2]));
    const found = await linesInDiff(ours, from, commit());
    expect(found.files).toEqual(new Set(["a", "b/ü x", "bin", "gone", "moved"]));
    expect([16, 17, 20, 21, 24, 25].map((line) => found.has("a", line))).toEqual([
      ...[false, true, true, true, true, false],
    ]);
    expect(found.ranges.get("a")).toEqual([{ first: 17, last: 24 }]);
    expect([0, 1, 2, 3].map((line) => found.has("b/ü x", line))).toEqual([false, true, true, false]);
    expect([found.has("gone", 1), found.has("bin", 1), found.has("moved", 1), found.has("none", 1)]).toEqual([
      ...[false, false, false, false],
    ]);
    expect(found.cut).toBe(false);
  });

  it("no content passes for a header", async () => {
    write("a", "1\n");
    const from = commit();
    const forged = "++ b/forged\n@@ -1,0 +500,9 @@\ndiff --git a/evil b/evil\n\\ No newline\n-- a/x\nrename to evil";
    write("a", `1\n${forged}`);
    const odd = ['quo"te', "tab\tnew\nline", " b/ b", "-- a/x", "back\\slash", "end "];
    for (const name of odd) write(name, "1\n");
    write("c", "x");
    chmodSync(join(work, "a"), 0o755);
    const to = commit();
    const found = await linesInDiff(ours, from, to);
    expect([...found.files].sort()).toEqual(["a", "c", ...odd].sort());
    expect(found.ranges.get("a")).toEqual([{ first: 1, last: 7 }]);
    for (const name of odd) expect(found.ranges.get(name)).toEqual([{ first: 1, last: 1 }]);
    // The same shown as deleted.
    const back = await linesInDiff(ours, to, from);
    expect([...back.files].sort()).toEqual([...found.files].sort());
    expect(back.ranges).toEqual(new Map([["a", [{ first: 1, last: 1 }]]]));
  });

  it("takes renames with a change, links, and names that are no UTF-8", async () => {
    write("old name", text(numbered(30)));
    write("a", "1\n");
    const from = commit();
    rmSync(join(work, "old name"));
    write("new name", text(numbered(30).with(9, "changed\n")));
    rmSync(join(work, "a"));
    symlinkSync("/etc/passwd", join(work, "a"));
    writeFileSync(Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0xff])]), "1\n");
    const to = commit();
    const found = await linesInDiff(ours, from, to);
    expect(found.files).toEqual(new Set(["a", "new name", "\ufffd"]));
    expect([found.has("new name", 10), found.has("new name", 1), found.has("a", 1)]).toEqual([true, false, true]);
    const shown = await diffText(ours, from, to, { bytesMax: 10_000 });
    expect(shown.stat).toEqual(["a | +1 -1", "old name → new name | +1 -1", "\ufffd | +1 -0"]);
    expect(shown.text).not.toContain("root:");
    expect(shown.cut).toBe(false);
  });
});

describe("diffText", () => {
  it("is git's patch, valid and without NUL", async () => {
    write("a", "1\n");
    const from = commit();
    write("a", Buffer.concat([Buffer.from("1\n"), Buffer.from([0xff, 0x1b, 0x0a]), Buffer.alloc(9000, "x\n")]));
    write("nul", Buffer.concat([Buffer.alloc(9000, "x\n"), Buffer.from([0])]));
    write(".gitattributes", "* -diff\n");
    const shown = await diffText(ours, from, commit(), { bytesMax: 100_000 });
    expect(shown.text).toMatch(/^diff --git a\/\.gitattributes b\/\.gitattributes\n/);
    expect(shown.text).toContain("\n 1\n+\ufffd\x1b\n+x\n");
    expect(shown.text).not.toContain("\0");
    expect(shown).toMatchObject({
      files: 3,
      cut: false,
      stat: [".gitattributes | +1 -0", "a | +4501 -0", "nul | +4501 -0"],
    });
  });

  it("cuts the largest first, at lines, and says what is missing", async () => {
    write("b", text(numbered(3000)));
    const from = commit();
    write("a", text(numbered(5000, "generated ")));
    write("b", text(numbered(3000).map((line, at) => (at % 100 === 50 ? "changed\n" : line))));
    write("c", "important\n");
    const to = commit();
    for (const bytesMax of [1000, 2500, 6000, 20_000]) {
      const shown = await diffText(ours, from, to, { bytesMax });
      expect(Buffer.byteLength(shown.text)).toBeLessThanOrEqual(bytesMax);
      expect(shown.cut).toBe(true);
      expect(shown.stat).toEqual(["a | +5000 -0", "b | +30 -30", "c | +1 -0"]);
      expect(shown.text).toMatch(/\n\[Not shown: \d files, \d+ changed lines in all\.\]\n$/);
      const count = shown.text.split("\n").filter((line) => /^[+-](?![+-]{2} )/.test(line)).length;
      expect(shown.text).toContain(`, ${5061 - count} changed lines in all`);
      if (bytesMax > 1000) expect(shown.text).toContain("+important");
    }
    const { text: shown } = await diffText(ours, from, to, { bytesMax: 6000 });
    expect(shown).toMatch(/^\[\d+ more changed lines of this file are not shown\.\]$/m);
    expect(shown).toContain("Not shown: 0 files");
  });

  it("is bounded for very many files and very long lines", async () => {
    const from = commit();
    for (let at = 0; at < 400; at++) write(`many/${at}`, "1\n");
    write("a", "x".repeat(200_000));
    const to = commit();
    const shown = await diffText(ours, from, to, { bytesMax: 5000 });
    expect(Buffer.byteLength(shown.text)).toBeLessThanOrEqual(5000);
    expect([shown.files, shown.stat.length, shown.stat.at(-1)]).toEqual([401, 301, "and 101 more files"]);
    expect(await diffText(ours, to, to, { bytesMax: 5000 })).toEqual({ text: "", stat: [], files: 0, cut: false });
    const none = await diffText(ours, to, "f".repeat(40), { bytesMax: 5000 });
    expect(none).toMatchObject({ cut: true, text: expect.stringContaining("cannot be shown") });
    expect(await linesInDiff(ours, to, "f".repeat(40))).toMatchObject({ files: new Set(), cut: true });
  });
});

describe("patchId", () => {
  it("is the same after a clean rebase, wherever the lines went", async () => {
    write("a", text(numbered(40)));
    const mergeBase = commit();
    write("a", text(numbered(40).with(30, "mine\n")));
    write("b", "new\n");
    const head = commit();
    plainGit(work, ["checkout", "--quiet", mergeBase]);
    write("a", text(["above\n", "it\n", ...numbered(40)]));
    write("c", "other\n");
    const base = commit();
    const rebased = await rebaseOnto(ours, { head, base, mergeBase });
    if (rebased.kind !== "clean") throw new Error(rebased.kind);
    const id = await patchId(ours, mergeBase, head);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await patchId(ours, base, rebased.head)).toBe(id);
    expect(await patchId(ours, mergeBase, base)).not.toBe(id);
  });

  it("tells apart whatever differs", async () => {
    write("a", text(numbered(10)));
    const from = commit();
    const ids: (string | null)[] = [];
    const next = async (change: () => void) => {
      plainGit(work, ["checkout", "--quiet", "--force", from]);
      change();
      ids.push(await patchId(ours, from, commit()));
    };
    await next(() => undefined);
    await next(() => write("a", text(numbered(10).with(4, "x y\n"))));
    await next(() => write("a", text(numbered(10).with(4, "x  y\n"))));
    await next(() => write("a", text(numbered(10).with(4, "x y \n"))));
    await next(() => write("a", text(numbered(10).with(4, "x y\r\n"))));
    await next(() => write("a", text(numbered(10).with(4, "x y\n")).trimEnd()));
    await next(() => write("a", text(numbered(10).with(5, "x y\n"))));
    await next(() => write("b", Buffer.from([0, 1])));
    await next(() => write("b", Buffer.from([0, 2])));
    await next(() => write("b", ""));
    await next(() => chmodSync(join(work, "a"), 0o755));
    await next(() => renameSync(join(work, "a"), join(work, "b")));
    await next(() => symlinkSync("x", join(work, "l")));
    await next(() => write("l", "x"));
    mkdirSync(join(work, "sub"));
    await next(() => plainGit(work, ["update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},sub`]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(null);
    expect(await patchId(ours, from, "f".repeat(40))).toBeNull();
  });
});
