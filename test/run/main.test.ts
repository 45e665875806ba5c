// The story of an issue by whole runs: from the label to the pull request, to the merge and to the next generation. Each test looks at how
// the forge ends.

import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { expectDoneOnce } from "../support/done-once.ts";
import { playing } from "../support/plays.ts";
import { type End, mends, type Stage, stage, until } from "../support/run.ts";

describe("the story of an issue", () => {
  it("a labelled issue becomes an open pull request, the next run hands it over, and then there is nothing to do", async () => {
    const s = await stage();
    const inputs = { "agent-command": await playing(s.dir, {}) };
    const number = await s.issue("sum subtracts");
    const end = await s.start({ inputs });
    expect(end.lastLine).toMatch(/^done: #1: pull request #2 is open\. \S/);
    expect(end.exitCode).toBe(0);
    expect(end.outcome).toMatchObject({
      ...{ kind: "implement", outcome: "done", item: 1, pullRequest: 2, branch: "agent/issue-1", attempt: 1 },
      ...{ profile: "command", failure: null, verdict: null, head: await s.ref("refs/heads/agent/issue-1") },
    });
    expect(end.left).toEqual([]);
    await expectDoneOnce(s, number);
    expect(await s.git("for-each-ref", "--format=%(refname)", "refs/agent-dispatch")).toBe(
      "refs/agent-dispatch/v1/item/issue-1",
    );
    expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "review", outcome: "done", pullRequest: 2 });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
    const before = await s.photo();
    const idle = await s.start({ inputs });
    expect(idle.outcome).toMatchObject({ kind: "idle", outcome: "idle" });
    expect(idle.outcome?.passed[0]?.reason).toBe("pull request #2 waits for a person to merge it");
    expect(await s.photo()).toBe(before);
  });

  it("an idle run with nothing labelled writes nothing and starts no git", async () => {
    const s = await stage();
    await s.issue("nobody asks", { label: null });
    const before = await s.photo();
    const end = await s.start();
    expect(end.lastLine).toBe("idle: no open issue carries the label `bot`. The next event or tick looks again.");
    expect(await s.photo()).toBe(before);
    expect(s.forge.requests.filter((request) => request.kind === "git")).toEqual([]);
  });

  it("takes the oldest first, but what carries a priority label before it, and finishes before it starts", async () => {
    const s = await stage({ policy: "priorityLabels: [p1]" });
    for (const title of ["first", "second"]) await s.issue(title);
    await s.forge.addLabelAs("alice", s.repo, 2, "p1");
    const inputs = { "agent-command": await playing(s.dir, {}) };
    const ends: End[] = [];
    for (let run = 0; run < 4; run++) ends.push(await s.start({ inputs }));
    expect(ends.map(({ outcome }) => `${outcome?.kind} ${outcome?.item}`)).toEqual([
      ...["implement 2", "review 2", "implement 1", "review 1"],
    ]);
  });

  it("an order by hand names the item, label or not", async () => {
    const s = await stage();
    await s.issue("first");
    const number = await s.issue("second", { label: null });
    const end = await s.start({ inputs: { item: String(number), message: "be quick" } });
    expect(end.outcome).toMatchObject({ item: number, outcome: "done" });
    expect(s.see(number).labels).toEqual(["bot"]);
  });

  it("somebody who may not write code starts nothing, and is told so once", async () => {
    const s = await stage();
    await s.issue("by a stranger", { by: "mallory", label: null });
    await s.forge.as("mallory").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    const payload = { issue: { number: 1 }, sender: { login: "mallory" } };
    for (let run = 0; run < 2; run++)
      expect((await s.start({ event: "issue_comment", payload })).outcome?.outcome).toBe("idle");
    const seen = s.see(1);
    expect(seen).toMatchObject({ labels: [], assignees: [] });
    expect(seen.comments.filter((text) => text.startsWith("bot: "))).toHaveLength(1);
    expect(seen.comments[1]).toContain("`/agent run` is refused: @mallory may not write code here");
    expect(await s.record(1)).toBeNull();
  });
});

describe("several runs", () => {
  it("two at once on one item: one works, the other has nothing to do", async () => {
    const s = await stage({ agent: `sleep 0.3; ${mends}` });
    await s.issue("sum subtracts");
    const ends = await Promise.all([s.start({ seed: 1 }), s.start({ seed: 2 })]);
    expect(ends.map((end) => end.exitCode)).toEqual([0, 0]);
    expect(ends.map((end) => end.outcome?.outcome).sort()).toEqual(["done", "idle"]);
    await expectDoneOnce(s);
    expect((await s.record(1))?.epoch).toBe(1);
  });

  it("at most `max-concurrent` agents at once; the next run takes what was left", async () => {
    const s = await stage({ limits: { renewSeconds: 3, fenceSeconds: 10 } });
    const agent = `touch ${s.dir}/at-work-$AGENT_DISPATCH_ITEM; while ! test -e ${s.dir}/go; do sleep 0.05; done; ${await playing(s.dir, {})}`;
    const inputs = { "agent-command": agent, "max-concurrent": "2" };
    for (const title of ["first", "second", "third"]) await s.issue(title);
    const [first, second] = [s.start({ inputs }), s.start({ inputs })];
    const atWork = () => readdirSync(s.dir).filter((name) => name.startsWith("at-work-"));
    await until(() => atWork().length === 2, "two agents at work");
    const third = await s.start({ inputs });
    expect(third.outcome).toMatchObject({ outcome: "idle" });
    expect(third.outcome?.passed.at(-1)?.reason).toContain("`max-concurrent`");
    await writeFile(`${s.dir}/go`, "");
    const ends = await Promise.all([first, second]);
    expect(ends.map((end) => end.outcome?.outcome)).toEqual(["done", "done"]);
    for (const [kind, item] of [
      ["review", 1],
      ["review", 2],
      ["implement", 3],
    ] as const)
      expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "done", kind, item });
    expect(s.pulls()).toHaveLength(3);
  });
});

const workflow = "on:\n  workflow_dispatch:\n    inputs: { item: {} }\njobs: { agent: { runs-on: x, steps: [] } }\n";
const files = { ".gitea/workflows/agent.yml": workflow };

async function serverRun(s: Stage, event: string, actor = "alice") {
  return { ...(await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event, actor })), event, actor };
}

describe("runs that start runs", () => {
  it("a run that leaves work behind starts the next one, the last one does not", async () => {
    const s = await stage({ files });
    await s.issue("first");
    await s.issue("second");
    const inputs = { "agent-command": await playing(s.dir, {}) };
    const dispatched = () => s.forge.repo(s.repo).runs.filter((run) => run.status === "waiting");
    const first = await serverRun(s, "issues");
    expect((await s.start({ run: first, inputs })).outcome).toMatchObject({ item: 1, outcome: "done" });
    s.forge.endRun(first.id, "success");
    expect(dispatched().map((run) => [run.event, run.workflow, run.actor.login])).toEqual([
      ["workflow_dispatch", "agent.yml", "bot"],
    ]);
    expect((await s.record(1))?.run).toMatchObject({ id: first.id, number: first.number });
    const ends: End[] = [];
    for (let [next] = dispatched(); next !== undefined && ends.length < 9; [next] = dispatched()) {
      const run = { ...s.forge.pickUp(next.id), event: next.event, actor: "bot" };
      ends.push(await s.start({ run, inputs }));
      s.forge.endRun(run.id, "success");
    }
    expect(ends.map(({ outcome }) => `${outcome?.kind} ${outcome?.item} ${outcome?.outcome}`)).toEqual([
      ...["review 1 done", "implement 2 done", "review 2 done"],
    ]);
  });

  it("`chain: false` starts none", async () => {
    const s = await stage({ files });
    await s.issue("first");
    await s.issue("second");
    await s.start({ run: await serverRun(s, "issues"), inputs: { chain: "false" } });
    expect(s.forge.repo(s.repo).runs).toHaveLength(1);
  });

  it.each(["1.24.7", "1.27.0"] as const)("a tick of %s dispatches the work and runs no agent", async (version) => {
    const s = await stage({ files, version, agent: `touch $AGENT_DISPATCH_RESULT.ran; ${mends}` });
    await s.issue("sum subtracts");
    const tick = await serverRun(s, "schedule", "gitea-actions");
    const end = await s.start({ run: tick });
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "dispatched", item: 1 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [], comments: [] });
    expect(await s.record(1)).toBeNull();
    const waiting = s.forge.repo(s.repo).runs.find((run) => run.status === "waiting");
    expect(waiting).toMatchObject({ event: "workflow_dispatch", inputs: { item: "1" } });
    if (waiting === undefined) return;
    const started = { ...s.forge.pickUp(waiting.id), event: waiting.event, actor: "bot" };
    expect((await s.start({ run: started, inputs: { item: "1" } })).outcome).toMatchObject({ outcome: "done" });
    expect((await s.record(1))?.askedBy).toBe("alice");
  });

  it("a run dispatched by the program is no order: what a person stopped meanwhile stays stopped", async () => {
    const s = await stage({ files });
    await s.issue("sum subtracts", { label: null });
    const started = await serverRun(s, "workflow_dispatch", "bot");
    const before = await s.photo();
    expect((await s.start({ run: started, inputs: { item: "1" } })).outcome?.outcome).toBe("idle");
    expect(await s.photo()).toBe(before);
  });

  it("a dispatch that the forge refuses is a red run, since no agent would ever start", async () => {
    const s = await stage({ files: { ".gitea/workflows/agent.yml": "on: [push]\njobs: { a: { runs-on: x } }\n" } });
    await s.issue("sum subtracts");
    const end = await s.start({ run: await serverRun(s, "schedule") });
    expect(end.exitCode).toBe(1);
    expect(end.lastLine).toContain("Give the workflow file the trigger `workflow_dispatch`");
  });
});

describe("after the pull request", () => {
  it("merged: labels off, bot unassigned, record closed, branch deleted", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    await s.start();
    await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/merge`, { Do: "merge" });
    expect((await s.start()).outcome).toMatchObject({ kind: "idle" });
    expect(s.see(1)).toMatchObject({ state: "closed", labels: [], assignees: [] });
    expect(s.see(2).labels).toEqual([]);
    expect(await s.record(1)).toMatchObject({ state: "closed" });
    expect(await s.branches()).toEqual(["main"]);
    const before = await s.photo();
    await s.start();
    expect(await s.photo()).toBe(before);
  });

  it("closed by a person: the same, the branch stays; the label put on again begins the next generation", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    await s.start();
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    await s.start();
    expect(s.see(1)).toMatchObject({ state: "open", labels: [], assignees: [] });
    expect(s.see(2)).toMatchObject({ state: "closed", labels: [] });
    expect(await s.record(1)).toMatchObject({ state: "closed", generation: 1 });
    expect(await s.branches()).toEqual(["agent/issue-1", "main"]);
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "done", branch: "agent/issue-1-2", attempt: 1 });
    expect(s.pulls().map((pull) => [pull.state, pull.pull?.headBranch])).toEqual([
      ["closed", "agent/issue-1"],
      ["open", "agent/issue-1-2"],
    ]);
    expect(await s.record(1)).toMatchObject({ state: "done", generation: 2 });
  });

  it("the issue closed by a person before anything was opened: labels off, record closed", async () => {
    const s = await stage({ agent: "exit 1" });
    await s.issue("sum subtracts");
    await s.start();
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "closed" });
    await s.start();
    expect(s.see(1)).toMatchObject({ state: "closed", labels: [], assignees: [] });
    expect(await s.record(1)).toMatchObject({ state: "closed" });
  });
});
