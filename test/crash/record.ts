// One play of a tale, and from it the list of all points at which a run can be stopped.

import type { Memory } from "../support/forge/forge.ts";
import { type Call, Passage } from "../support/gate/gate.ts";
import { isAgent, oneBeat } from "../support/gate/life.ts";
import { soundAttempts } from "../support/lawful.ts";
import { outerState } from "../support/outer.ts";
import { picture } from "../support/picture.ts";
import type { Scene } from "../support/scenes.ts";

/**
 * What tells later runs that a run has died: that its claim is older than any lease, its own post step, or that the forge shows its run as
 * ended.
 */
export type Sign = "age" | "post" | "forge";

/** What one run does, and may be stopped in. */
export interface Tale {
  name: string;
  sign: Sign;
  scene(): Promise<Scene>;
}

export interface Point {
  call: Call;
  /** What anybody but the run could see before the call, and after it. */
  before: string;
  after: string;
}

export interface Recorded {
  scene: Scene;
  /** The world before the run. */
  memory: Memory;
  points: Point[];
  /** The world after the run, and the most attempts that its claims counted. */
  end: string;
  attempts: number;
}

export async function record(tale: Tale): Promise<Recorded> {
  const scene = await tale.scene();
  const { s } = scene;
  const memory = s.forge.remember();
  const points: Point[] = [];
  let agents = 0;
  let passage: Passage | null = null;
  // What is kept on the machine is for the post step; runs on other machines never see it.
  const look = () => outerState(s, tale.sign === "post" ? (passage?.machine ?? null) : null, agents);
  let seen = look();
  const { clock, guard } = oneBeat({
    after(call) {
      if (isAgent(call)) agents++;
      const now = look();
      points.push({ call, before: seen, after: now });
      seen = now;
    },
    async ended(call) {
      if (isAgent(call)) agents--;
      seen = look();
    },
  });
  passage = new Passage(guard);
  const last = await s.start({ ...(await scene.next()), passage, clock });
  if (last.exitCode !== 0) throw new Error(`${tale.name}: ${last.lastLine}\n${last.log}`);
  return { scene, memory, points, end: await picture(s), attempts: await soundAttempts(s) };
}
