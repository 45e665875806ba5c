// Several runs that start in the same second: two, three and eight, on one issue and on more than there are places for agents.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StageOptions } from "../support/run.ts";
import { asked, type Scene } from "../support/scenes.ts";
import { crowded } from "./crowd.ts";

/** So many issues, and two agents at once. */
async function issues(number: number, limits: StageOptions["limits"] = {}): Promise<Scene> {
  const scene = await asked({}, { policy: "maxConcurrent: 2", limits });
  for (let more = 1; more < number; more++) await scene.s.issue(`sum subtracts, said ${more + 1} times`);
  scene.s.pass(2);
  return scene;
}

/** Money for one agent at once: what it reserves comes back when it says what it cost, which is nothing. */
async function onePurse(): Promise<Scene> {
  const { s, next } = await issues(2, { costUsdPerDay: 1, costUsdPerRun: 1 });
  const start = await next();
  const folder = join(s.dir, "bin");
  await mkdir(folder);
  const said = { type: "result", subtype: "success", is_error: false, result: "done", total_cost_usd: 0 };
  const lines = ["#!/bin/sh", "cat >/dev/null", `${start.inputs?.["agent-command"]} >/dev/null`];
  const script = [...lines, `echo '${JSON.stringify(said)}'`, ""].join("\n");
  await writeFile(join(folder, "claude"), script, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  return { s, next: async () => ({ ...start, inputs: { agents: "claude", "agent-command": "" }, env }) };
}

await crowded({ name: "2 runs, one issue", runs: 2, scene: () => issues(1), agentsMax: 1, seeds: 4 });
await crowded({ name: "3 runs, one issue", runs: 3, scene: () => issues(1), agentsMax: 1, seeds: 3 });
await crowded({ name: "3 runs, two issues", runs: 3, scene: () => issues(2), agentsMax: 2, seeds: 2 });
await crowded({ name: "3 runs, money for one", runs: 3, scene: onePurse, agentsMax: 1, seeds: 2 });
await crowded({ name: "8 runs, three issues", runs: 8, scene: () => issues(3), agentsMax: 2, seeds: 1 });
