// Rows about an issue without a pull request: may work on it begin?

import { type Candidate, isSomebodys, known, ownBranch } from "../candidate.ts";
import { excluded, pullsFull } from "./cheap.ts";
import { isExplicit } from "./orders.ts";
import { plan, startable } from "./plans.ts";
import { type Answer, skip, work } from "./row.ts";

export function notReady(c: Candidate): Answer | null {
  const { details, s } = known(c);
  // A second pull request for one issue is never begun.
  if (c.item.pull !== null) return skip(`pull request #${c.item.pull.number} is open, and its facts are not known`);
  const { record } = c;
  if (!isExplicit(c)) {
    const reason = excluded(c);
    if (reason !== null) return skip(reason);
    const [blocker] = details.openDependencies;
    if (blocker !== undefined) return skip(`it waits for ${blocker.repository}#${blocker.number}, which is open`);
  }
  if (isSomebodys(c, details)) {
    const reason = `the branch \`${ownBranch(c)}\` holds commits that are not the program's`;
    // They came while a run was at work that then died: whoever waits for that work must be told.
    if (record?.state === "held" && s.pending === null) {
      const { askedBy, generation, handled } = plan(c, []);
      return work({ kind: "give-up", item: c.item, row: 17, cause: "branch", reason, askedBy, generation, handled });
    }
    return skip(`${reason}; rename or delete it`);
  }
  const full = pullsFull(c);
  return full === null ? null : skip(full);
}

export function implement(c: Candidate): Answer {
  return startable(c, 18, c.snapshot.profiles.authors, (plan) =>
    work({ kind: "implement", item: c.item, row: 18, plan }),
  );
}
