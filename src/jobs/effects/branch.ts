import type { Effect } from "../../core/effects.ts";
import { ignoreRefusal, type Run } from "./run.ts";

/** A merged branch goes, unless somebody pushed to it after the merge: then it is theirs to delete. */
export async function deleteBranch(run: Run, effect: Extract<Effect, { do: "delete-branch" }>): Promise<void> {
  const { forge } = run.ports;
  const branch = await forge.branch(effect.branch);
  if (branch === null || branch.sha !== effect.sha) return;
  await run.ports.fence();
  await ignoreRefusal(run, () => forge.deleteBranch(effect.branch));
}
