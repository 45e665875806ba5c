// Orders by people: each is obeyed exactly once, whether an event brings it or a tick finds it, and the newest of several wins.

import { describe, expect, it } from "vitest";
import {
  approved,
  implemented,
  mended,
  type Plays,
  played,
  playing,
  promptOf,
  rejected,
  reworked,
} from "../support/plays.ts";
import { type Stage, type Start, stage } from "../support/run.ts";
import { atWork, learn, type Person, person, reactions, said, settled, tick, ways } from "./acting.ts";

interface Scene {
  s: Stage;
  inputs: NonNullable<Start["inputs"]>;
  alice: Person;
}

async function scene(plays: Plays = {}, policy = ""): Promise<Scene> {
  const s = await stage({ policy });
  return { s, inputs: { "agent-command": await playing(s.dir, plays) }, alice: person(s, "alice") };
}

const question = { result: { status: "needs-info", question: "Which sum is meant?" } };
const blocked = { result: { status: "blocked", summary: "The tests need a database." } };

/** An issue without anything. */
async function fresh(plays?: Plays): Promise<Scene> {
  const made = await scene(plays);
  await made.s.issue("sum subtracts", { label: null });
  made.s.pass(2);
  return made;
}

/** Handed over: pull request #2 waits for alice. */
async function handedOver(plays?: Plays): Promise<Scene> {
  const made = await scene(plays);
  await made.s.issue("sum subtracts");
  made.s.pass(2);
  await settled(made.s, made.inputs);
  expect(made.s.see(2).labels).toEqual(["agent/merge-ready"]);
  return made;
}

/** The first agent asks or gives up; then all goes well. */
async function waiting(first: object): Promise<Scene> {
  const made = await scene({ implement: [first, implemented] });
  await made.s.issue("sum subtracts");
  made.s.pass(2);
  await settled(made.s, made.inputs);
  return made;
}

const count = async (s: Stage, kind: string) => (await played(s.dir)).filter((line) => line.startsWith(kind)).length;

describe.each(ways)("on an issue, by %s", (way) => {
  it.each([
    ["/agent run and be quick", "and be quick"],
    ["/agent retry", null],
    ["/agent fix the sum", "the sum"],
    ["@bot please mend it", "please mend it"],
    ["Hello!\n\n/agent run\nwith care\nand tests", "with care\nand tests"],
  ])("%j", async (body, words) => {
    const { s, inputs, alice } = await fresh();
    const id = await alice.comment(1, body);
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done", item: 1 });
    expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
    if (words !== null) expect(await promptOf(s.dir, "implement", 1)).toContain(words);
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1"]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
    expect(await promptOf(s.dir, "review", 1)).toBeDefined();
  });

  it("the label put on", async () => {
    const { s, inputs, alice } = await fresh();
    await alice.label(1, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(1);
  });

  it("the bot assigned is the same as the label", async () => {
    const { s, inputs, alice } = await fresh();
    await alice.assign(1, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(1);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
  });

  it.each([
    ["> /agent run"],
    ["```\n/agent run\n```"],
    ["    /agent run"],
    ["please do not /agent run"],
    ["ask @bot about it"],
    ["@bots run"],
    ["@bot-2 run"],
  ])("%j is none", async (body) => {
    const { s, inputs, alice } = await fresh();
    const id = await alice.comment(1, body);
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("idle");
    expect(await settled(s, inputs)).toEqual([]);
    expect(reactions(s, id)).toEqual([]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: [], comments: [`alice: ${body}`] });
  });

  it("an edited comment is none", async () => {
    const { s, inputs, alice } = await fresh();
    const id = await alice.comment(1, "what do you think?");
    await alice.edit(id, "/agent run");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("idle");
    expect(await settled(s, inputs)).toEqual([]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: [] });
  });

  it("an unknown command is answered once", async () => {
    const { s, inputs, alice } = await fresh();
    const id = await alice.comment(1, "/agent runn");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(said(s, 1)).toHaveLength(1);
    expect(said(s, 1)[0]).toContain(
      "Not done: `/agent runn` is no command; there are run, review, fix, retry, stop and why",
    );
    expect(reactions(s, id)).toEqual(["bot confused"]);
    expect(await played(s.dir)).toEqual([]);
  });

  it("`/agent why` is answered once with every row", async () => {
    const { s, inputs, alice } = await fresh();
    const id = await alice.comment(1, "/agent why");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(said(s, 1)).toHaveLength(1);
    expect(said(s, 1)[0]).toContain("<!-- agent-dispatch:why v1");
    expect(reactions(s, id)).toEqual(["bot rocket"]);
    expect(await played(s.dir)).toEqual([]);
  });

  it("`/agent stop` before anything began: no work, and no run by itself", async () => {
    const { s, inputs, alice } = await fresh();
    await alice.label(1, "bot");
    const id = await alice.comment(1, "/agent stop");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual([]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: [] });
    expect(reactions(s, id)).toContain("bot rocket");
    await alice.label(1, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
  });

  it("of several the newest wins, and the words of all are told", async () => {
    const { s, inputs, alice } = await fresh();
    const ids = [];
    for (const body of ["/agent run first words", "/agent stop", "/agent run last words"])
      ids.push(await alice.comment(1, body));
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
    const prompt = await promptOf(s.dir, "implement", 1);
    expect(prompt.indexOf("first words")).toBeGreaterThan(0);
    expect(prompt.indexOf("last words")).toBeGreaterThan(prompt.indexOf("first words"));
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(1);
    expect(reactions(s, ids[2] ?? 0)).toEqual(["bot eyes", "bot rocket"]);
  });

  it("a stop after a run wins", async () => {
    const { s, inputs, alice } = await fresh();
    for (const body of ["/agent run first words", "/agent stop"]) await alice.comment(1, body);
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ outcome: "cancelled" });
    expect(await settled(s, inputs)).toEqual([]);
    expect(await played(s.dir)).toEqual([]);
  });

  it.each([
    ["a question", question, "needs-info"],
    ["giving up", blocked, "blocked"],
  ])("`bot` put on again after %s", async (_, first, label) => {
    const { s, inputs, alice } = await waiting(first);
    expect(s.see(1)).toMatchObject({ labels: [`agent/${label}`], assignees: ["alice"] });
    await alice.label(1, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done", attempt: 1 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(2);
  });

  it.each([
    ["a question", question],
    ["giving up", blocked],
  ])("the bot assigned again after %s, also at once", async (_, first) => {
    const { s, inputs, alice } = await waiting(first);
    await alice.assign(1, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done", attempt: 1 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(2);
  });

  it("a reply to a question, with question and answer in the prompt", async () => {
    const { s, inputs, alice } = await waiting(question);
    await person(s, "mallory").comment(1, "The product!");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("idle");
    expect(await settled(s, inputs)).toEqual([]);
    const id = await alice.comment(1, "The arithmetic one.");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
    const prompt = await promptOf(s.dir, "implement", 2);
    expect(prompt).toContain("Which sum is meant?");
    expect(prompt).toContain("The arithmetic one.");
    expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(2);
  });

  it("a plain comment after giving up orders nothing, and is told at the next order", async () => {
    const { s, inputs, alice } = await waiting(blocked);
    await alice.comment(1, "I have started the database.");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("idle");
    expect(await settled(s, inputs)).toEqual([]);
    await alice.comment(1, "/agent retry");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done", attempt: 1 });
    expect(await promptOf(s.dir, "implement", 2)).toContain("I have started the database.");
  });
});

const reworkedAgain = { ...reworked, write: { "sum.js": `// The sum of nothing is nothing.\n${mended}` } };

const twice: Plays = { review: [approved, approved], rework: [reworked] };

describe.each(ways)("on the program's pull request that was handed over, by %s", (way) => {
  const fixes: Record<string, (alice: Person) => Promise<unknown>> = {
    "`/agent fix` on the pull request": (alice) => alice.comment(2, "/agent fix say what an empty list gives"),
    "`/agent fix` on the issue": (alice) => alice.comment(1, "/agent fix say what an empty list gives"),
    "a mention on the pull request": (alice) => alice.comment(2, "@bot say what an empty list gives"),
    "a review that asks for changes": (alice) => alice.review(2, "REQUEST_CHANGES", "say what an empty list gives"),
    "`agent/needs-rework`": (alice) => alice.label(2, "agent/needs-rework"),
  };
  it.each(Object.entries(fixes))("%s: one rework, then a review, then handed over", async (name, order) => {
    const { s, inputs, alice } = await handedOver(twice);
    const head = await s.ref("refs/heads/agent/issue-1");
    const id = await order(alice);
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "rework", outcome: "done", item: 1 });
    expect(s.see(1)).toMatchObject({ labels: ["bot"], assignees: ["bot"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/needs-review"] });
    expect(await s.ref("refs/heads/agent/issue-1")).not.toBe(head);
    if (!name.includes("needs-rework"))
      expect(await promptOf(s.dir, "rework", 1)).toContain("say what an empty list gives");
    if (typeof id === "number") expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
    await settled(s, inputs);
    expect(await count(s, "rework")).toBe(1);
    expect(await count(s, "review")).toBe(2);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });

  const reviews: Record<string, (alice: Person) => Promise<unknown>> = {
    "`/agent review` on the pull request": (alice) => alice.comment(2, "/agent review"),
    "`/agent review` on the issue": (alice) => alice.comment(1, "/agent review"),
    "`agent/needs-review`": (alice) => alice.label(2, "agent/needs-review"),
  };
  it.each(Object.entries(reviews))("%s: judged once more", async (_, order) => {
    const { s, inputs, alice } = await handedOver(twice);
    const id = await order(alice);
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "review", outcome: "done", item: 1 });
    if (typeof id === "number") expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1", "review 1 round 1"]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });

  it("a stage label taken off orders nothing", async () => {
    const { s, inputs, alice } = await handedOver(twice);
    await alice.unlabel(2, "agent/merge-ready");
    await learn(s, way, inputs);
    expect(await settled(s, inputs)).toEqual([]);
    expect(await played(s.dir)).toHaveLength(2);
  });

  it.each([
    ["the issue", 1],
    ["the pull request", 2],
  ])("`bot` put on %s again: it is handed over again", async (_, number) => {
    const { s, inputs, alice } = await handedOver(twice);
    await alice.label(number, "bot");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("done");
    await settled(s, inputs);
    expect(await played(s.dir)).toHaveLength(2);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });

  it("`/agent stop`", async () => {
    const { s, inputs, alice } = await handedOver(twice);
    const id = await alice.comment(2, "/agent stop");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(await played(s.dir)).toHaveLength(2);
    expect(reactions(s, id)).toEqual(["bot rocket"]);
    expect(s.see(1)).toMatchObject({ labels: [] });
    expect(s.see(1).assignees).not.toContain("bot");
  });
});

describe.each(ways)("on the program's pull request that is in work, by %s", (way) => {
  async function toReview(): Promise<Scene> {
    const made = await scene();
    await made.s.issue("sum subtracts");
    made.s.pass(2);
    await tick(made.s, made.inputs);
    return made;
  }

  it("`agent/merge-ready` by a person: handed over now", async () => {
    const { s, inputs, alice } = await toReview();
    await alice.label(2, "agent/merge-ready");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("done");
    expect(await settled(s, inputs)).toEqual([]);
    expect(await played(s.dir)).toEqual(["implement 1 round 0"]);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });

  it("`bot` put on the pull request goes on", async () => {
    const { s, inputs, alice } = await toReview();
    await alice.unlabel(1, "bot");
    await settled(s, inputs);
    await alice.label(2, "bot");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "review", item: 1 });
    await settled(s, inputs);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });

  it("a person's `agent/needs-rework` before the review: rework first", async () => {
    const { s, inputs, alice } = await toReview();
    await alice.label(2, "agent/needs-rework");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "rework", outcome: "done" });
    await settled(s, inputs);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });
});

describe.each(ways)("a question about the pull request, by %s", (way) => {
  it.each([
    ["the issue", 1],
    ["the pull request", 2],
  ])("is answered on %s", async (_, number) => {
    const asks = { result: { status: "needs-info", question: "What is the sum of nothing?" } };
    const { s, inputs, alice } = await scene({ review: [rejected, approved], rework: [asks, reworked] });
    await s.issue("sum subtracts");
    s.pass(2);
    await settled(s, inputs);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/needs-info"] });
    expect(said(s, 2).filter((text) => text.includes("What is the sum of nothing?"))).toHaveLength(1);
    await person(s, "mallory").comment(number, "It is 1.");
    expect((await learn(s, way, inputs)).outcome?.outcome).toBe("idle");
    await alice.comment(number, "It is 0.");
    expect((await learn(s, way, inputs)).outcome).toMatchObject({ kind: "rework", outcome: "done" });
    expect(await promptOf(s.dir, "rework", 2)).toContain("What is the sum of nothing?");
    expect(await promptOf(s.dir, "rework", 2)).toContain("It is 0.");
    await settled(s, inputs);
    expect(await count(s, "rework")).toBe(2);
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });
});

describe("what an order resets", () => {
  it("attempts, but not what was spent", async () => {
    const fails = { exit: 1, say: "no" };
    const { s, inputs, alice } = await scene({ implement: [fails, { exit: 2, say: "other" }, implemented] });
    await s.issue("sum subtracts");
    s.pass(2);
    await tick(s, inputs);
    s.pass(4_000);
    await tick(s, inputs);
    const before = await s.record(1);
    expect(before?.attempt).toBeGreaterThanOrEqual(2);
    await alice.comment(1, "/agent retry");
    expect((await tick(s, inputs)).outcome).toMatchObject({ outcome: "done", attempt: 1 });
    const after = await s.record(1);
    expect(after?.spend.tokens).toBeGreaterThanOrEqual(before?.spend.tokens ?? 0);
    expect(after?.spend.usd).toBeGreaterThanOrEqual(before?.spend.usd ?? 0);
  });

  it("rounds: after the last round a person's word begins anew", async () => {
    const { s, inputs, alice } = await scene(
      { review: [rejected, rejected, approved], rework: [reworked, reworkedAgain] },
      "maxRounds: 2",
    );
    await s.issue("sum subtracts");
    s.pass(2);
    await settled(s, inputs);
    expect(s.see(2)).toMatchObject({ labels: ["agent/blocked"] });
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    await alice.comment(1, "/agent retry");
    await settled(s, inputs);
    expect(s.see(2)).toMatchObject({ labels: ["agent/merge-ready"], assignees: ["alice"] });
  });

  it("a cooldown", async () => {
    const { s, inputs, alice } = await scene({ implement: [{ exit: 1 }, implemented] });
    await s.issue("sum subtracts");
    s.pass(2);
    await tick(s, inputs);
    expect((await tick(s, inputs)).outcome?.outcome).toBe("idle");
    const id = await alice.comment(1, "/agent run");
    expect((await tick(s, inputs)).outcome).toMatchObject({ outcome: "done" });
    expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
  });
});

describe("by hand", () => {
  it("an item and a message: obeyed once, label or not, the message in the prompt", async () => {
    const { s, inputs } = await fresh();
    const run = {
      ...(await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event: "workflow_dispatch", actor: "alice" })),
      event: "workflow_dispatch",
      actor: "alice",
    };
    const hand = { ...inputs, item: "1", message: "mind the tests" };
    expect((await s.start({ run, inputs: hand })).outcome).toMatchObject({ kind: "implement", outcome: "done" });
    expect(await promptOf(s.dir, "implement", 1)).toContain("mind the tests");
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(1);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
  });

  it("the number of the program's pull request means its issue", async () => {
    const { s, inputs } = await handedOver(twice);
    await s.start({ inputs: { ...inputs, item: "2", message: "say what an empty list gives" } });
    expect(await promptOf(s.dir, "rework", 1)).toContain("say what an empty list gives");
    await settled(s, inputs);
    expect(await count(s, "rework")).toBe(1);
  });

  it("the number of the program's pull request, from an event, ends a cooldown as the issue's would", async () => {
    const { s, inputs, alice } = await scene({ review: [{ exit: 1 }, approved] });
    await s.issue("sum subtracts");
    s.pass(2);
    await tick(s, inputs);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "review", outcome: "failed" });
    await alice.comment(2, "/agent retry");
    const end = await learn(s, "event", inputs);
    expect(end.outcome).toMatchObject({ kind: "review", outcome: "done", item: 1 });
  });

  it("an item that is not there is a red run that says so", async () => {
    const { s, inputs } = await fresh();
    const end = await s.start({ inputs: { ...inputs, item: "77" } });
    expect(end.exitCode).toBe(1);
    expect(end.lastLine).toContain("#77");
  });
});

describe("orders while an agent works", () => {
  it("`/agent run` with more words waits for the end, then nothing is done twice", async () => {
    const { s, inputs, alice } = await scene({ implement: [{ ...implemented, waitMs: 1_000 }] });
    await s.issue("sum subtracts");
    s.pass(2);
    const { end } = await atWork(s, "implement", { event: "schedule", inputs });
    const id = await alice.comment(1, "/agent run and say what an empty list gives");
    expect((await end).outcome).toMatchObject({ outcome: "done" });
    await settled(s, inputs);
    expect(await count(s, "implement")).toBe(1);
    expect(reactions(s, id)).toEqual(["bot eyes", "bot rocket"]);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });
});
