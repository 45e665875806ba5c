// The forge goes away at each kind of write of a run, for a few minutes and for longer than it is waited for. Those that hold a claim wait, and end
// as if nothing had been; those that cannot wait any longer end with plain words, and later runs make the world what it would have been.
//
// The writes come from one play of the run. Of each kind the first of a file is tried; `OUTAGE=all` tries each of each scene, before and after,
// `OUTAGE_EVERY=3` every third.

import { afterAll, describe, expect, it } from "vitest";
import type { End } from "../run.ts";
import type { Scene } from "../scenes.ts";
import { goOn, type Outage, playOutage } from "./away.ts";
import { type Played, play } from "./played.ts";
import { isNew, nameOf, type Sending, thinned } from "./sendings.ts";

/** Longest time that a run may go on while the forge stays away, in minutes: a few times the ten that it waits for each step. */
const lastsMax = 45;

/** Registers the tests of these scenes, in each of which the first write is the claim. */
export async function forgeAway(scenes: Readonly<Record<string, () => Promise<Scene>>>): Promise<void> {
  const tried = new Set<string>();
  for (const [name, make] of Object.entries(scenes)) {
    const played = await play(await make());
    const [claim, ...later] = played.sendings.filter((sending) => sending.writes);
    if (claim === undefined) throw new Error(`${name} claims nothing`);
    const isTried = (sending: Sending) => process.env["OUTAGE"] === "all" || isNew(tried, sending);
    describe(`${name}, with the forge away`, () => {
      afterAll(() => played.scene.s.close());

      it.each(cases([claim].filter(isTried), [5, 60]))("%s: it is left to the next run", async (_, outage) => {
        await expectTheEnd(played, outage);
      });

      const points = thinned(later.filter(isTried));
      it.each(cases(points, [5]))("%s: nothing is to be seen of it", async (_, outage) => {
        const { end, differs } = await playOutage(played, outage);
        expect(end.exitCode, `${end.lastLine}\n${end.log}`).toBe(0);
        expect(differs, `${end.lastLine}\n${end.log}`).toBe("");
      });

      it.each(cases(points, [13, 60]))("%s: later runs finish it", async (_, outage) => {
        const end = await expectTheEnd(played, outage);
        // Nothing is wrong with the run itself, and everything is left as somebody else can go on with it.
        expect(end.exitCode, `${end.lastLine}\n${end.log}`).toBe(0);
      });
    });
  }
}

async function expectTheEnd(played: Played, outage: Outage): Promise<End> {
  const first = await playOutage(played, outage);
  expect(first.time.passed() / 60_000).toBeLessThan(lastsMax);
  expect(await goOn(played, first), first.end.log).toBe("");
  return first.end;
}

/** One or the other of the ways to be away from each, by turns; all of them where all are asked for. */
function cases(points: readonly Sending[], minutes: readonly number[]): [string, Outage][] {
  return points.flatMap((from, at) => {
    const all = minutes.flatMap((long): Outage[] => [
      { from, applied: false, minutes: long, how: "reset" },
      { from, applied: true, minutes: long, how: "503" },
    ]);
    const chosen = process.env["OUTAGE"] === "all" ? all : all.filter((_, way) => way === (at + 1) % all.length);
    return chosen.map((outage): [string, Outage] => [
      `${outage.minutes} minutes, ${outage.applied ? "after" : "before"} ${nameOf(from)}`,
      outage,
    ]);
  });
}
