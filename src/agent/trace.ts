// What is kept of an agent's processes in a file while it works, for the post step: this program can be killed at any instant, and processes that
// cleared their environment and lost their parents are known only by having been seen.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Process } from "./processes.ts";
import type { Sightings } from "./tree.ts";

/** Most processes that are kept of one look. */
const processesMax = 2_000;

const Trace = z.array(
  z.object({ pid: z.int(), parent: z.int(), group: z.int(), session: z.int(), startedTicks: z.int() }),
);

/** For `onLook` of the supervisor: the newest look takes the place of the one before. Without waiting, and never throws: it is an addition. */
export function traceInto(folder: string): (living: readonly Process[]) => void {
  const file = traceFile(folder);
  let last = "";
  return (living) => {
    const text = JSON.stringify(living.slice(0, processesMax));
    if (text === last) return;
    last = text;
    try {
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch {
      // The marks in the environment find nearly everything without it.
    }
  };
}

/** What the last look saw; nothing where there is no such file. */
export function readTrace(folder: string): Sightings {
  try {
    const found = Trace.parse(JSON.parse(readFileSync(traceFile(folder), "utf8")));
    return new Map(found.map((at) => [at.pid, at]));
  } catch {
    return new Map();
  }
}

function traceFile(folder: string): string {
  return join(folder, "processes.json");
}
