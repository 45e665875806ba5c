import { describe, expect, test } from "vitest";
import { guards, isWorkflow, neverLeaves } from "../../src/core/guards.ts";
import type { AddedLine, Change, Changes } from "../../src/git/changes.ts";
import { someLimits } from "../support/builders.ts";

function aChange(change: Partial<Change> = {}): Change {
  return {
    ...{ path: "src/a.ts", status: "modified", oldMode: "100644", newMode: "100644", bytes: 100, binary: false },
    ...{ addedLines: 1, deletedLines: 0, linkTarget: null },
    ...change,
  };
}

function changesOf(changes: Partial<Change>[], lines: string[] = [], more: Partial<Changes> = {}): Changes {
  const addedLines: AddedLine[] = lines.map((text, i) => ({ path: "src/a.ts", line: i + 1, text }));
  return {
    ...{
      changes: changes.map(aChange),
      changeCount: changes.length,
      insertions: 1,
      deletions: 0,
      addedLines,
      addedLinesCut: false,
    },
    ...more,
  };
}

const link = (path: string, linkTarget: string | null) => ({ path, linkTarget, newMode: "120000" });
const found = (changes: Changes, limits = {}) => guards(changes, someLimits(limits), (text) => text.includes("s3cret"));

describe("guards", () => {
  test("an ordinary change", () => {
    expect(found(changesOf([{}, { path: "b", status: "deleted", newMode: "000000", bytes: 0 }]))).toEqual([]);
  });

  test("too many files", () => {
    expect(found(changesOf([{}, {}, {}]), { changedFilesMax: 3 })).toEqual([]);
    expect(found(changesOf([{}, {}, {}]), { changedFilesMax: 2 })).toEqual(["it changes 3 files (at most 2)"]);
  });

  test("more files than were looked at are never published", () => {
    expect(found(changesOf([{}], [], { changeCount: 4000 }), { changedFilesMax: 100_000 })).toEqual([
      "it changes 4000 files (at most 1)",
    ]);
  });

  test("too big, one and all", () => {
    const limits = { fileBytesMax: 1024 * 1024, changeBytesMax: 2 * 1024 * 1024 };
    expect(found(changesOf([{ bytes: 1024 * 1024 }, { bytes: 1024 * 1024 }]), limits)).toEqual([]);
    expect(found(changesOf([{ bytes: 1024 * 1024 + 1, path: "big" }, { bytes: 1024 * 1024 }]), limits)).toEqual([
      "its changed files have 2.0 MiB together (at most 2.0 MiB)",
      "`big` has 1.0 MiB (at most 1.0 MiB)",
    ]);
  });

  test("a submodule", () => {
    expect(found(changesOf([{ path: "lib", newMode: "160000" }]))).toEqual([
      "`lib` is a submodule or a repository inside the repository",
    ]);
  });

  test.for([
    ["a/link", "b.ts", true],
    ["a/link", "../b.ts", true],
    ["a/b/link", "../../README.md", true],
    ["link", "./a//b", true],
    ["link", "/etc/passwd", false],
    ["link", "../other", false],
    ["a/link", "../../other", false],
    ["a/link", "../.git/config", false],
    ["link", ".GIT/hooks", false],
    ["link", "a/../../other", false],
    ["link", "a/d/../../../etc", false],
  ] as const)("a link at %s to %s", ([path, target, inside]) => {
    expect(found(changesOf([link(path, target)])).length).toBe(inside ? 0 : 1);
  });

  test("a link whose target is not known", () => {
    expect(found(changesOf([link("link", null)]))).toEqual(["where the symbolic link `link` leads cannot be read"]);
  });

  test("what a link's text says", () => {
    expect(found(changesOf([link("link", "/etc")]))).toEqual([
      "the symbolic link `link` leads out of the repository (to `/etc`)",
    ]);
  });

  test("a conflict that is not resolved yet may be kept, a secret and what is too big may not", () => {
    const kept = (changes: Changes) => neverLeaves(changes, someLimits(), (text) => text.includes("s3cret"));
    expect(kept(changesOf([{}], ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"]))).toEqual([]);
    expect(kept(changesOf([{}], ["key = s3cret"]))).toHaveLength(1);
    expect(kept(changesOf([{ path: "s3cret" }]))).toHaveLength(1);
    expect(kept(changesOf([{ bytes: 1024 ** 3 }]))).toHaveLength(2);
    expect(kept(changesOf([link("link", "/etc")]))).toHaveLength(1);
  });

  test("conflict markers that were added", () => {
    const lines = ["a", "<<<<<<< HEAD", "b", "=======", "c", ">>>>>>> theirs"];
    expect(found(changesOf([{}], lines))).toEqual(["`src/a.ts` line 2 begins a conflict that was not resolved"]);
    expect(found(changesOf([{}], ["<<<<<<<", ">>>>>>>"]))).toHaveLength(1);
    expect(found(changesOf([{}], ["======="]))).toEqual([]);
    expect(found(changesOf([{}], ["<<<<<<< HEAD"]))).toEqual([]);
    expect(found(changesOf([{}], ["a <<<<<<< HEAD", "<<<<<<<<", ">>>>>>> x"]))).toEqual([]);
    const spread = changesOf([{}], [], {
      addedLines: [
        { path: "a", line: 1, text: "<<<<<<< x" },
        { path: "b", line: 2, text: ">>>>>>> x" },
      ],
    });
    expect(found(spread)).toEqual([]);
  });

  test("a secret of this run", () => {
    expect(found(changesOf([{}], ["fine", "key = s3cret"]))).toEqual(["`src/a.ts` line 2 holds a secret of this run"]);
    expect(found(changesOf([{ path: "s3cret.txt" }]))).toEqual(["the name of a file holds a secret of this run"]);
  });

  test("a secret of this run, in a line or in a name", () => {
    const problems = found(changesOf([{}, { path: "docs/s3cret.md" }], ["fine", "key = s3cret"]));
    expect(problems).toEqual([
      "the name of a file holds a secret of this run",
      "`src/a.ts` line 2 holds a secret of this run",
    ]);
  });

  test("a bounded list", () => {
    expect(found(changesOf(Array.from({ length: 30 }, () => ({ newMode: "160000" }))))).toHaveLength(10);
  });
});

test.for([
  [".gitea/workflows/ci.yml", true],
  [".GITEA/Workflows/CI.yml", true],
  [".github/workflows/a/b.yaml", true],
  [".forgejo/workflows/x", true],
  [".gitea/workflows", true],
  [".gitea/workflows-old/ci.yml", false],
  ["docs/.gitea/workflows/ci.yml", false],
  [".gitea/issue_template.md", false],
] as const)("a workflow file: %s", ([path, expected]) => {
  expect(isWorkflow(path)).toBe(expected);
});
