// Reviews: one for each key and account, whatever happens on the way.

import { describe, expect, it } from "vitest";
import { type Effect, type ReviewEffect, reviewEffect } from "../../src/core/effects.ts";
import { formatMarker } from "../../src/core/marker.ts";
import { lost, repo, request, reviewsOf, type Scene, scene } from "./effects-scene.ts";

const marker = formatMarker("review", { commit: "abc", key: "r1" });
const posted = request("POST", /\/pulls\/2\/reviews$/);
const line = { path: "a.txt", line: 2, body: "why two?" };

function review(s: Scene, change: Partial<ReviewEffect> = {}): Effect {
  const { as = "bot", key = "r1", event = "comment", comments = [line] } = change;
  const { body = `${marker}\n\nLooks good.` } = change;
  return reviewEffect({ id: "review", as, key, event, commit: s.head, body, comments });
}

const approval = { as: "reviewer", event: "approve" } as const;
const bodyOf = (s: Scene, at = 0) => s.at(2).pull?.reviews[at]?.body;
const sent = (s: Scene) => s.forge.requests.filter((r) => r.method === "POST" && r.path.endsWith("/pulls/2/reviews"));
const byHand = (s: Scene, login: string, body = `${marker}\n\nLooks good.`) =>
  s.forge.as(login).post(`/repos/${repo}/pulls/2/reviews`, { event: "COMMENT", body });

describe("a review by the bot", () => {
  it("stands once, on its commit and its lines, however often it is asked for", async () => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([review(s)]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
    expect(s.at(2).pull?.reviews[0]).toMatchObject({ sha: s.head, body: `${marker}\n\nLooks good.` });
    expect(sent(s)).toHaveLength(1);
  });

  it.each(lost)("is not written again when its answer is lost: %s", async (deed) => {
    const s = await scene();
    s.forge.faults.add({ when: posted, times: 1, do: deed });
    await s.apply([review(s)]);
    await s.apply([review(s)]);
    expect(s.forge.faults.met).toBe(1);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
  });

  it.each(["502", "reset"] as const)("that was not applied is left to the next try: %s", async (deed) => {
    const s = await scene();
    s.forge.faults.add({ when: posted, times: 1, do: deed });
    await expect(s.apply([review(s)])).rejects.toThrow("review pull request #2");
    await s.apply([review(s)]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
  });

  it("of another key, and with a marker that only somebody else wrote, is another one", async () => {
    const s = await scene();
    await byHand(s, "alice");
    await s.apply([review(s)]);
    await s.apply([review(s, { key: "r2", body: "Still good." })]);
    expect(reviewsOf(s.at(2))).toEqual(["alice COMMENT, 0", "bot COMMENT, 1", "bot COMMENT, 1"]);
    expect(bodyOf(s, 2)).toBe(`${formatMarker("review", { key: "r2" })}\n\nStill good.`);
  });

  it("is a comment where it would judge the bot's own pull request", async () => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([review(s, { event: "approve" })]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
    expect(s.log.filter((text) => text.includes("is a comment by the bot"))).toHaveLength(1);
  });

  it("waits where there is no pull request", async () => {
    const s = await scene();
    await s.apply([review(s)], {}, { issue: 1, pull: null });
    expect(reviewsOf(s.at(2))).toEqual([]);
  });
});

describe("a review by the second account", () => {
  it("stands once under its name", async () => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([review(s, approval)], { reviewer: s.as("judge") });
    expect(reviewsOf(s.at(2))).toEqual(["judge APPROVED, 1"]);
    expect(s.log).toEqual([]);
  });

  it.each(lost)("is not written again when its answer is lost: %s", async (deed) => {
    const s = await scene();
    s.forge.faults.add({ when: posted, times: 1, do: deed });
    for (let times = 0; times < 2; times++) await s.apply([review(s, approval)], { reviewer: s.as("judge") });
    expect(s.forge.faults.met).toBe(1);
    expect(reviewsOf(s.at(2))).toEqual(["judge APPROVED, 1"]);
  });

  it("and one by the bot of the same key are two, also where both count as the program", async () => {
    const s = await scene();
    const ports = { reviewer: s.as("judge"), program: ["bot", "judge"] };
    for (let times = 0; times < 2; times++) await s.apply([review(s, approval), review(s)], ports);
    expect(reviewsOf(s.at(2))).toEqual(["judge APPROVED, 1", "bot COMMENT, 1"]);
  });

  it.each([
    { why: "there is none", reviewer: () => null },
    { why: "it is the bot's own", reviewer: (s: Scene) => s.as("bot") },
    { why: "its token is no longer good", reviewer: (s: Scene) => s.as("nobody") },
  ])("is the bot's comment, said once, where $why", async ({ reviewer }) => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([review(s, approval)], { reviewer: reviewer(s) });
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
    expect(s.log).toHaveLength(1);
    expect(s.log[0]).toContain("the review of #2 is a comment by the bot");
  });

  it("that is the bot itself does not hide the bot's own reviews", async () => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([review(s)], { reviewer: s.as("bot") });
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
  });

  it("is the bot's comment where the second account may not see the repository", async () => {
    const s = await scene({ private: true });
    for (let times = 0; times < 3; times++) await s.apply([review(s, approval)], { reviewer: s.as("judge") });
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
    expect(s.log).toHaveLength(1);
  });

  it.each([403, 404])("is the bot's comment where the forge answers %i", async (status) => {
    const s = await scene();
    s.forge.faults.add({ when: (r) => posted(r) && r.login === "judge", times: 1, do: { status, body: "{}" } });
    await s.apply([review(s, approval)], { reviewer: s.as("judge") });
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
  });

  it("is the bot's comment where the second account opened the pull request", async () => {
    const s = await scene({ author: "judge" });
    for (let times = 0; times < 2; times++) await s.apply([review(s, approval)], { reviewer: s.as("judge") });
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 1"]);
  });

  it("is not handed to the bot while the forge is only away", async () => {
    const s = await scene();
    s.forge.faults.add({ when: posted, times: 1, do: "502" });
    await expect(s.apply([review(s, approval)], { reviewer: s.as("judge") })).rejects.toThrow("502");
    expect(reviewsOf(s.at(2))).toEqual([]);
  });
});

describe("lines that the forge does not know", () => {
  const unknown = { path: "a.txt", line: 99, body: "what is here?" };

  it.each(["1.26.4", "1.27.0"] as const)("go into the review's text on %s", async (version) => {
    const s = await scene({ version });
    for (let times = 0; times < 3; times++) await s.apply([review(s, { comments: [line, unknown] })]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 0"]);
    expect(bodyOf(s)).toContain("`a.txt`, line 2:\n\nwhy two?\n\n`a.txt`, line 99:\n\nwhat is here?");
    expect(sent(s)).toHaveLength(2);
  });

  it("leave the judgement to the second account", async () => {
    const s = await scene();
    await s.apply([review(s, { ...approval, comments: [unknown] })], { reviewer: s.as("judge") });
    expect(reviewsOf(s.at(2))).toEqual(["judge APPROVED, 0"]);
    expect(bodyOf(s)).toContain("what is here?");
  });

  it("are no reason to send a review again that stands after a 500", async () => {
    const s = await scene();
    s.forge.faults.add({ when: posted, times: 1, do: "500", hold: () => byHand(s, "bot") });
    // The write by hand does not meet the fault: it is used up by then.
    await s.apply([review(s)]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 0"]);
  });

  it("and a lost answer to the second sending: still one", async () => {
    const s = await scene();
    let times = 0;
    s.forge.faults.add({ when: (r) => posted(r) && ++times === 2, times: 1, do: "apply-then-502" });
    await s.apply([review(s, { comments: [unknown] })]);
    await s.apply([review(s, { comments: [unknown] })]);
    expect(s.forge.faults.met).toBe(1);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 0"]);
  });
});

describe("doubled reviews", () => {
  it("go, but for the oldest and those of others", async () => {
    const s = await scene();
    for (const login of ["bot", "alice", "bot", "judge", "bot"]) await byHand(s, login);
    const first = s.at(2).pull?.reviews[0]?.id;
    await s.apply([review(s)]);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 0", "alice COMMENT, 0", "judge COMMENT, 0"]);
    expect(s.at(2).pull?.reviews[0]?.id).toBe(first);
  });

  it("of two runs in the same moment end as one", async () => {
    const s = await scene();
    const waiting: (() => void)[] = [];
    const both = () =>
      new Promise<void>((go) => {
        waiting.push(go);
        if (waiting.length === 2) for (const each of waiting) each();
      });
    s.forge.faults.add({ when: posted, times: 2, do: "pass", hold: both });
    const plain = review(s, { comments: [] });
    await Promise.all([s.apply([plain]), s.apply([plain])]);
    expect(sent(s)).toHaveLength(2);
    expect(reviewsOf(s.at(2))).toEqual(["bot COMMENT, 0"]);
  });

  it("that the forge does not let go stay, without a failure", async () => {
    const s = await scene();
    for (const login of ["bot", "bot"]) await byHand(s, login);
    const deleted = request("DELETE", /\/reviews\/\d+$/);
    s.forge.faults.add({ when: deleted, times: 1, do: { status: 403, body: "{}" } });
    await s.apply([review(s)]);
    expect(reviewsOf(s.at(2))).toHaveLength(2);
    expect(s.log[0]).toContain("left as it is");
  });
});

describe("the bounds of a review", () => {
  const fields = { id: "r", as: "bot", key: "r1", event: "comment", commit: "" } as const;

  it("cut the text and keep its marker", () => {
    const { body } = reviewEffect({ ...fields, body: "word ".repeat(20_000), comments: [] });
    expect(body.length).toBeLessThanOrEqual(60_000);
    expect(body.startsWith(formatMarker("review", { key: "r1" }))).toBe(true);
  });

  it("put comments beyond the fiftieth into the text", () => {
    const comments = Array.from({ length: 52 }, (_, at) => ({ path: "a.txt", line: at + 1, body: `note ${at + 1}.` }));
    const made = reviewEffect({ ...fields, body: "All of it.", comments });
    expect(made.comments).toHaveLength(50);
    expect(made.body).not.toContain("note 50.");
    expect(made.body).toContain("line 51:\n\nnote 51.");
    expect(made.body).toContain("line 52:\n\nnote 52.");
  });
});
