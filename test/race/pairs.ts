// Two runs on one item, in every order with at most two switches, of which a spread is played.
//
// The first run stands still at one of its moments. The other one starts then and goes to its end (one switch), or to one of its own moments,
// where it stands still until the first has ended (two switches). The moments come from plays that are recorded, so a new call of the program is
// a moment by itself.
//
// Of the first run's moments `max` are tried, evenly spread over those at which others see the world change, and `second` of the other's. The
// bound is two switches; within it `RACE=all` plays one switch at every moment, with the same spread of second ones.

import { afterAll, describe, it } from "vitest";
import type { Moment } from "../support/gate/freeze.ts";
import { pastLease } from "../support/gate/life.ts";
import type { End, Start } from "../support/run.ts";
import { expectStale, forgivenLate } from "./checks.ts";
import { count } from "./count.ts";
import { chosen, nameOf, recorded, type Seen, spread, writes } from "./moments.ts";
import { expectSameEnd, replayable } from "./settled.ts";
import { goOn, standStill, type WentOn } from "./stand.ts";
import { type Opened, open, type World } from "./world.ts";

export interface Pair {
  name: string;
  world: World;
  /** How the other run is started; default as the first. */
  other?: (opened: Opened) => Start;
  /** The first run is asleep past its lease, so that the other one takes its item over. */
  asleep?: true;
  /** Moments of the first run, and of the other one at each of them, that are tried. */
  max: number;
  second: number;
}

/** Registers the tests of one pair. `RACE_STORY`, `RACE_AT` and `RACE_AND` play one of them again. */
export async function paired(pair: Pair): Promise<void> {
  const only = process.env["RACE_STORY"];
  if (only !== undefined && only !== pair.name) return;
  const opened = await open(pair.world);
  const firsts = chosen(opened.moments, pair.max, process.env["RACE_AT"]);
  let played = 0;
  describe(pair.name, () => {
    afterAll(() => count({ story: pair.name, found: opened.moments.length, tried: played }));
    it.each(firsts.map((at) => [nameOf(at), at] as const))("at %s", async (_, at) => {
      const again = `RACE_STORY="${pair.name}" RACE_AT="${nameOf(at)}"`;
      const others = await replayable(again, () => oneSwitch(pair, opened, at));
      played++;
      for (const and of seconds(pair, others)) {
        await replayable(`${again} RACE_AND="${nameOf(and)}"`, () => twoSwitches(pair, opened, at, and));
        played++;
      }
    });
  });
}

function seconds({ second }: Pair, others: readonly Seen[]): Moment[] {
  const wanted = process.env["RACE_AND"];
  return wanted === undefined ? spread(writes(others), second) : others.filter((at) => nameOf(at) === wanted);
}

/** Answers the moments of the other run. */
async function oneSwitch(pair: Pair, opened: Opened, at: Moment): Promise<Seen[]> {
  const { scene, memory } = opened;
  scene.s.forge.recall(memory);
  const first = await standStill(opened, at);
  const sleeps = fallAsleep(pair, opened);
  const others = await recorded(scene, optionsOf(pair, opened));
  const went = await goOn(opened, first, sleeps);
  await expectStale(opened, went);
  await expectSameEnd(opened, [went.end], forgiving(went));
  return others;
}

async function twoSwitches(pair: Pair, opened: Opened, at: Moment, and: Moment): Promise<void> {
  opened.scene.s.forge.recall(opened.memory);
  const first = await standStill(opened, at);
  const sleeps = fallAsleep(pair, opened);
  const other = await standStill(opened, and, optionsOf(pair, opened));
  const went = await goOn(opened, first, sleeps);
  await expectStale(opened, went);
  const ends: End[] = [went.end, (await goOn(opened, other)).end];
  await expectSameEnd(opened, ends, forgiving(went));
}

function forgiving({ wasTakenOver, at }: WentOn): ReturnType<typeof forgivenLate> {
  return wasTakenOver ? forgivenLate(at) : (picture) => picture;
}

function fallAsleep({ asleep }: Pair, { scene }: Opened): number {
  if (asleep !== true) return 0;
  scene.s.pass(pastLease);
  return pastLease;
}

function optionsOf({ other }: Pair, opened: Opened): Start {
  return { ...other?.(opened), seed: 7 };
}
