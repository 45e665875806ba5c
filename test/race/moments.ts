// Where a run can be interrupted: its calls to the forge and the ends of its agents.

import { countMoments, isMoment, type Moment } from "../support/gate/freeze.ts";
import { type Guard, Passage } from "../support/gate/gate.ts";
import { calm, isAgent } from "../support/gate/life.ts";
import { outerState } from "../support/outer.ts";
import type { Start } from "../support/run.ts";
import type { Scene } from "../support/scenes.ts";

export interface Seen extends Moment {
  /** What others could see then. */
  world: string;
}

/** One run from its beginning to its end, and its moments. */
export async function recorded({ s, next }: Scene, options: Start = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  const ends = countMoments();
  let agents = 0;
  const note = ({ label, nth }: Moment) => seen.push({ label, nth, world: outerState(s, null, agents) });
  const guard: Guard = {
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
  };
  const end = await s.start({ ...(await next()), ...options, passage: new Passage(guard), clock: calm() });
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
  return seen;
}

/**
 * `max` of them, evenly spread over those at which the world changes. `wanted`: the name of one, which is then the only one (`RACE_AT`); `RACE=all`
 * chooses every moment, `RACE_EVERY=3` a third of `max`.
 */
export function chosen(seen: readonly Seen[], max: number, wanted: string | undefined): Moment[] {
  if (wanted !== undefined) return seen.filter((at) => nameOf(at) === wanted);
  if (process.env["RACE"] === "all") return [...seen];
  return spread(writes(seen), thinned(max));
}

export function nameOf({ label, nth }: Moment): string {
  return `${label} #${nth}`;
}

/** So many, or with `RACE_EVERY=3` a third of them. */
export function thinned(number: number): number {
  return Math.ceil(number / Number(process.env["RACE_EVERY"] ?? 1));
}

/** Of the moments between which others see no change the last: a write most of the time, since everything was read before it. */
export function writes(seen: readonly Seen[]): Seen[] {
  return seen.filter((at, index) => at.world !== seen[index + 1]?.world);
}

/** The first and the last, and as many between them as `max` allows; one alone is the one in the middle. */
export function spread<T>(all: readonly T[], max: number): T[] {
  if (all.length <= max) return [...all];
  if (max === 1) return all.slice(all.length >> 1, (all.length >> 1) + 1);
  return all.filter((_, at) =>
    Array.from({ length: max }, (_, n) => Math.round((n * (all.length - 1)) / (max - 1))).includes(at),
  );
}
