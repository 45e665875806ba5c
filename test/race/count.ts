// What was found and tried, one line for a story; all of them are summed up at the end of the suite.

import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Count {
  story: string;
  /** Moments at which another run could come in between; for random orders 0. */
  found: number;
  /** Interleavings that were played. */
  tried: number;
}

const variable = "RACE_COUNTS";

export function count(line: Count): void {
  const file = process.env[variable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Set-up of the whole suite; answers what is done at its end. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "race-counts-"));
  const file = join(folder, "counts");
  process.env[variable] = file;
  return () => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    rmSync(folder, { recursive: true, force: true });
    const counts = lines.map((line) => JSON.parse(line) as Count);
    for (const { story, found, tried } of counts)
      console.log(`${story}: ${tried} played${found > 0 ? `; the run has ${found} moments` : ""}`);
    const tried = counts.reduce((total, line) => total + line.tried, 0);
    console.log(`race suite: ${tried} interleavings played`);
  };
}
