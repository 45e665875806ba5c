// Whether people still want the trigger label where it is off.

import type { TimelineEntry } from "../forge/model.ts";

/** Somebody took the label off after `since` (ms). False where it was never on: a run that obeys a command puts it on itself. */
export function wasTakenOff(timeline: readonly TimelineEntry[], label: string, since: number): boolean {
  return timeline.some((e) => e.kind === "label" && !e.added && e.label === label && e.at >= since);
}
