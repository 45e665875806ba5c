// Work on its way to the forge and work that failed: uploads that outlast the lease, servers that do not answer, what the next attempt finds, and
// what must never leave the machine.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDoneOnce } from "../support/done-once.ts";
import type { SeenRequest } from "../support/forge/forge.ts";
import { implemented, type Plays, playing, promptOf, rejected, reworked } from "../support/plays.ts";
import { mends, type Stage, type StageOptions, stage, until } from "../support/run.ts";
import { asked as calm, killed, pastEnd, publish, runOn } from "./dying.ts";

const wip = "refs/agent-dispatch/v1/wip/issue-1";
const isPush = (r: SeenRequest) => r.kind === "git" && r.method === "POST" && r.path.endsWith("/git-receive-pack");
const isUpload = (r: SeenRequest) => isPush(r) && r.body.includes(wip) && !r.body.includes("/item/issue-1");
const isPublish = (r: SeenRequest) => isPush(r) && r.body.includes("refs/heads/agent/issue-1");

/** A forge with one issue; the agent's starts are counted in a file. */
async function asked(options: StageOptions = {}): Promise<Stage> {
  const s = await stage({ ...options, limits: { cooldownSeconds: [0], ...options.limits } });
  await s.issue("sum subtracts");
  return s;
}

/** An agent of the shell that leaves a trace of each start. */
const counted = (s: Stage, command: string) => ({ "agent-command": `echo start >>${s.dir}/starts; ${command}` });
const starts = (s: Stage) => readFileSync(join(s.dir, "starts"), "utf8").trim().split("\n").length;

/** Bodies of the pushes that come in from now on. */
function pushes(s: Stage): Buffer[] {
  const seen: Buffer[] = [];
  const note = (r: SeenRequest) => {
    if (isPush(r)) seen.push(r.body);
    return false;
  };
  s.forge.faults.add({ when: note, times: 1, do: "pass" });
  return seen;
}

/** One pull request with the work, and nothing left beside it. */
async function expectPublished(s: Stage): Promise<void> {
  expect(s.pulls().map((pull) => pull.state)).toEqual(["open"]);
  const record = await s.record(1);
  expect(record).toMatchObject({ state: "done", stage: "needs-review", attempt: 0, slot: null });
  expect(record?.kept).toBeUndefined();
  expect(await s.ref("refs/heads/agent/issue-1")).toBe(record?.head);
  expect(await s.file("agent/issue-1", "sum.js")).toContain("a + b");
  expect(await s.ref(wip)).toBeNull();
}

describe("an upload", { timeout: 60_000 }, () => {
  it("that takes longer than the lease keeps the claim, is made once, and the publish is small", {
    timeout: 90_000,
  }, async () => {
    const limits = {
      renewSeconds: 1,
      fenceSeconds: 4,
      killSeconds: 0.3,
      apiSeconds: 4,
      ttlSeconds: 9,
      slackSeconds: 0.5,
    };
    const s = await asked({ limits });
    const pushed = pushes(s);
    s.forge.pushBytesPerSecond = 200_000;
    const inputs = counted(s, `head -c 2600000 /dev/urandom >big; ${mends}`);
    const first = s.start({ inputs });
    await until(() => existsSync(join(s.dir, "starts")), "the agent started");
    const before = (await s.record(1))?.seq ?? 0;
    // Longer than the first life sign would have lasted.
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    expect(await s.ref(wip)).toBeNull();
    const second = await s.start({ inputs });
    expect(second.outcome).toMatchObject({ outcome: "idle" });
    expect(second.outcome?.passed[0]?.reason).toMatch(/claimed/);
    expect((await first).outcome).toMatchObject({ outcome: "done", attempt: 1 });
    await expectDoneOnce(s);
    expect(await s.record(1)).toMatchObject({ epoch: 1 });
    expect((await s.record(1))?.seq).toBeGreaterThan(before + 3);
    expect(starts(s)).toBe(1);
    expect(pushed.filter((body) => body.length > 2_600_000)).toHaveLength(1);
    expect(pushed.filter((body) => body.length > 100_000)).toHaveLength(1);
    expect(await s.ref(wip)).toBeNull();
  });

  it("that fails again and again, then works: the agent's work is not repeated", async () => {
    const s = await asked();
    s.forge.faults.add({ when: isUpload, times: 2, do: "502" });
    s.forge.faults.add({ when: isUpload, times: 1, do: "reset" });
    s.forge.faults.add({ when: isUpload, times: 1, do: "apply-then-502" });
    const end = await s.start({ inputs: counted(s, mends) });
    expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1 });
    expect(s.forge.faults.met).toBe(4);
    expect(starts(s)).toBe(1);
    await expectDoneOnce(s);
    expect(await s.ref(wip)).toBeNull();
  });

  it("ends at once when a person takes the item back meanwhile; what was done is kept", {
    timeout: 60_000,
  }, async () => {
    const s = await asked({ limits: { renewSeconds: 0.3 } });
    s.forge.pushBytesPerSecond = 50_000;
    const run = s.start({ inputs: counted(s, `head -c 2600000 /dev/urandom >big; ${mends}`) });
    const uploads = () => s.forge.requests.filter((r) => r.path.includes("service=git-receive-pack")).length;
    await until(() => existsSync(join(s.dir, "starts")), "the agent started");
    const before = uploads();
    await until(() => uploads() > before + 3, "the upload is under way");
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/labels`, { labels: ["hold"] });
    s.forge.pushBytesPerSecond = 0;
    const end = await run;
    expect(end.outcome).toMatchObject({ outcome: "cancelled" });
    expect(await s.branches()).toEqual(["main"]);
    expect(s.pulls()).toEqual([]);
    const { kept } = (await s.record(1)) ?? {};
    expect(kept).toMatchObject({ attempt: 1, why: "`hold` was put on" });
    expect(await s.ref(wip)).toBe(kept?.head);
    expect(s.see(1).comments[0]).toContain(`\`git fetch origin ${wip}\``);
  });

  it("too large for the server: said so, costs no attempt", async () => {
    const s = await asked();
    s.forge.faults.add({ when: isUpload, times: Number.POSITIVE_INFINITY, do: { status: 413 } });
    const end = await s.start({ inputs: counted(s, mends) });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "push-rejected" });
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0 });
    expect((await s.record(1))?.kept).toBeUndefined();
    expect(s.see(1).comments[0]).toContain("takes no push of this size (HTTP 413)");
  });
});

describe("a run that is gone between upload and publish", { timeout: 60_000 }, () => {
  it("its work is not published unchecked, but offered to the next attempt", async () => {
    const s = await calm();
    const run = await runOn(s);
    await killed(s, publish, "stop", { run, inputs: counted(s, `echo first >first; ${mends}`) });
    const uploaded = await s.ref(wip);
    expect(uploaded).not.toBeNull();
    expect(await s.record(1)).toMatchObject({ state: "held" });
    expect(await s.branches()).toEqual(["main"]);
    s.forge.endRun(run.id, "failure");
    s.pass(pastEnd);
    const told = await s.start({ inputs: { mode: "explain", item: "1" } });
    expect(told.log).toContain(`kept work of attempt 1 (its run ended without a word): git fetch origin ${wip}`);
    const agent = `git show earlier-attempt:first >second && cp "$AGENT_DISPATCH_PROMPT" ${s.dir}/prompt; ${mends}`;
    const end = await s.start({ inputs: counted(s, agent) });
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "done" });
    expect(await s.file("agent/issue-1", "second")).toBe("first");
    expect(await s.file("agent/issue-1", "first")).toBeNull();
    const prompt = readFileSync(join(s.dir, "prompt"), "utf8");
    expect(prompt).toContain(`in your clone as the branch \`earlier-attempt\` (${uploaded})`);
    await expectPublished(s);
  });
});

describe("the work of a failed attempt", { timeout: 60_000 }, () => {
  it("is kept, named, offered to the next one, and gone after that one's success", async () => {
    const s = await asked({ policy: "" });
    const half = "echo half >half; mkdir -p .gitea/workflows; echo 'on: push' >.gitea/workflows/x.yml; exit 3";
    const failed = await s.start({ inputs: counted(s, half) });
    expect(failed.outcome).toMatchObject({ outcome: "failed", failure: "crash" });
    const { kept } = (await s.record(1)) ?? {};
    expect(kept).toMatchObject({ attempt: 1, why: "crash" });
    expect(await s.ref(wip)).toBe(kept?.head);
    expect(await s.git("diff", "--name-only", "main", wip)).toBe("half");
    expect(await s.git("log", "-1", "--format=%an", wip)).toBe("bot");
    expect(await s.branches()).toEqual(["main"]);
    const command = `git fetch origin ${wip}`;
    expect(s.see(1).comments[0]).toContain(`The work so far is kept: \`${command}\``);
    const told = await s.start({ inputs: { mode: "explain", item: "1" } });
    expect(told.log).toContain(`kept work of attempt 1 (crash): ${command} brings ${kept?.head.slice(0, 10)}`);

    const goesOn = `cp "$AGENT_DISPATCH_PROMPT" ${s.dir}/prompt; git checkout -q earlier-attempt -- half; ${mends}`;
    const done = await s.start({ inputs: counted(s, goesOn) });
    expect(done.outcome).toMatchObject({ outcome: "done", attempt: 2 });
    const prompt = readFileSync(join(s.dir, "prompt"), "utf8");
    expect(prompt).toContain("This is attempt 2 of 3. The last one ended as **crash**");
    expect(prompt).toContain(
      `What attempt 1 left (it ended as: crash) is in your clone as the branch \`earlier-attempt\``,
    );
    expect(await s.file("agent/issue-1", "half")).toBe("half");
    await expectPublished(s);
  });

  it("gives its place to that of a later one, and stays where a later one did nothing", async () => {
    const s = await asked();
    await s.start({ inputs: counted(s, "echo 1 >one; exit 3") });
    const first = await s.ref(wip);
    await s.start({ inputs: counted(s, "echo nothing; exit 4") });
    expect(await s.ref(wip)).toBe(first);
    expect((await s.record(1))?.kept).toMatchObject({ head: first, attempt: 1 });
    const last = await s.start({ inputs: counted(s, "echo 3 >three; exit 5") });
    expect(last.outcome).toMatchObject({ outcome: "needs-person" });
    const { kept } = (await s.record(1)) ?? {};
    expect(kept).toMatchObject({ attempt: 3 });
    expect(kept?.head).not.toBe(first);
    expect(await s.git("diff", "--name-only", "main", wip)).toBe("three");
    expect(s.see(1).comments.at(-1)).toContain(`\`git fetch origin ${wip}\` brings \`${kept?.head.slice(0, 10)}\``);
  });

  it("is kept after failed checks, and a new order is offered it", async () => {
    const s = await asked({ policy: "maxAttempts: 1", checks: "test ! -e x" });
    expect((await s.start({ inputs: counted(s, "echo x >x") })).outcome).toMatchObject({ outcome: "needs-person" });
    expect((await s.record(1))?.kept).toMatchObject({ attempt: 1, why: "checks-failed" });
    s.pass(2);
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    const end = await s.start({ inputs: counted(s, `git show earlier-attempt:x >y; ${mends}`) });
    expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1 });
    expect(await s.file("agent/issue-1", "y")).toBe("x");
    await expectPublished(s);
  });

  it("somebody made the branch meanwhile: theirs stays, ours is kept", async () => {
    const s = await asked();
    const theirs = () => s.forge.commitFiles(s.repo, { mine: "x" }, { branch: "agent/issue-1", author: "alice" });
    s.forge.faults.add({ when: isPublish, times: 1, do: "pass", hold: theirs });
    const end = await s.start({ inputs: counted(s, mends) });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "push-rejected" });
    expect(await s.file("agent/issue-1", "mine")).toBe("x");
    const { kept, attempt } = (await s.record(1)) ?? {};
    expect(attempt).toBe(0);
    expect(kept).toMatchObject({ why: "push-rejected" });
    expect(await s.ref(wip)).toBe(kept?.head);
    expect(await s.git("show", `${wip}:sum.js`)).toContain("a + b");
  });

  it("gone on the forge, or its fetch refused: the next attempt begins without it", async () => {
    const s = await asked();
    await s.start({ inputs: counted(s, "echo 1 >one; exit 3") });
    expect((await s.record(1))?.kept).toBeDefined();
    await s.git("update-ref", "-d", wip);
    const agent = `git rev-parse -q --verify earlier-attempt && exit 9; ${mends}`;
    expect((await s.start({ inputs: counted(s, agent) })).outcome).toMatchObject({ outcome: "done", attempt: 2 });
    await expectPublished(s);
  });

  it("the upload of what is kept fails: the failure stays what it is", async () => {
    const s = await asked();
    s.forge.faults.add({ when: isUpload, times: Number.POSITIVE_INFINITY, do: "reset" });
    const end = await s.start({ inputs: counted(s, "echo 1 >one; exit 3") });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "crash", attempt: 1 });
    expect(end.log).toContain("the work so far could not be kept");
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 1 });
    expect((await s.record(1))?.kept).toBeUndefined();
    expect(s.see(1).comments[0]).not.toContain("is kept");
  });

  it("of a question is kept too", async () => {
    const s = await asked();
    const question = { write: { half: "half\n" }, result: { status: "needs-info", question: "Which sum?" } };
    const inputs = { "agent-command": await playing(s.dir, { implement: [question, implemented] }) };
    expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "needs-person" });
    expect((await s.record(1))?.kept).toMatchObject({ why: "it asked a question" });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "The usual one." });
    expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "done" });
    expect(await promptOf(s.dir, "implement", 2)).toContain("(it ended as: it asked a question)");
    expect(await s.ref(wip)).toBeNull();
  });

  it("of a rework is offered to the next rework", async () => {
    const s = await asked();
    const crash = { write: { half: "half\n" }, commit: "half of it", exit: 3 };
    const plays: Plays = { review: [rejected], rework: [crash, reworked] };
    const inputs = { "agent-command": await playing(s.dir, plays) };
    for (let run = 0; run < 2; run++) expect((await s.start({ inputs })).outcome).toMatchObject({ outcome: "done" });
    const head = await s.ref("refs/heads/agent/issue-1");
    expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "rework", failure: "crash" });
    expect(await s.ref("refs/heads/agent/issue-1")).toBe(head);
    expect(await s.git("rev-parse", `${wip}^`)).toBe(head);
    expect((await s.start({ inputs })).outcome).toMatchObject({ kind: "rework", outcome: "done" });
    expect(await promptOf(s.dir, "rework", 2)).toContain(`is in your clone as the branch \`earlier-attempt\``);
    // A reviewer is not shown what was not published.
    expect(await promptOf(s.dir, "review", 1)).not.toContain("earlier-attempt");
    expect(await s.ref(wip)).toBeNull();
  });
});

describe("what never leaves the machine", { timeout: 60_000 }, () => {
  it.each<[string, (s: Stage) => string]>([
    ["a secret of the run in a file", (s) => `echo key=${s.token} >leak; exit 3`],
    [
      "a secret in a commit that a later one took back",
      (s) => `${commits(`echo ${s.token} >leak`)}; ${commits("rm leak; echo 1 >one")}; exit 3`,
    ],
    ["a secret in the name of a file", (s) => `echo 1 >${s.token}; exit 3`],
    ["a file that is too large", () => "head -c 200000 /dev/urandom >big; exit 3"],
    ["a link out of the repository", () => "ln -s /etc/passwd link; exit 3"],
  ])("%s", async (_, agent) => {
    const s = await asked({ limits: { fileBytesMax: 100_000 } });
    const pushed = pushes(s);
    const end = await s.start({ inputs: counted(s, agent(s)) });
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "crash" });
    expect((await s.record(1))?.kept).toBeUndefined();
    expect(await s.ref(wip)).toBeNull();
    expect(pushed.some((body) => body.includes(wip))).toBe(false);
    expect(Math.max(...pushed.map((body) => body.length))).toBeLessThan(20_000);
  });

  it("a message that holds a secret is kept without it", async () => {
    const s = await asked();
    await s.start({ inputs: counted(s, `${commits("echo 1 >one", `uses ${s.token}`)}; exit 3`) });
    expect(await s.ref(wip)).not.toBeNull();
    expect(await s.git("log", "--format=%B", wip)).not.toContain(s.token);
  });
});

/** A commit of an agent. */
function commits(command: string, message = "work"): string {
  return `${command}; git add -A; git -c user.name=a -c user.email=a@x commit -qm "${message}"`;
}
