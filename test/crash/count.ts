// What was found and tried, one line for a tale; all of them are summed up at the end of the suite.

import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Count {
  tale: string;
  points: number;
  states: number;
  tried: number;
}

const variable = "CRASH_COUNTS";

export function count(line: Count): void {
  const file = process.env[variable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Set-up of the whole suite; answers what is done at its end. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "crash-counts-"));
  const file = join(folder, "counts");
  process.env[variable] = file;
  return () => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    rmSync(folder, { recursive: true, force: true });
    const counts = lines.map((line) => JSON.parse(line) as Count);
    for (const { tale, points, states, tried } of counts)
      console.log(`${tale}: ${points} points, ${states} distinct worlds, ${tried} tried`);
    const sum = (of: (line: Count) => number) => counts.reduce((total, line) => total + of(line), 0);
    const [points, states, tried] = [sum((c) => c.points), sum((c) => c.states), sum((c) => c.tried)];
    console.log(`crash suite: ${points} points found, ${states} distinct worlds, ${tried} stops tried`);
  };
}
