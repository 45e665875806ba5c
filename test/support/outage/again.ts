// The same run once more, with an accident in it.

import { difference } from "../difference.ts";
import type { Fault, FaultDeed } from "../forge/forge.ts";
import type { End } from "../run.ts";
import { type Played, worldOf } from "./played.ts";
import { numbering, type Sending } from "./sendings.ts";
import { type StillTime, stillTime } from "./still-time.ts";

export interface Again {
  end: End;
  time: StillTime;
  /** Lines in which the world right after the run differs from the one without the accident; empty = none. */
  differs: string;
}

/** Milliseconds after which a run of a test takes a request for unanswered. */
const patienceMs = 1_500;

export async function playAgain(
  { scene, memory, end: wanted }: Played,
  accident: (time: StillTime) => readonly Fault[],
): Promise<Again> {
  const { s, next } = scene;
  s.forge.recall(memory);
  const time = stillTime(s);
  const start = await next();
  for (const fault of accident(time)) s.forge.faults.add(fault);
  const end = await s.start({ ...start, clock: time.clock, http: { timeoutMs: patienceMs } });
  return { end, time, differs: difference(wanted, await worldOf(s)) };
}

/** A fault that meets each of these sendings once. */
export function at(sendings: readonly Sending[], deed: FaultDeed): Fault {
  const number = numbering();
  return {
    when(request) {
      const { label, nth } = number(request);
      return sendings.some((sending) => sending.label === label && sending.nth === nth);
    },
    ...{ times: sendings.length, do: deed },
  };
}
