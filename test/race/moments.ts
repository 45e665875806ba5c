// Where a run can be interrupted: its calls to the forge and the ends of its agents, from one recorded play.

import { countMoments, isMoment, type Moment } from "../support/gate/freeze.ts";
import { Passage } from "../support/gate/gate.ts";
import { calm, isAgent } from "../support/gate/life.ts";
import { outerState } from "../support/outer.ts";
import type { Scene } from "../support/scenes.ts";

interface Seen extends Moment {
  /** What others could see then. */
  world: string;
}

/** `all`: how many there are. `max`: how many to try where not all of them are asked for. */
export async function momentsOf({ s, next }: Scene, max: number): Promise<{ moments: Moment[]; all: number }> {
  const seen: Seen[] = [];
  const ends = countMoments();
  let agents = 0;
  const note = ({ label, nth }: Moment) => seen.push({ label, nth, world: outerState(s, null, agents) });
  const passage = new Passage({
    before(call) {
      if (isMoment(call)) note(call);
      return "pass";
    },
    after(call) {
      if (isAgent(call)) agents++;
    },
    async ended(call) {
      note(ends.end(call));
      if (isAgent(call)) agents--;
    },
  });
  const end = await s.start({ ...(await next()), passage, clock: calm() });
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
  return { moments: chosen(seen, max), all: seen.length };
}

function chosen(seen: readonly Seen[], max: number): Moment[] {
  const wanted = process.env["RACE_AT"];
  if (wanted !== undefined) return seen.filter(({ label, nth }) => `${label} #${nth}` === wanted);
  if (process.env["RACE"] === "all") return [...seen];
  // The last of each world is a write most of the time: everything was read before it.
  const lasts = seen.filter((at, index) => at.world !== seen[index + 1]?.world);
  if (lasts.length <= max) return lasts;
  return Array.from({ length: max }, (_, at) => lasts[Math.floor((at * lasts.length) / max)]).filter(
    (at) => at !== undefined,
  );
}
