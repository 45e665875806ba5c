// The base moves under an open pull request, by whole runs: what conflicts comes back by itself, and nobody's commits are ever rewritten.

import { describe, expect, it } from "vitest";
import { mended, type Play, played, playing, promptOf, rejected } from "../support/plays.ts";
import { type Stage, sample, stage } from "../support/run.ts";
import {
  by,
  expectHandedOver,
  expectOurs,
  handedOver,
  head,
  opened,
  push,
  runs,
  statusOf,
  untilIdle,
  verdictsOf,
} from "./story.ts";

const original = sample["sum.js"] ?? "";
/** Another wording of the line that the work changes. */
const moved = original.replaceAll("numbers", "list");
const resolved = mended.replaceAll("numbers", "list");
const resolves: Play = {
  write: { "sum.js": resolved },
  result: { status: "implemented", summary: "Both: it is called list, and it adds." },
};

async function parents(s: Stage, sha: string | null): Promise<string[]> {
  return (await s.git("log", "-1", "--format=%P", String(sha))).split(" ");
}

async function expectAncestor(s: Stage, older: string | null, newer: string | null): Promise<void> {
  expect(await s.git("merge-base", String(older), String(newer))).toBe(older);
}

describe("the base moves with a conflicting change", () => {
  it("before the review: one merge commit by the author, then reviewed and handed over", async () => {
    const { s, inputs } = await opened({ rework: [resolves] });
    const before = await head(s);
    const base = await push(s, { "sum.js": moved });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
    const after = await head(s);
    expect(await parents(s, after)).toEqual([before, base]);
    expect(await s.file("agent/issue-1", "sum.js")).toBe(resolved.trim());
    expect(statusOf(s, after, "agent-dispatch/checks")).toBe("success");
    const prompt = await promptOf(s.dir, "rework", 1);
    expect(prompt).toContain("conflict");
    expect(prompt).toContain("sum.js");
    expectOurs(s, "needs-review");
    await untilIdle(s, inputs);
    expect(verdictsOf(s).map(({ sha }) => sha)).toEqual([after]);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "rework 1 round 1", "review 1 round 2"]);
    expectHandedOver(s);
  });

  it("after the hand-over: it comes back, `bot` is on again, and is handed over once more", async () => {
    const { s, inputs } = await handedOver({ rework: [resolves] });
    const before = await head(s);
    const base = await push(s, { "sum.js": moved });
    await runs(s, 1, inputs);
    expectOurs(s, "needs-review");
    expect(await parents(s, await head(s))).toEqual([before, base]);
    await untilIdle(s, inputs);
    expectHandedOver(s);
    expect(await played(s.dir)).toEqual([
      ...["implement 1 round 0", "review 1 round 1", "rework 1 round 1", "review 1 round 2"],
    ]);
  });

  it("together with findings: one rework for both", async () => {
    const { s, inputs } = await opened({
      review: [rejected, { result: { status: "approved", summary: "Good." } }],
      rework: [{ ...resolves, answer: "fixed" }],
    });
    await runs(s, 1, inputs);
    await push(s, { "sum.js": moved });
    await untilIdle(s, inputs);
    expect((await played(s.dir)).filter((line) => line.startsWith("rework"))).toEqual(["rework 1 round 1"]);
    const prompt = await promptOf(s.dir, "rework", 1);
    expect(prompt.indexOf("conflict")).toBeLessThan(prompt.indexOf("No answer for an empty list"));
    expectHandedOver(s);
  });

  it("the author leaves markers: refused, the branch stays, and the next attempt is told", async () => {
    const lazy: Play = { write: { "README.md": "# total\n" }, result: { status: "implemented", summary: "Done." } };
    const { s, inputs } = await opened({ rework: [lazy, resolves] });
    const before = await head(s);
    await push(s, { "sum.js": moved });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "failed", failure: "guard-refused", attempt: 1 });
    expect(await head(s)).toBe(before);
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    expect(s.see(1).comments[0]).toContain("begins a conflict that was not resolved");
    s.pass(400);
    await untilIdle(s, inputs);
    expect(await promptOf(s.dir, "rework", 2)).toContain("begins a conflict that was not resolved");
    expectHandedOver(s);
  });

  it("the author does nothing: the conflict cannot be talked away", async () => {
    const silent: Play = { result: { status: "no-change-needed", summary: "Looks fine." } };
    const { s, inputs } = await opened({ rework: [silent] });
    const before = await head(s);
    await push(s, { "sum.js": moved });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "failed" });
    expect(await head(s)).toBe(before);
  });
});

describe("the base moves without a conflict", () => {
  it("before the review and after the hand-over: nothing is done about it", async () => {
    const { s, inputs } = await opened();
    const before = await head(s);
    await push(s, { "README.md": "# another\n" });
    await untilIdle(s, inputs);
    expectHandedOver(s);
    await push(s, { "README.md": "# and another\n" });
    expect(await untilIdle(s, inputs)).toEqual([]);
    expect(await head(s)).toBe(before);
    expect(verdictsOf(s)).toHaveLength(1);
  });

  it("the forge calls it a conflict by mistake: git decides, nothing is done", async () => {
    const { s, inputs } = await handedOver();
    const pull = s.pulls()[0]?.pull;
    if (pull === undefined) throw new Error("there is no pull request");
    pull.mergeable = false;
    const before = await head(s);
    expect(await untilIdle(s, inputs)).toEqual([]);
    expect(await head(s)).toBe(before);
    expectHandedOver(s);
  });
});

const commit = "git -c user.name=x -c user.email=x@example.org commit -q";

/**
 * The work in two commits, the first of which the base then makes itself: a merge conflicts, a rebase is clean. `first` is what that commit puts
 * in the place of `a - b`.
 */
async function twoCommits(
  first: string,
  plays: Parameters<typeof playing>[1] = {},
): Promise<{ s: Stage; inputs: Record<string, string>; base: Record<string, string> }> {
  const s = await stage();
  const inputs = by(await playing(s.dir, plays));
  await s.issue("sum subtracts");
  const author = [
    `sed -i 's/a - b/${first}/' sum.js; ${commit} -am one`,
    `sed -i 's/${first}/a + b/' sum.js; echo new >new; git add -A; ${commit} -m two`,
  ].join("; ");
  await runs(s, 1, by(author));
  expect((await s.git("log", "--format=%s", "main..agent/issue-1")).split("\n")).toEqual(["two", "one"]);
  return { s, inputs, base: { "sum.js": original.replace("a - b", first) } };
}

describe("a conflict that a rebase settles", () => {
  it("is settled by the host alone; another diff is reviewed anew", async () => {
    const { s, inputs, base } = await twoCommits("a % b");
    await runs(s, 1, inputs);
    expectHandedOver(s);
    const tip = await push(s, base);
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done", verdict: null });
    expect(end?.log).not.toContain("[Agent");
    expect(await parents(s, await head(s))).toEqual([tip]);
    await untilIdle(s, inputs);
    // Nobody worked on the change: no round.
    expect(await played(s.dir)).toEqual(["review 1 round 1", "review 1 round 1"]);
    expectHandedOver(s);
  });

  it.each(["a person's commit", "a person's approval"])("with %s on the branch nothing is rewritten", async (what) => {
    const { s, inputs, base } = await twoCommits("a % b", {
      rework: [{ write: { "sum.js": mended }, result: { status: "implemented", summary: "It adds." } }],
    });
    if (what === "a person's commit") await push(s, { "by-alice": "mine\n" }, { branch: "agent/issue-1" });
    else await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/reviews`, { event: "APPROVED", body: "Good." });
    const before = await head(s);
    const tip = await push(s, base);
    await untilIdle(s, inputs);
    const after = await head(s);
    await expectAncestor(s, before, after);
    await expectAncestor(s, tip, after);
    expect(await s.file("agent/issue-1", "sum.js")).toBe(mended.trim());
    expectHandedOver(s);
  });

  it("the checks fail on what the rebase made: the author gets it", async () => {
    const mends: Play = {
      write: { "sum.js": mended },
      delete: ["new"],
      result: { status: "implemented", summary: "Took it out." },
    };
    const { s, inputs, base } = await twoCommits("a % b", { rework: [mends] });
    const policy = await s.file("main", ".agent-dispatch.yml");
    const stricter = String(policy).replace("grep -q 'a + b' sum.js", "! test -e new || ! test -e strict");
    await push(s, { ...base, strict: "yes\n", ".agent-dispatch.yml": `${stricter}\n` });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
    expect(await promptOf(s.dir, "rework", 1)).toContain("fails since the branch was brought up to date");
    expect(await s.file("agent/issue-1", "new")).toBeNull();
    await untilIdle(s, inputs);
    expectHandedOver(s);
  });
});
