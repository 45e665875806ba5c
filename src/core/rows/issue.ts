// Rows about an issue without a pull request: may work on it begin?

import { type Candidate, known, ownBranch } from "../candidate.ts";
import { excluded, pullsFull } from "./cheap.ts";
import { isExplicit } from "./orders.ts";
import { startable } from "./plans.ts";
import { type Answer, skip, work } from "./row.ts";

export function notReady(c: Candidate): Answer | null {
  const { details } = known(c);
  // A second pull request for one issue is never begun.
  if (c.item.pull !== null) return skip(`pull request #${c.item.pull.number} is open, and its facts are not known`);
  const { record } = c;
  if (!isExplicit(c)) {
    const reason = excluded(c);
    if (reason !== null) return skip(reason);
    const [blocker] = details.openDependencies;
    if (blocker !== undefined) return skip(`it waits for ${blocker.repository}#${blocker.number}, which is open`);
  }
  // Only a head that the record names is ours: whatever else stands there is somebody's work and is never replaced.
  if (details.branch !== null && details.branch !== record?.head) {
    return skip(`the branch \`${ownBranch(c)}\` holds commits that are not the program's; rename or delete it`);
  }
  const full = pullsFull(c);
  return full === null ? null : skip(full);
}

export function implement(c: Candidate): Answer {
  return startable(c, 18, (plan) => work({ kind: "implement", item: c.item, row: 18, plan }));
}
