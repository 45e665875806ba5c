// Somebody spoils what the program relies on: the ledger, comments, labels, titles. It says so, leaves alone what it cannot read, and goes on
// with the rest.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { implemented, type Plays, played, playing, promptOf } from "../support/plays.ts";
import { type Stage, type StageOptions, stage } from "../support/run.ts";
import { person, said, settled, tick } from "./acting.ts";

async function scene(plays: Plays = {}, options: StageOptions = {}) {
  const s = await stage(options);
  const inputs = { "agent-command": await playing(s.dir, plays) };
  return { s, inputs, alice: person(s, "alice"), mallory: person(s, "mallory") };
}

/** git on the bare repository, without the server: safe to wait for. */
function git(s: Stage, args: string[], input = ""): string {
  return execFileSync("git", ["--git-dir", s.forge.gitDir(s.repo), ...args], { input, encoding: "utf8" }).trim();
}

function writeRecord(s: Stage, ref: string, message: string): string {
  const tree = git(s, ["mktree"]);
  const identity = ["-c", "user.name=vandal", "-c", "user.email=vandal@example.invalid"];
  const commit = git(s, [...identity, "commit-tree", tree, "-F", "-"], message);
  git(s, ["update-ref", `refs/agent-dispatch/v1/${ref}`, commit]);
  return commit;
}

const spoilt: Record<string, string> = {
  "an unknown version": 'agent-dispatch v2 held issue-1 e1.1\n\n{"v":2,"state":"held","key":"issue-1"}\n',
  "wrong JSON": "agent-dispatch v1 done issue-1 e1.1\n\n{not json\n",
  "wrong types": 'agent-dispatch v1 done issue-1 e1.1\n\n{"v":1,"state":7,"key":[],"epoch":"x","handled":{}}\n',
  "a huge text": `agent-dispatch v1 done issue-1 e1.1\n\n{"v":1,"x":"${"y".repeat(1_000_000)}"}\n`,
  "no record at all": "hello\n",
  "an empty message": "\n",
  "a list": "agent-dispatch v1 done issue-1 e1.1\n\n[1,2,3]\n",
  null: "agent-dispatch v1 done issue-1 e1.1\n\nnull\n",
  "deep nesting": `agent-dispatch v1 done issue-1 e1.1\n\n${"[".repeat(50_000)}\n`,
  "the prototype": 'agent-dispatch v1 held issue-1 e1.1\n\n{"__proto__":{"v":1},"constructor":1}\n',
};

describe("the ledger", () => {
  it.each(Object.entries(spoilt))("a record with %s: said, left alone, other items go on", async (_, message) => {
    const { s, inputs } = await scene();
    await s.issue("first");
    await s.issue("second");
    s.pass(2);
    const commit = writeRecord(s, "item/issue-1", message);
    const first = await tick(s, inputs);
    expect(first.outcome).toMatchObject({ item: 2, outcome: "done" });
    expect((await tick(s, { ...inputs, item: "1" })).log).toContain(
      "#1 first: its record in the ledger cannot be read",
    );
    expect(await s.ref("refs/agent-dispatch/v1/item/issue-1")).toBe(commit);
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: [], comments: [] });
    expect((await played(s.dir)).every((line) => line.includes(" 2 "))).toBe(true);
    const byHand = await s.start({ inputs: { ...inputs, item: "1" } });
    expect(byHand.outcome?.outcome).toBe("idle");
    expect(await s.ref("refs/agent-dispatch/v1/item/issue-1")).toBe(commit);
  });

  it.each(Object.entries(spoilt))("a slot with %s counts as taken and is not stolen", async (_, message) => {
    const { s, inputs } = await scene();
    await s.issue("first");
    s.pass(2);
    const commit = writeRecord(s, "slot/1", message.replaceAll("done issue-1", "slot 1 issue-1"));
    const none = await tick(s, { ...inputs, "max-concurrent": "1" });
    expect(none.outcome).toMatchObject({ outcome: "idle" });
    expect(none.log).toContain("`max-concurrent` is 1");
    expect((await tick(s, { ...inputs, "max-concurrent": "2" })).outcome).toMatchObject({ outcome: "done" });
    expect(await s.ref("refs/agent-dispatch/v1/slot/1")).toBe(commit);
  });

  // A record of another version is that version's to change (test/recovery/mixed-versions.test.ts).
  it.each(Object.entries(spoilt).filter(([what]) => what !== "an unknown version"))(
    "a control record with %s pauses, says so, and `/agent resume` ends it",
    async (_, message) => {
      const { s, inputs, alice } = await scene();
      await s.issue("first");
      await s.issue("Dashboard", { body: "<!-- agent-dispatch:dashboard v1 -->", by: "owner", label: null });
      s.pass(2);
      const commit = writeRecord(s, "control", message);
      const paused = await tick(s, inputs);
      expect(paused).toMatchObject({ exitCode: 0, outcome: { outcome: "idle" } });
      expect(paused.lastLine).toContain("the record `control` cannot be read by this version");
      expect(await s.ref("refs/agent-dispatch/v1/control")).toBe(commit);
      await alice.comment(2, "/agent resume");
      await tick(s, inputs);
      expect((await tick(s, inputs)).outcome).toMatchObject({ item: 1, outcome: "done" });
    },
  );

  it("refs that are no commits, and names that are none of ours, stop nothing", async () => {
    const { s, inputs } = await scene();
    await s.issue("first");
    await s.issue("second");
    s.pass(2);
    const blob = git(s, ["hash-object", "-w", "--stdin"], "a blob");
    const tree = git(s, ["mktree"], "");
    const record = writeRecord(s, "item/issue-99", "agent-dispatch v1 held x\n\n{}\n");
    const prefix = "refs/agent-dispatch/v1/";
    const refs: [string, string][] = [
      ["item/issue-1", blob],
      ["item/issue-77", tree],
      ["item/--upload-pack=touch-me", record],
      ["item/issue-0", record],
      ["item/issue-00002", record],
      ["item/issue-99999999999999999999", record],
      ["item/issue-2x", record],
      ["item/deep/er/issue-2", record],
      ["slot/0", record],
      ["slot/-1", record],
      ["slot/x", record],
      ["slot/4000000000", record],
      ["control2", record],
      ["wip/\u202eevil", record],
      ["unknown/thing", record],
    ];
    for (const [name, object] of refs) git(s, ["update-ref", `${prefix}${name}`, object]);
    git(s, ["update-ref", "refs/agent-dispatch/v2/item/issue-88", record]);
    const end = await tick(s, inputs);
    expect(end.exitCode, end.lastLine).toBe(0);
    expect(end.outcome).toMatchObject({ item: 2, outcome: "done" });
    await settled(s, inputs);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
    for (const [name, object] of refs) expect(await s.ref(`${prefix}${name}`), name).toBe(object);
  });

  it("a hundred records of items that never were slow nothing down", async () => {
    const { s, inputs } = await scene();
    await s.issue("first");
    s.pass(2);
    const commit = writeRecord(s, "item/issue-500", "agent-dispatch v1 held x\n\n{}\n");
    for (let at = 501; at < 600; at++) git(s, ["update-ref", `refs/agent-dispatch/v1/item/issue-${at}`, commit]);
    s.forge.requests.length = 0;
    expect((await tick(s, inputs)).outcome).toMatchObject({ item: 1, outcome: "done" });
    expect(s.forge.requests.length).toBeLessThan(150);
  });

  it("a ledger that is gone: counters are lost, the work goes on where it was", async () => {
    const { s, inputs } = await scene();
    await s.issue("first");
    s.pass(2);
    await tick(s, inputs);
    git(s, ["update-ref", "-d", "refs/agent-dispatch/v1/item/issue-1"]);
    await settled(s, inputs);
    expect(s.pulls()).toHaveLength(1);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });
});

describe("people who write much", () => {
  it("comments of a megabyte", async () => {
    const { s, inputs, mallory } = await scene();
    await s.issue("sum subtracts");
    await s.issue("another");
    for (let at = 0; at < 3; at++) await mallory.comment(1, "x ".repeat(500_000));
    expect((await tick(s, inputs)).outcome).toMatchObject({ item: 1, outcome: "done" });
    expect((await promptOf(s.dir, "implement", 1)).length).toBeLessThan(400_001);
    await settled(s, inputs);
    expect(s.pulls()).toHaveLength(2);
  });

  it("three thousand comments, the order among the first", async () => {
    const { s, inputs, alice } = await scene();
    await s.issue("sum subtracts", { label: null });
    await alice.comment(1, "/agent run with care");
    const client = s.forge.as("mallory");
    for (let at = 0; at < 3_000; at++)
      await client.post(`/repos/${s.repo}/issues/1/comments`, { body: `me too ${at}` });
    await alice.label(1, "bot");
    expect((await tick(s, inputs)).outcome).toMatchObject({ item: 1, outcome: "done" });
    expect(await promptOf(s.dir, "implement", 1)).toContain("with care");
  });

  it("tens of megabytes of comments make one item unreadable and stop nothing else", async () => {
    const { s, inputs, mallory } = await scene();
    await s.issue("sum subtracts");
    await s.issue("another");
    for (let at = 0; at < 40; at++) await mallory.comment(1, "y".repeat(1_000_000));
    const lines = await settled(s, inputs);
    expect(lines.join("\n")).toContain("#2");
    expect(s.pulls().map((pull) => pull.pull?.headBranch)).toContain("agent/issue-2");
  });

  it("300 labels", async () => {
    const { s, inputs } = await scene();
    await s.issue("sum subtracts");
    const owner = s.forge.as("owner");
    const names = Array.from({ length: 300 }, (_, at) => `zz ${at} ${"<b>".repeat(at % 5)}`);
    for (const name of names) await owner.post(`/repos/${s.repo}/labels`, { name, color: "#aaaaaa" });
    await owner.post(`/repos/${s.repo}/issues/1/labels`, { labels: names });
    expect(s.see(1).labels).toHaveLength(301);
    await settled(s, inputs);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
    expect(s.see(1).labels).toHaveLength(300);
  });
});

const titles = [
  "--upload-pack=touch /tmp/agent-dispatch-vandal",
  "$(touch /tmp/agent-dispatch-vandal) `touch /tmp/agent-dispatch-vandal`",
  "<!-- agent-dispatch:status v1 --> @alice [x](javascript:1) <script>alert(1)</script>",
  "\u202Erevo \u2066hidden\u2069 \u0007\u001b[31mred\u001b[0m",
  "::set-output name=outcome::done",
  "refs/heads/main",
  "../../etc/passwd",
  "WIP: not a draft of ours",
  "Closes #1, fixes #2",
  "💥".repeat(120),
];

describe("names that look like something else", () => {
  it.each(titles)("a title %j", async (title) => {
    const { s, inputs } = await scene({
      implement: [{ ...implemented, result: { status: "implemented", title, summary: title } }],
    });
    await s.issue(title, { body: title });
    s.pass(2);
    const first = await tick(s, inputs);
    expect(first.outcome).toMatchObject({ item: 1, outcome: "done" });
    await settled(s, inputs);
    const [pull] = s.pulls();
    expect(pull?.pull?.headBranch).toBe("agent/issue-1");
    expect(await s.branches()).toEqual(["agent/issue-1", "main"]);
    expect(existsSync("/tmp/agent-dispatch-vandal")).toBe(false);
    expect(`${pull?.title}\n${said(s, 1).join("\n")}`).not.toMatch(/[\u0007\u001b\u202a-\u202e\u2066-\u2069]/);
    expect(first.log).not.toMatch(/^::/m);
    expect(first.log).not.toMatch(/[\u0007\u001b\u202a-\u202e\u2066-\u2069]/);
    const handedOver = s.see(2).labels.includes("agent/merge-ready");
    expect(handedOver, s.see(2).labels.join()).toBe(true);
  });

  it("labels that look like options, stages or markup stop nothing", async () => {
    const { s, inputs } = await scene();
    const owner = s.forge.as("owner");
    const names = ["--hold", "Hold", "BOT", "agent/unknown", "agent/", "agent/merge-ready ", "bot\u200b", "<b>bot</b>"];
    await s.issue("sum subtracts");
    for (const name of names) await owner.post(`/repos/${s.repo}/labels`, { name, color: "#aaaaaa" });
    await owner.post(`/repos/${s.repo}/issues/1/labels`, { labels: names });
    await settled(s, inputs);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });

  it("an agent's own branches and files do not leave its clone", async () => {
    const { s, inputs } = await scene({
      implement: [
        { ...implemented, write: { ...implemented.write, "-rf": "x\n", "--help": "y\n", "a b\u202e.txt": "z\n" } },
      ],
    });
    await s.issue("sum subtracts");
    s.pass(2);
    expect((await tick(s, inputs)).outcome).toMatchObject({ outcome: "done" });
    expect(await s.branches()).toEqual(["agent/issue-1", "main"]);
    expect(existsSync(join(s.dir, "-rf"))).toBe(false);
  });
});
