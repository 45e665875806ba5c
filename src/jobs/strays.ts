// What the post step of a dead run could not end on this machine, the next run here ends.

import { nameOf } from "../agent/processes.ts";
import { endMarked, type Marked } from "../agent/strays.ts";
import type { TreeEnd } from "../agent/tree.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Ports } from "../ports.ts";

/** Ends processes of runs that are over. What cannot be ended is said, and stops nothing. */
export async function endStrays(ports: Ports, found: readonly Marked[]): Promise<void> {
  if (found.length === 0) return;
  const runs = new Set(found.map((at) => at.owner)).size;
  const end = await endMarked(ports.place, found);
  ports.log.line(`${endedText(end)} that ${runs === 1 ? "a run that is" : `${runs} runs that are`} over had left here`);
}

/** The claim of another run was taken over: what it may still have at work here is ended, whether its program is there or not. */
export async function endFormerHolder(ports: Ports, before: LedgerRecord | null, owner: string): Promise<void> {
  if (before === null || before.owner === owner || (before.state !== "held" && before.state !== "published")) return;
  const { workshop } = ports;
  await workshop.endStrays(
    ports,
    workshop.marked(ports).filter((at) => at.owner === before.owner),
  );
}

/** The beginning of a sentence about processes that were left: how many are ended, and which could not be. */
export function endedText(end: TreeEnd): string {
  const ended = `ended ${end.killed} process${end.killed === 1 ? "" : "es"}`;
  if (end.kind === "dead") return ended;
  const left = end.pids.slice(0, 10).map((pid) => `${pid} (${nameOf(pid)})`);
  const more = end.pids.length > 10 ? ` and ${end.pids.length - 10} more` : "";
  return `${ended}, but not ${left.join(", ")}${more},`;
}
