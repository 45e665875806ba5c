// What has had its day leaves the ledger, once, with a line in the archive; and what was said or begun twice is put right on the way.

import { describe, expect, it, vi } from "vitest";
import { parseArchive } from "../../src/ledger/archive.ts";
import { closedRecord, type LedgerByHand, ledgerByHand } from "../support/ledger.ts";
import { type Stage, type StageOptions, stage } from "../support/run.ts";

// Some are several whole runs.
vi.setConfig({ testTimeout: 120_000 });

const archive = "v1/archive";

async function scene(options: StageOptions = {}): Promise<{ s: Stage; ledger: LedgerByHand }> {
  const s = await stage(options);
  return { s, ledger: ledgerByHand(s) };
}

/** Issues 1 to `count`, closed by alice. */
async function closedIssues(s: Stage, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await s.issue(`number ${number}`, { label: null });
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/${number}`, { state: "closed" });
  }
}

const reads = (s: Stage) => (path: RegExp) =>
  s.forge.requests.filter((r) => r.kind === "api" && r.method === "GET" && path.test(r.path)).length;

describe("the sweep", () => {
  it("items closed for more than 14 days: a line each, their refs gone, everything else as it was", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 3);
    ledger.write("v1/item/issue-1", closedRecord(s, "issue-1", 15, { head: "a".repeat(40), pull: 9, round: 2 }));
    ledger.write("v1/wip/issue-1", "kept work");
    ledger.write("v1/item/issue-2", closedRecord(s, "issue-2", 20));
    ledger.write("v1/item/issue-3", closedRecord(s, "issue-3", 13));
    const end = await s.start();
    expect(end.outcome).toMatchObject({ outcome: "idle" });
    expect(end.log).toContain("swept into `refs/agent-dispatch/v1/archive`: issue-2, issue-1");
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/archive", "refs/agent-dispatch/v1/item/issue-3"]);
    const lines = ledger.log(archive).map(parseArchive);
    expect(lines).toMatchObject([
      {
        ...{ key: "issue-1", generation: 1, state: "closed", head: "a".repeat(40), pull: 9, claims: 4, rounds: 2 },
        spend: { usd: 1.25, tokens: 900 },
      },
      { key: "issue-2" },
    ]);
    expect(Date.parse(lines[0]?.opened ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect(Date.parse(lines[0]?.closed ?? "")).toBeLessThan(Date.now() - 14 * 24 * 3_600_000);
    const before = await s.photo();
    await s.start();
    expect(await s.photo()).toBe(before);
    s.pass(2 * 24 * 3_600);
    await s.start();
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-3", "issue-1", "issue-2"]);
  });

  it("what is open again, asked for again or on hold stays, and is asked about once in 14 days", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 4);
    for (const n of [1, 2, 3, 4]) ledger.write(`v1/item/issue-${n}`, closedRecord(s, `issue-${n}`, 30));
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "open" });
    await s.forge.addLabelAs("alice", s.repo, 2, "bot");
    await s.forge.addLabelAs("alice", s.repo, 3, "hold");
    const asked = reads(s);
    s.forge.requests.length = 0;
    await s.start();
    expect(asked(/\/issues\/[1234]$/)).toBe(4);
    expect(ledger.log(archive)).toHaveLength(1);
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-4"]);
    for (const n of [1, 2, 3]) {
      const record = await s.record(n);
      expect(record).toMatchObject({ state: "closed", epoch: 4, seq: 4 });
      const days = (Date.parse(record?.sweepAfter ?? "") - Date.now()) / (24 * 3_600_000);
      expect(Math.round(days)).toBe(14);
    }
    const before = await s.photo();
    s.forge.requests.length = 0;
    await s.start();
    expect(asked(/\/issues\/[123]$/)).toBe(0);
    expect(await s.photo()).toBe(before);
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "closed" });
    s.pass(15 * 24 * 3_600);
    await s.start();
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-1", "issue-4"]);
  });

  it("nothing due: not one request more", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 1);
    ledger.write("v1/item/issue-1", closedRecord(s, "issue-1", 13));
    await s.start();
    const of = async () => {
      s.forge.requests.length = 0;
      await s.start();
      return s.forge.requests.map((r) => `${r.method} ${r.path.split("?")[0]}`);
    };
    const idle = await of();
    s.pass(2 * 24 * 3_600);
    const swept = await of();
    // The issue, and git's push.
    expect(swept.filter((request) => !idle.includes(request))).toEqual(
      [
        `GET /api/v1/repos/${s.repo}/issues/1`,
        `GET /${s.repo}.git/info/refs`,
        `POST /${s.repo}.git/git-receive-pack`,
      ].filter((request) => !idle.includes(request)),
    );
    expect(await of()).toHaveLength(idle.length);
  });

  it("20 a run, in one push; the history of the archive is not fetched to add to it", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 1);
    for (let n = 1; n <= 45; n++) ledger.write(`v1/item/issue-${n + 100}`, closedRecord(s, `issue-${n + 100}`, 20 + n));
    s.forge.requests.length = 0;
    await s.start();
    expect(s.forge.requests.filter((r) => r.kind === "git" && r.path.endsWith("/git-receive-pack"))).toHaveLength(1);
    expect(ledger.log(archive)).toHaveLength(20);
    await s.start();
    await s.start();
    const keys = ledger.log(archive).map((line) => parseArchive(line)?.key);
    expect(keys).toHaveLength(45);
    expect(new Set(keys).size).toBe(45);
    expect(keys.at(-1)).toBe("issue-145");
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/archive"]);
  });

  it("several runs at once: exactly one line each", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 3);
    for (const n of [1, 2, 3]) ledger.write(`v1/item/issue-${n}`, closedRecord(s, `issue-${n}`, 20 + n));
    const ends = await Promise.all([1, 2, 3].map((seed) => s.start({ seed })));
    expect(ends.map((end) => end.exitCode)).toEqual([0, 0, 0]);
    await s.start();
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-1", "issue-2", "issue-3"]);
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/archive"]);
  });

  it("the answer of the push is lost: still one line each", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 2);
    for (const n of [1, 2]) ledger.write(`v1/item/issue-${n}`, closedRecord(s, `issue-${n}`, 20 + n));
    s.forge.faults.add({
      when: (r) => r.kind === "git" && r.method === "POST" && r.path.endsWith("/git-receive-pack"),
      ...{ times: 1, do: "apply-then-reset" },
    });
    const end = await s.start();
    expect(end.exitCode).toBe(0);
    expect(s.forge.faults.met).toBe(1);
    await s.start();
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-1", "issue-2"]);
  });

  it("what fails is no reason for a red run, and is done later", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 1);
    ledger.write("v1/item/issue-1", closedRecord(s, "issue-1", 20));
    s.forge.faults.add({
      when: (r) => r.kind === "api" && r.method === "GET" && r.path.endsWith("/issues/1"),
      ...{ times: 20, do: "500" },
    });
    const end = await s.start();
    expect(end).toMatchObject({ exitCode: 0, outcome: { outcome: "idle" } });
    expect(end.log).toContain("the ledger could not be swept");
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/item/issue-1"]);
    s.forge.faults.clear();
    await s.start();
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/archive"]);
  });

  it("comes after the work, also where the place's last holder was swept", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 1);
    ledger.write("v1/item/issue-1", closedRecord(s, "issue-1", 20));
    const slot = ledger.write(
      "v1/slot/1",
      'agent-dispatch v1 slot 1 issue-1 e4\n\n{"v":1,"key":"issue-1","epoch":4,"nonce":"n"}\n',
    );
    await s.start();
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/archive", "refs/agent-dispatch/v1/slot/1"]);
    expect(await s.ref("refs/agent-dispatch/v1/slot/1")).toBe(slot);
    const number = await s.issue("sum subtracts");
    ledger.write("v1/item/issue-77", closedRecord(s, "issue-77", 20));
    const end = await s.start({ inputs: { "max-concurrent": "1" } });
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "done", item: number });
    expect(ledger.log(archive).map((line) => parseArchive(line)?.key)).toEqual(["issue-77", "issue-1"]);
  });

  it("uploads without a record, and of closed items, go at once", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 2);
    ledger.write("v1/wip/issue-1", "nobody's");
    ledger.write("v1/item/issue-2", closedRecord(s, "issue-2", 1));
    ledger.write("v1/wip/issue-2", "of a closed item");
    const end = await s.start();
    expect(end.log).toContain("removed uploads without a record: issue-1, issue-2");
    expect(ledger.refs()).toEqual(["refs/agent-dispatch/v1/item/issue-2"]);
  });

  it("a dry run tells it and does nothing", async () => {
    const { s, ledger } = await scene();
    await closedIssues(s, 1);
    ledger.write("v1/item/issue-1", closedRecord(s, "issue-1", 20));
    ledger.write("v1/wip/issue-9", "nobody's");
    const before = await s.photo();
    const end = await s.start({ inputs: { "dry-run": "true" } });
    expect(end.log).toContain("would sweep issue-1, if its issue is still closed");
    expect(end.log).toContain("would remove the upload of issue-9, which has no record");
    expect(await s.photo()).toBe(before);
  });

  it("the whole way: merged, closed, swept, and asked for again in the next generation", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/merge`, { Do: "merge" });
    s.pass(2);
    await s.start();
    expect(await s.record(1)).toMatchObject({ state: "closed" });
    s.pass(15 * 24 * 3_600);
    await s.start();
    expect(ledger.refs().filter((name) => name.includes("/item/"))).toEqual([]);
    expect(ledger.log(archive).map(parseArchive)).toMatchObject([{ key: "issue-1", generation: 1, pull: 2 }]);
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "open" });
    await s.forge.commitFiles(
      s.repo,
      { "sum.js": "export const sum = (n) => n.reduce((a, b) => a - b, 0);\n" },
      { author: "alice" },
    );
    await s.forge.addLabelAs("alice", s.repo, 1, "bot");
    s.pass(2);
    const again = await s.start();
    expect(again.outcome).toMatchObject({
      kind: "implement",
      outcome: "done",
      branch: "agent/issue-1-2",
      pullRequest: 3,
    });
    expect(await s.record(1)).toMatchObject({ generation: 2 });
    expect(s.pulls().at(-1)?.body).toContain("issue=1 generation=2");
  });
});

describe("closing an item", () => {
  it("removes what was kept of its work", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    const wip = ledger.write("v1/wip/issue-1", "an attempt's work");
    ledger.amend("issue-1", { kept: { head: wip, at: new Date().toISOString(), attempt: 1, why: "it failed" } });
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    await s.start();
    expect(await s.record(1)).toMatchObject({ state: "closed" });
    expect((await s.record(1))?.kept).toBeUndefined();
    expect(await s.ref("refs/agent-dispatch/v1/wip/issue-1")).toBeNull();
  });

  it("a run that died after its merge: the issue is closed where the forge left it open", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    const pull = s.pulls()[0];
    if (pull === undefined) throw new Error("no pull request");
    pull.body = `${pull.body}\n\nCloses #1`;
    await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/merge`, { Do: "merge" });
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "open" });
    s.pass(2);
    ledger.amend("issue-1", { state: "held", kind: "land", at: new Date(0).toISOString() });
    const end = await s.start();
    expect(end.log).toContain("repaired: #1 is over: pull request #2 was merged");
    expect(s.see(1)).toMatchObject({ state: "closed", labels: [], assignees: [] });
    expect(await s.record(1)).toMatchObject({ state: "closed" });
  });
});

describe("repairs of what was looked at", () => {
  const say = async (s: Stage, number: number, body: string, by = "bot") => {
    await s.forge.as(by).post(`/repos/${s.repo}/issues/${number}/comments`, { body });
    return (
      s.forge
        .repo(s.repo)
        .issues.flatMap((i) => i.entries)
        .filter((e) => e.type === "comment")
        .at(-1)?.id ?? 0
    );
  };

  it("comments and reviews that two runs wrote stand there once", async () => {
    const { s } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    await say(s, 1, "<!-- agent-dispatch:status v1 -->\n\ntwice");
    await say(s, 2, "<!-- agent-dispatch:handover v1 key=7 -->\n\nonce");
    await say(s, 2, "<!-- agent-dispatch:handover v1 key=7 -->\n\ntwice");
    await say(s, 2, "<!-- agent-dispatch:handover v1 key=7 -->\n\nquoted", "alice");
    const review = { event: "COMMENT", body: "<!-- agent-dispatch:review v1 key=x-1 -->\n\nGood." };
    for (const _ of [1, 2]) await s.forge.as("bot").post(`/repos/${s.repo}/pulls/2/reviews`, review);
    s.pass(2);
    await s.forge.addLabelAs("alice", s.repo, 1, "hold");
    await s.start();
    expect(s.see(2).comments).toHaveLength(3);
    await s.forge.removeLabelAs("alice", s.repo, 1, "hold");
    s.pass(2);
    // A tick decides, and dispatches nothing here: what was looked at is put right without any work.
    const end = await s.start({ inputs: { mode: "implement" } });
    expect(end.outcome).toMatchObject({ outcome: "idle" });
    expect(end.log).toContain("repaired: what was said twice on #1 stands there once");
    expect(s.see(1).comments.filter((text) => text.includes("agent-dispatch:status"))).toHaveLength(1);
    expect(s.see(2).comments).toEqual([
      "bot: <!-- agent-dispatch:handover v1 key=7 -->\n\nonce",
      "alice: <!-- agent-dispatch:handover v1 key=7 -->\n\nquoted",
    ]);
    expect(s.pulls()[0]?.pull?.reviews).toHaveLength(1);
    s.forge.requests.length = 0;
    const before = await s.photo();
    await s.start({ inputs: { mode: "implement" } });
    expect(await s.photo()).toBe(before);
    expect(s.forge.requests.filter((r) => r.method === "DELETE")).toEqual([]);
  });

  it("also on an item that nobody looks at any more: the newest comments of the repository show it", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    // Handed over: labels off, and its pull request looked at last after the doubled word came.
    ledger.amend("issue-1", { state: "done", stage: "merge-ready", at: new Date(Date.now() + 60_000).toISOString() });
    await s.forge.removeLabelAs("bot", s.repo, 1, "bot");
    for (const times of ["once", "twice"]) await say(s, 2, `<!-- agent-dispatch:handover v1 key=7 -->\n\n${times}`);
    s.pass(2);
    const end = await s.start();
    expect(end.log).toContain("repaired: what was said twice on #1 stands there once");
    expect(s.see(2).comments).toEqual(["bot: <!-- agent-dispatch:handover v1 key=7 -->\n\nonce"]);
    s.forge.requests.length = 0;
    await s.start();
    expect(s.forge.requests.filter((r) => r.method === "DELETE")).toEqual([]);
  });

  it("a review whose run died: its pending status ends, also on a head that is not the pull request's any more", async () => {
    const { s, ledger } = await scene();
    await s.issue("sum subtracts");
    await s.start();
    const head = (await s.record(1))?.head ?? "";
    await s.forge.as("bot").post(`/repos/${s.repo}/statuses/${head}`, {
      ...{ context: "agent-dispatch/review", state: "pending", description: "round 1: command reviews" },
    });
    ledger.amend("issue-1", { state: "held", kind: "review", judging: head, at: new Date(0).toISOString() });
    await s.forge.removeLabelAs("alice", s.repo, 1, "bot");
    s.pass(2);
    await s.forge.commitFiles(s.repo, { "more.txt": "x\n" }, { author: "alice", branch: "agent/issue-1" });
    s.pass(2);
    const end = await s.start();
    expect(end.log).toContain("repaired: #1: a review ended without a word");
    const of = s.forge
      .repo(s.repo)
      .statuses.filter((one) => one.sha === head && one.context === "agent-dispatch/review");
    expect(of.map((one) => one.state)).toEqual(["pending", "error"]);
    expect((await s.record(1))?.judging).toBeUndefined();
    await s.start();
    expect(s.forge.repo(s.repo).statuses.filter((one) => one.sha === head)).toHaveLength(of.length + 1);
  });
});
