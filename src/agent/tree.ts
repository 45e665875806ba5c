// Ends everything that an agent started.
//
// Goal: when `endTree` answers "dead", nothing of that agent can still write into the clone, spend money or talk to the network.
// An agent's tool shells have sessions and groups of their own (seen in all CLIs tried), launchers leave their workers behind, daemons lose
// their parents. So a process belongs to the tree when it
//   - has one of the marks in its environment: values that only this run knows, inherited by every child, or
//   - was seen in the tree at the last look (a process may clear its environment, but then it had a parent before), or
//   - is in a session of such a process: nobody can join a session, so whoever is in one descends from who began it, or
//   - has lost its parent and works in the run's own folder, or
//   - descends from such a process now, or is in the agent's group while the agent itself lives.
// Nothing is ever found by its name, and a number counts only together with the start time, since numbers are given out again. No user id is
// asked for: an agent that runs as root may start services under other ids, and they are its processes all the same; what we may not signal,
// the kernel refuses.
//
// What can still hide: a process that clears its environment, leaves its parent, its session and the folder, and does all of it between two
// looks. A pid namespace (sandbox) leaves no such place.

import { existsSync, realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  hasMarker,
  isAlive,
  isBelow,
  listProcesses,
  type Process,
  readProcess,
  withAncestors,
  withDescendants,
} from "./processes.ts";

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
  /** `NAME=value`: what has any of them in its environment belongs to the tree. */
  marks: readonly string[];
  /** A folder of this run alone; null = none. */
  folder: Folder | null;
  /** The agent while it runs, whose number is also its group's; null once its exit was seen, because numbers are given out again. */
  leader: () => number | null;
  /** What the last look has found. */
  seen: Sightings;
}

export interface Folder {
  path: string;
  /** What works there and is older is somebody's who looks at it. */
  sinceTicks: number;
}

/** Processes of an agent as the last look has found them, by pid. */
export type Sightings = Map<number, Process>;

/** A folder made by this process: everything of the run in it is younger. Null where the machine does not say how old a process is. */
export function ownFolder(path: string): Folder | null {
  const own = readProcess(process.pid);
  // Links on the way are resolved: that is how the machine tells where a process works.
  return own === null ? null : { path: existsSync(path) ? realpathSync(path) : path, sinceTicks: own.startedTicks };
}

export type TreeEnd =
  /** `killed`: how many processes needed a signal, the agent itself not counted. */
  | { kind: "dead"; dead: Dead; killed: number }
  /** Still there after all passes, for example because the kernel holds them in a wait. */
  | { kind: "survivors"; pids: readonly number[]; killed: number };

export interface EndOptions {
  /** From SIGTERM to SIGKILL, in ms; 0 kills at once. */
  graceMs: number;
  /** Rounds of killing at least, however long they take on a busy machine. Default 5. */
  passesMin?: number;
  /** How long more rounds follow, in ms; a tree that forks faster than this wins and is reported. Default 3,000. */
  forMs?: number;
  /** Between looks, in ms; grows with each pass. Default 20. */
  pauseMs?: number;
}

/** Asks the tree to end, waits, kills what is left and looks until nothing is found. */
export async function endTree(tree: Tree, options: EndOptions): Promise<TreeEnd> {
  const { graceMs, passesMin = 5, forMs = 3_000, pauseMs = 20 } = options;
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
  const until = performance.now() + forMs;
  for (let pass = 1; pass <= passesMin || performance.now() < until; pass++) {
    const found = halt(tree);
    if (found.length === 0) return { kind: "dead", dead: new Proof("scan"), killed: killed.size };
    count(found);
    signalAll(found, "SIGKILL");
    await sleep(pauseMs * Math.min(pass, pausesMax));
  }
  const left = look(tree).map((process) => process.pid);
  return left.length === 0
    ? { kind: "dead", dead: new Proof("scan"), killed: killed.size }
    : { kind: "survivors", pids: left, killed: killed.size };
}

/** How much longer the pauses between rounds get. */
const pausesMax = 5;

/** Ends what an agent left behind that is known only by the path of its result file. */
export function endSurvivors(resultFile: string, options: EndOptions): Promise<TreeEnd> {
  return endTree(
    { marks: [`AGENT_DISPATCH_RESULT=${resultFile}`], folder: null, leader: () => null, seen: new Map() },
    options,
  );
}

/** At once and without waiting, for a process that is about to exit: one round, nothing proved. */
export function killTree(tree: Tree): void {
  signalAll(halt(tree), "SIGKILL");
}

/** All of the tree that is alive now, which are its sightings from here on. Empty without /proc. */
export function look(tree: Tree): Process[] {
  const table = listProcesses() ?? [];
  const ours = withAncestors(table, process.pid);
  const others = table.filter((at) => !ours.has(at.pid));
  const kept = keptSessions();
  const isRoot = rootOf(tree, table, ours);
  const roots = new Set(others.filter((at) => isRoot(at, kept)).map((at) => at.pid));
  let found = withDescendants(table, roots).filter((at) => !ours.has(at.pid));
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    const sessions = sessionNumbers(found);
    const mates = others.filter((at) => sessions.has(at.session) && !kept.has(at.session));
    const pids = new Set([...found, ...mates].map((at) => at.pid));
    found = withDescendants(table, pids).filter((at) => !ours.has(at.pid));
  }
  tree.seen.clear();
  for (const at of found) tree.seen.set(at.pid, at);
  return found;
}

/** Whether a process belongs to the tree by what can be seen of it alone, and of the last look. */
function rootOf(
  { leader: leaderOf, marks, folder, seen }: Tree,
  table: readonly Process[],
  ours: ReadonlySet<number>,
): (at: Process, kept: ReadonlySet<number>) => boolean {
  const leader = leaderOf();
  const living = new Map(table.map((at) => [at.pid, at]));
  const known = new Map(seen);
  const sessions = sessionNumbers([...known.values()]);
  // Perhaps nobody who was seen then is left of a session. While it lives its number is nobody else's: another process of that number means
  // that the session ended and the number was given out again.
  const isSessionOf = ({ session }: Process, kept: ReadonlySet<number>) => {
    const first = living.get(session);
    return sessions.has(session) && !kept.has(session) && (first === undefined || isSame(known.get(session), first));
  };
  // Whoever lost its parent is given to the first process of the machine, or to one above us that takes in orphans.
  const isOrphan = ({ parent }: Process) => parent === 1 || (parent !== process.pid && ours.has(parent));
  const isInFolder = (at: Process) =>
    folder !== null && at.startedTicks >= folder.sinceTicks && isOrphan(at) && isBelow(at.pid, folder.path);
  return (at, kept) =>
    (leader !== null && (at.pid === leader || at.group === leader)) ||
    isSame(known.get(at.pid), at) ||
    isSessionOf(at, kept) ||
    marks.some((mark) => hasMarker(at.pid, mark)) ||
    isInFolder(at);
}

/** Sessions of this process and of those above it: nobody in them is taken for the tree's because of that. */
function keptSessions(): Set<number> {
  const kept = new Set<number>();
  for (let at = readProcess(process.pid); at !== null; at = at.parent > 0 ? readProcess(at.parent) : null)
    kept.add(at.session);
  return kept;
}

function sessionNumbers(processes: readonly Process[]): Set<number> {
  return new Set(processes.map((at) => at.session));
}

function isSame(a: Process | undefined, b: Process): boolean {
  return a?.pid === b.pid && a.startedTicks === b.startedTicks;
}

/** Looks for those that were made while others were being stopped, in one round. */
const haltLooksMax = 6;
/** Looks in a row that find nobody new: one alone can miss a chain of processes that each live for a moment only. */
const quietLooks = 2;

/** Stops the whole tree before any of it is killed: what stands still makes no new process while the rest is being looked for. */
function halt(tree: Tree): Process[] {
  const halted = new Map<number, Process>();
  for (let looks = 0, quiet = 0; looks < haltLooksMax && quiet < quietLooks; looks++) {
    const fresh = look(tree).filter((at) => !isSame(halted.get(at.pid), at));
    quiet = fresh.length === 0 ? quiet + 1 : 0;
    signalAll(fresh, "SIGSTOP");
    for (const at of fresh) halted.set(at.pid, at);
  }
  return [...halted.values()];
}

/** A group in one call, so that no member can fork between two signals; it lies in one session, and so is the tree's as a whole. */
function signalAll(found: readonly Process[], name: NodeJS.Signals): void {
  const kept = keptSessions();
  const groups = new Set(found.filter((at) => !kept.has(at.session)).map((at) => at.group));
  for (const group of groups) if (group > 1) signal(-group, name);
  for (const at of found) signal(at.pid, name);
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
