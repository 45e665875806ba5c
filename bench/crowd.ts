// Runs that start at the same moment, each with an issue to take, as a multiple of one alone.

import { processRunner } from "../demo/runner.ts";
import { makeGround } from "../test/e2e/reliability/ground.ts";
import { startEmbedded } from "../test/e2e/servers/embedded.ts";
import type { Server } from "../test/e2e/servers/server.ts";
import { median } from "./measure.ts";
import { type Report, times } from "./report.ts";

/** Runs at once, and how often that is measured. */
const crowds = [
  { runs: 1, rounds: 5 },
  { runs: 16, rounds: 3 },
  { runs: 54, rounds: 1 },
] as const;

export async function crowd(report: Report): Promise<void> {
  report.title("Runs of the same moment");
  const server = await startEmbedded({ executor: processRunner });
  const rows: string[][] = [];
  try {
    let alone: Crowd | null = null;
    for (const { runs, rounds } of crowds) {
      const all: Crowd[] = [];
      for (let round = 0; round < rounds; round++) all.push(await measure(server, runs, `crowd-${runs}-${round}`));
      const wallMs = median(all.map((one) => one.wallMs));
      const requests = median(all.map((one) => one.requests));
      alone ??= { runs, wallMs, requests, worked: 1 };
      const worked = all.map((one) => one.worked);
      rows.push([
        String(runs),
        times(wallMs / alone.wallMs),
        times(wallMs / runs / alone.wallMs),
        times(requests / runs / alone.requests),
        [...new Set(worked)].join(", "),
      ]);
    }
  } finally {
    await server.close();
  }
  report.table(
    ["runs", "wall / one alone", "the same per run", "requests per run / one alone", "runs that found work"],
    rows,
  );
}

interface Crowd {
  runs: number;
  wallMs: number;
  requests: number;
  /** Runs that did a piece of work. */
  worked: number;
}

/** As many issues as runs, and a slot for each: nothing but the races keeps them from working. */
async function measure(server: Server, runs: number, name: string): Promise<Crowd> {
  const ground = await makeGround(server, name, { issues: runs, maxConcurrent: runs, limits: patient });
  try {
    const before = ground.wire.passed.requests;
    const begun = performance.now();
    const started = await Promise.all(Array.from({ length: runs }, () => ground.start()));
    const codes = await Promise.all(started.map((run) => run.ended));
    const wallMs = performance.now() - begun;
    if (codes.some((code) => code !== 0))
      throw new Error(`a run failed: ${codes.join(" ")}\n${started[0]?.lines.join("\n")}`);
    const outcomes = await Promise.all(started.map(async (run) => (await run.outputs()).get("outcome")));
    return {
      ...{ runs, wallMs, requests: ground.wire.passed.requests - before },
      worked: outcomes.filter((outcome) => outcome === "done").length,
    };
  } finally {
    await ground.close();
  }
}

/** As in use: nobody loses a lease because the machine is busy. */
const patient = { renewSeconds: 60, fenceSeconds: 210, ttlSeconds: 420, slackSeconds: 30, apiSeconds: 30 };
