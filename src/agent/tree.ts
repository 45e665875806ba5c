// Ends everything that an agent started.
//
// Goal: when `endTree` answers "dead", nothing of that agent can still write into the clone, spend money or talk to the network.
// An agent's tool shells have sessions and groups of their own (seen in all CLIs tried), launchers leave their workers behind, daemons lose
// their parents. So a process belongs to the tree when it
//   - has the marker in its environment: a path that only this run knows, inherited by every child, or
//   - was seen below the agent at any look during the run (a process may clear its environment, but then it had a parent before), or
//   - descends from such a process now, or is in the agent's group while the agent itself lives.
// Nothing is ever found by its name. No user id is asked for: an agent that runs as root may start services under other ids, and they are
// its processes all the same; what we may not signal, the kernel refuses.
//
// What can still hide: a process that clears its environment, leaves its parent and does both between two looks. A pid namespace (sandbox)
// leaves no such place.

import { setTimeout as sleep } from "node:timers/promises";
import { hasMarker, isAlive, listProcesses, type Process, withAncestors, withDescendants } from "./processes.ts";

/** Proof that nothing of an agent survived. Importing and publishing its work ask for it; only this module can make one. */
class Proof {
  /** scan: no process of the tree was found on the machine; group: there is no /proc here, only the agent's own group is known to be gone. */
  readonly by: "scan" | "group";
  // A private member makes the type nominal: an object of the same shape is not a proof.
  readonly #nothingSurvived: boolean = true;
  constructor(by: "scan" | "group") {
    this.by = by;
  }
  toString(): string {
    return `nothing survived (${this.by}): ${this.#nothingSurvived}`;
  }
}
export type Dead = Proof;

export interface Tree {
  /** Value of `AGENT_DISPATCH_RESULT` in the agent's environment. */
  resultFile: string;
  /** The agent while it runs, whose number is also its group's; null once its exit was seen, because numbers are given out again. */
  leader: () => number | null;
  /** What looks during the run have found. */
  seen: Sightings;
}

/** Processes seen below an agent, by pid. */
export type Sightings = Map<number, Process>;

export type TreeEnd =
  /** `killed`: how many processes needed a signal, the agent itself not counted. */
  | { kind: "dead"; dead: Dead; killed: number }
  /** Still there after all passes, for example because the kernel holds them in a wait. */
  | { kind: "survivors"; pids: readonly number[]; killed: number };

export interface EndOptions {
  /** From SIGTERM to SIGKILL, in ms; 0 kills at once. */
  graceMs: number;
  /** How often to look again after killing; a tree that forks faster than this wins and is reported. Default 5. */
  passesMax?: number;
  /** Between looks, in ms; grows with each pass. Default 20. */
  pauseMs?: number;
}

/** Asks the tree to end, waits, kills what is left and looks until nothing is found. */
export async function endTree(tree: Tree, options: EndOptions): Promise<TreeEnd> {
  const { graceMs, passesMax = 5, pauseMs = 20 } = options;
  if (listProcesses() === null) return endGroup(tree, graceMs, pauseMs);
  const leader = tree.leader();
  const killed = new Set<number>();
  const count = (found: readonly Process[]) => {
    for (const process of found) if (process.pid !== leader) killed.add(process.pid);
  };

  if (graceMs > 0) {
    const asked = look(tree);
    count(asked);
    if (leader !== null) signal(-leader, "SIGTERM");
    for (const process of asked) if (process.group !== leader) signal(process.pid, "SIGTERM");
    const deadline = performance.now() + graceMs;
    while (asked.some(isAlive) && performance.now() < deadline) await sleep(Math.min(pauseMs, graceMs));
  }
  for (let pass = 1; pass <= passesMax; pass++) {
    const found = look(tree);
    if (found.length === 0) return { kind: "dead", dead: new Proof("scan"), killed: killed.size };
    count(found);
    // The group in one call, so that a member cannot fork between two signals.
    const running = tree.leader();
    if (running !== null) signal(-running, "SIGKILL");
    for (const process of found) signal(process.pid, "SIGKILL");
    await sleep(pauseMs * pass);
  }
  const left = look(tree).map((process) => process.pid);
  return left.length === 0
    ? { kind: "dead", dead: new Proof("scan"), killed: killed.size }
    : { kind: "survivors", pids: left, killed: killed.size };
}

/** Ends what another run or an earlier step left behind, known only by the path of its result file. */
export function endSurvivors(resultFile: string, options: EndOptions): Promise<TreeEnd> {
  return endTree({ resultFile, leader: () => null, seen: new Map() }, options);
}

/** All of the tree that is alive now; adds it to the sightings. Empty without /proc. */
export function look(tree: Tree): Process[] {
  const table = listProcesses() ?? [];
  const leader = tree.leader();
  const marker = `AGENT_DISPATCH_RESULT=${tree.resultFile}`;
  const ours = withAncestors(table, process.pid);
  const isRoot = (at: Process) =>
    (leader !== null && (at.pid === leader || at.group === leader)) ||
    tree.seen.get(at.pid)?.startedTicks === at.startedTicks ||
    hasMarker(at.pid, marker);
  const roots = table.filter((at) => !ours.has(at.pid) && isRoot(at)).map((at) => at.pid);
  const found = withDescendants(table, new Set(roots)).filter((at) => !ours.has(at.pid));
  for (const at of found) tree.seen.set(at.pid, at);
  return found;
}

/** Where there is no /proc only the group can be ended. Once the leader's exit was seen its number may be somebody else's: then nothing is sent. */
async function endGroup(tree: Tree, graceMs: number, pauseMs: number): Promise<TreeEnd> {
  const group = tree.leader();
  if (group === null) return { kind: "dead", dead: new Proof("group"), killed: 0 };
  signal(-group, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (tree.leader() !== null && performance.now() < deadline) await sleep(Math.min(pauseMs, graceMs));
  signal(-group, "SIGKILL");
  await sleep(pauseMs);
  return signal(-group, 0)
    ? { kind: "survivors", pids: [group], killed: 0 }
    : { kind: "dead", dead: new Proof("group"), killed: 0 };
}

/** Whether there was somebody to signal; one that is gone meanwhile, or not ours to signal, is no error. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
