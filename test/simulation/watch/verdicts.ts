// Invariant 4: a verdict is the word of a reviewer's session of its own on exactly that head, or on the same change before a rebase.

import { bot } from "../local/bench.ts";
import type { World } from "../world.ts";
import { keyOf, type RecordView, records, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

export function verdictsRule(world: World): Rule {
  const { forge, agents, watch } = world;

  function isJudged(head: string, verdict: string): boolean {
    const author = agents.authors.get(head);
    const found = agents.judgements.get(head)?.some((one) => one.verdict === verdict && one.session !== author);
    if (found === true) return true;
    const before = agents.rebased.get(head);
    return before !== undefined && isJudged(before, verdict);
  }

  /** What is called so later, by whoever finishes it, is in the record from the publish on. */
  const says = (record: RecordView, sha: string, verdict: string) =>
    record.verdict?.head === sha && record.verdict.verdict === verdict;

  return {
    changed(change) {
      if (change.by.login !== bot) return;
      if (change.kind === "status") {
        const { context, state, sha } = change.status;
        if (context !== "agent-dispatch/review" || (state !== "success" && state !== "failure")) return;
        const verdict = state === "success" ? "approved" : "changes-requested";
        if (!isJudged(sha, verdict))
          watch.fail("verdict", `${sha.slice(0, 8)} is called ${verdict}, and nobody judged it so`);
        else if (![...records(forge).values()].some((record) => says(record, sha, verdict)))
          watch.fail("verdict", `${sha.slice(0, 8)} is called ${verdict} before any record says so`);
      }
      if (change.kind !== "refs") return;
      for (const { ref, new: sha } of change.moves) {
        const key = keyOf(ref);
        const { verdict } = (key === null ? null : viewOf(forge, sha)) ?? {};
        if (verdict !== undefined && !isJudged(verdict.head, verdict.verdict))
          watch.fail("verdict", `the record of ${key} has a verdict on ${verdict.head.slice(0, 8)} that nobody gave`);
      }
    },
  };
}
