// What happens around the program while it works: red checks, people who change their minds, other runs, a forge that is away. Asserted is what
// stands on the forge and in the ledger afterwards.

import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatRecord } from "../../src/ledger/record.ts";
import { mends, quickLimits, type Stage, type StageOptions, stage, until } from "../support/run.ts";

/** Nothing was published and the item waits for its next try. */
async function expectWaiting(s: Stage, attempt: number): Promise<void> {
  expect(s.see(1)).toMatchObject({ state: "open", labels: ["bot"], assignees: [] });
  expect(await s.branches()).toEqual(["main"]);
  expect(s.pulls()).toEqual([]);
  expect(await s.record(1)).toMatchObject({ state: "released", attempt, slot: null });
}

describe("checks", () => {
  /** Fails on work that has the file `bad`, and not on the base. */
  const noBad = "if test -e bad; then echo bad is there; exit 3; fi";

  it("red: the same agent gets their output twice, then the attempt failed", async () => {
    const s = await stage({ checks: noBad });
    await s.issue("sum subtracts");
    const prompts = join(s.dir, "prompts");
    const end = await s.start({ inputs: { "agent-command": `cat >>${prompts}; echo ===END >>${prompts}; touch bad` } });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "checks-failed", attempt: 1 });
    const [, second, third, ...more] = readFileSync(prompts, "utf8").split("===END\n");
    expect(second).toContain("bad is there");
    expect(third).toContain("bad is there");
    expect(more).toEqual([""]);
    await expectWaiting(s, 1);
    expect(s.see(1).comments[0]).toContain("bad is there");
  });

  it("red, then mended by the same agent: published, one attempt", async () => {
    const s = await stage({ checks: noBad });
    await s.issue("sum subtracts");
    const agent = "if test -e bad; then rm bad; echo new >good; else touch bad; fi";
    const end = await s.start({ inputs: { "agent-command": agent } });
    expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1 });
    expect(await s.git("diff", "--name-only", "main", "agent/issue-1")).toBe("good");
  });

  it("hang: they are ended at their limit", async () => {
    const s = await stage({ checks: "if test -e bad; then sleep 30; fi", limits: { checkMinutes: 0.004 } });
    await s.issue("sum subtracts");
    const end = await s.start({ inputs: { "agent-command": "touch bad" } });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "checks-failed" });
    await expectWaiting(s, 1);
  });

  it("change files: nothing of that is published", async () => {
    const s = await stage({ checks: "echo junk >sum.js; echo junk >junk; git init -q . 2>/dev/null; true" });
    await s.issue("sum subtracts");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done" });
    expect(await s.file("agent/issue-1", "sum.js")).toContain("a + b");
    expect(await s.file("agent/issue-1", "junk")).toBeNull();
  });

  it("red on the base too: no attempt, and said so", async () => {
    const s = await stage({ checks: "echo no compiler; exit 4" });
    await s.issue("sum subtracts");
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "base-red" });
    await expectWaiting(s, 0);
    expect(s.see(1).comments[0]).toContain("fails on the base branch too (exit code 4)");
    expect(s.see(1).comments[0]).toContain("no compiler");
  });

  it("`prepare` fails: no agent starts, no attempt", async () => {
    const s = await stage({ policy: "prepare: ['echo no network; exit 9']" });
    await s.issue("sum subtracts");
    const end = await s.start({ inputs: { "agent-command": `touch ${s.dir}/ran` } });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "base-red" });
    expect(existsSync(join(s.dir, "ran"))).toBe(false);
    await expectWaiting(s, 0);
    expect(s.see(1).comments[0]).toContain("no network");
  });
});

describe("branches in the way", () => {
  it("a person's branch of our name is left alone, and said so once", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const sha = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    for (let run = 0; run < 2; run++) expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(sha);
    const { comments, assignees } = s.see(1);
    expect(assignees).toEqual([]);
    expect(comments).toHaveLength(1);
    expect(comments[0]).toContain("the branch `agent/issue-1` holds commits that are not the program's");
  });

  it("what a person pushed to our branch while an item waits for its next try is never replaced", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    expect((await s.start({ inputs: { "agent-command": "true" } })).outcome).toMatchObject({ failure: "no-change" });
    const sha = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    s.pass(1000);
    const notOurs = "the branch `agent/issue-1` holds commits that are not the program's; rename or delete it";
    expect((await s.start()).outcome?.passed[0]?.reason).toBe(notOurs);
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    for (let run = 0; run < 2; run++) expect((await s.start()).outcome?.passed[0]?.reason).toBe(notOurs);
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(sha);
    expect(s.see(1).comments.filter((text) => text.includes("Rename or delete it."))).toHaveLength(1);
  });

  it("a branch `agent` makes ours impossible: the forge's words reach people", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent", author: "alice" });
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "push-rejected" });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [] });
    expect(s.see(1).comments[0]).toContain("cannot create");
    expect(await s.branches()).toEqual(["agent", "main"]);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0 });
  });
});

/** Starts a run whose agent works until it is ended or `go` is there; answers when it is at work. */
async function atWork(options: StageOptions = {}) {
  const s = await stage({ limits: quickLimits, ...options });
  await s.issue("sum subtracts");
  // The forge counts whole seconds: what people do next is later than their order.
  s.pass(2);
  const [begun, go] = [join(s.dir, "begun"), join(s.dir, "go")];
  const agent = `echo $$ >${begun}; while ! test -e ${go}; do sleep 0.05; done; ${mends}`;
  const ended = s.start({ inputs: { "agent-command": agent } });
  await until(() => existsSync(begun) && readFileSync(begun, "utf8").endsWith("\n"), "an agent at work");
  const pid = readFileSync(begun, "utf8").trim();
  return { s, ended, pid, go: () => writeFile(go, "") };
}

describe("people change their minds while the agent works", () => {
  const issue = (s: Stage) => `/repos/${s.repo}/issues/1`;
  const changes: Record<
    string,
    { act: (s: Stage) => Promise<unknown>; why: string; after: Partial<ReturnType<Stage["see"]>> }
  > = {
    "take the label off": {
      act: (s) => s.forge.removeLabelAs("alice", s.repo, 1, "bot"),
      ...{ why: "`bot` was taken off", after: { labels: [], assignees: [] } },
    },
    "close the issue": {
      act: (s) => s.forge.as("alice").patch(issue(s), { state: "closed" }),
      ...{ why: "the issue was closed", after: { state: "closed", assignees: [] } },
    },
    "assign somebody": {
      act: (s) => s.forge.as("alice").patch(issue(s), { assignees: ["bot", "alice"] }),
      ...{ why: "@alice was assigned", after: { labels: ["bot"], assignees: ["alice"] } },
    },
    "lock the issue": {
      act: (s) => s.forge.as("owner").put(`${issue(s)}/lock`, { lock_reason: "Resolved" }),
      ...{ why: "the issue was locked", after: { labels: ["bot"], assignees: [] } },
    },
    "put `hold` on": {
      act: (s) => s.forge.addLabelAs("alice", s.repo, 1, "hold"),
      ...{ why: "`hold` was put on", after: { labels: ["bot", "hold"], assignees: [] } },
    },
  };

  it.each(Object.keys(changes))("%s: the agent is ended, nothing is published", async (name) => {
    const change = changes[name];
    if (change === undefined) throw new Error(name);
    const { s, ended, pid } = await atWork();
    expect(s.see(1)).toMatchObject({ assignees: ["bot"] });
    await change.act(s);
    const end = await ended;
    expect(end.lastLine).toBe(
      `cancelled: #1: stopped, ${change.why}. Nothing was published. The label put on again goes on.`,
    );
    expect(end.outcome).toMatchObject({ outcome: "cancelled", pullRequest: null });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(s.see(1)).toMatchObject(change.after);
    expect(await s.branches()).toEqual(["main"]);
    expect(s.pulls()).toEqual([]);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, slot: null });
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
  });

  it("what was held goes on when `hold` comes off", async () => {
    const { s, ended } = await atWork();
    await s.forge.addLabelAs("alice", s.repo, 1, "hold");
    expect((await ended).outcome).toMatchObject({ outcome: "cancelled" });
    await s.forge.removeLabelAs("alice", s.repo, 1, "hold");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });
});

describe("other things that happen while the agent works", () => {
  /** Another run's take-over, as its push would do it. */
  async function takeOver(s: Stage): Promise<void> {
    const ref = "refs/agent-dispatch/v1/item/issue-1";
    const identity = ["-c", "user.name=x", "-c", "user.email=x"];
    await until(async () => {
      const [record, now = ""] = [await s.record(1), (await s.ref(ref)) ?? ""];
      if (record === null) return false;
      const theirs = formatRecord({ ...record, epoch: record.epoch + 1, owner: "somebody else", nonce: "theirs" });
      const sha = await s.git(...identity, "commit-tree", `${now}^{tree}`, "-p", now, "-m", theirs);
      return s.git("update-ref", ref, sha, now).then(
        () => true,
        () => false,
      );
    }, "the take-over");
  }

  it("another run takes the item over: the agent is ended, nothing more is written", async () => {
    const { s, ended, pid } = await atWork();
    await takeOver(s);
    const before = await s.photo();
    const end = await ended;
    expect(end.outcome).toMatchObject({ outcome: "lost", failure: "claim-lost" });
    expect(end.exitCode).toBe(0);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await s.photo()).toBe(before);
  });

  it("another run takes the item over while the publish is on its way: the branch stays where it was", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    let before = "";
    s.forge.faults.add({
      when: (request) => request.path.endsWith("/git-receive-pack") && request.body.includes("refs/heads/agent/"),
      ...{ times: 1, do: "pass" },
      hold: async () => {
        await takeOver(s);
        before = await s.photo();
      },
    });
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "lost", failure: "claim-lost" });
    expect(s.forge.faults.met).toBe(1);
    expect(await s.photo()).toBe(before);
    expect(await s.branches()).toEqual(["main"]);
  });

  it("`hold` is put on while the forge does not answer the publish: nothing is published when it is back", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    let isHeld = false;
    s.forge.faults.add({
      when: (request) => request.path.endsWith("/git-receive-pack") && request.body.includes("refs/heads/agent/"),
      ...{ times: Number.POSITIVE_INFINITY, do: "502" },
      hold: async () => {
        if (!isHeld) await s.forge.addLabelAs("alice", s.repo, 1, "hold");
        isHeld = true;
      },
    });
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "cancelled" });
    expect(await s.branches()).toEqual(["main"]);
    expect(s.pulls()).toEqual([]);
    expect(s.see(1)).toMatchObject({ labels: ["bot", "hold"], assignees: [] });
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0 });
  });

  it.each(["503", "reset"] as const)("the forge is away (%s) and comes back: the work is published", async (deed) => {
    const { s, ended, go } = await atWork({ limits: { ...quickLimits, renewSeconds: 0.15, fenceSeconds: 0.6 } });
    s.forge.faults.add({ when: (request) => request.login === "bot", times: Number.POSITIVE_INFINITY, do: deed });
    await go();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    s.forge.faults.clear();
    const end = await ended;
    expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1, pullRequest: 2 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    expect(s.pulls()).toHaveLength(1);
    expect(await s.record(1)).toMatchObject({ state: "done", epoch: 1 });
  });

  it("the base moves on: the work is published on the base it was made for", async () => {
    const { s, ended, go } = await atWork();
    const base = await s.ref("refs/heads/main");
    await s.forge.commitFiles(s.repo, { other: "x" }, { author: "alice" });
    await go();
    expect((await ended).outcome).toMatchObject({ outcome: "done" });
    expect(await s.git("merge-base", "main", "agent/issue-1")).toBe(base);
  });

  it("somebody pushes to our branch: theirs stays, the work is not forced over it", async () => {
    const { s, ended, go } = await atWork();
    const sha = await s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    await go();
    expect((await ended).outcome).toMatchObject({ outcome: "failed", failure: "push-rejected" });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(sha);
    expect(s.pulls()).toEqual([]);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0 });
  });

  it("the token is revoked: the run is red and says so, nothing is published", async () => {
    const { s, ended, go } = await atWork();
    s.forge.deleteToken(s.token);
    await go();
    const end = await ended;
    expect(end.exitCode).toBe(1);
    expect(end.lastLine).toContain("The token is wrong, expired or revoked");
    expect(await s.branches()).toEqual(["main"]);
  });
});

describe("again and again", () => {
  it("the same failure twice goes to the person who asked, in one comment", async () => {
    const s = await stage({ agent: "echo broken pipe >&2; exit 1" });
    await s.issue("sum subtracts");
    expect((await s.start()).outcome).toMatchObject({ outcome: "failed", attempt: 1 });
    s.pass(400);
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "needs-person", failure: "crash", attempt: 2 });
    const { labels, assignees, comments } = s.see(1);
    expect({ labels, assignees }).toEqual({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(comments).toHaveLength(2);
    expect(comments[1]).toContain("gave up after 2 attempts (**crash**).");
    expect(comments[1]).toContain("broken pipe");
    expect(await s.record(1)).toMatchObject({ state: "blocked", stage: "blocked", attempt: 2 });
  });

  it("`max-attempts` different failures do the same; the label put on again starts from the first", async () => {
    const s = await stage({ policy: "maxAttempts: 3" });
    await s.issue("sum subtracts");
    const start = (agent: string) => s.start({ inputs: { "agent-command": agent } });
    const ends = [];
    for (const agent of ["exit 1", "true", "echo x >$AGENT_DISPATCH_RESULT"]) {
      ends.push((await start(agent)).outcome);
      s.pass(2_000);
    }
    expect(ends.map((end) => [end?.outcome, end?.failure, end?.attempt])).toEqual([
      ["failed", "crash", 1],
      ["failed", "no-change", 2],
      ["needs-person", "contract-invalid", 3],
    ]);
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect((await s.start()).outcome).toMatchObject({ outcome: "idle" });
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    expect((await start("exit 1")).outcome).toMatchObject({ outcome: "failed", attempt: 1 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [] });
    s.pass(2_000);
    expect((await start(mends)).outcome).toMatchObject({ outcome: "done", attempt: 2 });
  });

  it("runs that die without a word use up the attempts, then a person gets the item", async () => {
    const s = await stage({ policy: "maxAttempts: 1" });
    await s.issue("sum subtracts");
    s.forge.faults.add({
      when: (request) => request.method === "PATCH" && request.path.endsWith("/issues/1"),
      ...{ times: 1, do: "hang" },
    });
    // This run never ends: its claim ages.
    void s.start({ http: { timeoutMs: 600_000 } }).catch(() => undefined);
    await until(async () => (await s.record(1))?.state === "held", "a claim");
    expect((await s.start()).outcome?.passed[0]?.reason).toContain("claimed by a run outside the server");
    s.pass(600);
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "needs-person", failure: "abandoned" });
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(await s.record(1)).toMatchObject({ state: "blocked", slot: null });
  });
});
