import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { RunError } from "../../src/errors.ts";
import type { PushOutcome, RefChange } from "../../src/git/host.ts";
import type { Host } from "../../src/git/port.ts";
import { type CasPort, compareAndSwap } from "../../src/ledger/cas.ts";
import { host, remove, seed, TOKEN, tempDir } from "../git/support.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";

const ITEM = "refs/agent-dispatch/v1/item/issue-1";
const SLOT = "refs/agent-dispatch/v1/slot/1";
const BUDGET = "refs/agent-dispatch/v1/budget";
const BRANCH = "refs/heads/agent/issue-1";
const OLD = "0".repeat(40);
const NEW = "1".repeat(40);
const OTHER = "2".repeat(40);
const HEAD = "3".repeat(40);

/** Time that passes only in sleeps. */
function virtualClock(): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    elapsed: () => slept.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms) => {
      slept.push(ms);
    },
    random: () => 0.5,
  };
}

const unknown: PushOutcome = { kind: "unknown", cause: "502" };
const lost: PushOutcome = { kind: "lost", detail: "stale info", sent: false };
const lostAtServer: PushOutcome = { kind: "lost", detail: "reference already exists", sent: true };
const unreadable = new RunError("forge down", { remedy: "wait", mender: "server operator", retry: true });

/** A forge that answers pushes and reads in this order, the last for ever. */
function port(pushes: PushOutcome[], reads: (Record<string, string | null> | Error)[], holds: string[] = []) {
  const pushed: (readonly RefChange[])[] = [];
  let read = 0;
  const made: CasPort & { pushed: typeof pushed } = {
    pushed,
    async push(changes) {
      pushed.push(changes);
      return pushes[Math.min(pushed.length, pushes.length) - 1] ?? unknown;
    },
    async remoteRefs(names) {
      const answer = reads[Math.min(read++, reads.length - 1)] ?? {};
      if (answer instanceof Error) throw answer;
      return new Map(names.map((name) => [name, answer[name] ?? null]));
    },
    holds: async (ref) => holds.includes(ref),
  };
  return made;
}

const one: RefChange[] = [{ ref: ITEM, old: OLD, new: NEW }];
const publish: RefChange[] = [
  { ref: ITEM, old: OLD, new: NEW },
  { ref: BRANCH, old: null, new: HEAD },
];
const claim: RefChange[] = [
  { ref: ITEM, old: OLD, new: NEW },
  { ref: SLOT, old: null, new: HEAD },
  { ref: BUDGET, old: OLD, new: NEW },
];
const finish: RefChange[] = [
  { ref: ITEM, old: OLD, new: NEW },
  { ref: SLOT, old: HEAD, new: null },
];
const sweep: RefChange[] = [{ ref: SLOT, old: OLD, new: null }];

function swap(ports: CasPort, changes: RefChange[], clock = virtualClock(), deadlineMs = 60_000) {
  return compareAndSwap(ports, changes, { clock, deadlineMs });
}

describe("what is decided from push and refs", () => {
  it.each<[string, RefChange[], ReturnType<typeof port>, object, number]>([
    ["applied", one, port([{ kind: "ok", upToDate: [] }], []), { kind: "ok" }, 1],
    [
      "lost",
      one,
      port([lost], [{ [ITEM]: OTHER }]),
      { kind: "lost", found: new Map([[ITEM, OTHER]]), applied: false, detail: "stale info" },
      1,
    ],
    ["lost, the refs cannot be read", one, port([lost], [unreadable]), { kind: "lost", found: new Map() }, 1],
    ["lost to our own doubled request", one, port([lost], [{ [ITEM]: NEW }]), { kind: "ok" }, 1],
    [
      "lost to our own doubled request, taken over since",
      one,
      port([lostAtServer], [{ [ITEM]: OTHER }], [ITEM]),
      { kind: "lost", applied: true },
      1,
    ],
    ["a deletion that somebody else made", sweep, port([lost], [{}]), { kind: "lost" }, 1],
    ["a deletion in doubt that is done", sweep, port([unknown], [{}]), { kind: "ok" }, 1],
    ["unknown, was applied", one, port([unknown], [{ [ITEM]: NEW }]), { kind: "ok" }, 1],
    [
      "unknown, was not applied: the same again",
      one,
      port([unknown, { kind: "ok", upToDate: [] }], [{ [ITEM]: OLD }]),
      { kind: "ok" },
      2,
    ],
    [
      "unknown, the first arrives late",
      one,
      port([unknown, lost], [{ [ITEM]: OLD }, { [ITEM]: NEW }]),
      { kind: "ok" },
      2,
    ],
    [
      "unknown, applied and superseded",
      one,
      port([unknown], [{ [ITEM]: OTHER }], [ITEM]),
      { kind: "lost", applied: true },
      1,
    ],
    ["unknown, somebody else", one, port([unknown], [{ [ITEM]: OTHER }]), { kind: "lost", applied: false }, 1],
    ["unknown, the ref is gone", one, port([unknown], [{}]), { kind: "lost", applied: false }, 1],
    [
      "unknown, refs readable at the third look",
      one,
      port([unknown], [unreadable, unreadable, { [ITEM]: NEW }]),
      { kind: "ok" },
      1,
    ],
    [
      "unknown, then a rule",
      one,
      port([unknown, { kind: "refused", text: "no" }], [{ [ITEM]: OLD }]),
      { kind: "refused", text: "no" },
      2,
    ],
    [
      "unknown and applied, then the token is refused",
      one,
      port([unknown, { kind: "denied", text: "401" }], [{ [ITEM]: OLD }, { [ITEM]: NEW }]),
      { kind: "ok" },
      2,
    ],
    ["refused", one, port([{ kind: "refused", text: "hook" }], []), { kind: "refused", text: "hook" }, 1],
    ["denied", one, port([{ kind: "denied", text: "403" }], []), { kind: "denied", text: "403" }, 1],
    ["published whole", publish, port([unknown], [{ [ITEM]: NEW, [BRANCH]: HEAD }]), { kind: "ok" }, 1],
    [
      "published, then a person pushed on top",
      publish,
      port([unknown], [{ [ITEM]: NEW, [BRANCH]: OTHER }], [BRANCH]),
      { kind: "ok" },
      1,
    ],
    [
      "published, then taken over",
      publish,
      port([unknown], [{ [ITEM]: OTHER, [BRANCH]: HEAD }], [ITEM]),
      { kind: "lost", applied: true },
      1,
    ],
    [
      "torn",
      publish,
      port([unknown], [{ [ITEM]: NEW, [BRANCH]: null }]),
      { kind: "unknown", cause: expect.stringContaining("applied in part") },
      1,
    ],
    [
      "claimed, and another run moved the budget on since",
      claim,
      port([unknown], [{ [ITEM]: NEW, [SLOT]: HEAD, [BUDGET]: OTHER }], [BUDGET]),
      { kind: "ok" },
      1,
    ],
    [
      "finished, and another run took the slot since",
      finish,
      port([unknown], [{ [ITEM]: NEW, [SLOT]: OTHER }]),
      { kind: "ok" },
      1,
    ],
    [
      "not finished: the slot was taken before",
      finish,
      port([unknown], [{ [ITEM]: OLD, [SLOT]: OTHER }]),
      { kind: "lost", applied: false },
      1,
    ],
    [
      "not applied, the branch moved",
      publish,
      port([unknown], [{ [ITEM]: OLD, [BRANCH]: OTHER }]),
      { kind: "lost", applied: false },
      1,
    ],
  ])("%s", async (_, changes, ports, expected, pushes) => {
    expect(await swap(ports, changes)).toMatchObject(expected);
    expect(ports.pushed).toEqual(Array(pushes).fill(changes));
  });

  it("gives up at the deadline, with growing pauses", async () => {
    const clock = virtualClock();
    const ports = port([unknown], [{ [ITEM]: OLD }]);
    expect(await swap(ports, one, clock, 10_000)).toEqual({ kind: "unknown", cause: "502" });
    expect(clock.slept).toEqual([187.5, 375, 750, 1500, 3000, 3750]);
    expect(ports.pushed.length).toBe(7);
  });

  it("a mistake of ours is no bad weather", async () => {
    await expect(swap(port([unknown], [new TypeError("ours")]), one)).rejects.toThrow("ours");
  });
});

describe("over HTTP", () => {
  let dir = "";
  let server: GitServer;
  let ours: Host;
  let base = "";
  let number = 0;
  let ref = "";
  const clock: Clock = { ...virtualClock(), elapsed: () => performance.now() };

  beforeAll(async () => {
    dir = tempDir();
    server = await startGitServer(dir, TOKEN);
    base = seed(dir, server.repository, { a: "a" });
    ours = await host(join(dir, "host"), server.url);
    await ours.fetchBranch("main");
  });
  afterAll(async () => {
    await server.close();
    remove(dir);
  });
  beforeEach(() => {
    number += 1;
    ref = `refs/agent-dispatch/v1/item/issue-${number}`;
    server.onPush.length = 0;
    server.afterPush = null;
  });

  const record = (message: string, parent: string | null = null) =>
    ours.writeRecord({ parent, message, effects: null });
  const at = (name: string) => plainGit(server.repository, ["for-each-ref", "--format=%(objectname)", name]);

  it("an answer lost after the push was applied is ok", async () => {
    server.onPush.push("lose-answer");
    const sha = await record("1");
    expect(await compareAndSwap(ours, [{ ref, old: null, new: sha }], { clock, deadlineMs: 10_000 })).toEqual({
      kind: "ok",
    });
    expect(at(ref)).toBe(sha);
  });

  it("a push that never arrived is made again, with the same commits", async () => {
    server.onPush.push({ status: 502 }, "cut", "cut");
    const sha = await record("1");
    const changes = [
      { ref, old: null, new: sha },
      { ref: `refs/heads/agent/issue-${number}`, old: null, new: base },
    ];
    expect(await compareAndSwap(ours, changes, { clock, deadlineMs: 10_000 })).toEqual({ kind: "ok" });
    expect([at(ref), at(`refs/heads/agent/issue-${number}`)]).toEqual([sha, base]);
  });

  it("applied, answer lost, taken over by another run: lost, and known to have been applied", async () => {
    const other = await host(join(dir, "other"), server.url);
    server.onPush.push("lose-answer");
    const mine = await record("mine");
    let theirs = "";
    server.afterPush = async () => {
      server.afterPush = null;
      await other.fetchLedger();
      theirs = await other.writeRecord({ parent: mine, message: "theirs", effects: null });
      await other.push([{ ref, old: mine, new: theirs }]);
    };
    const outcome = await compareAndSwap(ours, [{ ref, old: null, new: mine }], { clock, deadlineMs: 10_000 });
    expect(outcome).toMatchObject({ kind: "lost", applied: true, found: new Map([[ref, theirs]]) });
  });

  it("not applied, another run wins: lost", async () => {
    const other = await host(join(dir, "winner"), server.url);
    const theirs = await other.writeRecord({ parent: null, message: "theirs", effects: null });
    await other.push([{ ref, old: null, new: theirs }]);
    const outcome = await compareAndSwap(ours, [{ ref, old: null, new: await record("mine") }], {
      clock,
      deadlineMs: 10_000,
    });
    expect(outcome).toMatchObject({ kind: "lost", applied: false, found: new Map([[ref, theirs]]) });
  });
});
