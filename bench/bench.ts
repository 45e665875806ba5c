// `npm run bench`: figures for docs/performance.md. `npm run bench -- idle` runs one part. Exits 1 when a stated bound is exceeded; times are
// printed as ratios and never judged.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import { inOwnFolder } from "../demo/own-folder.ts";
import { bundle } from "../demo/step.ts";
import { claims } from "./claims.ts";
import { crowd } from "./crowd.ts";
import { idle } from "./idle.ts";
import { items } from "./items.ts";
import { network } from "./network.ts";
import { Report } from "./report.ts";
import { start } from "./start.ts";
import { startup } from "./startup.ts";

const parts: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  startup,
  idle,
  start,
  network,
  claims,
  crowd,
  items,
};

process.exit(await inOwnFolder("bench", () => main(process.argv.slice(2))));

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => !(arg in parts));
  if (unknown.length > 0) {
    console.error(`bench: unknown: ${unknown.join(", ")}; known: ${Object.keys(parts).join(", ")}`);
    return 2;
  }
  if (!existsSync(bundle)) {
    console.error("bench: dist/index.js is missing; build it: npm run build");
    return 2;
  }
  const report = new Report();
  const git = execFileSync("git", ["--version"], { encoding: "utf8" }).trim();
  console.log(
    `node ${process.version}, ${git}, ${process.platform} ${process.arch}, ${os.availableParallelism()} cores`,
  );
  console.log(`load before: ${load()}`);
  for (const [name, part] of Object.entries(parts)) if (args.length === 0 || args.includes(name)) await part(report);
  console.log(`\nload after: ${load()}`);
  for (const text of report.exceeded) console.error(`bench: exceeded: ${text}`);
  return report.exceeded.length === 0 ? 0 : 1;
}

function load(): string {
  return os
    .loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
}
