// A run that is killed, and its post step; a run that is asked to end by a signal. Both steps are processes, started as a runner does it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { markVariables, placeOf } from "../../src/agent/mark.ts";
import { readProcess } from "../../src/agent/processes.ts";
import { expectDoneOnce } from "../support/done-once.ts";
import { playing } from "../support/plays.ts";
import { mends, type Stage, type StageOptions, stage, until } from "../support/run.ts";
import { livesIn, type RunningStep, type StepOptions, startStep } from "../support/step.ts";

/** A claim of these ages only after the test. */
const long = { renewSeconds: 1, fenceSeconds: 30, ttlSeconds: 120, apiSeconds: 5, endedSeconds: 60 };
/** Starting a step takes seconds where other tests run beside it. */
const slow = { timeout: 120_000 };

/** An agent at work that ignores SIGTERM, with a daemon of its own; `<name>` and `<name>-daemon` hold their numbers. */
function hanging(s: Stage, name = "agent"): string {
  const daemon = `(cd / && exec setsid sh -c 'echo $$ >${s.dir}/${name}-daemon; exec sleep 300') >/dev/null 2>&1 &`;
  return `trap '' TERM; ${daemon} echo $$ >${s.dir}/${name}; while :; do sleep 300; done`;
}

async function staged(options: StageOptions = {}): Promise<Stage> {
  const s = await stage({ ...options, limits: { ...long, ...options.limits } });
  await s.issue("sum subtracts");
  return s;
}

/** A main step whose agent is at work. */
async function atWork(s: Stage, options: StepOptions = {}, name = "agent"): Promise<RunningStep> {
  const run = await startStep(s, { ...options, inputs: { "agent-command": hanging(s, name), ...options.inputs } });
  const isThere = () => existsSync(join(s.dir, name)) && existsSync(join(s.dir, `${name}-daemon`));
  await untilSlow(isThere, "an agent at work", run);
  return run;
}

/** As `until`, for what a process takes long to get to. */
async function untilSlow(condition: () => boolean, what: string, run: RunningStep): Promise<void> {
  let ended = "";
  void run.end.then(({ stdout, stderr }) => {
    ended = `${stdout}${stderr}`;
  });
  for (let waited = 0; waited < 60_000 && !condition(); waited += 50) {
    if (ended !== "") throw new Error(`${what}: the run has ended\n${ended}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (!condition()) throw new Error(`waited for it in vain: ${what}`);
}

/** As the runner cancels: the step's process alone, and by SIGKILL. */
async function kill(run: RunningStep): Promise<void> {
  run.child.kill("SIGKILL");
  expect((await run.end).signal).toBe("SIGKILL");
}

const agents = (s: Stage, name = "agent") => [name, `${name}-daemon`].map((file) => livesIn(join(s.dir, file)));
const slots = (s: Stage) => s.git("for-each-ref", "--format=%(refname)", "refs/agent-dispatch/v1/slot");

describe("a killed run", slow, () => {
  it("its agent goes on without it; post ends everything, gives the claim back and says so; the next run begins anew", async () => {
    const s = await staged();
    const run = await atWork(s);
    await kill(run);
    expect(agents(s)).toEqual([true, true]);
    expect(await s.record(1)).toMatchObject({ state: "held", attempt: 1 });
    const began = Date.now();
    const post = await run.post();
    expect(post).toMatchObject({ code: 0, stderr: "" });
    expect(post.stdout).toMatch(/^ended \d+ processes that the run had left behind\n#1 is given back\n$/);
    expect(Date.now() - began).toBeLessThan(60_000);
    expect(agents(s)).toEqual([false, false]);
    expect(run.left()).toEqual([]);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, cancelled: 1, slot: null, epoch: 1 });
    expect(await slots(s)).toBe("");
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [] });
    expect(s.see(1).comments).toHaveLength(1);
    expect(s.see(1).comments[0]).toContain("**Cancelled**: the run was cancelled or ran out of the job's time.");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
    expect((await s.record(1))?.cancelled).toBeUndefined();
    expect(s.pulls()).toHaveLength(1);
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    expect(s.see(1).comments).toHaveLength(1);
  });

  it("twice in a row: a person gets it; what that person orders then is cancelled for the first time again", async () => {
    const s = await staged();
    for (const name of ["first", "second"]) {
      const run = await atWork(s, {}, name);
      await kill(run);
      expect((await run.post()).code).toBe(0);
    }
    expect(await s.record(1)).toMatchObject({ state: "blocked", stage: "blocked", cancelled: 2, slot: null });
    const seen = s.see(1);
    expect(seen).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(seen.comments).toHaveLength(2);
    expect(seen.comments[0]).toContain("**Waiting for a person**");
    expect(seen.comments[1]).toContain("@alice this needs you: its run was cancelled 2 times in a row");
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    const run = await atWork(s, {}, "third");
    await kill(run);
    await run.post();
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, cancelled: 1 });
  });

  it("a stage label that a person put on while the agent worked is not undone: the next run takes it up", async () => {
    const s = await staged();
    const first = await atWork(s, {}, "first");
    await kill(first);
    await first.post();
    const run = await atWork(s, {}, "second");
    const label = { name: "agent/needs-rework", color: "#d97706", exclusive: true };
    expect((await s.forge.as("owner").post(`/repos/${s.repo}/labels`, label)).status).toBe(201);
    expect(await s.forge.addLabelAs("alice", s.repo, 1, label.name)).toBe(true);
    await kill(run);
    await run.post();
    expect(await s.record(1)).toMatchObject({ state: "blocked", cancelled: 2, slot: null });
    expect(s.see(1)).toMatchObject({ labels: ["agent/needs-rework"], assignees: ["alice"] });
  });

  it("a failure between two cancels: they are not in a row", async () => {
    const s = await staged({ limits: { cooldownSeconds: [1] } });
    const cancel = async (name: string) => {
      const run = await atWork(s, {}, name);
      await kill(run);
      await run.post();
    };
    await cancel("first");
    expect((await s.start({ inputs: { "agent-command": "exit 1" } })).outcome).toMatchObject({ failure: "crash" });
    s.pass(5);
    await cancel("second");
    expect(await s.record(1)).toMatchObject({ state: "released", cancelled: 1, attempt: 1 });
  });

  it("whose token is refused by then: post is green with a line, the claim stays, the agent is gone", async () => {
    const s = await staged({ files: { ".gitea/workflows/agent.yml": "on: [issues]\njobs: { a: { runs-on: x } }\n" } });
    const started = await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event: "issues", actor: "alice" });
    const run = await atWork(s, { inputs: { token: started.token } });
    s.forge.endRun(started.id, "cancelled");
    await kill(run);
    const post = await run.post();
    expect(post).toMatchObject({ code: 0, stderr: "" });
    const [ended, refused, ...more] = post.stdout.trimEnd().split("\n");
    expect(ended).toMatch(/^ended \d+ processes/);
    expect(refused).toMatch(/^#1 could not be given back here, the next run sees to it: .*401/);
    expect(more).toEqual([]);
    expect(agents(s)).toEqual([false, false]);
    expect(await s.record(1)).toMatchObject({ state: "held", attempt: 1 });
  });

  it("after its publish: post leaves the claim to the next run, which writes what is left at once", async () => {
    const s = await staged();
    const held = new Promise<void>(() => undefined);
    let reached = false;
    s.forge.faults.add({
      ...{ when: ({ method, path }) => method === "POST" && path.endsWith("/pulls"), times: 1, do: "reset" },
      hold: () => {
        reached = true;
        return held;
      },
    });
    const run = await startStep(s);
    await untilSlow(() => reached, "the pull request about to be opened", run);
    await kill(run);
    expect((await run.post()).stdout).toMatch(/#1 is published: the next run writes what is left\n$/);
    expect(await s.record(1)).toMatchObject({ state: "published", ttlSeconds: 0, attempt: 0 });
    expect(s.pulls()).toEqual([]);
    expect((await s.start()).outcome).toMatchObject({ kind: "resume", outcome: "done", pullRequest: 2 });
    await expectDoneOnce(s);
  });

  it("of a review: the status of the head does not stay pending", async () => {
    const s = await staged();
    const play = await playing(s.dir, {});
    await s.start({ inputs: { "agent-command": play } });
    const run = await atWork(s);
    const status = () => s.forge.repo(s.repo).statuses.findLast((at) => at.context === "agent-dispatch/review");
    expect(status()?.state).toBe("pending");
    await kill(run);
    expect((await run.post()).stdout).toContain("#1 is given back");
    expect(status()).toMatchObject({ state: "error", description: "no verdict: it was cancelled" });
    expect(await s.record(1)).toMatchObject({
      kind: "review",
      state: "released",
      cancelled: 1,
      pull: 2,
      stage: "needs-review",
    });
    expect((await s.start({ inputs: { "agent-command": play } })).outcome).toMatchObject({
      kind: "review",
      attempt: 1,
    });
  });

  it("that obeyed a command and could not put the label on: the order stands", async () => {
    const s = await stage({ limits: long });
    await s.issue("sum subtracts", { label: null });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    let reached = false;
    s.forge.faults.add({
      ...{ when: ({ method, path }) => method === "POST" && path.endsWith("/labels"), times: 1, do: "reset" },
      hold: () => {
        reached = true;
        return new Promise(() => undefined);
      },
    });
    const run = await startStep(s, { inputs: { item: "1" } });
    await untilSlow(() => reached, "the label about to be put on", run);
    await kill(run);
    expect((await run.post()).stdout).toMatch(/#1 is given back\n$/);
    expect(s.see(1).labels).toEqual(["bot"]);
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });

  it("whose claim another run has taken over: post touches nothing of it", async () => {
    const s = await staged({ limits: { ttlSeconds: 60 } });
    const run = await atWork(s);
    await kill(run);
    s.pass(600);
    const taken = await s.start();
    expect(taken.outcome).toMatchObject({ outcome: "done", attempt: 2 });
    // The run that took over has ended what it found on this machine.
    expect(taken.log).toMatch(/ended \d+ processes that a run that is over had left here/);
    expect(agents(s)).toEqual([false, false]);
    const before = await s.photo();
    expect((await run.post()).stdout).toMatch(/#1 is not this run's any more: there is nothing to give back\n$/);
    expect(await s.photo()).toBe(before);
  });
});

describe("a run that ended by itself", slow, () => {
  it("post asks nothing of the forge and says nothing", async () => {
    const s = await staged();
    const run = await startStep(s);
    expect((await run.end).code).toBe(0);
    const { length } = s.forge.requests;
    expect(await run.post()).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(s.forge.requests).toHaveLength(length);
    expect(run.left()).toEqual([]);
  });
});

describe("what runs have left on this machine", slow, () => {
  it("a run ends it, but nothing of a living claim and nothing of another repository", async () => {
    const s = await staged();
    const other = placeOf(s.forge.url, "acme/other");
    const env = { PATH: process.env["PATH"] ?? "", ...markVariables({ place: other, owner: crypto.randomUUID() }) };
    const stranger = spawn("sleep", ["300"], { env, detached: true, stdio: "ignore" });
    const run = await atWork(s);
    const beside = await s.start();
    expect(beside.outcome).toMatchObject({ outcome: "idle" });
    expect(beside.log).not.toContain("ended");
    expect(agents(s)).toEqual([true, true]);
    await kill(run);
    s.pass(600);
    const next = await s.start({ inputs: { "dry-run": "true" } });
    expect(next.outcome?.outcome).toBe("dry-run");
    expect(agents(s)).toEqual([true, true]);
    const last = await s.start({ inputs: { mode: "land" } });
    expect(last.outcome).toMatchObject({ outcome: "idle" });
    expect(last.log).toMatch(/ended \d+ processes that a run that is over had left here/);
    expect(agents(s)).toEqual([false, false]);
    expect(readProcess(stranger.pid ?? 0)).not.toBeNull();
    stranger.kill("SIGKILL");
  });
});

describe("a signal", slow, () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s: the agent is ended, the item given back, and the run ends green",
    async (signal) => {
      const s = await staged();
      const run = await atWork(s);
      const began = Date.now();
      run.child.kill(signal);
      const end = await run.end;
      expect(end.code).toBe(0);
      expect(Date.now() - began).toBeLessThan(15_000);
      expect(run.outputs()).toMatchObject({ outcome: "cancelled", failure: "cancelled", item: "1" });
      expect(end.stdout).toContain(`cancelled: #1: the run was ended by ${signal}. The next run begins anew.`);
      expect(agents(s)).toEqual([false, false]);
      expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, cancelled: 1, slot: null });
      expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [] });
      expect(s.see(1).comments[0]).toContain(`**Cancelled**: the run was ended by ${signal}.`);
      expect(await run.post()).toMatchObject({ code: 0, stdout: "" });
      expect((await s.record(1))?.cancelled).toBe(1);
    },
  );

  it("a second one: the run ends at once, its agent with it, and post does the rest", async () => {
    const s = await staged();
    const run = await atWork(s);
    run.child.kill("SIGTERM");
    // Not in the same moment: the system would make one of two equal signals.
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.child.kill("SIGINT");
    const began = Date.now();
    expect((await run.end).code).toBe(130);
    expect(Date.now() - began).toBeLessThan(5_000);
    await until(() => agents(s).every((lives) => !lives), "the agent's end");
    expect(await s.record(1)).toMatchObject({ state: "held" });
    expect((await run.post()).stdout).toMatch(/#1 is given back\n$/);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, cancelled: 1 });
  });

  it("before anything is claimed: nothing is begun", async () => {
    const s = await staged({ agent: mends });
    let go = () => {};
    let reached = false;
    s.forge.faults.add({
      ...{ when: ({ path }) => path.includes("/git/refs"), times: 1, do: "pass" },
      hold: () => {
        reached = true;
        return new Promise<void>((resolve) => {
          go = resolve;
        });
      },
    });
    const run = await startStep(s);
    await untilSlow(() => reached, "a look at the ledger", run);
    run.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    go();
    expect((await run.end).code).toBe(0);
    expect(run.outputs()).toMatchObject({ outcome: "cancelled" });
    expect(await s.record(1)).toBeNull();
  });
});
