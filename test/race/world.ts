// A world in which a run works, made once for all stories that begin in it, and what is known of it: every moment at which the run can be
// interrupted, and where the world comes to when nobody does.

import { afterAll } from "vitest";
import { forgiven } from "../support/difference.ts";
import type { Memory } from "../support/forge/forge.ts";
import { installGates } from "../support/gate/builtins.ts";
import { picture } from "../support/picture.ts";
import { untilRest } from "../support/rest.ts";
import type { Scene } from "../support/scenes.ts";
import { recorded, type Seen } from "./moments.ts";

export interface World {
  name: string;
  make(): Promise<Scene>;
}

export interface Opened {
  scene: Scene;
  memory: Memory;
  /** Moments of the run that works in it, in order. */
  moments: readonly Seen[];
  /** The world after that run, and after each later one until nothing happens any more. */
  milestones: readonly string[];
  /** Claims of the item before the run. */
  epoch: number;
}

const opened = new Map<string, Promise<Opened>>();

/** Open until the tests of this file have ended. */
export function open(world: World): Promise<Opened> {
  const known = opened.get(world.name);
  if (known !== undefined) return known;
  const opening = made(world);
  opened.set(world.name, opening);
  afterAll(async () => {
    opened.delete(world.name);
    await (await opening).scene.s.close();
  });
  return opening;
}

async function made({ make }: World): Promise<Opened> {
  installGates();
  const scene = await make();
  const { s } = scene;
  const memory = s.forge.remember();
  const epoch = (await s.record(1))?.epoch ?? 0;
  const moments = await recorded(scene);
  const milestones: string[] = [];
  await untilRest(scene, async () => {
    milestones.push(forgiven(await picture(s)));
    return false;
  });
  return { scene, memory, moments, milestones, epoch };
}
