import type { Effect } from "../../core/effects.ts";
import { RunError } from "../../errors.ts";
import { branchRef } from "../../ledger/refs.ts";
import type { Run } from "./run.ts";

/**
 * A merged branch goes, unless somebody pushed to it since: then it is theirs to delete. The forge shows the branch's tip as the head of a merged
 * pull request, also when that came later; what was merged stays at `refs/pull/N/head`. Deleted by a push that names the commit it expects: by
 * REST a commit of the moment before would go with it.
 */
export async function deleteBranch(run: Run, effect: Extract<Effect, { do: "delete-branch" }>): Promise<void> {
  const host = await run.ports.host();
  const [branch, merged] = [branchRef(effect.branch), `refs/pull/${run.pull}/head`];
  const found = await host.remoteRefs([branch, merged]);
  const tip = found.get(branch) ?? null;
  if (tip === null || tip !== effect.sha || tip !== found.get(merged)) return;
  await run.ports.fence();
  const pushed = await host.push([{ ref: branch, old: tip, new: null }]);
  switch (pushed.kind) {
    case "ok":
      return;
    case "lost":
      return run.ports.log(`left as it is: \`${effect.branch}\` moved meanwhile`);
    case "refused":
    case "denied":
      return run.ports.log(`left as it is: \`${effect.branch}\`: ${pushed.text}`);
    case "unknown":
      throw new RunError(`Could not delete the branch \`${effect.branch}\`: ${pushed.cause}`, {
        remedy: "The next run tries again.",
        mender: "server operator",
        retry: true,
      });
    default:
      return pushed satisfies never;
  }
}
