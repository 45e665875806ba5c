// What runs on this machine, as Linux tells it in /proc. Synchronous on purpose: between looking and killing nothing of ours should run, and
// one look costs a few milliseconds.

import { readdirSync, readFileSync } from "node:fs";

/** A process as the kernel knows it: the number alone is given out again, number and start time together are not. */
export interface Process {
  pid: number;
  parent: number;
  group: number;
  /** In clock ticks since boot. */
  startedTicks: number;
}

/** All living processes, zombies left out; null where there is no /proc. */
export function listProcesses(): Process[] | null {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return null;
  }
  // macOS and others have no /proc, some systems have an empty one.
  if (!names.includes("self")) return null;
  return names.flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
}

/** Whether that very process is still there. */
export function isAlive(process: Process): boolean {
  return readProcess(process.pid)?.startedTicks === process.startedTicks;
}

/** Those of `table` that are in `roots` or descend from them. */
export function withDescendants(table: readonly Process[], roots: ReadonlySet<number>): Process[] {
  const children = new Map<number, Process[]>();
  for (const process of table) children.set(process.parent, [...(children.get(process.parent) ?? []), process]);
  const found = new Set(roots);
  const queue = [...roots];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (found.has(child.pid)) continue;
      found.add(child.pid);
      queue.push(child.pid);
    }
  }
  return table.filter((process) => found.has(process.pid));
}

/** This process and those it descends from: never to be signalled, whatever else is true of them. */
export function withAncestors(table: readonly Process[], pid: number): Set<number> {
  const parents = new Map(table.map((process) => [process.pid, process.parent]));
  const found = new Set([pid]);
  for (let at = parents.get(pid); at !== undefined && at > 0 && !found.has(at); at = parents.get(at)) found.add(at);
  return found;
}

/** Whether the process was started with exactly this `NAME=value` in its environment. False where we may not look. */
export function hasMarker(pid: number, marker: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(
      `\0${Buffer.from(marker).toString("latin1")}\0`,
    );
  } catch {
    return false;
  }
}

function readProcess(pid: number): Process | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // "pid (name) state parent group …": the name may itself contain blanks and brackets, so count from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group] = fields;
  const started = fields[19];
  if (state === undefined || parent === undefined || group === undefined || started === undefined) return null;
  if (state === "Z" || state === "X") return null;
  return { pid, parent: Number(parent), group: Number(group), startedTicks: Number(started) };
}
