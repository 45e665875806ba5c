// Asks the forge whether the runs that hold claims have ended. Costs nothing where nobody holds one, and nothing while holders give signs of life.

import type { RecordFact, Trigger } from "./core/model.ts";
import type { Limits } from "./core/policy.ts";
import { turn } from "./core/priority.ts";
import { type EndOfRun, type Ends, endOf, isAlive, isSilent } from "./core/takeover.ts";
import { describe, RunError } from "./errors.ts";
import type { ForgeRun } from "./forge/model.ts";
import type { Forge } from "./forge/port.ts";
import type { RunOfRecord } from "./ledger/record.ts";
import type { Log } from "./ports.ts";

/** What it needs of the ports. */
interface Asking {
  forge: Pick<Forge, "runById" | "recentRuns">;
  log: Pick<Log, "line">;
}

/** Claims whose runs one look asks about: those of the item named first, the others by turns. */
const looksMax = 10;
/** Newest jobs in the list of servers that show no run by its id: as many as one answer has. */
const listedMax = 50;

export interface Looker {
  owner: string;
  seed: number;
}

/** Of the claims of others that are alive by age and have been silent for a while. */
export async function readEnds(
  ports: Asking,
  records: Readonly<Record<string, RecordFact>>,
  trigger: Pick<Trigger, "item">,
  { owner, seed }: Looker,
  limits: Limits,
  now: number,
): Promise<Ends> {
  const claims = Object.entries(records).flatMap(([key, fact]) => {
    if (fact.kind !== "record" || fact.record.run === null || fact.record.owner === owner) return [];
    const { record } = fact;
    const isWanted = isAlive(record, { now, ends: {} }, limits) && isSilent(record, now, limits);
    return isWanted ? [{ key, run: fact.record.run }] : [];
  });
  const isNamed = ({ key }: { key: string }) => trigger.item !== null && key.endsWith(`-${trigger.item}`);
  const named = claims.filter(isNamed);
  const rest = claims.filter((claim) => !isNamed(claim));
  const ask = asker(ports);
  const ends: Record<string, EndOfRun | null> = {};
  // One after the other: after the first answer a server without the call is not asked again.
  for (const { key, run } of [...named, ...turn(rest, seed, looksMax - named.length)]) ends[key] = await ask(run);
  return ends;
}

/** Of one run; null where the forge does not say that it ended. */
export function readEnd(ports: Asking, run: RunOfRecord): Promise<EndOfRun | null> {
  return asker(ports)(run);
}

function asker({ forge, log }: Asking): (run: RunOfRecord) => Promise<EndOfRun | null> {
  let listed: ForgeRun[] | null | undefined;
  return async (run) => {
    try {
      const found = await forge.runById(run.id);
      if (found !== null) return endOf(found, run);
      if (listed === undefined) listed = await forge.recentRuns(listedMax);
      return endOf(listed?.find((one) => one.number === run.number) ?? null, run);
    } catch (error) {
      // It would only have said sooner what age says too.
      if (!(error instanceof RunError)) throw error;
      log.line(`whether run ${run.number} has ended is not known: ${describe(error)}`);
      return null;
    }
  };
}
