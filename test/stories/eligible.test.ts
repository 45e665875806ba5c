// What may be begun at all, which comes first, the next generation, and the ways in which an agent ends without code.

import { describe, expect, it } from "vitest";
import { type Plays, played, playing } from "../support/plays.ts";
import { type StageOptions, stage } from "../support/run.ts";
import { person, said, settled, tick } from "./acting.ts";

async function scene(plays: Plays = {}, options: StageOptions = {}) {
  const s = await stage(options);
  const inputs = { "agent-command": await playing(s.dir, plays) };
  return { s, inputs, alice: person(s, "alice") };
}

describe("not by itself", () => {
  it.each([
    ["a label", { policy: "excludeLabels: [p1]" }, "the label `p1` excludes it"],
    ["a title", { policy: "excludeTitles: ['^epic']" }, "its title matches `^epic`, which excludes it"],
  ])("excluded by %s; a command works on it all the same", async (_, options, why) => {
    const { s, inputs, alice } = await scene({}, options);
    await s.issue("epic sum");
    await alice.label(1, "p1");
    expect((await tick(s, inputs)).log).toContain(why);
    expect(await settled(s, inputs)).toEqual([]);
    await alice.comment(1, "/agent run");
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
  });

  it("it waits for an open dependency", async () => {
    const { s, inputs, alice } = await scene();
    await s.issue("second step");
    await s.issue("first step", { label: null });
    const body = { index: 2, owner: "acme", repo: "app" };
    const answer = await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/dependencies`, body);
    expect(answer.status).toBe(201);
    s.pass(2);
    expect((await tick(s, inputs)).log).toContain("it waits for acme/app#2, which is open");
    expect(await settled(s, inputs)).toEqual([]);
    await alice.close(2);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "implement", item: 1, outcome: "done" });
  });

  it("a person's open pull request closes it already", async () => {
    const { s, inputs, alice } = await scene();
    await s.issue("sum subtracts");
    await s.forge.commitFiles(s.repo, { "sum.js": "// mine\n" }, { branch: "mine", author: "alice" });
    const pull = await alice.open("mine", "Mend it", "Fixes #1");
    expect((await tick(s, inputs)).log).toContain(`pull request #${pull} by @alice closes it already`);
    expect(await settled(s, inputs)).toEqual([]);
    await alice.close(pull);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "implement", item: 1, outcome: "done" });
  });

  it("at most `max-open-pulls`", async () => {
    const { s, inputs, alice } = await scene();
    const few = { ...inputs, "max-open-pulls": "1" };
    await s.issue("first");
    await s.issue("second");
    s.pass(2);
    await settled(s, few);
    expect(s.pulls()).toHaveLength(1);
    expect((await tick(s, few)).log).toContain("`max-open-pulls` is 1");
    await alice.close(3);
    await settled(s, few);
    expect(s.pulls().map((pull) => [pull.pull?.headBranch, pull.state])).toEqual([
      ["agent/issue-1", "closed"],
      ["agent/issue-2", "open"],
    ]);
  });

  it("finish before start, then what carries a priority label, then the oldest", async () => {
    const { s, inputs, alice } = await scene({}, { policy: "priorityLabels: [p1]" });
    for (const title of ["first", "second", "third"]) {
      await s.issue(title);
      s.pass(2);
    }
    await alice.label(3, "p1");
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual([
      ...["implement 3 round 0", "review 3 round 1", "implement 1 round 0", "review 1 round 1"],
      ...["implement 2 round 0", "review 2 round 1"],
    ]);
  });
});

describe("the next generation", () => {
  it("pull request closed by a person, label put on again", async () => {
    const { s, inputs, alice } = await scene();
    await s.issue("sum subtracts");
    s.pass(2);
    await settled(s, inputs);
    await alice.close(2);
    await settled(s, inputs);
    expect(s.see(1)).toMatchObject({ state: "open", labels: [] });
    expect(s.see(2)).toMatchObject({ state: "closed", labels: [] });
    await alice.label(1, "bot");
    await settled(s, inputs);
    expect(s.pulls().map((pull) => [pull.state, pull.pull?.headBranch])).toEqual([
      ["closed", "agent/issue-1"],
      ["open", "agent/issue-1-2"],
    ]);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });

  it("issue closed by a merge, opened again and labelled", async () => {
    const { s, inputs, alice } = await scene({
      implement: [
        {
          write: { "sum.js": "export const sum = (a) => a.reduce((a, b) => a + b, 0);\n" },
          result: { status: "implemented" },
        },
        { write: { "more.js": "export {};\n" }, result: { status: "implemented" } },
      ],
    });
    await s.issue("sum subtracts");
    s.pass(2);
    await settled(s, inputs);
    await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/merge`, { Do: "merge" });
    s.pass(2);
    await settled(s, inputs);
    expect(s.see(1)).toMatchObject({ state: "closed", labels: [] });
    await alice.reopen(1);
    expect(await settled(s, inputs)).toEqual([]);
    await alice.label(1, "bot");
    await settled(s, inputs);
    expect(s.pulls().map((pull) => [pull.state, pull.pull?.headBranch])).toEqual([
      ["closed", "agent/issue-1"],
      ["open", "agent/issue-1-2"],
    ]);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });
});

describe("an agent that ends without code", () => {
  it.each([
    [
      "a question",
      { status: "needs-info", question: "Which **sum**?" },
      "agent/needs-info",
      "question",
      "Which **sum**?",
    ],
    [
      "nothing to do, with its evidence",
      { status: "no-change-needed", summary: "sum.js:1 adds already." },
      "agent/needs-info",
      "question",
      "sum.js:1 adds already.",
    ],
    [
      "blocked",
      { status: "blocked", summary: "It needs a database." },
      "agent/blocked",
      "blocked",
      "It needs a database.",
    ],
  ])("%s: said once to the person who asked", async (_, result, label, purpose, words) => {
    const { s, inputs } = await scene({ implement: [{ result }] });
    await s.issue("sum subtracts");
    s.pass(2);
    await settled(s, inputs);
    expect(s.see(1)).toMatchObject({ labels: [label], assignees: ["alice"] });
    const own = said(s, 1).filter((text) => text.startsWith(`<!-- agent-dispatch:${purpose}`));
    expect(own).toHaveLength(1);
    expect(own[0]).toContain(words);
    expect(own[0]).toContain("@alice");
    expect(s.pulls()).toEqual([]);
    expect(await s.branches()).toEqual(["main"]);
  });
});
