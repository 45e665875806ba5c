// Profiles that are out of quota, logged out, missing or without their model are parked: every run passes them over until then, on every item. So
// a usage limit costs one start of an agent and not one on each item, and items wait instead of failing.

import { cooldownSeconds, type FailureClass } from "./failure.ts";
import type { Snapshot } from "./model.ts";
import { clockTime, code } from "./text.ts";

export interface Parking {
  /** ms since 1970, by the forge's clock. */
  until: number;
  since: number;
  failure: FailureClass;
  /** What the agent's program said. */
  why: string;
  /** How often in a row it was parked for that: unknown waits get longer. */
  times: number;
  /** Fingerprint of the profile as it was: one that somebody changed since is another. Credentials are no part of it. */
  setup: string;
}

/** A parking as found, with the commit that holds it. */
export type Parked = Parking & { sha: string };
export type ParkedProfiles = Readonly<Record<string, Parked>>;

/** A failure so long after the last parking has nothing to do with it, in ms. */
const forgottenMs = 24 * 3_600_000;

/** How a profile is parked after a failure of its own. `resetsAt`: when a usage limit ends, if the agent's program said so. */
export function parkingAfter(
  { failure, why, resetsAt, setup }: Pick<Parking, "failure" | "why" | "setup"> & { resetsAt: number | null },
  before: Parking | null,
  now: number,
): Parking {
  const goesOn =
    before !== null && before.failure === failure && before.setup === setup && now - before.until < forgottenMs;
  const times = goesOn ? before.times + 1 : 1;
  const until = resetsAt ?? now + cooldownSeconds(failure, times, []) * 1_000;
  return { until, since: now, failure, why, times, setup };
}

/** Profiles that may be started. A command or a run by hand that came after a parking ends it: whoever gives it may have mended what was wrong. */
export function unparked(
  names: readonly string[],
  { parked, profiles, now }: Pick<Snapshot, "parked" | "profiles" | "now">,
  orderAt: number,
): string[] {
  return names.filter((name) => {
    const found = parked[name];
    if (found === undefined || found.until <= now || found.since < orderAt) return true;
    return profiles.setups[name] !== found.setup;
  });
}

/** "all profiles are parked: `codex` until 2026-11-21 16:00 UTC (quota), …" */
export function allParked(names: readonly string[], parked: ParkedProfiles): string {
  const told = names.flatMap((name) => {
    const found = parked[name];
    const until = found === undefined ? "" : clockTime(new Date(found.until).toISOString());
    return found === undefined ? [] : [`${code(name, 50)} until ${until} (${found.failure})`];
  });
  return `${names.length === 1 ? "its profile is" : "all profiles are"} parked: ${told.join(", ")}`;
}
