// Rework by whole runs: what becomes of findings, of a person's words, and of an author who changes nothing. Each test looks at how the forge
// ends.

import { describe, expect, it } from "vitest";
import { approved, mended, type Play, played, promptOf, rejected, reworked } from "../support/plays.ts";
import type { Stage } from "../support/run.ts";
import {
  answersOf,
  expectBlocked,
  expectHandedOver,
  expectOurs,
  handedOver,
  head,
  opened,
  reviewsOf,
  runs,
  statusOf,
  untilIdle,
  verdictsOf,
} from "./story.ts";

const file = "sum.js";
const noted = (note: string): Play => ({
  write: { [file]: `// ${note}\n${mended}` },
  result: { status: "implemented", summary: note },
  answer: "fixed",
});
const refusing: Play = { result: { status: "no-change-needed", summary: "It is right as it is." }, answer: "rejected" };

async function comment(s: Stage, login: string, number: number, body: string): Promise<void> {
  s.pass(2);
  const answer = await s.forge.as(login).post(`/repos/${s.repo}/issues/${number}/comments`, { body });
  expect(answer.status).toBe(201);
  s.pass(2);
}

async function asks(s: Stage, login: string, body: string): Promise<void> {
  s.pass(2);
  const path = `/repos/${s.repo}/pulls/2/reviews`;
  const answer = await s.forge.as(login).post(path, { event: "REQUEST_CHANGES", body });
  expect(answer.status).toBe(200);
  s.pass(2);
}

describe("findings", () => {
  it("answered with a change: the head moves, the answer stands under the finding's line, once", async () => {
    const { s, inputs } = await opened({ review: [rejected, approved] });
    const first = await head(s);
    await untilIdle(s, inputs);
    const second = await head(s);
    expect(second).not.toBe(first);
    expect(await s.git("merge-base", "--is-ancestor", String(first), String(second))).toBe("");
    expect(verdictsOf(s).map(({ sha }) => sha)).toEqual([first, second]);
    expect(answersOf(s)).toMatchObject([{ by: "bot", state: "COMMENT", sha: second, lines: [{ at: "sum.js:1" }] }]);
    expect(answersOf(s)[0]?.lines[0]?.body).toContain("about 1.1");
    expect(await played(s.dir)).toEqual([
      ...["implement 1 round 0", "review 1 round 1", "rework 1 round 1", "review 1 round 2"],
    ]);
    expect(await promptOf(s.dir, "review", 2)).toContain("about 1.1");
    expectHandedOver(s);
    expect(s.see(2).comments).toHaveLength(1);
  });

  it("all rejected with reasons: the head stays, the next review reads them, once", async () => {
    const { s, inputs } = await opened({ review: [rejected, approved], rework: [refusing] });
    const first = await head(s);
    const [, end] = await runs(s, 2, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
    expect(await head(s)).toBe(first);
    expectOurs(s, "needs-review");
    await untilIdle(s, inputs);
    expect(await head(s)).toBe(first);
    expect(verdictsOf(s).map(({ sha }) => sha)).toEqual([first, first]);
    expect(answersOf(s)).toHaveLength(1);
    expect(answersOf(s)[0]?.lines).toMatchObject([{ at: "sum.js:1" }]);
    expect(await promptOf(s.dir, "review", 2)).toContain("about 1.1");
    expect(statusOf(s, first)).toBe("success");
    expectHandedOver(s);
  });

  it("neither changed nor answered: that is a failed attempt, and twice a person's", async () => {
    const silent: Play = { result: { status: "no-change-needed", summary: "No." } };
    const { s, inputs } = await opened({ review: [rejected], rework: [silent] });
    const first = await head(s);
    const [, end] = await runs(s, 2, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "failed", failure: "no-change", attempt: 1 });
    expectOurs(s, "needs-rework");
    expect(answersOf(s)).toEqual([]);
    expect(s.see(1).comments[0]).toContain("no reasoned answer to 1.1");
    s.pass(400);
    expect((await runs(s, 1, inputs))[0]?.outcome).toMatchObject({ outcome: "needs-person", failure: "no-change" });
    expectBlocked(s, "no reasoned answer to 1.1");
    expect(await head(s)).toBe(first);
  });

  it("at the third failure verdict a person gets the open points with both views", async () => {
    const { s, inputs } = await opened({
      review: [rejected],
      rework: [noted("once"), noted("twice"), noted("thrice")],
    });
    await untilIdle(s, inputs);
    expect(await played(s.dir)).toEqual([
      ...["implement 1 round 0", "review 1 round 1", "rework 1 round 1"],
      ...["review 1 round 2", "rework 1 round 2", "review 1 round 3"],
    ]);
    expectBlocked(s, "After 3 rounds");
    const told = s.see(2).comments.at(-1) ?? "";
    expect(told).toContain("No answer for an empty list");
    expect(told).toContain("Say what it is.");
    expect(told).toContain("about 2.1");
    expect(verdictsOf(s)).toHaveLength(3);
    expect(answersOf(s)).toHaveLength(2);
    expect(await s.record(1)).toMatchObject({ state: "blocked", round: 3 });
  });

  it("`max-rounds: 1`: the first failure verdict is a person's", async () => {
    const { s, inputs } = await opened({ review: [rejected] }, { policy: "maxRounds: 1" });
    expect(await untilIdle(s, inputs)).toHaveLength(1);
    expectBlocked(s, "After 1 round");
    expect(s.see(2).comments.at(-1)).toContain("The author has not answered it yet.");
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1"]);
  });
});

describe("an author who speaks", () => {
  it("asks on the pull request; a plain answer by somebody trusted goes on with both in the prompt", async () => {
    const question: Play = { result: { status: "needs-info", question: "Zero or null for nothing?" } };
    const { s, inputs } = await opened({ review: [rejected, approved], rework: [question, reworked] });
    await untilIdle(s, inputs);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/needs-info"], assignees: ["alice"] });
    expect(s.see(2).comments).toHaveLength(1);
    expect(s.see(2).comments[0]).toContain("Zero or null for nothing?");
    await comment(s, "mallory", 2, "Null, surely.");
    expect(await untilIdle(s, inputs)).toEqual([]);
    await comment(s, "alice", 2, "Zero it is.");
    await untilIdle(s, inputs);
    const prompt = await promptOf(s.dir, "rework", 2);
    expect(prompt).toContain("Zero or null for nothing?");
    expect(prompt).toContain("Zero it is.");
    expect(prompt).toContain("No answer for an empty list");
    expectHandedOver(s);
  });

  it("is blocked: a person's, with its words", async () => {
    const { s, inputs } = await opened({
      review: [rejected],
      rework: [{ result: { status: "blocked", summary: "There is no compiler." } }],
    });
    await untilIdle(s, inputs);
    expectBlocked(s, "There is no compiler.");
  });
});

describe("a person asks for changes after the hand-over", () => {
  it("in a review: their words first, then a review, then handed over again", async () => {
    const { s, inputs } = await handedOver();
    const first = await head(s);
    await asks(s, "alice", "Say what the sum of nothing is.");
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
    expectOurs(s, "needs-review");
    const prompt = await promptOf(s.dir, "rework", 1);
    expect(prompt.indexOf("Say what the sum of nothing is.")).toBeGreaterThan(0);
    expect(prompt.indexOf("Say what the sum of nothing is.")).toBeLessThan(prompt.indexOf("sum subtracts"));
    await untilIdle(s, inputs);
    expect(await head(s)).not.toBe(first);
    expect(verdictsOf(s)).toHaveLength(2);
    expectHandedOver(s);
    expect(s.see(2).comments.filter((text) => text.includes("agent-dispatch:handover"))).toHaveLength(2);
    expect(reviewsOf(s).filter(({ by, dismissed }) => by === "alice" && !dismissed)).toHaveLength(1);
  });

  it("by a stranger: nothing happens", async () => {
    const { s, inputs } = await handedOver();
    await asks(s, "mallory", "Do it otherwise.");
    await untilIdle(s, inputs);
    expectHandedOver(s);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1"]);
  });

  it("and the agent declines: back to that person, once", async () => {
    const decline: Play = { result: { status: "no-change-needed", summary: "The specification wants it so." } };
    const { s, inputs } = await handedOver({ rework: [decline] });
    const first = await head(s);
    await asks(s, "alice", "Subtract, please.");
    await untilIdle(s, inputs);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1", "rework 1 round 0"]);
    expect(await head(s)).toBe(first);
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/needs-info"], assignees: ["alice"] });
    const asked = s.see(2).comments.filter((text) => text.includes("agent-dispatch:question"));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain("The specification wants it so.");
  });
});

describe("workflow files", () => {
  const own = ".gitea/workflows/own.yml";

  it("touched in a rework: never pushed, the patch is a comment on the pull request", async () => {
    const both: Play = { ...reworked, write: { ...reworked.write, [own]: "on: push\n" } };
    const { s, inputs } = await opened({ review: [rejected, approved], rework: [both] });
    await untilIdle(s, inputs);
    expect(await s.file("agent/issue-1", own)).toBeNull();
    const patches = s.see(2).comments.filter((text) => text.includes("agent-dispatch:patch"));
    expect(patches).toHaveLength(1);
    expect(patches[0]).toContain("+on: push");
    expectHandedOver(s);
  });

  it("alone: a person's, with the patch", async () => {
    const only: Play = { write: { [own]: "on: push\n" }, result: { status: "implemented", summary: "CI." } };
    const { s, inputs } = await opened({ review: [rejected], rework: [only] });
    const first = await head(s);
    await untilIdle(s, inputs);
    expect(await head(s)).toBe(first);
    const { comments, labels } = s.see(2);
    expect(labels).toEqual(["agent/blocked"]);
    expect(comments.filter((text) => text.includes("+on: push"))).toHaveLength(1);
  });
});
