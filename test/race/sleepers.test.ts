// A run that sleeps past its lease at one of its moments, and wakes when others are at work on its item, or have done it.

import { pastLease } from "../support/gate/life.ts";
import { untilRest } from "../support/rest.ts";
import { expectStale, forgivenLate } from "./checks.ts";
import { type Interruption, interrupted } from "./interrupt.ts";
import { type Pair, paired } from "./pairs.ts";
import { expectSameEnd } from "./settled.ts";
import type { World } from "./world.ts";
import { worlds } from "./worlds.ts";

/** Others have done all that there is to do when it wakes. */
function late(world: World, max: number): Interruption<void> {
  return {
    ...{ name: `${world.name}, asleep until others have done it`, world, sleeps: pastLease, max },
    async deed({ scene }) {
      scene.s.pass(pastLease);
      await untilRest(scene);
    },
    async after(opened, went) {
      await expectStale(opened, went);
      await expectSameEnd(opened, [went.end], forgivenLate(went.at));
    },
  };
}

/** It wakes while another run stands at one of its own moments. */
function amid(world: World, max: number, second: number): Pair {
  return { name: `${world.name}, asleep while another run takes over`, world, asleep: true, max, second };
}

await interrupted(late(worlds.implement, 8));
await interrupted(late(worlds.review, 5));
await interrupted(late(worlds.rework, 5));
await interrupted(late(worlds.land, 4));
await interrupted(late(worlds.resume, 4));
await paired(amid(worlds.implement, 4, 2));
await paired(amid(worlds.review, 3, 1));
await paired(amid(worlds.rework, 3, 1));
