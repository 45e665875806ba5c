// Which processes belong to an agent, however they hide: real ones, each hiding in one way.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatMark, hasHost, markEntry, markOf, markVariables, parseMark, placeOf } from "../../src/agent/mark.ts";
import { isAlive, listProcesses, type Process, readProcess } from "../../src/agent/processes.ts";
import { endMarked, markedProcesses } from "../../src/agent/strays.ts";
import { readTrace, traceInto } from "../../src/agent/trace.ts";
import { endTree, killTree, look, ownFolder, type Tree } from "../../src/agent/tree.ts";
import { until } from "../support/run.ts";
import type { Test } from "./stage.ts";

const place = placeOf("https://forge.example", `acme/${randomUUID()}`);

interface Scene {
  folder: string;
  mark: { place: string; owner: string };
  /** Variables of everything that the run starts. */
  env: Record<string, string>;
  /** A shell script in a session of its own, as agents are started. */
  start(script: string, options?: { env?: Record<string, string>; cwd?: string }): Process;
  /** The process whose number a script has written into a file of the folder. */
  written(name: string): Promise<Process>;
}

function aScene({ onTestFinished }: Test): Scene {
  const folder = mkdtempSync(join(tmpdir(), "tree-"));
  const mark = { place, owner: randomUUID() };
  const env = { PATH: process.env["PATH"] ?? "", F: folder, ...markVariables(mark) };
  const started: Process[] = [];
  const keep = (pid: number): Process => {
    const at = readProcess(pid) ?? { pid, parent: 0, group: 0, session: 0, startedTicks: 0 };
    started.push(at);
    return at;
  };
  onTestFinished(async () => {
    for (const at of started.filter(isAlive)) process.kill(at.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    await endTree(aTree({ marks: [markEntry(mark)] }), { graceMs: 0 });
  });
  return {
    ...{ folder, mark, env },
    start(script, options = {}) {
      const child = spawn("sh", ["-c", script], { env, cwd: "/", ...options, detached: true, stdio: "ignore" });
      return keep(child.pid ?? 0);
    },
    async written(name) {
      const read = () => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : "");
      await until(() => read() !== "", `${name} to be written`);
      return keep(Number(read()));
    },
  };
}

/** A tree of which nothing is known but what is given. */
function aTree(known: Partial<Tree> = {}): Tree {
  return { marks: [], folder: null, leader: () => null, seen: new Map(), ...known };
}

const sightings = (...processes: Process[]) => new Map(processes.map((at) => [at.pid, at]));

describe("found and ended", () => {
  test("by the mark: two forks, a session of its own, another folder, another name", async (context) => {
    const s = aScene(context);
    writeFileSync(join(s.folder, "daemon.sh"), 'exec -a "" sleep 60 & echo $! >$F/pid\n');
    s.start("cd / && setsid bash $F/daemon.sh &");
    const alike = { PATH: s.env["PATH"] ?? "", AGENT_DISPATCH_RUN: `${formatMark(s.mark)}0` };
    const other = s.start("exec sleep 60", { env: alike });
    const daemon = await s.written("pid");
    const end = await endTree(aTree({ marks: [markEntry(s.mark)] }), { graceMs: 0 });
    expect(end).toMatchObject({ kind: "dead", killed: 1 });
    expect([daemon, other].map(isAlive)).toEqual([false, true]);
  });

  test("without environment and parent: seen while it had one, and kept in a file", async (context) => {
    const s = aScene(context);
    const leader = s.start("env -i setsid sleep 60 & echo $! >$F/pid; wait");
    const hidden = await s.written("pid");
    await until(() => readProcess(hidden.pid)?.session === hidden.pid, "its own session");
    const tree = aTree({ leader: () => leader.pid });
    traceInto(s.folder)(look(tree));
    process.kill(leader.pid, "SIGKILL");
    await until(() => !isAlive(leader), "the agent's end");
    expect(look(aTree())).toEqual([]);
    const end = await endTree(aTree({ seen: readTrace(s.folder) }), { graceMs: 0 });
    expect(end).toMatchObject({ kind: "dead", killed: 1 });
    expect(isAlive(hidden)).toBe(false);
  });

  test("without environment and parent, and since the last look in a session of its own", async (context) => {
    const s = aScene(context);
    const leader = s.start(
      "(env -i F=$F sh -c 'while ! test -e $F/go; do sleep 0.02; done; exec setsid sleep 60' & echo $! >$F/pid); exec sleep 60",
    );
    const hidden = await s.written("pid");
    const seen = sightings(...look(aTree({ leader: () => leader.pid })));
    expect(seen.has(hidden.pid)).toBe(true);
    writeFileSync(join(s.folder, "go"), "");
    await until(() => readProcess(hidden.pid)?.session === hidden.pid, "its own session");
    expect(await endTree(aTree({ seen }), { graceMs: 0 })).toMatchObject({ kind: "dead" });
    expect([leader, hidden].some(isAlive)).toBe(false);
  });

  test("in the agent's session, made after the last look and without all else", async (context) => {
    const s = aScene(context);
    const leader = s.start("while ! test -e $F/go; do sleep 0.02; done; env -i sleep 60 & echo $! >$F/pid", {
      env: { PATH: s.env["PATH"] ?? "", F: s.folder },
    });
    const seen = sightings(...look(aTree({ leader: () => leader.pid })));
    expect(seen.has(leader.pid)).toBe(true);
    writeFileSync(join(s.folder, "go"), "");
    const late = await s.written("pid");
    await until(() => !isAlive(leader), "the agent's end");
    expect(seen.has(late.pid)).toBe(false);
    expect(await endTree(aTree({ seen }), { graceMs: 0 })).toMatchObject({ kind: "dead", killed: 1 });
    expect(isAlive(late)).toBe(false);
  });

  test("by the folder it works in, when it has nothing else; also when that folder is removed", async (context) => {
    const s = aScene(context);
    const inside = join(s.folder, "clone");
    mkdirSync(inside);
    s.start("env -i setsid sleep 60 & echo $! >$F/pid", { cwd: inside });
    const orphan = await s.written("pid");
    await until(() => readProcess(orphan.pid)?.parent !== readProcess(orphan.pid)?.group, "no parent left");
    const folder = ownFolder(s.folder);
    rmSync(inside, { recursive: true });
    await until(() => look(aTree({ folder })).some((at) => at.pid === orphan.pid), "an orphan in the folder");
    expect(await endTree(aTree({ folder }), { graceMs: 0 })).toMatchObject({ kind: "dead", killed: 1 });
    expect(isAlive(orphan)).toBe(false);
  });

  test("a tree that makes new processes all the time", { timeout: 30_000 }, async (context) => {
    const s = aScene(context);
    const marks = [markEntry(s.mark)];
    // Each leaves the next one in a session of its own and ends; for as long as the folder is there.
    const script = "test -d $F && test $1 -lt 1000 || exit; sleep 0.02; setsid sh $F/chain.sh $(($1 + 1)) &";
    writeFileSync(join(s.folder, "chain.sh"), script);
    const first = [1, 2, 3, 4, 5, 6].map(() => s.start("exec sh $F/chain.sh 1"));
    const found = () => look(aTree({ marks }));
    await until(() => !first.some(isAlive) && found().length > 0, "the next ones");
    expect(await endTree(aTree({ marks }), { graceMs: 0, forMs: 10_000 })).toMatchObject({ kind: "dead" });
    expect(found()).toEqual([]);
  });

  test("at once, by a process that is about to exit", async (context) => {
    const s = aScene(context);
    const leader = s.start("setsid sleep 60 & echo $! >$F/pid; wait");
    const child = await s.written("pid");
    killTree(aTree({ marks: [markEntry(s.mark)] }));
    await until(() => !isAlive(leader) && !isAlive(child), "both to be gone");
  });
});

describe("not hit", () => {
  test("another process that has got the number of one that was seen, and who is in its session", async (context) => {
    const s = aScene(context);
    const stranger = s.start("sleep 60 & echo $! >$F/pid; wait", { env: { PATH: s.env["PATH"] ?? "", F: s.folder } });
    const child = await s.written("pid");
    const seen = sightings({ ...stranger, startedTicks: stranger.startedTicks - 1 });
    expect(await endTree(aTree({ seen }), { graceMs: 0 })).toMatchObject({ kind: "dead", killed: 0 });
    expect([stranger, child].every(isAlive)).toBe(true);
  });

  test("who works in the folder with a parent of its own, or was there before the run", async (context) => {
    const s = aScene(context);
    const person = s.start("sleep 60 & echo $! >$F/pid; wait", {
      cwd: s.folder,
      env: { ...s.env, AGENT_DISPATCH_RUN: "" },
    });
    const child = await s.written("pid");
    expect(look(aTree({ folder: ownFolder(s.folder) }))).toEqual([]);
    process.kill(person.pid, "SIGKILL");
    await until(() => look(aTree({ folder: ownFolder(s.folder) })).some((at) => at.pid === child.pid), "an orphan");
    const later = { path: s.folder, sinceTicks: child.startedTicks + 1 };
    expect(look(aTree({ folder: later }))).toEqual([]);
  });

  test("this process, those above it and their sessions, whatever is known of them", () => {
    const own = (listProcesses() ?? []).filter((at) => at.pid === process.pid || at.pid === process.ppid);
    expect(own).toHaveLength(2);
    const found = look(aTree({ leader: () => process.ppid, seen: sightings(...own) })).map((at) => at.pid);
    for (const { pid } of own) expect(found).not.toContain(pid);
  });
});

describe("the mark of a run", () => {
  test("says repository and claim; anything else is no mark", () => {
    const mark = { place: placeOf("https://forge.example", "acme/app"), owner: randomUUID() };
    expect(mark.place).toMatch(/^[0-9a-f]{16}$/);
    expect(parseMark(formatMark(mark))).toEqual(mark);
    expect(placeOf("https://forge.example", "Acme/App")).toBe(mark.place);
    expect(placeOf("https://other.example", "acme/app")).not.toBe(mark.place);
    for (const text of ["", mark.place, `${mark.place}-me`, `${formatMark(mark)} `]) expect(parseMark(text)).toBeNull();
  });

  test("is read from the environment, with the program that gave it", async (context) => {
    const s = aScene(context);
    const marked = s.start("exec sleep 60");
    const unmarked = s.start("exec sleep 60", { env: { PATH: s.env["PATH"] ?? "" } });
    const orphaned = s.start("exec sleep 60", { env: { ...s.env, AGENT_DISPATCH_HOST: `${process.pid}.1` } });
    await until(() => markOf(orphaned.pid) !== null && markOf(marked.pid) !== null, "both to run");
    expect([marked, unmarked, orphaned].map(({ pid }) => markOf(pid))).toEqual([s.mark, null, s.mark]);
    expect([marked, unmarked, orphaned].map(({ pid }) => hasHost(pid))).toEqual([true, false, false]);
  });

  test("finds the processes of runs for one repository; they are ended with what hides beside them", async (context) => {
    const [s, other] = [aScene(context), aScene(context)];
    s.start("(env -i sleep 60 & echo $! >$F/pid); exec sleep 60");
    const bare = await s.written("pid");
    const kept = other.start("exec sleep 60");
    await until(() => markedProcesses(place).some((at) => at.pid === kept.pid), "the other run's process");
    const found = markedProcesses(place);
    expect(found.filter((at) => at.owner === s.mark.owner)).toHaveLength(1);
    expect(markedProcesses(placeOf("https://forge.example", "acme/elsewhere"))).toEqual([]);
    const mine = found.filter((at) => at.owner === s.mark.owner);
    expect(await endMarked(place, mine)).toMatchObject({ kind: "dead", killed: 2 });
    expect(isAlive(bare)).toBe(false);
    expect(isAlive(kept)).toBe(true);
  });
});

test("a trace that cannot be read or written is none", (context) => {
  const s = aScene(context);
  expect(readTrace(s.folder)).toEqual(new Map());
  writeFileSync(join(s.folder, "processes.json"), '[{"pid":"x"}]');
  expect(readTrace(s.folder)).toEqual(new Map());
  expect(() => traceInto(join(s.folder, "nowhere"))([])).not.toThrow();
});
