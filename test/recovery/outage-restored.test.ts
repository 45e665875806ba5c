// The server comes back from an older backup in the middle of a run: the ledger is not what it was when it confirmed the claim. The run notices at
// its next change of the record, says so, and later runs go on from what is there; nothing stands there twice.

import { afterAll, describe, expect, it } from "vitest";
import type { Fault, Memory } from "../support/forge/forge.ts";
import { unhurried } from "../support/gate/life.ts";
import { expectLawful } from "../support/lawful.ts";
import { playAgain } from "../support/outage/again.ts";
import { type Played, play } from "../support/outage/played.ts";
import { pullScenes } from "../support/outage/scenes.ts";
import { nameOf, numbering, type Sending, thinned } from "../support/outage/sendings.ts";
import type { StillTime } from "../support/outage/still-time.ts";
import { untilRest } from "../support/rest.ts";
import type { Stage } from "../support/run.ts";
import { asked, type Scene } from "../support/scenes.ts";

const approve = pullScenes["a review that approves"];
if (approve === undefined) throw new Error("a scene is missing");
const scenes: Record<string, () => Promise<Scene>> = { implement: () => asked(), "review and hand-over": approve };

/** From when the backup is: before the run, or with its claim already in it. */
const ages = ["before the run", "after the claim"] as const;
type Age = (typeof ages)[number];

/** Longer than the self-fence: a server is not restored in less, and nothing is written after it that is not asked of the ledger first. */
const downMs = (unhurried.fenceSeconds + 30) * 1000;

/** The server goes down when the run sends `at`, and comes back with what the backup has. */
function restored({ scene: { s }, memory, sendings }: Played, at: Sending, age: Age, time: StillTime): Fault[] {
  const number = numbering();
  const claim = sendings.findIndex(({ writes }) => writes);
  const backedUp = age === "after the claim" ? sendings[claim + 1] : undefined;
  const isNow = (one: Sending | undefined) => one?.label === now.label && one.nth === now.nth;
  let backup: Memory = memory;
  let now: Sending = at;
  return [
    {
      when(request) {
        now = number(request);
        return false;
      },
      ...{ times: 1, do: "pass" },
    },
    {
      ...{ when: () => isNow(backedUp), times: 1, do: "pass" },
      hold: async () => {
        backup = s.forge.remember();
      },
    },
    { when: () => isNow(at), times: 1, do: "reset", hold: async () => comeBack(s, backup, time) },
  ];
}

/** What the server knows is old; the time is not. */
function comeBack({ forge }: Stage, backup: Memory, time: StillTime): void {
  const { clockOffsetMs } = forge;
  forge.recall(backup);
  forge.clockOffsetMs = clockOffsetMs;
  const upAtMs = time.passed() + downMs;
  forge.faults.add({ when: () => time.passed() < upAtMs, times: Number.POSITIVE_INFINITY, do: "reset" });
}

function cases(played: Played): [string, Sending, Age][] {
  const writes = played.sendings.filter(({ writes }) => writes).slice(1);
  return thinned([...writes.entries()]).flatMap(([nth, at]) => {
    const chosen = process.env["OUTAGE"] === "all" ? ages : ages.filter((_, way) => nth % 4 === 2 * way + 1);
    return chosen.map((age): [string, Sending, Age] => [`at ${nameOf(at)}, from ${age}`, at, age]);
  });
}

for (const [name, make] of Object.entries(scenes)) {
  const played = await play(await make());
  const { scene } = played;
  describe(`${name}, and the server comes back from an older backup`, () => {
    afterAll(() => scene.s.close());

    it.each(cases(played))("%s", async (_, at, age) => {
      const { end } = await playAgain(played, (time) => restored(played, at, age, time));
      expect(end.exitCode, `${end.lastLine}\n${end.log}`).toBe(0);
      // Where the backup has the very record that this run made last, it may go on as if nothing had been.
      const isNoticed = end.outcome?.outcome !== "done" || age === "before the run";
      if (isNoticed) {
        expect(end.outcome, end.log).toMatchObject({ outcome: "lost" });
        expect(end.lastLine).toMatch(
          /its record is (gone from the ledger|an older one again)|another run took it over/,
        );
      }
      scene.s.forge.faults.clear();
      const lines = await untilRest(scene);
      expect(
        scene.s.pulls().map(({ state }) => state),
        lines.join("\n"),
      ).toEqual(["open"]);
      expect(await scene.s.record(1), lines.join("\n")).toMatchObject({ state: "done", stage: "merge-ready" });
      await expectLawful(scene.s);
    });
  });
}
