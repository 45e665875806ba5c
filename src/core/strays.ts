// Which processes on this machine were left by runs that are over: an agent's own session lives on when its run is killed. Pure.

import type { Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { isAlive } from "./takeover.ts";

/** A process that a run for this repository has started, by the mark in its environment. */
export interface MarkedProcess {
  pid: number;
  /** Of the claim that it was started under. */
  owner: string;
  /** The program that started it is still there: it ends its processes itself once it learns that its claim is gone. */
  hasHost: boolean;
}

/**
 * Those to be ended. The ledger has to be read after the processes were listed: a claim is won before anything is started under it, so who is not
 * in the ledger then has none. A claim that has only aged may still be renewed by the run that holds it.
 */
export function strays<P extends MarkedProcess>(
  processes: readonly P[],
  { records, now, ends }: Pick<Snapshot, "records" | "now" | "ends">,
  { limits }: Pick<Policy, "limits">,
): P[] {
  const facts = Object.values(records);
  const known = facts.flatMap((fact) => (fact.kind === "record" ? [fact.record] : []));
  const named = new Set(known.map((record) => record.owner));
  const open = known.filter(({ state }) => state === "held" || state === "published");
  const holders = new Set(open.map((record) => record.owner));
  const alive = new Set(open.filter((record) => isAlive(record, { now, ends }, limits)).map((record) => record.owner));
  // What cannot be read may name anybody that nothing else names.
  const isAllKnown = facts.every((fact) => fact.kind !== "unreadable");
  return processes.filter(({ owner, hasHost }) => {
    if (alive.has(owner)) return false;
    return holders.has(owner) ? !hasHost : named.has(owner) || isAllKnown;
  });
}
