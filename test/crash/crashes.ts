// The crash suite: a run is stopped at each of its calls in turn, later runs go on, and the world must end as if nothing had happened.
//
// The points come from one recorded play of the tale, so a call that the program makes tomorrow is a point by itself. Points between which
// nothing changed that anybody else could see leave the same world behind: by default each such world is tried once, by the call whose
// answer is lost on entering it; `CRASH=all` stops before and after every call. `CRASH_POINT="before POST pulls #1"` tries that one alone.

import { afterAll, describe, expect, it } from "vitest";
import { difference, forgiven } from "../support/difference.ts";
import { installGates } from "../support/gate/builtins.ts";
import { Passage, type Verdict } from "../support/gate/gate.ts";
import { oneBeat, pastEnd, pastLease } from "../support/gate/life.ts";
import { soundAttempts } from "../support/lawful.ts";
import { picture } from "../support/picture.ts";
import type { Scene } from "../support/scenes.ts";
import { count } from "./count.ts";
import { type Point, type Recorded, record, type Sign, type Tale } from "./record.ts";

export interface Stop {
  point: Point;
  way: Exclude<Verdict, "pass">;
}

/** Registers the tests of one tale. */
export async function crashes(tale: Tale): Promise<void> {
  installGates();
  const recorded = await record(tale);
  const { points } = recorded;
  const stops = chosen(points);
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

function chosen(points: readonly Point[]): Stop[] {
  const every = points.flatMap((point): Stop[] => [
    { point, way: "stop" },
    { point, way: "stop-after" },
  ]);
  const wanted = process.env["CRASH_POINT"];
  if (wanted !== undefined) return every.filter((stop) => nameOf(stop) === wanted);
  if (process.env["CRASH"] === "all") return every;
  const first = points.find((point) => point.before !== point.after);
  return every.filter(({ point, way }) => (way === "stop" ? point === first : point.before !== point.after));
}

/** Runs after the stopped one, at most. */
const runsMax = 8;

async function tryStop({ sign }: Tale, { scene, memory, end, attempts }: Recorded, stop: Stop): Promise<void> {
  const { s } = scene;
  s.forge.recall(memory);
  await stoppedRun(scene, stop, sign);
  const wanted = forgiven(end);
  const look = async () => difference(wanted, forgiven(await picture(s)));
  const seen: Seen[] = [{ line: "(no run yet)", differs: await look() }];
  for (let idle = 0; seen.length <= runsMax && idle < 2 && seen.at(-1)?.differs !== ""; ) {
    const last = await s.start({ ...(await scene.next()), seed: 100 + seen.length });
    if (last.exitCode !== 0) throw new Error(`${last.lastLine}\n${last.log}`);
    seen.push({ line: last.lastLine, differs: await look() });
    idle = last.outcome?.outcome === "idle" ? idle + 1 : 0;
    s.pass(idle === 0 ? 2 : 3600);
  }
  if (seen.at(-1)?.differs !== "") throw new Error(told(seen));
  expect(await soundAttempts(s)).toBeLessThanOrEqual(attempts + 1);
}

interface Seen {
  /** Last line of a run. */
  line: string;
  /** Between the world then and the one wanted. */
  differs: string;
}

function told(seen: readonly Seen[]): string {
  const nearest = seen.map(({ differs }) => differs).sort((a, b) => a.length - b.length)[0];
  const lines = seen.map(({ line, differs }) => `${line} [${differs.split("\n").length} lines differ]`);
  return `the world ended otherwise, at best by these lines:\n${nearest}\nlater runs:\n${lines.join("\n")}`;
}

async function stoppedRun({ s, next }: Scene, { point, way }: Stop, sign: Sign): Promise<void> {
  const { clock, guard } = oneBeat({
    before: ({ label, nth }) => (label === point.call.label && nth === point.call.nth ? way : "pass"),
  });
  const passage = new Passage(guard);
  const start = await next();
  const ended = await Promise.race([passage.stopped, s.start({ ...start, passage, clock })]);
  if (ended !== undefined) throw new Error(`the run never came to that point: ${ended.lastLine}\n${ended.log}`);
  if (start.run !== undefined) s.forge.endRun(start.run.id, "failure");
  if (sign === "post" && passage.machine !== null) await s.post(passage.machine, start);
  s.pass({ age: pastLease, post: 2, forge: pastEnd }[sign]);
}
