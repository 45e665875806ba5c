// What runs on this machine, as Linux tells it in /proc. Synchronous on purpose: between looking and killing nothing of ours should run, and
// one look costs a few milliseconds.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { sep } from "node:path";

/** A process as the kernel knows it: the number alone is given out again, number and start time together are not. */
export interface Process {
  pid: number;
  parent: number;
  group: number;
  /** Number of its session: only who begins one gets a new number, and nobody can join one. */
  session: number;
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
  const table = new Map<number, Process | null>();
  // The list of names is old when the last of them is read: who began meanwhile, perhaps in the place of one that ended, is read at once.
  for (let reads = 0; reads < readsMax; reads++) {
    const fresh = names.flatMap((name) => (/^\d+$/.test(name) && !table.has(Number(name)) ? [Number(name)] : []));
    if (fresh.length === 0) break;
    for (const pid of fresh) table.set(pid, readProcess(pid));
    names = readdirSync("/proc");
  }
  return [...table.values()].filter((at) => at !== null);
}

/** Most readings of the list for one table: on a busy machine somebody always begins. */
const readsMax = 4;

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
  return environ(pid).includes(`\0${Buffer.from(marker).toString("latin1")}\0`);
}

/** Value of a variable that the process was started with; null without one, or where we may not look. */
export function variableOf(pid: number, name: string): string | null {
  const found = environ(pid);
  const start = found.indexOf(`\0${name}=`);
  if (start < 0) return null;
  const value = found.slice(start + name.length + 2);
  return value.slice(0, value.indexOf("\0"));
}

/** The environment as it was at the start, each entry between two null characters. Empty where we may not look. */
function environ(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`;
  } catch {
    return "";
  }
}

/** Whether it works, or has its root, in this folder or below; also after the folder was removed. */
export function isBelow(pid: number, folder: string): boolean {
  return ["cwd", "root"].some((link) => {
    try {
      const at = readlinkSync(`/proc/${pid}/${link}`).replace(/ \(deleted\)$/, "");
      return at === folder || at.startsWith(`${folder}${sep}`);
    } catch {
      return false;
    }
  });
}

/** Its short name, as it calls itself: at most 15 characters, and not to be believed. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "?";
  }
}

export function readProcess(pid: number): Process | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // "pid (name) state parent group session …": the name may itself contain blanks and brackets, so count from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ...numbers] = [fields[0], fields[1], fields[2], fields[3], fields[19]];
  if (state === undefined || state === "Z" || state === "X") return null;
  const [parent, group, session, startedTicks] = numbers.map(Number);
  if (parent === undefined || group === undefined || session === undefined || startedTicks === undefined) return null;
  return Number.isNaN(parent + group + session + startedTicks) ? null : { pid, parent, group, session, startedTicks };
}
