// The crash suite: a run is stopped at each of its calls in turn, later runs go on, and the world must end as if nothing had happened.
//
// The points come from one recorded play of the tale, so a call that the program makes tomorrow is a point by itself. Points between which
// nothing changed that anybody else could see leave the same world behind: by default each such world is tried once, by the call whose
// answer is lost on entering it; `CRASH=all` stops before and after every call. `CRASH_POINT="before POST pulls #1"` tries that one alone.
// `CRASH_EVERY=3` tries every third of either, in each tale from another one on: tales begin alike.

import { readdir } from "node:fs/promises";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { asGood, difference, forgiven } from "../support/difference.ts";
import { installGates } from "../support/gate/builtins.ts";
import { type Machine, Passage, type Verdict } from "../support/gate/gate.ts";
import { oneBeat, pastEnd, pastLease } from "../support/gate/life.ts";
import { attemptsHeld, soundAttempts } from "../support/lawful.ts";
import { picture } from "../support/picture.ts";
import type { Stage, Start } from "../support/run.ts";
import type { Scene } from "../support/scenes.ts";
import { count } from "./count.ts";
import { type Point, play, type Recorded, record, type Tale } from "./record.ts";

export interface Stop {
  point: Point;
  way: Exclude<Verdict, "pass">;
}

/** Registers the tests of one tale. */
export async function crashes(tale: Tale): Promise<void> {
  installGates();
  const recorded = await record(tale);
  const { points } = recorded;
  const stops = chosen(tale.name, points);
  count({ tale: tale.name, points: points.length, states: states(points), tried: stops.length });
  describe(`${tale.name}, stopped`, () => {
    afterAll(() => recorded.scene.s.close());
    it.each(stops.map((stop) => [nameOf(stop), stop] as const))("%s", async (_, stop) => {
      await tryStop(tale, recorded, stop);
    });
  });
}

function nameOf({ point: { call }, way }: Stop): string {
  return `${way === "stop" ? "before" : "after"} ${call.label} #${call.nth}`;
}

function states(points: readonly Point[]): number {
  return new Set(points.flatMap((point) => [point.before, point.after])).size;
}

function chosen(name: string, points: readonly Point[]): Stop[] {
  const all = points.flatMap((point): Stop[] => [
    { point, way: "stop" },
    { point, way: "stop-after" },
  ]);
  const wanted = process.env["CRASH_POINT"];
  if (wanted !== undefined) return all.filter((stop) => nameOf(stop) === wanted);
  const every = Number(process.env["CRASH_EVERY"] ?? 1);
  const stops = process.env["CRASH"] === "all" ? all : onePerWorld(points);
  return stops.filter((_, at) => at % every === name.length % every);
}

/** By the call that leads into it; a world that came about by itself, as when an agent ends, by the call that leads out of it. */
function onePerWorld(points: readonly Point[]): Stop[] {
  const stops = new Map<string, Stop>();
  for (const point of points.filter(({ before, after }) => before !== after)) {
    if (!stops.has(point.before)) stops.set(point.before, { point, way: "stop" });
    if (!stops.has(point.after)) stops.set(point.after, { point, way: "stop-after" });
  }
  return [...stops.values()];
}

const accidents = { age: "died", post: "given back", failed: "died", cancelled: "given back" } as const;

/** Runs after the stopped one, at most. */
const runsMax = 8;

async function tryStop(tale: Tale, recorded: Recorded, stop: Stop): Promise<void> {
  const { scene, end } = recorded;
  const { s } = scene;
  s.forge.recall(recorded.memory);
  await stoppedPlay(tale, scene, stop);
  const held = (await attemptsHeld(s)).filter((claim) => !recorded.held.includes(claim));
  const lost = tale.sign === "cancelled" ? 0 : held.length;
  const accident = tale.isLastStep === true ? "half given back" : accidents[tale.sign];
  const wanted = asGood(end, accident);
  const look = async () => {
    const now = forgiven(await picture(s), accident);
    return shortest(wanted.map((world) => difference(world, now)));
  };
  const seen: Seen[] = [{ line: "(no run yet)", differs: await look() }];
  for (let idle = 0; seen.length <= runsMax && idle < 2 && seen.at(-1)?.differs !== ""; ) {
    const last = await s.start({ ...(await scene.next()), seed: 100 + seen.length });
    if (last.exitCode !== 0) throw new Error(`${last.lastLine}\n${last.log}`);
    seen.push({ line: last.lastLine, differs: await look() });
    idle = last.outcome?.outcome === "idle" ? idle + 1 : 0;
    s.pass(idle === 0 ? 2 : 3600);
  }
  if (seen.at(-1)?.differs !== "") throw new Error(told(seen));
  expect(await soundAttempts(s), "attempts counted").toBe(recorded.attempts + lost);
}

function shortest(texts: readonly string[]): string {
  return [...texts].sort((a, b) => a.length - b.length)[0] ?? "";
}

interface Seen {
  /** Last line of a run. */
  line: string;
  /** Between the world then and the one wanted. */
  differs: string;
}

function told(seen: readonly Seen[]): string {
  const nearest = shortest(seen.map(({ differs }) => differs));
  const lines = seen.map(({ line, differs }) => `${line} [${differs.split("\n").length} lines differ]`);
  return `the world ended otherwise, at best by these lines:\n${nearest}\nlater runs:\n${lines.join("\n")}`;
}

async function stoppedPlay(tale: Tale, scene: Scene, { point, way }: Stop): Promise<void> {
  const { sign } = tale;
  const { s } = scene;
  const { clock, guard } = oneBeat({
    before: ({ label, nth }) => (label === point.call.label && nth === point.call.nth ? way : "pass"),
  });
  const passage = new Passage(guard);
  const start = await scene.next();
  const hasEnded = await Promise.race([
    passage.stopped.then(() => false),
    play(tale, scene, start, { passage, clock }).then(() => true),
  ]);
  if (hasEnded) throw new Error("it never came to that point");
  if (start.run !== undefined) s.forge.endRun(start.run.id, sign === "cancelled" ? "cancelled" : "failure");
  if (sign === "post" && passage.machine !== null) await lastStep(s, passage.machine, start);
  s.pass({ age: pastLease, post: 2, failed: pastEnd, cancelled: pastEnd }[sign]);
}

/** The bounds of a last step are those of a living clock. It leaves nothing of the run on the machine. */
async function lastStep(s: Stage, machine: Machine, start: Start): Promise<void> {
  await s.post(machine, { ...start, clock: systemClock() });
  expect([...(await readdir(machine.temp)), ...(await readdir(machine.workspace))], "left by the last step").toEqual(
    [],
  );
}
