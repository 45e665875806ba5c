// Two versions of the program in one repository: what the other one wrote is claimed, taken over, swept, overwritten and deleted by nobody, and
// every run says so. And a ledger that is lost: only counters are.

import { describe, expect, it, vi } from "vitest";
import { closedRecord, type LedgerByHand, ledgerByHand } from "../support/ledger.ts";
import { approved, playing, promptOf } from "../support/plays.ts";
import { type Stage, type StageOptions, stage } from "../support/run.ts";

vi.setConfig({ testTimeout: 120_000 });

const prefix = "refs/agent-dispatch/";

async function scene(options: StageOptions = {}): Promise<{ s: Stage; ledger: LedgerByHand }> {
  const s = await stage(options);
  return { s, ledger: ledgerByHand(s) };
}

const newer = (line: string, more: object = {}) =>
  `agent-dispatch v2 ${line}\n\n${JSON.stringify({ v: 2, ...more })}\n`;

/** What a newer program could have written, of every kind. */
const written: Record<string, string> = {
  "v1/item/issue-1": newer("held issue-1 e7.1", { state: "held", key: "issue-1", epoch: 7 }),
  "v1/item/issue-9": newer("closed issue-9 e7.1", { state: "closed", key: "issue-9", at: "2020-01-01T00:00:00Z" }),
  "v1/slot/1": newer("slot 1 issue-1 e7", { key: "issue-1", epoch: 7, nonce: "n" }),
  "v1/budget": newer("budget 2020-01-01", { day: "2020-01-01" }),
  "v1/archive": '{"v":2,"key":"issue-5"}\n',
  "v1/wip/issue-1": "uploaded by a newer program",
  "v1/profile/opus": newer("profile opus"),
  "v1/item/issue-3/part": newer("held issue-3 e1.1"),
  "v2/item/issue-3": newer("held issue-3 e1.1"),
  "v2/control": newer("control paused"),
};

function write(ledger: LedgerByHand): Map<string, string> {
  return new Map(Object.entries(written).map(([name, message]) => [name, ledger.write(name, message)]));
}

async function expectUntouched(s: Stage, refs: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, sha] of refs) expect(await s.ref(`${prefix}${name}`), name).toBe(sha);
}

describe("a newer version at work in the same repository", () => {
  it("whatever it wrote stays as it is, its items are left alone, others go on, and every run says so", async () => {
    const { s, ledger } = await scene({ policy: "maxConcurrent: 2" });
    for (const title of ["theirs", "ours", "theirs too"]) await s.issue(title);
    const refs = write(ledger);
    ledger.write("v1/item/issue-8", closedRecord(s, "issue-8", 100));
    s.pass(2);
    const first = await s.start();
    expect(first.outcome).toMatchObject({ kind: "implement", outcome: "done", item: 2 });
    const warned = first.log.split("\n").filter((line) => line.startsWith("warning: "));
    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain("9 refs of the ledger cannot be read by this version and are left alone");
    expect(warned[0]).toContain("update agent-dispatch in every workflow of this repository");
    await expectUntouched(s, refs);
    await s.forge.addLabelAs("alice", s.repo, 2, "hold");
    s.pass(2);
    const idle = await s.start();
    expect(idle.outcome?.outcome).toBe("idle");
    expect(idle.outcome?.reason).toContain("9 refs of the ledger cannot be read by this version");
    expect(idle.outcome?.passed.map(({ item, reason }) => `${item}: ${reason}`).sort()).toEqual([
      "1: its record in the ledger cannot be read (version 2, this program knows version 1); it is left alone",
      "2: `hold` is on the issue",
      "3: its record in the ledger cannot be read (version 2 has one for it, `refs/agent-dispatch/v2/item/issue-3`); it is left alone",
    ]);
    // A line in their archive would be lost to them: what is due waits for the update.
    expect(await s.ref(`${prefix}v1/item/issue-8`)).not.toBeNull();
    const explained = await s.start({ inputs: { mode: "explain", item: "1" } });
    expect(explained.log).toContain("warning: 9 refs of the ledger cannot be read by this version");
    for (const labels of [s.see(1).labels, s.see(3).labels]) expect(labels).toEqual(["bot"]);
    await expectUntouched(s, refs);
  });

  it("a place that it holds is taken", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    const sha = ledger.write("v1/slot/1", written["v1/slot/1"] ?? "");
    const end = await s.start({ inputs: { "max-concurrent": "1" } });
    expect(end.outcome).toMatchObject({ outcome: "idle" });
    expect(end.outcome?.passed[0]?.reason).toContain("all places for agents are taken");
    expect(end.outcome?.reason).toContain("`refs/agent-dispatch/v1/slot/1` (version 2)");
    expect(await s.ref(`${prefix}v1/slot/1`)).toBe(sha);
  });

  it("with a day's budget that it keeps nothing is begun", async () => {
    const { s, ledger } = await scene({ limits: { costUsdPerDay: 10 } });
    await s.issue("sum subtracts");
    const sha = ledger.write("v1/budget", written["v1/budget"] ?? "");
    const end = await s.start();
    expect(end.outcome?.passed[0]?.reason).toContain("the ledger's record `budget` cannot be read");
    expect(end.outcome?.reason).toContain("`refs/agent-dispatch/v1/budget` (version 2)");
    expect(await s.ref(`${prefix}v1/budget`)).toBe(sha);
  });

  it("its pause is nobody's here: `/agent resume` is refused with a clear word, once, and the breaker counts nothing", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.issue("Dashboard", { body: "<!-- agent-dispatch:dashboard v1 -->", by: "owner", label: null });
    const sha = ledger.write("v1/control", newer("control open", { pause: null }));
    const paused = await s.start();
    expect(paused.outcome?.reason).toContain(
      "paused by the ledger: the record `control` cannot be read by this version (version 2)",
    );
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/2/comments`, { body: "/agent resume" });
    for (let run = 0; run < 3; run++) {
      s.pass(2);
      expect((await s.start({ seed: run })).outcome).toMatchObject({ outcome: "idle" });
    }
    const told = s.see(2).comments.filter((text) => text.startsWith("bot: "));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      "`/agent resume` is refused: the ledger's record `control` was written by a newer version of agent-dispatch (version 2)",
    );
    expect(await s.ref(`${prefix}v1/control`)).toBe(sha);
    expect(s.pulls()).toEqual([]);
  });

  it("effects with a field that it added are not carried out half", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    s.forge.faults.add({
      when: (r) => r.kind === "api" && r.method === "POST" && r.path.endsWith("/pulls"),
      ...{ times: Number.POSITIVE_INFINITY, do: "500" },
    });
    await s.start();
    s.forge.faults.clear();
    const ref = `${prefix}v1/item/issue-1`;
    const effects = JSON.parse(ledger.git(["show", `${ref}:effects.json`])) as { effects: object[] };
    effects.effects = effects.effects.map((one) => ({ ...one, onlyIf: "something newer" }));
    const sha = ledger.write("v1/item/issue-1", ledger.git(["log", "-1", "--format=%B", ref]), {
      "effects.json": JSON.stringify(effects),
    });
    const end = await s.start();
    expect(end.outcome?.passed[0]?.reason).toContain("`effects.json`) cannot be read by this version");
    expect(end.outcome?.reason).toContain("its `effects.json` has a form that is not known");
    expect(await s.ref(ref)).toBe(sha);
    expect(s.pulls()).toEqual([]);
  });
});

describe("fields of a later program of the same version", () => {
  it("are kept by every writer: claim, life sign, publish, finish, a failed attempt, and the repair that closes", async () => {
    const { s, ledger } = await scene({ limits: { renewSeconds: 0.2, fenceSeconds: 2 } });
    const inputs = { "agent-command": await playing(s.dir, { review: [approved] }) };
    await s.issue("sum subtracts");
    await s.start({ inputs });
    const later = { later: { a: [1, "b"] }, laterStill: "kept" };
    const from = ledger.amend("issue-1", later);
    const failing = { "agent-command": "sleep 1; exit 3" };
    s.pass(2);
    await s.start({ inputs: failing });
    expect(ledger.read("issue-1")).toMatchObject({ state: "released", ...later });
    s.pass(2_000);
    await s.start({ inputs });
    expect(ledger.read("issue-1")).toMatchObject({ state: "done", stage: "merge-ready", ...later });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "Nice." });
    s.pass(2);
    await s.start({ inputs });
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    s.pass(2);
    await s.start({ inputs });
    expect(ledger.read("issue-1")).toMatchObject({ state: "closed", ...later });
    const ref = `${prefix}v1/item/issue-1`;
    const bodies = ledger
      .git(["log", "--format=%b%x1e", `${from}..${ref}`])
      .split("\x1e")
      .filter((b) => b.trim() !== "");
    const states = bodies.map((body) => {
      const record = JSON.parse(body);
      expect(record).toMatchObject(later);
      return String(record.state);
    });
    for (const state of ["held", "published", "released", "done", "closed"]) expect(states).toContain(state);
  });

  it("in the pause, too", async () => {
    const { s, ledger } = await scene();
    await s.issue("Dashboard", { body: "<!-- agent-dispatch:dashboard v1 -->", by: "owner", label: null });
    ledger.write("v1/control", 'agent-dispatch v1 control open\n\n{"v":1,"pause":null,"later":{"a":1}}\n');
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent pause for a release" });
    s.pass(2);
    await s.start();
    const control = JSON.parse(ledger.git(["log", "-1", "--format=%b", `${prefix}v1/control`]));
    expect(control).toMatchObject({ v: 1, pause: { by: "@alice" }, later: { a: 1 } });
  });
});

describe("a ledger that is lost", () => {
  const lose = (ledger: LedgerByHand) => {
    for (const name of ledger.refs()) if (name !== "") ledger.remove(name.slice(prefix.length));
  };

  it("an open pull request goes on where it is, with its generation, branch and head in the new record", async () => {
    const { s, ledger } = await scene();
    const inputs = { "agent-command": await playing(s.dir, { review: [approved] }) };
    await s.issue("sum subtracts");
    await s.start({ inputs });
    lose(ledger);
    s.pass(2);
    expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "done", pullRequest: 2 });
    const head = await s.ref("refs/heads/agent/issue-1");
    expect(await s.record(1)).toMatchObject({
      generation: 1,
      branch: "agent/issue-1",
      head,
      pull: 2,
      stage: "merge-ready",
    });
    expect(s.pulls()).toHaveLength(1);
  });

  it("handed over: no event brings it back, not even beside an old order", async () => {
    const { s, ledger } = await scene();
    const inputs = { "agent-command": await playing(s.dir, { review: [approved] }) };
    await s.issue("sum subtracts");
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run and mind the sum" });
    s.pass(2);
    await s.start({ inputs });
    s.pass(2);
    await s.start({ inputs });
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
    lose(ledger);
    s.pass(2);
    await s.forge.commitFiles(s.repo, { "sum.js": "export const sum = () => 0;\n" }, { author: "alice" });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/2/comments`, { body: "I look at it tomorrow." });
    s.pass(2);
    const last = s.forge.events.at(-1);
    const before = await s.photo();
    const named = await s.start({
      inputs,
      ...(last === undefined ? {} : { event: last.event, payload: last.payload }),
    });
    expect(named.outcome).toMatchObject({ outcome: "idle" });
    await s.start({ inputs });
    expect(await s.photo()).toBe(before);
  });

  it("its pull request was closed: the next free generation", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    lose(ledger);
    s.pass(2);
    await s.forge.removeLabelAs("alice", s.repo, 1, "bot");
    s.pass(2);
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    s.pass(2);
    const end = await s.start();
    expect(end.outcome).toMatchObject({
      kind: "implement",
      outcome: "done",
      branch: "agent/issue-1-2",
      pullRequest: 3,
    });
    expect(s.pulls().map((pull) => pull.state)).toEqual(["closed", "open"]);
    expect(await s.record(1)).toMatchObject({ generation: 2, pull: 3 });
  });

  it("a second question is asked although the first one's claim had the same count", async () => {
    const { s, ledger } = await scene();
    const asks = { result: { status: "needs-info", question: "Which sum?" } } as const;
    const inputs = {
      "agent-command": await playing(s.dir, {
        implement: [asks, { ...asks, result: { ...asks.result, question: "Which list?" } }],
      }),
    };
    await s.issue("sum subtracts");
    await s.start({ inputs });
    lose(ledger);
    s.pass(2);
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    s.pass(2);
    expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "needs-person" });
    const questions = s.see(1).comments.filter((text) => text.includes("agent-dispatch:question"));
    expect(questions).toHaveLength(2);
    expect(questions[1]).toContain("Which list?");
  });

  it("a branch with the program's commits alone is taken on, and what it holds is kept for the next author", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    s.forge.faults.add({
      when: (r) => r.kind === "api" && r.method === "POST" && r.path.endsWith("/pulls"),
      ...{ times: Number.POSITIVE_INFINITY, do: "500" },
    });
    await s.start();
    s.forge.faults.clear();
    const left = await s.ref("refs/heads/agent/issue-1");
    expect(left).not.toBeNull();
    lose(ledger);
    s.pass(2);
    const end = await s.start({ inputs: { "agent-command": await playing(s.dir, {}) } });
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "done", branch: "agent/issue-1" });
    expect(await promptOf(s.dir, "implement", 1)).toContain("`earlier-attempt`");
    expect(s.pulls().map((pull) => [pull.state, pull.pull?.headBranch])).toEqual([["open", "agent/issue-1"]]);
  });

  it("a branch of our name with a person's commit is left, and said once", async () => {
    const { s } = await scene();
    await s.issue("sum subtracts");
    const theirs = await s.forge.commitFiles(
      s.repo,
      { "mine.txt": "x\n" },
      { author: "alice", branch: "agent/issue-1" },
    );
    for (let run = 0; run < 3; run++) {
      s.pass(2);
      expect((await s.start({ seed: run })).outcome).toMatchObject({ outcome: "idle" });
    }
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(theirs);
    expect(s.see(1).comments.filter((text) => text.includes("holds commits that are not the program's"))).toHaveLength(
      1,
    );
  });
});
