// Writes whose answers are lost, and runs that could not finish: whatever happens, everything stands there once at the end.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { expectDoneOnce } from "../support/done-once.ts";
import type { Fault, SeenRequest } from "../support/forge/forge.ts";
import { mends, stage } from "../support/run.ts";

const api = (method: string, path: RegExp) => (request: SeenRequest) =>
  request.kind === "api" && request.method === method && path.test(request.path.split("?")[0] ?? "");

const writes: Record<string, Fault["when"]> = {
  "the claim's push": (r) => r.kind === "git" && r.method === "POST" && r.path.endsWith("/git-receive-pack"),
  "the pull request": api("POST", /\/pulls$/),
  "the new label": api("POST", /\/app\/labels$/),
  "the stage label": api("POST", /\/issues\/2\/labels$/),
  "the comment": api("POST", /\/issues\/1\/comments$/),
  "the comment's change": api("PATCH", /\/issues\/comments\/\d+$/),
  "the assignee": api("PATCH", /\/issues\/1$/),
  "the commit status": api("POST", /\/statuses\//),
};

describe("half-done work", () => {
  it("what one run published and could not finish the next run finishes, without an agent", async () => {
    const s = await stage({ agent: `echo ran >>"$(dirname $0)"/x 2>/dev/null; ${mends}` });
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/pulls$/), times: Number.POSITIVE_INFINITY, do: "500" });
    const first = await s.start();
    expect(first.exitCode).toBe(0);
    expect(first.lastLine).toContain("The next run finishes what could not be written");
    expect(await s.record(1)).toMatchObject({ state: "published", ttlSeconds: 0 });
    expect(s.pulls()).toEqual([]);
    s.forge.faults.clear();
    const second = await s.start();
    expect(second.outcome).toMatchObject({ kind: "resume", outcome: "done", item: 1, pullRequest: 2 });
    expect(second.log).not.toContain("[Agent");
    await expectDoneOnce(s);
  });

  it("what cannot be finished is tried at once a second time, then after the waits of failed attempts", async () => {
    const s = await stage({ policy: "maxAttempts: 6" });
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/pulls$/), times: Number.POSITIVE_INFINITY, do: "500" });
    await s.start();
    const failed = { kind: "resume", outcome: "failed", failure: "forge-error" };
    for (const [unfinished, waitSeconds] of [
      [2, 300],
      [3, 1800],
      [4, 1800],
    ] as const) {
      expect((await s.start()).outcome).toMatchObject(failed);
      const record = await s.record(1);
      expect(record).toMatchObject({ state: "published", unfinished, epoch: unfinished });
      // The record's own time is taken a moment after the wait began.
      const waitsMs = Date.parse(record?.resumeAt ?? "") - Date.parse(record?.at ?? "");
      expect(waitsMs).toBeGreaterThan((waitSeconds - 5) * 1000);
      expect(waitsMs).toBeLessThanOrEqual(waitSeconds * 1000);
      const before = await s.photo();
      expect((await s.start()).outcome?.passed[0]?.reason).toMatch(/^what an earlier run published is finished after /);
      expect(await s.photo()).toBe(before);
      s.pass(waitSeconds + 1);
    }
    s.forge.faults.clear();
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
    await expectDoneOnce(s);
  });

  it("what can never be written goes to a person with what it was", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/pulls$/), times: Number.POSITIVE_INFINITY, do: "500" });
    await s.start();
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "failed" });
    s.pass(301);
    expect((await s.start()).outcome).toMatchObject({
      kind: "resume",
      outcome: "needs-person",
      failure: "forge-error",
    });
    expect(await s.record(1)).toMatchObject({ state: "blocked", stage: "blocked", unfinished: 0 });
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(s.see(1).comments.at(-1)).toContain("what was published could not be finished");
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
  });

  it("effects that this version cannot read are left alone with their record", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/pulls$/), times: Number.POSITIVE_INFINITY, do: "500" });
    await s.start();
    s.forge.faults.clear();
    const git = (args: string[], input: string) =>
      execFileSync("git", ["--git-dir", s.forge.gitDir(s.repo), ...args], { input, encoding: "utf8" }).trim();
    const ref = "refs/agent-dispatch/v1/item/issue-1";
    const blob = git(["hash-object", "-w", "--stdin"], '{"v":2,"issue":1,"effects":[{"do":"something newer"}]}');
    const tree = git(["mktree"], `100644 blob ${blob}\teffects.json\n`);
    const identity = ["-c", "user.name=newer", "-c", "user.email=newer@example.invalid"];
    const message = git(["log", "-1", "--format=%B", ref], "");
    git(["update-ref", ref, git([...identity, "commit-tree", tree, "-p", ref, "-F", "-"], message)], "");
    const before = await s.photo();
    const idle = await s.start();
    expect(idle.outcome?.passed[0]?.reason).toContain("cannot be read by this version");
    expect(await s.photo()).toBe(before);
  });

  it("a resume that failed starts no next run", async () => {
    const workflow =
      "on:\n  workflow_dispatch:\n    inputs: { item: {} }\njobs: { agent: { runs-on: x, steps: [] } }\n";
    const s = await stage({ files: { ".gitea/workflows/agent.yml": workflow }, limits: { cooldownSeconds: [0] } });
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/pulls$/), times: Number.POSITIVE_INFINITY, do: "500" });
    const waiting = () => s.forge.repo(s.repo).runs.filter((run) => run.status === "waiting");
    const first = await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event: "issues", actor: "alice" });
    await s.start({ run: { ...first, event: "issues", actor: "alice" } });
    s.forge.endRun(first.id, "success");
    const [next, ...more] = waiting();
    if (next === undefined) throw new Error("the run that published did not start the next one");
    expect(more).toEqual([]);
    const second = { ...s.forge.pickUp(next.id), event: next.event, actor: "bot" };
    expect((await s.start({ run: second })).outcome).toMatchObject({ kind: "resume", outcome: "failed" });
    expect(waiting()).toEqual([]);
  });

  it("a pull request that a person closed in between is not opened again", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    s.forge.faults.add({ when: api("POST", /\/issues\/2\/labels$/), times: Number.POSITIVE_INFINITY, do: "500" });
    await s.start();
    expect(await s.record(1)).toMatchObject({ state: "published" });
    s.forge.faults.clear();
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    expect((await s.start()).outcome).toMatchObject({ kind: "resume" });
    await s.start();
    expect(s.pulls().map((pull) => pull.state)).toEqual(["closed"]);
    expect(await s.record(1)).toMatchObject({ state: "closed" });
    expect(s.see(1)).toMatchObject({ labels: [], assignees: [] });
  });

  it.each(["apply-then-502", "apply-then-reset", "cut"] as const)(
    "the first answer of every kind of write is lost: %s",
    async (deed) => {
      const s = await stage();
      await s.issue("sum subtracts");
      for (const when of Object.values(writes)) s.forge.faults.add({ when, times: 1, do: deed });
      expect((await s.start()).outcome).toMatchObject({ outcome: "done" });
      expect(s.forge.faults.met).toBe(Object.keys(writes).length);
      await expectDoneOnce(s);
    },
  );

  it("every push's answer is lost: still exactly one of each", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const pushes: Fault["when"] = (r) =>
      r.kind === "git" && r.method === "POST" && r.path.endsWith("/git-receive-pack");
    s.forge.faults.add({ when: pushes, times: 20, do: "apply-then-reset" });
    expect((await s.start()).outcome).toMatchObject({ outcome: "done" });
    await expectDoneOnce(s);
  });

  it("the connection breaks once at every kind of write after the publish", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const late = ["the pull request", "the new label", "the stage label", "the comment's change", "the commit status"];
    for (const name of late) s.forge.faults.add({ when: writes[name] ?? (() => false), times: 1, do: "reset" });
    expect((await s.start()).outcome).toMatchObject({ outcome: "done" });
    expect(s.forge.faults.met).toBe(late.length);
    await expectDoneOnce(s);
  });
});
