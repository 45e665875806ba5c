// What is left on the forge of an issue's earlier generations, for an issue without a record. Chooses nothing.

import { branchName, type Item, type Past, type Snapshot } from "./core/model.ts";
import type { Ports } from "./ports.ts";

/** Generations that are looked through; who has more gets a branch that is somebody's. */
const generationsMax = 20;

/** The first generation from whose branch no pull request was ever opened, by anybody, and what stands at its branch. */
export async function readPast(ports: Ports, { base }: Snapshot, { key, issue }: Item): Promise<Past> {
  let endedAt = 0;
  for (let generation = 1; ; generation++) {
    const name = branchName(issue.number, generation);
    const pulls = await ports.forge.pullsOf(name);
    endedAt = Math.max(endedAt, ...pulls.map((pull) => pull.closedAt ?? pull.updatedAt));
    if (pulls.length > 0 && generation < generationsMax) continue;
    const found = await ports.forge.branch(name);
    const isOurs = found !== null && pulls.length === 0 && (await ports.workshop.isOurs(ports, name, base, key));
    return { generation, endedAt, branch: found === null ? null : { sha: found.sha, isOurs } };
  }
}
