// Processes that runs of this program have left on this machine, found and ended by the mark in their environment.

import type { MarkedProcess } from "../core/strays.ts";
import { hasHost, markEntry, markOf } from "./mark.ts";
import { listProcesses, type Process, withAncestors } from "./processes.ts";
import { endTree, type TreeEnd } from "./tree.ts";

export type Marked = MarkedProcess & Process;

/** What runs for this repository have started and still lives; never this process or one above it. Nothing where the machine cannot tell. */
export function markedProcesses(place: string): Marked[] {
  const table = listProcesses() ?? [];
  const ours = withAncestors(table, process.pid);
  return table.flatMap((at) => {
    const mark = ours.has(at.pid) ? null : markOf(at.pid);
    return mark?.place === place ? [{ ...at, owner: mark.owner, hasHost: hasHost(at.pid) }] : [];
  });
}

/** Ends them and all that belongs to them, whatever was started since they were listed included. */
export function endMarked(place: string, found: readonly Marked[]): Promise<TreeEnd> {
  const owners = new Set(found.map((at) => at.owner));
  const marks = [...owners].map((owner) => markEntry({ place, owner }));
  const seen = new Map(found.map((at) => [at.pid, at]));
  return endTree({ marks, folder: null, leader: () => null, seen }, { graceMs: 0 });
}
