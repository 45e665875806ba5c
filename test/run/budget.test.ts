// Money: what runs reserve and what they cost, by whole runs with an agent that tells its cost as the real CLI does.

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBudget } from "../../src/ledger/budget.ts";
import type { SeenRequest } from "../support/forge/faults.ts";
import { type Stage, stage, until } from "../support/run.ts";

const done = { type: "result", subtype: "success", is_error: false, result: "done", session_id: "s" };

/** A `claude` on the PATH that mends the program, or fails, and tells what it cost; with `cost` null it dies before it can. */
async function claude(s: Stage, cost: number | null, more = "sed -i 's/a - b/a + b/' sum.js"): Promise<string> {
  const folder = join(s.dir, "bin");
  await mkdir(folder, { recursive: true });
  const told = cost === null ? "kill -9 $$" : `echo '${JSON.stringify({ ...done, total_cost_usd: cost })}'`;
  await writeFile(join(folder, "claude"), `#!/bin/sh\ncat >/dev/null\n${more}\n${told}\n`, { mode: 0o755 });
  return `${folder}:${process.env["PATH"] ?? ""}`;
}

const inputs = { agents: "claude", "agent-command": "" };
const limits = (change: Record<string, number>) => ({ cooldownSeconds: [0], ...change });

async function budgetOf(s: Stage) {
  const ref = "refs/agent-dispatch/v1/budget";
  const fact = parseBudget("", await s.git("log", "-1", "--format=%B", ref));
  if (fact.kind !== "budget") throw new Error("no budget record");
  return fact.budget;
}

describe("budgets", () => {
  it("a run reserves, then tells what it cost; the next claim settles the day", async () => {
    const s = await stage({ limits: limits({ costUsdPerDay: 20, costUsdPerRun: 5 }) });
    await s.issue("sum subtracts");
    const env = { PATH: await claude(s, 1.25) };
    expect((await s.start({ inputs, env })).outcome).toMatchObject({
      kind: "implement",
      outcome: "done",
      costUsd: 1.25,
    });
    expect((await s.record(1))?.spend).toMatchObject({ usd: 1.25, last: { usd: 1.25 } });
    expect((await s.record(1))?.spend.reserved).toBeUndefined();
    expect(await budgetOf(s)).toMatchObject({ spentUsd: 0, open: [{ key: "issue-1", epoch: 1, usd: 5 }] });
    await s.issue("another");
    await s.start({ inputs: { ...inputs, mode: "implement" }, env });
    expect(await budgetOf(s)).toMatchObject({ spentUsd: 1.25, open: [{ key: "issue-3", epoch: 1, usd: 5 }] });
  });

  it("an item that used up its budget goes to the person who asked, with the figures", async () => {
    const s = await stage({ limits: limits({ costUsdPerItem: 7, costUsdPerRun: 3 }), policy: "maxAttempts: 9" });
    await s.issue("sum subtracts");
    const env = { PATH: await claude(s, 4.5, "true") };
    await s.start({ inputs, env });
    // No cooldown: the next run may begin in the same second, which is all that the forge's clock tells.
    expect(await s.record(1)).toMatchObject({ state: "released", cooldownUntil: null });
    const second = await s.start({ inputs, env });
    expect(second.outcome).toMatchObject({ kind: "resume", outcome: "needs-person", failure: "budget" });
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(s.see(1).comments.at(-1)).toContain("4.50 USD of 7.00 USD");
    expect(s.see(1).comments.at(-1)).toContain("limits.costUsdPerItem");
  });

  it("an order that the item's budget forbids is answered once, also when its pull request was closed before", async () => {
    const s = await stage({ limits: limits({ costUsdPerItem: 7, costUsdPerRun: 3 }) });
    await s.issue("sum subtracts");
    const env = { PATH: await claude(s, 4.5) };
    await s.start({ inputs, env });
    await s.forge.as("alice").patch(`/repos/${s.repo}/issues/2`, { state: "closed" });
    await s.start({ inputs, env });
    await s.forge.as("alice").post(`/repos/${s.repo}/issues/1/comments`, { body: "/agent run" });
    const kinds: unknown[] = [];
    for (let runs = 0; runs < 3; runs++) kinds.push((await s.start({ inputs, env })).outcome?.outcome);
    expect(kinds).toEqual(["needs-person", "idle", "idle"]);
    expect(s.see(1)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(s.see(1).comments.filter((text) => text.includes("agent-dispatch:blocked"))).toHaveLength(1);
    expect(await s.record(1)).toMatchObject({ state: "blocked", generation: 2, pull: null });
  });

  it("an agent that was ended before it could tell counts with what was reserved", async () => {
    const s = await stage({ limits: limits({ costUsdPerItem: 7, costUsdPerRun: 3 }) });
    await s.issue("sum subtracts");
    await s.start({ inputs, env: { PATH: await claude(s, null, "true") } });
    expect((await s.record(1))?.spend.usd).toBe(3);
  });

  it("a run that ends over an outage after its agent worked counts with what that told", async () => {
    const s = await stage({ limits: limits({ costUsdPerItem: 7, costUsdPerRun: 3 }) });
    await s.issue("sum subtracts");
    const atWork = join(s.dir, "at-work");
    const env = { PATH: await claude(s, 1.25, `touch ${atWork}; sleep 1; sed -i 's/a - b/a + b/' sum.js`) };
    const ended = s.start({ inputs, env });
    await until(() => existsSync(atWork), "the agent to be at work");
    // The item cannot be read any more; the ledger can be written.
    const when = (request: { path: string }) => /\/issues\/1(\?|$)/.test(request.path);
    s.forge.faults.add({ when, times: Number.POSITIVE_INFINITY, do: "503" });
    await ended;
    expect((await s.record(1))?.spend).toMatchObject({ usd: 1.25, last: { usd: 1.25 } });
  });

  it("a base branch that cannot be fetched: no agent starts, and neither the attempt nor the reservation counts", async () => {
    const s = await stage({ limits: limits({ costUsdPerItem: 7, costUsdPerRun: 3 }) });
    await s.issue("sum subtracts");
    const when = ({ kind, body }: SeenRequest) => kind === "git" && body.includes("refs/heads/main");
    s.forge.faults.add({ when, times: Number.POSITIVE_INFINITY, do: "503" });
    const end = await s.start({ inputs, env: { PATH: await claude(s, 1.25) } });
    expect(end.outcome).toMatchObject({ kind: "implement", outcome: "failed", failure: "forge-error" });
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, spend: { usd: 0 } });
    expect((await s.record(1))?.spend.reserved).toBeUndefined();
  });

  it("runs at once cannot pass the day's budget together", async () => {
    const s = await stage({ limits: limits({ costUsdPerDay: 11, costUsdPerRun: 5 }), policy: "maxConcurrent: 8" });
    for (const title of ["one", "two", "three", "four"]) await s.issue(title);
    const env = { PATH: await claude(s, 5, "sleep 2; sed -i 's/a - b/a + b/' sum.js") };
    const ends = await Promise.all([1, 2, 3, 4].map((seed) => s.start({ inputs, env, seed })));
    const worked = ends.filter((end) => end.outcome?.kind === "implement" && end.outcome.outcome === "done");
    expect(worked).toHaveLength(2);
    const idle = await s.start({ inputs: { ...inputs, mode: "implement" }, env });
    expect(idle.outcome?.kind).toBe("idle");
    expect(JSON.stringify(idle.outcome?.passed)).toContain("the day's budget is used up: 10.00 USD of 11.00 USD");
    // The forge's next day.
    s.pass(24 * 3600);
    const next = await s.start({ inputs: { ...inputs, mode: "implement" }, env });
    expect(next.outcome).toMatchObject({ kind: "implement", outcome: "done" });
  });

  it("a reservation that no budget holds is refused at the start", async () => {
    const s = await stage({ limits: { costUsdPerDay: 3, costUsdPerItem: 4, costUsdPerRun: 5 } });
    const end = await s.start();
    expect(end.exitCode).toBe(1);
    expect(String(end.error)).toContain("costUsdPerRun to be at most costUsdPerItem, got 5 and 4");
    expect(String(end.error)).toContain("costUsdPerRun to be at most costUsdPerDay, got 5 and 3");
  });
});
