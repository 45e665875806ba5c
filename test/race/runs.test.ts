// Two runs that both may begin: one of them works, whatever the order, and the world ends as with one run.

import type { Start } from "../support/run.ts";
import { type Pair, paired } from "./pairs.ts";
import type { Opened } from "./world.ts";
import { worlds } from "./worlds.ts";

/** Told of the label that was put on, and so not by a tick. */
function told({ scene: { s } }: Opened): Start {
  const last = s.forge.events.findLast(({ event }) => event === "issues");
  if (last === undefined) throw new Error("nobody put a label on");
  return { event: last.event, payload: last.payload };
}

const pairs: Pair[] = [
  { name: "implement, and another run", world: worlds.implement, max: 6, second: 2 },
  { name: "implement, and another run by the label's event", world: worlds.implement, other: told, max: 3, second: 1 },
  { name: "review, and another run", world: worlds.review, max: 4, second: 1 },
  { name: "rework, and another run", world: worlds.rework, max: 4, second: 1 },
  { name: "land, and another run", world: worlds.land, max: 4, second: 1 },
  { name: "resume, and another run", world: worlds.resume, max: 4, second: 1 },
  { name: "take-over, and another run", world: worlds.takeOver, max: 4, second: 1 },
];

for (const pair of pairs) await paired(pair);
