// Runs that start in the same second: the forge's compare-and-swap is all that keeps them apart.

import process from "node:process";
import { describe, expect, it } from "vitest";
import { approved, implemented, type Plays } from "../support/plays.ts";
import { onEachServer } from "./harness.ts";
import { agentsAtOnce, expectGoodEnd, goOn, state } from "./reliability/ending.ts";
import { figures } from "./reliability/figures.ts";
import { type Ground, makeGround } from "./reliability/ground.ts";

const times = Number(process.env["RACE_TIMES"] || 5);
const manyRuns = Number(process.env["RUNS"] || 16);

const note = figures("race");

/** Agents that take their time, so that two too many would meet. */
const plays: Plays = { implement: [{ ...implemented, waitMs: 700 }], review: [{ ...approved, waitMs: 300 }] };

/** Starts so many runs at once, waits for all, and goes on until everything is handed over. */
async function race(ground: Ground, runs: number, maxConcurrent: number): Promise<void> {
  const begun = Date.now();
  const started = await Promise.all(Array.from({ length: runs }, () => ground.start()));
  const within = Date.now() - begun;
  const codes = await Promise.all(started.map((run) => run.ended));
  const took = (Date.now() - begun) / 1000;
  if (codes.some((code) => code !== 0)) throw new Error(`a run failed: ${codes}\n${await state(ground)}`);
  await goOn(ground, 2);
  await expectGoodEnd(ground);
  const most = agentsAtOnce(await ground.stamps());
  expect(most).toBeLessThanOrEqual(maxConcurrent);
  const outcomes = await Promise.all(started.map(async (run) => (await run.outputs()).get("outcome") ?? "none"));
  const count = [...new Set(outcomes)].map((one) => `${outcomes.filter((o) => o === one).length} ${one}`).join(", ");
  note({
    ...{ story: `${runs} runs on ${ground.issues.length} issues`, server: ground.server.name, seconds: null },
    words: `started within ${within} ms, over after ${took.toFixed(1)} s: ${count}; ${most} agents at once, ${ground.runs.length} runs in all`,
  });
}

onEachServer((server) => {
  describe.each(Array.from({ length: times }, (_, at) => at + 1))("race %i", (round) => {
    it("8 runs of the same second on 3 issues: one pull request each", async () => {
      const ground = await makeGround(server(), `race-${round}`, { issues: 3, maxConcurrent: 2, plays });
      try {
        await race(ground, 8, 2);
      } finally {
        await ground.close();
      }
    });
  });

  it(`${manyRuns} runs at once: one pull request for each issue`, async () => {
    const issues = Math.ceil(manyRuns / 4);
    const ground = await makeGround(server(), "many", { issues, maxConcurrent: issues - 1, plays });
    try {
      await race(ground, manyRuns, issues - 1);
    } finally {
      await ground.close();
    }
  });
});
