// A profile that cannot work is parked for all runs; one that works again is freed. Best effort: what fails here, the next run meets again.

import { type Profile, setupOf } from "../agent/profile.ts";
import type { Plan } from "../core/decision.ts";
import { parkingAfter } from "../core/parking.ts";
import { shorten } from "../core/text.ts";
import { describe } from "../errors.ts";
import { compareAndSwap } from "../ledger/cas.ts";
import { formatParking } from "../ledger/profile.ts";
import { profileRef } from "../ledger/refs.ts";
import type { Failed } from "./agent-run.ts";
import { forgeNow, type Job } from "./job.ts";

/** The profiles of a role that this work may use: the decision leaves out those that are parked. */
export function usable(profiles: readonly Profile[], { profiles: names }: Pick<Plan, "profiles">): Profile[] {
  return profiles.filter(({ name }) => names.includes(name));
}

export function earliest(one: number | null, other: number): number {
  return one === null ? other : Math.min(one, other);
}

/** Until when it is parked, ms since 1970 by the forge's clock; also where that could not be written. */
export async function park(job: Job, profile: Profile, failed: Failed): Promise<number> {
  const { ports, snapshot } = job;
  const { name } = profile;
  const before = snapshot.parked[name] ?? null;
  const why = shorten(ports.redact(failed.text), 500);
  const parking = parkingAfter(
    { failure: failed.class, why, resetsAt: failed.resetsAt, setup: setupOf(profile) },
    before,
    forgeNow(ports),
  );
  const until = new Date(parking.until).toISOString();
  ports.log.line(`profile ${name} is parked until ${until}: ${failed.class}: ${why}`);
  await swap(job, name, formatParking(name, parking));
  return parking.until;
}

/** It worked: whoever parked it before was right no longer. */
export async function free(job: Job, { name }: Profile): Promise<void> {
  if (job.snapshot.parked[name] !== undefined) await swap(job, name, null);
}

async function swap({ ports, settings, snapshot }: Job, name: string, message: string | null): Promise<void> {
  try {
    const host = await ports.host();
    const old = snapshot.parked[name]?.sha ?? null;
    const made = message === null ? null : await host.writeRecord({ parent: old, message, effects: null });
    const deadlineMs = settings.policy.limits.apiSeconds * 2_000;
    const change = { ref: profileRef(name), old, new: made };
    const done = await compareAndSwap(host, [change], { clock: ports.clock, deadlineMs });
    // Lost: another run met the same, and wrote it down.
    if (done.kind !== "ok" && done.kind !== "lost") ports.log.line(`profile ${name}: its parking could not be written`);
  } catch (error) {
    ports.log.line(`profile ${name}: its parking could not be written: ${describe(error)}`);
  }
}
