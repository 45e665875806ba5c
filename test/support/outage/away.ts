// A forge that goes away in the middle of a run and comes back after a while, and what becomes of the item.

import { difference, forgiven } from "../difference.ts";
import type { Fault } from "../forge/forge.ts";
import { pastLease } from "../gate/life.ts";
import { type Again, playAgain } from "./again.ts";
import { type Played, worldOf } from "./played.ts";
import { numbering, type Sending } from "./sendings.ts";
import type { StillTime } from "./still-time.ts";

export interface Outage {
  /** What the forge is away from. */
  from: Sending;
  /** Whether that is still carried out; its answer is lost in any case. */
  applied: boolean;
  minutes: number;
  /** What those get who ask meanwhile. */
  how: "reset" | "503";
}

export function playOutage(played: Played, outage: Outage): Promise<Again> {
  return playAgain(played, (time) => faults(time, outage));
}

function faults(time: StillTime, { from, applied, minutes, how }: Outage): Fault[] {
  const number = numbering();
  let backAtMs: number | null = null;
  return [
    {
      when(request) {
        const { label, nth } = number(request);
        if (backAtMs !== null || label !== from.label || nth !== from.nth) return false;
        backAtMs = time.passed() + minutes * 60_000;
        return applied;
      },
      ...{ times: 1, do: "apply-then-reset" },
    },
    {
      when: () => backAtMs !== null && time.passed() < backAtMs,
      ...{ times: Number.POSITIVE_INFINITY, do: how },
    },
  ];
}

/** Runs after the one that met with the accident, at most. */
const runsMax = 8;

/** Lets later runs go on until the world is as it is without the accident. Answers what tells how it came elsewhere; empty = it did not. */
export async function goOn({ scene, end: wanted }: Played, first: Pick<Again, "end" | "differs">): Promise<string> {
  const { s, next } = scene;
  s.forge.faults.clear();
  const good = aside(forgiven(wanted, "died"));
  const told: string[] = [first.end.lastLine];
  let nearest = "";
  for (let run = 0; ; run++) {
    const now = aside(forgiven(await worldOf(s), "died"));
    const differs = difference(good, now);
    if (differs === "") return "";
    if (nearest === "" || differs.length < nearest.length) nearest = differs;
    if (run >= runsMax) return `${nearest}\n${told.join("\n")}`;
    s.pass(run === 0 ? pastLease : 2_000);
    const end = await s.start({ ...(await next()), seed: 100 + run });
    if (end.exitCode !== 0) return `${end.lastLine}\n${end.log}`;
    told.push(end.lastLine);
  }
}

/** What an outage leaves besides: the bot taken off what it gave back and put on again; failures in a row, counted for the breaker. */
function aside(world: string): string {
  return world
    .replace(/("assignees":) \d+/g, "$1 <n>")
    .replace(/^ +"control": .*\n(.*\n)*?.*\\"failures\\":.*\n/gm, "");
}
