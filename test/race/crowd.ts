// Many runs that start in the same second, in an order that chance makes: at each call to the forge it decides who speaks next.
//
// `RACE_SEEDS=200` plays as many orders of each crowd, from `RACE_FIRST` (default 1) on. An order that fails prints the line that plays it again:
// the same seed is the same order of calls.

import { afterAll, describe, expect, it } from "vitest";
import { installGates } from "../support/gate/builtins.ts";
import { calm, isAgent } from "../support/gate/life.ts";
import { type Choose, Turns } from "../support/gate/turns.ts";
import { expectLawful } from "../support/lawful.ts";
import { untilRest } from "../support/rest.ts";
import type { End } from "../support/run.ts";
import type { Scene } from "../support/scenes.ts";
import { count } from "./count.ts";
import { thinned } from "./moments.ts";
import { replayable } from "./settled.ts";

export interface Crowd {
  name: string;
  runs: number;
  scene(): Promise<Scene>;
  /** Most agents at once that the policy of the scene allows, by places or by money. */
  agentsMax: number;
  /** Orders that are played where nobody asks for another number. */
  seeds: number;
}

export async function crowded(crowd: Crowd): Promise<void> {
  const only = process.env["RACE_STORY"];
  if (only !== undefined && only !== crowd.name) return;
  installGates();
  const scene = await crowd.scene();
  const memory = scene.s.forge.remember();
  const first = Number(process.env["RACE_FIRST"] ?? 1);
  const number = Number(process.env["RACE_SEEDS"] ?? thinned(crowd.seeds));
  const seeds = Array.from({ length: number }, (_, at) => first + at);
  count({ story: crowd.name, found: 0, tried: seeds.length });
  describe(crowd.name, () => {
    afterAll(() => scene.s.close());
    it.each(seeds)("seed %i", async (seed) => {
      scene.s.forge.recall(memory);
      const again = `RACE_STORY="${crowd.name}" RACE_FIRST=${seed} RACE_SEEDS=1`;
      await replayable(again, () => play(crowd, scene, seed));
    });
  });
}

async function play(crowd: Crowd, scene: Scene, seed: number): Promise<void> {
  const { s, next } = scene;
  const turns = new Turns(byChance(seed));
  let atWork = 0;
  let most = 0;
  const names = Array.from({ length: crowd.runs }, (_, at) => `run ${at + 1}`);
  const passages = names.map((name) =>
    turns.join(name, {
      after(call) {
        if (isAgent(call)) most = Math.max(most, ++atWork);
      },
      async ended(call) {
        if (isAgent(call)) atWork--;
      },
    }),
  );
  const starts = await Promise.all(passages.map(() => next()));
  const ends = await Promise.all(
    passages.map(async (passage, at): Promise<End> => {
      const options = { ...starts[at], passage, clock: calm(), seed: seed + at, http: { timeoutMs: 600_000 } };
      const end = await s.start(options);
      turns.leave(names[at] ?? "");
      return end;
    }),
  );
  const spoken = () => turns.spoken.join("\n");
  for (const end of ends) expect(end.exitCode, `${end.lastLine}\n${spoken()}`).toBe(0);
  expect(most, `agents at work at once\n${spoken()}`).toBeLessThanOrEqual(crowd.agentsMax);
  await untilRest(scene);
  await expectLawful(s);
  for (const issue of s.forge.repo(s.repo).issues.filter(({ pull }) => pull === undefined)) {
    expect(
      issue.assignees.map(({ login }) => login),
      `#${issue.number} is done`,
    ).toEqual(["alice"]);
  }
}

/**
 * Whoever speaks goes on speaking for a while; how long differs from order to order. In every second order agents are slow: none ends before
 * nobody else has anything to say, so that as many as can be are at work at once.
 */
function byChance(seed: number): Choose {
  const random = randomOf(seed);
  const changes = [0.02, 0.1, 0.3, 1][Math.floor(random() * 4)] ?? 1;
  const areSlow = seed % 2 === 1;
  return (at, waiting) => {
    const quick = waiting.filter(({ isAgentsEnd }) => !isAgentsEnd);
    const names = (areSlow && quick.length > 0 ? quick : waiting).map(({ name }) => name);
    if (at !== null && names.includes(at) && random() >= changes) return at;
    const next = names[Math.floor(random() * names.length)];
    if (next === undefined) throw new Error("nobody waits");
    return next;
  };
}

/** Mulberry32: small, and good enough to choose an order. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
