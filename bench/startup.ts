// The bundle itself: how large it is, and how long node takes to read it before the first line of the program counts.

import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { bundle } from "../demo/step.ts";
import { alternating, bareNode, median, node } from "./measure.ts";
import { type Report, times } from "./report.ts";

const rounds = 15;

export async function startup(report: Report): Promise<void> {
  report.title("The bundle");
  const text = await readFile(bundle);
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  await refused();
  const { a, b } = await alternating(rounds, bareNode, refused);
  report.table(
    ["dist/index.js", "compressed", "start-up / `node -e 0`", "CPU time", "peak memory"],
    [
      [
        kib(text.length),
        kib(gzipSync(text).length),
        times(median(b.map((m) => m.wallMs)) / median(a.map((m) => m.wallMs))),
        times(median(b.map((m) => m.cpuMs)) / median(a.map((m) => m.cpuMs))),
        times(median(b.map((m) => m.maxRssKiB)) / median(a.map((m) => m.maxRssKiB))),
      ],
    ],
  );
}

/** Without a token it ends at once. */
async function refused() {
  const run = await node([bundle], { PATH: process.env["PATH"] ?? "" }, tmpdir());
  if (run.code !== 1 || !run.output.includes("token"))
    throw new Error(`not refused for its missing token:\n${run.output}`);
  return run;
}
