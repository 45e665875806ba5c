// Which run on the forge this process is. Executors without a server (`act`, `gitea-runner exec`) name runs too, so only the forge's own list
// counts: an entry with our number and event that is running now.

import type { ForgeRun } from "./forge/model.ts";
import type { Forge } from "./forge/port.ts";
import { isBefore } from "./forge/release.ts";
import type { OwnRun } from "./ports.ts";

/** What the executor says about the run. */
export interface ClaimedRun {
  id: number;
  number: number;
  attempt: number;
  event: string;
}

/** Newest runs that are searched. */
const runsMax = 50;

export async function findOwnRun(forge: Forge, repositoryUrl: string, claimed: ClaimedRun): Promise<OwnRun | null> {
  const isOurs = (run: ForgeRun) =>
    run.number === claimed.number && run.state === "running" && run.event === claimed.event;
  const found = ((await forge.recentRuns(runsMax)) ?? []).find(isOurs);
  if (found === undefined) return null;
  const { id, number, attempt } = claimed;
  // The page of a run is addressed by its number up to 1.25 and by its id from 1.26 on.
  const page = isBefore(await forge.version(), 26) ? number : id;
  return { id, number, attempt, workflow: found.workflow, url: `${repositoryUrl}/actions/runs/${page}` };
}
