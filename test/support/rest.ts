// Runs until nothing happens any more.

import { pastLease } from "./gate/life.ts";
import type { Scene } from "./scenes.ts";

const runsMax = 12;

/** Ticks until two in a row have nothing to do, with more time between them than any lease or cooldown. `look` is asked before each, and may end it. */
export async function untilRest(
  { s, next }: Scene,
  look: () => Promise<boolean> = async () => false,
): Promise<string[]> {
  const lines: string[] = [];
  for (let idle = 0; idle < 2 && !(await look()); ) {
    if (lines.length >= runsMax) throw new Error(`no end of it:\n${lines.join("\n")}`);
    const end = await s.start({ ...(await next()), seed: 100 + lines.length });
    if (end.exitCode !== 0) throw new Error(`${[...lines, end.lastLine].join("\n")}\n${end.log}`);
    lines.push(end.lastLine);
    idle = end.outcome?.outcome === "idle" ? idle + 1 : 0;
    s.pass(idle === 0 ? 2 : 10 * pastLease);
  }
  return lines;
}
