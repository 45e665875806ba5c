// One play of a tale, and from it the list of all points at which a run can be stopped.

import { type Clock, systemClock } from "../../src/clock.ts";
import type { Memory } from "../support/forge/forge.ts";
import { type Call, Passage } from "../support/gate/gate.ts";
import { isAgent, oneBeat } from "../support/gate/life.ts";
import { attemptsHeld, expectLawful, soundAttempts } from "../support/lawful.ts";
import { outerState } from "../support/outer.ts";
import { picture } from "../support/picture.ts";
import type { Stage, Start } from "../support/run.ts";
import { dying, type Scene } from "../support/scenes.ts";

/**
 * What tells later runs that a run has died: that its claim is older than any lease, its own post step, or that the forge shows its run as
 * failed or as cancelled.
 */
export type Sign = "age" | "post" | "failed" | "cancelled";

/** What one run does, and may be stopped in. */
export interface Tale {
  name: string;
  sign: Sign;
  scene(): Promise<Scene>;
  /** What is played is not a run but the last step of one that died when its agent was about to start. */
  isLastStep?: boolean;
}

export interface Point {
  call: Call;
  /** What anybody but the run could see before the call, and after it. */
  before: string;
  after: string;
}

export interface Recorded {
  scene: Scene;
  /** The world before the run, and the attempts that were held in it. */
  memory: Memory;
  held: string[];
  points: Point[];
  /** The world after the run, and the most attempts that its claims counted. */
  end: string;
  attempts: number;
}

export async function record(tale: Tale): Promise<Recorded> {
  const scene = await tale.scene();
  const { s } = scene;
  const memory = s.forge.remember();
  const held = await attemptsHeld(s);
  const points: Point[] = [];
  let agents = 0;
  let processes = 0;
  let passage: Passage | null = null;
  // What is kept on the machine is for the post step; runs on other machines never see it.
  const look = () => outerState(s, tale.sign === "post" ? (passage?.machine ?? null) : null, agents);
  let seen = "";
  const { clock, guard } = oneBeat({
    before() {
      if (points.length === 0) seen = look();
      return "pass";
    },
    after(call) {
      if (isAgent(call)) agents++;
      if (call.kind === "process") processes++;
      const now = look();
      if (!isTrace(call) || call.nth <= processes) points.push({ call, before: seen, after: now });
      seen = now;
    },
    async ended(call) {
      if (isAgent(call)) agents--;
      seen = look();
    },
  });
  passage = new Passage(guard);
  await play(tale, scene, await scene.next(), { passage, clock });
  // What a last step gives back is seen from the run after it: one that takes over goes straight there.
  if (tale.isLastStep === true) await completed(s, await scene.next());
  await expectLawful(s);
  return { scene, memory, held, points, end: await picture(s), attempts: await soundAttempts(s) };
}

/** Throws when it came to its end and was not well; never answers when it was stopped. */
export async function play(
  { isLastStep }: Tale,
  scene: Scene,
  start: Start,
  { passage, clock }: { passage: Passage; clock: Clock },
): Promise<void> {
  const { s } = scene;
  if (isLastStep !== true) return completed(s, { ...start, passage, clock });
  const machine = await dying(scene, start, "state agent");
  passage.machine = machine;
  s.pass(2);
  await passage.enter(() => s.post(machine, { ...start, clock: systemClock() }));
  s.pass(2);
}

async function completed(s: Stage, start: Start): Promise<void> {
  const end = await s.start(start);
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
}

/**
 * What is kept of processes for the post step, once when each is started and then as often as time makes it: another play has the first of
 * these, and maybe no others.
 */
function isTrace({ label }: Call): boolean {
  return label.includes("/processes.json");
}
