// What every effect works with: the forge, whose writes count as ours, and the one way to write when an answer may be lost.

import { ForgeError } from "../../errors.ts";
import type { Label } from "../../forge/model.ts";
import type { Forge } from "../../forge/port.ts";
import type { Host } from "../../git/port.ts";

export interface EffectPorts {
  forge: Forge;
  /** The forge as the second account sees it, for reviews that the bot may not give; null or absent = there is none. */
  reviewer?: Forge | null;
  /** Git, for what must not happen but to the commit it is meant for. */
  host(): Promise<Pick<Host, "remoteRefs" | "push">>;
  /** Logins that are the program. Only their comments, reviews, statuses and pull requests count as ours. */
  program: readonly string[];
  /** Resolves when a write is allowed; throws when the claim is lost. */
  fence(): Promise<void>;
  /** Whether the automatic token is used: it can be neither assigned nor unassigned. */
  automatic: boolean;
  log(line: string): void;
}

/** What goes on while effects are carried out. */
export interface Run {
  ports: EffectPorts;
  issue: number;
  pull: number | null;
  /** All labels of the repository, once they were listed. */
  labels: Label[] | null;
}

/** Number of the issue or of the pull request; null while there is no pull request. */
export function target(run: Run, on: "issue" | "pull"): number | null {
  return on === "issue" ? run.issue : run.pull;
}

/** A write whose answer may be lost although it was applied: `isDone` is asked before, and after an unclear failure. */
export async function ensure(run: Run, isDone: () => Promise<boolean>, write: () => Promise<unknown>): Promise<void> {
  if (await isDone()) return;
  await run.ports.fence();
  try {
    await write();
  } catch (error) {
    if (!mayBeApplied(error) || !(await isDone())) throw error;
  }
}

/** Whether the forge may have done what it gave no clear answer to. */
export function mayBeApplied(error: unknown): boolean {
  return error instanceof ForgeError && error.mayBeApplied;
}

/** Not allowed, or not there (any more). */
const gone = [403, 404] as const;

/** A write that nobody waits for: what the forge refuses for good is left as it is, with a line in the log. */
export async function ignoreRefusal(
  run: Run,
  write: () => Promise<void>,
  statuses: readonly number[] = gone,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ForgeError) || !statuses.includes(error.failure.status)) throw error;
    run.ports.log(`left as it is: ${error.message}`);
  }
}
