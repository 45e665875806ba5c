// What a dead run had published, and the run after it: a publish that the server tore, and people who did something with the branch meanwhile.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDoneOnce } from "../support/done-once.ts";
import { mended, played, playing, rejected } from "../support/plays.ts";
import { mends, type Stage, type Start } from "../support/run.ts";
import { asked, killed, killedOn, pastEnd, publish, runOn } from "./dying.ts";

/** Stories of several runs, on a machine that does other things too. */
const longMs = 120_000;

/** An agent that counts its starts. */
const counting = (s: Stage) => `echo >>${join(s.dir, "starts")}; ${mends}`;
const starts = (s: Stage) =>
  existsSync(join(s.dir, "starts")) ? readFileSync(join(s.dir, "starts"), "utf8").length : 0;

const isPublish = (r: { path: string; body: Buffer }) =>
  r.path.endsWith("/git-receive-pack") && r.body.includes("refs/heads/agent/");

/** The server dies inside the publish, and its run with it. */
async function torn(s: Stage, start: Start = {}): Promise<void> {
  s.forge.faults.add({ when: isPublish, times: 1, do: { torn: 1 } });
  const run = await runOn(s);
  await killed(s, publish, "stop-after", { ...start, run });
  s.forge.endRun(run.id, "failure");
  s.pass(pastEnd);
}

/** What the server has of commits that no ref holds, it throws away. */
async function loseWork(s: Stage): Promise<void> {
  await s.git("update-ref", "-d", "refs/agent-dispatch/v1/wip/issue-1").catch(() => "");
  await s.git("prune", "--expire=now");
}

describe("a publish that a dying server tore", () => {
  it("the record moved, the branch not: moved now, once, without an agent", async () => {
    const s = await asked();
    const inputs = { "agent-command": counting(s) };
    await torn(s, { inputs });
    expect(await s.record(1)).toMatchObject({ state: "published", moves: true });
    expect(await s.branches()).toEqual(["main"]);
    const end = await s.start({ inputs });
    expect(end.outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
    expect(end.log).toContain("the server tore its publish");
    await expectDoneOnce(s);
    expect(starts(s)).toBe(1);
    expect((await s.record(1))?.moves).toBeUndefined();
  });

  it("also where the upload is gone and only the server's own store has the commit", async () => {
    const s = await asked();
    await torn(s);
    await s.git("update-ref", "-d", "refs/agent-dispatch/v1/wip/issue-1").catch(() => "");
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done" });
    await expectDoneOnce(s);
  });

  it(
    "the run lives and finds its record moved: a rework's pull request is open as it was, and is not taken for the new one",
    async () => {
      const { s, inputs, before } = await rejectedOnce();
      s.forge.faults.add({ when: isPublish, times: 1, do: { torn: 1 } });
      const first = await s.start({ inputs });
      expect(first.lastLine).toContain("The next run finishes what could not be written");
      expect(await s.record(1)).toMatchObject({ state: "published", ttlSeconds: 0 });
      expect(await s.ref("refs/heads/agent/issue-1")).toBe(before);
      expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "resume", outcome: "done" });
      await expectReworked(s, before);
    },
    longMs,
  );

  it(
    "torn again while it is mended: mended by the run after that",
    async () => {
      const s = await asked();
      await torn(s);
      s.forge.faults.add({ when: isPublish, times: 1, do: { torn: 1 } });
      expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "failed" });
      expect(await s.branches()).toEqual(["main"]);
      expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done" });
      await expectDoneOnce(s);
    },
    longMs,
  );

  it(
    "and the commit is lost: it begins anew, no attempt counts, and people are told",
    async () => {
      const s = await asked();
      const inputs = { "agent-command": counting(s) };
      await torn(s, { inputs });
      await loseWork(s);
      const end = await s.start({ inputs });
      expect(end.outcome).toMatchObject({ kind: "resume", outcome: "done" });
      expect(end.log).toContain("is lost: the forge does not have it");
      expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, head: null });
      expect(s.see(1).comments).toHaveLength(1);
      expect(s.see(1).comments[0]).toContain("**Begins anew**");
      expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "implement", outcome: "done", attempt: 1 });
      expect(starts(s)).toBe(2);
      expect(s.pulls()).toHaveLength(1);
      expect(await s.ref("refs/heads/agent/issue-1")).toBe((await s.record(1))?.head);
    },
    longMs,
  );

  it(
    "a rework whose commit is lost has its findings again",
    async () => {
      const { s, inputs, before } = await rejectedOnce();
      await torn(s, { inputs });
      await loseWork(s);
      expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "resume", outcome: "done" });
      expect(await s.record(1)).toMatchObject({
        ...{ state: "released", kind: "rework", attempt: 0, head: before, stage: "needs-rework" },
        verdict: { verdict: "changes-requested", head: before },
      });
      expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "rework", outcome: "done", attempt: 1 });
      expect((await played(s.dir)).filter((part) => part.startsWith("rework"))).toHaveLength(2);
      expect(await s.file("agent/issue-1", "sum.js")).toContain("The sum of nothing");
    },
    longMs,
  );

  it(
    "a rework whose run died too: the pull request gets its commits",
    async () => {
      const { s, inputs, before } = await rejectedOnce();
      await torn(s, { inputs });
      expect(await s.ref("refs/heads/agent/issue-1")).toBe(before);
      expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
      await expectReworked(s, before);
    },
    longMs,
  );
});

/** A pull request with findings: its rework is what comes next. */
async function rejectedOnce() {
  const s = await asked();
  const inputs = { "agent-command": await playing(s.dir, { review: [rejected] }) };
  for (let run = 0; run < 2; run++) expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "done" });
  return { s, inputs, before: await s.ref("refs/heads/agent/issue-1") };
}

async function expectReworked(s: Stage, before: string | null): Promise<void> {
  const head = await s.ref("refs/heads/agent/issue-1");
  expect(head).not.toBe(before);
  expect(await s.record(1)).toMatchObject({ state: "done", head });
  expect(s.pulls()[0]?.pull?.headSha).toBe(head);
  expect(await s.file("agent/issue-1", "sum.js")).toBe(`// The sum of nothing is 0.\n${mended.trimEnd()}`);
  expect((await played(s.dir)).filter((part) => part.startsWith("rework"))).toHaveLength(1);
}

describe("people and the branch, between a publish and its effects", () => {
  /** Published, and nothing of it said yet. */
  async function published(): Promise<{ s: Stage; head: string }> {
    const s = await asked();
    const run = await runOn(s);
    await killed(s, publish, "stop-after", { run });
    s.forge.endRun(run.id, "failure");
    s.pass(pastEnd);
    return { s, head: (await s.ref("refs/heads/agent/issue-1")) ?? "" };
  }

  it("commits on top of it stay, and are part of the pull request", async () => {
    const { s, head } = await published();
    const theirs = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(theirs);
    expect(s.pulls()[0]?.pull?.headSha).toBe(theirs);
    expect(await s.record(1)).toMatchObject({ state: "done", head });
  });

  it("rewritten: nothing is overwritten, both commits are named, the work is kept, one comment", async () => {
    const { s, head } = await published();
    const theirs = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "theirs", author: "alice" });
    await s.git("update-ref", "refs/heads/agent/issue-1", theirs);
    const end = await s.start();
    expect(end.outcome).toMatchObject({ kind: "resume", outcome: "needs-person" });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(theirs);
    expect(s.pulls()).toEqual([]);
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    const told = s.see(1).comments.filter((text) => text.includes(head.slice(0, 10)));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(theirs.slice(0, 10));
    expect(told[0]).toContain("git fetch origin refs/agent-dispatch/v1/wip/issue-1");
    expect(await s.ref("refs/agent-dispatch/v1/wip/issue-1")).toBe(head);
    expect(await s.record(1)).toMatchObject({ state: "blocked", head: null, kept: { head, attempt: 1 } });
    const before = await s.photo();
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    expect(await s.photo()).toBe(before);
  });

  it("the run that tells it dies at any of its words: still one comment", async () => {
    const { s } = await published();
    const theirs = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "theirs", author: "alice" });
    await s.git("update-ref", "refs/heads/agent/issue-1", theirs);
    await killed(s, "POST issues/1/comments", "stop-after");
    s.pass(500);
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done" });
    expect(s.see(1).comments.filter((text) => text.includes("this needs you"))).toHaveLength(1);
    expect(await s.record(1)).toMatchObject({ state: "blocked" });
  });

  it(
    "deleted, after something was said of the commit: handed over, not pushed again",
    async () => {
      const { s, head } = await published();
      await s.forge.as("alice").post(`/repos/${s.repo}/statuses/${head}`, { state: "success", context: "ci" });
      await s.forge.as("alice").delete(`/repos/${s.repo}/branches/agent%2Fissue-1`);
      expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "needs-person" });
      expect(await s.branches()).toEqual(["main"]);
      expect(s.see(1).comments.at(-1)).toContain("`agent/issue-1` has been deleted");
      // Whoever wants it anew says so.
      s.pass(2);
      await s.forge.addLabelAs("alice", s.repo, 1, "bot");
      expect((await s.start()).outcome).toMatchObject({ kind: "implement", outcome: "done", pullRequest: 2 });
    },
    longMs,
  );
});

describe("people and the branch, while a run that then died was at work", () => {
  it("a branch of our name: whoever asked gets the item, once", async () => {
    const s = await asked();
    await killedOn(s, "failure");
    const theirs = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    s.pass(pastEnd);
    expect((await s.start()).outcome).toMatchObject({ outcome: "needs-person" });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(theirs);
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    const told = s.see(1).comments.filter((text) => text.includes("holds commits that are not the program's"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(theirs.slice(0, 10));
    const before = await s.photo();
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    expect(await s.photo()).toBe(before);
    await s.git("update-ref", "-d", "refs/heads/agent/issue-1");
    s.pass(2);
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });

  it(
    "commits on the pull request's branch: the work goes on from there",
    async () => {
      const { s, inputs } = await rejectedOnce();
      await killed(s, "agent rework", "stop", { inputs });
      const theirs = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
      s.pass(500);
      const end = await s.start({ inputs });
      // Nobody has judged that head yet.
      expect(end.outcome).toMatchObject({ kind: "review", outcome: "done" });
      expect(await s.ref("refs/heads/agent/issue-1")).toBe(theirs);
    },
    longMs,
  );
});
