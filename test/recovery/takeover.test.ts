// Runs that died while they held a claim, and the run after them: by the forge's word that they ended, else by age; cancelled ones.

import { describe, expect, it } from "vitest";
import { expectDoneOnce } from "../support/done-once.ts";
import type { ForgeVersion } from "../support/forge/forge.ts";
import { type Stage, stage } from "../support/run.ts";
import { agentStarts, asked, killed, killedOn, pastEnd, publish, runOn } from "./dying.ts";

const asksActions = (s: Stage) => s.forge.requests.filter((r) => /\/actions\/(runs|tasks)/.test(r.path)).length;
const reason = async (s: Stage) => (await s.start()).outcome?.passed[0]?.reason;

describe.each<ForgeVersion>(["1.24.7", "1.26.4"])("a run that died, on %s", (version) => {
  it("the forge says that it ended: taken over after the wait, not before; the attempt counts", async () => {
    const s = await asked({ version });
    await killedOn(s, "failure");
    expect(await s.record(1)).toMatchObject({ state: "held", attempt: 1, run: { number: 1, workflow: "agent.yml" } });
    s.pass(50);
    s.forge.requests.length = 0;
    expect(await reason(s)).toBe("claimed by run 1");
    // It gave a sign of life a moment ago: nothing is asked.
    expect(asksActions(s)).toBe(0);
    s.pass(15);
    const end = await s.start();
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "done", attempt: 2 });
    await expectDoneOnce(s);
  });

  it("the wait begins at the end of the run, not at its last sign of life", async () => {
    const s = await asked({ version });
    const run = await runOn(s);
    await killed(s, agentStarts, "stop", { run });
    s.pass(100);
    s.forge.endRun(run.id, "failure");
    s.pass(50);
    expect(await reason(s)).toBe("claimed by run 1");
    s.pass(15);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("the forge says that it goes on: by age alone", async () => {
    const s = await asked({ version });
    await killed(s, agentStarts, "stop", { run: await runOn(s) });
    s.pass(440);
    s.forge.requests.length = 0;
    expect(await reason(s)).toBe("claimed by run 1");
    // One call where the server shows a run by its id; else that one is tried, and the list is read.
    expect(asksActions(s)).toBe(version === "1.24.7" ? 2 : 1);
    s.pass(15);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("its run was started again: not ended, by age", async () => {
    const s = await asked({ version });
    const run = await killedOn(s, "failure");
    const rerun = s.forge.repo(s.repo).runs.find((one) => one.id === run.id);
    if (rerun === undefined) throw new Error("no run");
    Object.assign(rerun, { attempt: 2, status: "waiting", startedAt: null, endedAt: null });
    s.forge.pickUp(run.id);
    s.pass(120);
    expect(await reason(s)).toBe("claimed by run 1");
    s.pass(340);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("the forge does not know it any more, or cannot say: by age", async () => {
    const s = await asked({ version });
    await killedOn(s, "failure");
    s.forge.repo(s.repo).runs.length = 0;
    s.pass(120);
    expect(await reason(s)).toBe("claimed by run 1");
    s.forge.faults.add({ when: (r) => r.path.includes("/actions/"), times: Number.POSITIVE_INFINITY, do: "500" });
    const idle = await s.start();
    expect(idle.outcome?.passed[0]?.reason).toBe("claimed by run 1");
    expect(idle.log).toContain("whether run 1 has ended is not known");
    s.pass(340);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("published, and its run ended: finished without an agent", async () => {
    const s = await asked({ version });
    const run = await runOn(s);
    await killed(s, publish, "stop-after", { run });
    s.forge.endRun(run.id, "failure");
    s.pass(pastEnd);
    const end = await s.start();
    expect(end.outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
    expect(end.log).not.toContain("[Agent");
    await expectDoneOnce(s);
  });

  it("cancelled: begun again, and no attempt counts", async () => {
    const s = await asked({ version });
    await killedOn(s, "cancelled");
    s.pass(pastEnd);
    const run = await runOn(s);
    await killed(s, agentStarts, "stop", { run });
    expect(await s.record(1)).toMatchObject({ state: "held", epoch: 2, attempt: 1, cancelled: 1 });
    // Another end in between: they are not in a row.
    s.forge.endRun(run.id, "failure");
    s.pass(pastEnd);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
    expect((await s.record(1))?.cancelled).toBeUndefined();
    await expectDoneOnce(s);
  });

  it("cancelled, and the next run comes long after: no attempt counts either", async () => {
    const s = await asked({ version });
    await killedOn(s, "cancelled");
    s.pass(1000);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });

  it("a review, cancelled twice in a row: its status ends with the item, also where the repair could not write it", async () => {
    const s = await asked({ version });
    await s.start();
    for (let times = 0; times < 2; times++) {
      const run = await runOn(s);
      await killed(s, "agent review", "stop", { run });
      s.forge.endRun(run.id, "cancelled");
      s.pass(pastEnd);
    }
    const status = () => s.forge.repo(s.repo).statuses.findLast((at) => at.context === "agent-dispatch/review");
    expect(status()?.state).toBe("pending");
    s.forge.faults.add({ when: (r) => r.method === "POST" && r.path.includes("/statuses/"), times: 1, do: "500" });
    const end = await s.start();
    expect(end.log).toContain("could not repair #1");
    expect(end.outcome).toMatchObject({ outcome: "needs-person", failure: "cancelled" });
    expect(status()).toMatchObject({ state: "error", description: "no verdict: its run ended without one" });
    expect((await s.record(1))?.judging).toBeUndefined();
  });

  it("cancelled twice in a row: a person gets it, and their order begins anew", async () => {
    const s = await asked({ version });
    for (let times = 0; times < 2; times++) {
      await killedOn(s, "cancelled");
      s.pass(pastEnd);
    }
    expect((await s.start()).outcome).toMatchObject({ outcome: "needs-person", failure: "cancelled" });
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    const [, told, ...more] = s.see(1).comments;
    expect(more).toEqual([]);
    expect(told).toContain("its run was cancelled 2 times in a row");
    expect(told).toContain("by whom, the program cannot see");
    expect(told).toContain("put the trigger label on again");
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    s.pass(2);
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
    expect((await s.record(1))?.cancelled).toBeUndefined();
  });
});

describe("a run outside the server", () => {
  it("is never asked about: by age alone", async () => {
    const s = await asked();
    await killed(s, agentStarts, "stop");
    expect(await s.record(1)).toMatchObject({ state: "held", run: null });
    s.forge.requests.length = 0;
    s.pass(440);
    expect(await reason(s)).toBe("claimed by a run outside the server");
    expect(asksActions(s)).toBe(0);
    s.pass(15);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("calls itself run 1, as the executor does, while the forge's own run 1 ended long ago", async () => {
    const s = await asked();
    const first = await runOn(s);
    s.forge.endRun(first.id, "cancelled");
    s.pass(1000);
    await killed(s, agentStarts, "stop", { run: first });
    expect(await s.record(1)).toMatchObject({ state: "held", run: null });
    s.pass(300);
    expect(await reason(s)).toBe("claimed by a run outside the server");
    s.pass(160);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });
});

describe("an order whose run fails before anything is begun", () => {
  it("is obeyed by the next run: its label was never put on", async () => {
    const s = await stage();
    await s.issue("sum subtracts", { label: null });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    s.pass(2);
    let isClaimed = false;
    s.forge.faults.add({
      when: (r) => {
        const before = isClaimed;
        isClaimed ||= r.path.endsWith("/git-receive-pack");
        return before && r.kind === "api";
      },
      ...{ times: Number.POSITIVE_INFINITY, do: "500" },
    });
    const failed = await s.start();
    expect(failed.exitCode).toBe(1);
    expect(await s.record(1)).toMatchObject({ attempt: 0, handled: [] });
    s.forge.faults.clear();
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });
});
