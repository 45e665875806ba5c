// One run that stands still at one of its moments, while people or later runs do something from its beginning to its end; then it goes on.
//
// Of the moments `max` are tried, evenly spread over those at which others see the world change; `RACE=all` tries every one. `RACE_STORY="…"`
// plays one story alone, `RACE_AT="POST pulls #1"` one moment of it.

import { afterAll, describe, it } from "vitest";
import type { Moment } from "../support/gate/freeze.ts";
import { count } from "./count.ts";
import { chosen, nameOf } from "./moments.ts";
import { replayable } from "./settled.ts";
import { goOn, standStill, type WentOn } from "./stand.ts";
import { type Opened, open, type World } from "./world.ts";

export interface Interruption<Known> {
  name: string;
  world: World;
  /** What happens meanwhile. Its answer is for `after`. */
  deed(opened: Opened): Promise<Known>;
  /** What has to hold when the run has ended. */
  after(opened: Opened, went: WentOn, known: Known): Promise<void>;
  /** How much later it is for the run when it goes on, in seconds. */
  sleeps: number;
  max: number;
}

/** Registers the tests of one interruption. */
export async function interrupted<Known>(story: Interruption<Known>): Promise<void> {
  const only = process.env["RACE_STORY"];
  if (only !== undefined && only !== story.name) return;
  const opened = await open(story.world);
  const moments = chosen(opened.moments, story.max, process.env["RACE_AT"]);
  let played = 0;
  describe(story.name, () => {
    afterAll(() => count({ story: story.name, found: opened.moments.length, tried: played }));
    it.each(moments.map((at) => [nameOf(at), at] as const))("at %s", async (_, at) => {
      await replayable(`RACE_STORY="${story.name}" RACE_AT="${nameOf(at)}"`, () => interrupt(story, opened, at));
      played++;
    });
  });
}

async function interrupt<Known>(story: Interruption<Known>, opened: Opened, at: Moment): Promise<void> {
  opened.scene.s.forge.recall(opened.memory);
  const standing = await standStill(opened, at);
  const known = await story.deed(opened);
  const went = await goOn(opened, standing, story.sleeps);
  await story.after(opened, went, known);
}
