// Answers that are lost, for every kind of run there is: the run must end as if it had got them, in the same run and with nothing doubled. The list
// of what it sends comes from one play of it, so a write that is added tomorrow is tried by itself.
//
// Of each kind of write the first of a file is tried alone; `OUTAGE=all` tries each of each scene, `OUTAGE_EVERY=3` every third.

import { afterAll, describe, expect, it } from "vitest";
import type { FaultDeed } from "../forge/forge.ts";
import type { Scene } from "../scenes.ts";
import { at, playAgain } from "./again.ts";
import { type Played, play } from "./played.ts";
import { isNew, nameOf, type Sending, thinned } from "./sendings.ts";

/** Registers the tests of these scenes. */
export async function answersLost(scenes: Readonly<Record<string, () => Promise<Scene>>>): Promise<void> {
  const tried = new Set<string>();
  for (const [name, make] of Object.entries(scenes)) {
    const played = await play(await make());
    const writes = played.sendings.filter((sending) => sending.writes);
    const reads = played.sendings.filter((sending) => !sending.writes);
    const alone = thinned(writes.filter((sending) => process.env["OUTAGE"] === "all" || isNew(tried, sending)));
    describe(name, () => {
      afterAll(() => played.scene.s.close());

      it("writes something", () => expect(writes).not.toEqual([]));

      it.each(alone.map((sending) => [nameOf(sending), sending] as const))(
        "%s, applied and not answered",
        (_, sending) => expectTheSame(played, [sending], "apply-then-reset"),
      );

      it("every write is answered 502 by a proxy the first time, and was applied", () =>
        expectTheSame(played, firsts(writes), "apply-then-502"));

      it("every answer to a write is cut in half the first time", () => expectTheSame(played, firsts(writes), "cut"));

      it("every answer to a reading is cut in half the first time", () => expectTheSame(played, firsts(reads), "cut"));
    });
  }
}

async function expectTheSame(played: Played, sendings: readonly Sending[], deed: FaultDeed): Promise<void> {
  const { end, differs } = await playAgain(played, () => [at(sendings, deed)]);
  expect(end.exitCode, `${end.lastLine}\n${end.log}`).toBe(0);
  expect(differs, `${end.lastLine}\n${end.log}`).toBe("");
  expect(played.scene.s.forge.faults.met).toBeGreaterThan(0);
}

/** Later ones of the same label may be those that an accident has made. */
function firsts(sendings: readonly Sending[]): Sending[] {
  return sendings.filter(({ nth }) => nth === 1);
}
