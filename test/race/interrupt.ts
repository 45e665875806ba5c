// One run that stands still at each of its calls in turn, while something else happens from its beginning to its end; then it goes on.
//
// The moments come from one recorded play. Of those between which nothing changes that others could see the last one is tried, and of these
// `max`, evenly spread; `RACE=all` tries every one, `RACE_AT="POST pulls #1"` that one alone, `RACE_STORY="implement, and
// another run"` those of one story.

import { afterAll, describe, expect, it } from "vitest";
import { difference, forgiven } from "../support/difference.ts";
import type { Memory } from "../support/forge/forge.ts";
import { installGates } from "../support/gate/builtins.ts";
import { freezing, type Moment } from "../support/gate/freeze.ts";
import { expectLawful } from "../support/lawful.ts";
import { picture } from "../support/picture.ts";
import { untilRest } from "../support/rest.ts";
import type { End, Start } from "../support/run.ts";
import type { Scene } from "../support/scenes.ts";
import { count } from "./count.ts";
import { momentsOf } from "./moments.ts";
import type { Deed } from "./rivals.ts";

export interface Interruption {
  name: string;
  scene(): Promise<Scene>;
  deed: Deed;
  /** Whether the world must come to where it comes without the deed; else only what always holds is asked for. */
  sameEnd: boolean;
  /** Moments that are tried where not all of them are asked for. */
  max: number;
  /** How much later it is for the run when it goes on, in seconds; default 0. */
  sleeps?: number;
  /** What its end must be. */
  ends?: (end: End) => void;
}

interface Played {
  scene: Scene;
  memory: Memory;
  /** The world after each run when nobody interrupts. */
  milestones: readonly string[];
}

/** Registers the tests of one interruption. */
export async function interrupted(story: Interruption): Promise<void> {
  const only = process.env["RACE_STORY"];
  if (only !== undefined && only !== story.name) return;
  installGates();
  const scene = await story.scene();
  const memory = scene.s.forge.remember();
  const { moments, all } = await momentsOf(scene, story.max);
  const milestones: string[] = [];
  await untilRest(scene, async () => {
    milestones.push(forgiven(await picture(scene.s)));
    return false;
  });
  const played = { scene, memory, milestones };
  count({ story: story.name, found: all, tried: moments.length });
  describe(story.name, () => {
    afterAll(() => scene.s.close());
    it.each(moments.map((at) => [`${at.label} #${at.nth}`, at] as const))("at %s", async (_, at) => {
      await interrupt(story, played, at);
    });
  });
}

async function interrupt(story: Interruption, { scene, memory, milestones }: Played, at: Moment): Promise<void> {
  const { s, next } = scene;
  s.forge.recall(memory);
  const frozen = freezing(at);
  const start: Start = {
    ...(await next()),
    passage: frozen.passage,
    clock: frozen.clock,
    http: { timeoutMs: 600_000 },
  };
  const run = s.start(start);
  const early = await Promise.race([frozen.reached, run]);
  if (early !== undefined) throw new Error(`the run never came to that point: ${early.lastLine}\n${early.log}`);
  await frozen.passage.quiet();
  await story.deed(scene);
  frozen.release((story.sleeps ?? 0) * 1000);
  const end = await run;
  expect(end.exitCode, end.lastLine).toBe(0);
  story.ends?.(end);
  let nearest = "";
  const lines = await untilRest(scene, async () => {
    if (!story.sameEnd) return false;
    const now = forgiven(await picture(s));
    const [differs = ""] = milestones.map((wanted) => difference(wanted, now)).sort((a, b) => a.length - b.length);
    nearest = differs;
    return differs === "";
  });
  if (nearest !== "") throw new Error(`the world came elsewhere:\n${nearest}\n${[end.lastLine, ...lines].join("\n")}`);
  await expectLawful(s);
}
