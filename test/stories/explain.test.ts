// What the program says about itself without doing anything: `mode: explain`, `/agent why`, `dry-run`. And runs that start runs.

import { describe, expect, it } from "vitest";
import { table } from "../../src/core/decide.ts";
import { type Plays, played, playing, promptOf, rejected } from "../support/plays.ts";
import { type Stage, type StageOptions, stage } from "../support/run.ts";
import { learn, person, said, tick, ways } from "./acting.ts";

async function scene(plays: Plays = {}, options: StageOptions = {}) {
  const s = await stage(options);
  const inputs = { "agent-command": await playing(s.dir, plays) };
  return { s, inputs, alice: person(s, "alice") };
}

const pushes = (s: Stage) => s.forge.requests.filter((r) => r.path.includes("git-receive-pack")).length;
const writes = (s: Stage) => s.forge.requests.filter((r) => r.kind === "api" && r.method !== "GET").length;

/** Before the first step, the review, the rework. */
const steps = [
  ["implement", 0],
  ["review", 1],
  ["rework", 2],
] as const;

describe.each(steps)("before the %s", (kind, before) => {
  async function upTo() {
    const made = await scene({ review: [rejected] });
    await made.s.issue("sum subtracts", { body: "It should add." });
    made.s.pass(2);
    await person(made.s, "mallory").comment(1, "Me too.");
    await made.alice.comment(1, "/agent run with care");
    for (let run = 0; run < before; run++) expect((await tick(made.s, made.inputs)).outcome?.outcome).toBe("done");
    return made;
  }

  it("`dry-run` tells the whole prompt and writes nothing", async () => {
    const { s, inputs } = await upTo();
    const [photo, pushed, written] = [await s.photo(), pushes(s), writes(s)];
    for (const start of [{ item: "1" }, {}] as Record<string, string>[]) {
      const end = await s.start({ inputs: { ...inputs, ...start, "dry-run": "true" } });
      expect(end.outcome).toMatchObject({ kind, outcome: "dry-run", item: 1 });
      expect(end.left).toEqual([]);
    }
    const end = await tick(s, { ...inputs, "dry-run": "true" });
    expect(await s.photo()).toBe(photo);
    expect([pushes(s), writes(s)]).toEqual([pushed, written]);
    await tick(s, inputs);
    const real = await promptOf(s.dir, kind, 1);
    const told = end.log
      .split("\n")
      .flatMap((line) => (line.startsWith("| ") ? [line.slice(2)] : line === "|" ? [""] : []));
    const missing = real.split("\n").filter((line) => line.trim() !== "" && !told.includes(line));
    // Only the folders of a run, its worktree's commit and its clock are not known before.
    expect(missing.filter((line) => !/result|agent-dispatch-|\/tmp\/|minutes/i.test(line))).toEqual([]);
  });

  it("`mode: explain` tells every row with its facts and writes nothing", async () => {
    const { s, inputs } = await upTo();
    const [photo, pushed, written] = [await s.photo(), pushes(s), writes(s)];
    for (const start of [{ item: "1" }, {}] as Record<string, string>[]) {
      const end = await s.start({ inputs: { ...inputs, ...start, mode: "explain" } });
      expect(end.outcome).toMatchObject({ kind: "explain", outcome: "done" });
      const rows = end.log.split("\n").filter((line) => /^\s+\d+\s{2}/.test(line));
      expect(rows).toHaveLength(table.length);
      for (const { about } of table) expect(end.log).toContain(about.slice(0, 60));
      for (const row of rows) expect(row, "a row without a fact").toMatch(/\S\s{2,}\S.*\s(passes|stops|work|\?)\s+\S/);
      expect(end.log).toContain(`Next (row`);
    }
    expect(await s.photo()).toBe(photo);
    expect([pushes(s), writes(s)]).toEqual([pushed, written]);
  });

  it.each(ways)("`/agent why` is one comment with every row, by %s", async (way) => {
    const { s, inputs, alice } = await upTo();
    const begun = (await played(s.dir)).length;
    await alice.comment(begun === 0 ? 1 : 2, "/agent why");
    await learn(s, way, inputs);
    await tick(s, inputs);
    const answers = [1, ...(s.pulls().length > 0 ? [2] : [])].flatMap((number) =>
      said(s, number).filter((text) => text.startsWith("<!-- agent-dispatch:why")),
    );
    expect(answers).toHaveLength(1);
    for (const { row, about } of table) expect(answers[0]).toContain(`| ${row} | ${about.replaceAll("|", "\\|")}`);
    const cells = (answers[0] ?? "").split("\n").filter((line) => /^\| \d/.test(line));
    expect(cells).toHaveLength(table.length);
    expect(cells.filter((line) => / \|\s+\|$/.test(line))).toEqual([]);
  });
});

describe("without anything to do", () => {
  it("`dry-run` and `mode: explain` on an empty repository say so", async () => {
    const { s, inputs } = await scene();
    for (const mode of [{ "dry-run": "true" }, { mode: "explain" }] as Record<string, string>[]) {
      const end = await s.start({ inputs: { ...inputs, ...mode } });
      expect(end.exitCode).toBe(0);
      expect(end.lastLine).toContain("no open issue carries the label `bot`");
    }
  });

  it("`dry-run` tells the repairs it would make and makes none", async () => {
    const { s, inputs, alice } = await scene();
    await s.issue("sum subtracts");
    await tick(s, inputs);
    await alice.close(2);
    const before = await s.photo();
    const end = await s.start({ inputs: { ...inputs, "dry-run": "true" } });
    expect(end.log).toContain("would repair: #1 is over: pull request #2 was closed");
    expect(await s.photo()).toBe(before);
  });
});

const workflow = "on:\n  workflow_dispatch:\n    inputs: { item: {} }\njobs: { agent: { runs-on: x, steps: [] } }\n";
const files = { ".gitea/workflows/agent.yml": workflow };

async function serverRun(s: Stage, event: string, actor = "alice") {
  return { ...(await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event, actor })), event, actor };
}

describe("runs that start runs", () => {
  const waiting = (s: Stage) => s.forge.repo(s.repo).runs.filter((run) => run.status === "waiting");

  it("the whole loop by one label: each run starts the next, the last none", async () => {
    const { s, inputs } = await scene({}, { files });
    await s.issue("sum subtracts");
    s.pass(2);
    let run = await serverRun(s, "issues");
    const kinds = [];
    for (let step = 0; step < 6; step++) {
      const end = await s.start({ run, inputs, seed: step });
      kinds.push(end.outcome?.kind);
      s.forge.endRun(run.id, "success");
      const [next, ...more] = waiting(s);
      expect(more).toEqual([]);
      if (next === undefined) break;
      run = { ...s.forge.pickUp(next.id), event: "workflow_dispatch", actor: "bot" };
    }
    expect(kinds).toEqual(["implement", "review"]);
    expect(s.see(2).labels).toEqual(["agent/merge-ready"]);
  });

  it("an agent that failed starts none: its item cools down", async () => {
    const { s, inputs } = await scene({ implement: [{ exit: 1 }] }, { files });
    await s.issue("sum subtracts");
    s.pass(2);
    const end = await s.start({ run: await serverRun(s, "issues"), inputs });
    expect(end.outcome).toMatchObject({ outcome: "failed" });
    expect(waiting(s)).toEqual([]);
  });

  it("no endless chain where every attempt fails at once: the cooldown of all, then a person", async () => {
    const { s, inputs } = await scene(
      { implement: [{ exit: 1 }] },
      { files, limits: { cooldownSeconds: [0] }, policy: "maxAttempts: 3" },
    );
    await s.issue("sum subtracts");
    s.pass(2);
    let run = await serverRun(s, "issues");
    let runs = 0;
    for (; runs < 10; runs++) {
      await s.start({ run, inputs, seed: runs });
      s.forge.endRun(run.id, "success");
      const [next] = waiting(s);
      if (next === undefined) break;
      run = { ...s.forge.pickUp(next.id), event: "workflow_dispatch", actor: "bot" };
    }
    expect(runs).toBeLessThan(4);
  });

  it("a run that had nothing to do starts none", async () => {
    const { s, inputs, alice } = await scene({}, { files });
    await s.issue("sum subtracts");
    s.pass(2);
    await alice.label(1, "hold");
    expect((await s.start({ run: await serverRun(s, "issues"), inputs })).outcome?.outcome).toBe("idle");
    expect(waiting(s)).toEqual([]);
  });

  it("events of the program itself start nothing", async () => {
    const { s, inputs } = await scene();
    await s.issue("sum subtracts");
    s.pass(2);
    s.forge.events.length = 0;
    await tick(s, inputs);
    const own = s.forge.events.filter((event) => JSON.stringify(event.payload).includes('"sender":{'));
    const before = await s.photo();
    let ignored = 0;
    for (const { event, payload } of own) {
      if (event !== "issues" && event !== "issue_comment" && event !== "pull_request") continue;
      const end = await s.start({ event, payload, inputs });
      expect(end.lastLine).toContain("the event was caused by the program itself");
      ignored++;
    }
    expect(ignored).toBeGreaterThan(3);
    expect(await s.photo()).toBe(before);
  });
});
