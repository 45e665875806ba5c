// Uploads beside the life signs, against a real git server: what a push replaces, and whose it is.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { Host } from "../../src/git/port.ts";
import type { Claim, LedgerPorts } from "../../src/ledger/claim.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { itemRef, wipRef } from "../../src/ledger/refs.ts";
import { claimItem } from "../../src/ledger/take.ts";
import { upload } from "../../src/ledger/wip.ts";
import { host, remove, seed, TOKEN, tempDir } from "../git/support.ts";
import { aRecord, someLimits } from "../support/builders.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";

let dir = "";
let server: GitServer;
let ours: Host;
let theirs: Host;
let base = "";

beforeAll(async () => {
  dir = tempDir();
  server = await startGitServer(dir, TOKEN);
  base = seed(dir, server.repository, { "a.txt": "a\n" });
  ours = await host(join(dir, "ours"), server.url);
  theirs = await host(join(dir, "theirs"), server.url);
  await ours.fetchBranch("main");
  await theirs.fetchBranch("main");
});
afterAll(async () => {
  await server.close();
  remove(dir);
});
beforeEach(() => {
  server.onPush.length = 0;
  server.onAny.length = 0;
  server.requests.length = 0;
});

let items = 0;
const anItemKey = () => `issue-${++items}`;

const portsOf = (of: Host, fenceSeconds = 60): LedgerPorts => ({
  ...{ host: of, clock: systemClock(), now: () => Date.now() },
  limits: someLimits({ fenceSeconds, apiSeconds: 5 }),
});

/** A claim of a fresh item, or the next one after `old`. */
async function claimed(
  of: Host,
  key: string,
  old: string | null = null,
  change: Partial<LedgerRecord> = {},
  fenceSeconds = 60,
): Promise<Claim> {
  if (old !== null) await of.fetchLedger();
  const record = aRecord({
    key,
    state: "held",
    slot: null,
    at: new Date().toISOString(),
    owner: `run ${key}`,
    ...change,
  });
  const outcome = await claimItem(portsOf(of, fenceSeconds), record, old, null, null);
  if (outcome.kind !== "claimed") throw new Error(outcome.kind);
  return outcome.claim;
}

/** A commit on top of `main` with a file of so many random bytes. */
async function work(of: Host, bytes = 10): Promise<string> {
  const blob = text(await of.must(["hash-object", "-w", "--stdin"], { input: randomBytes(bytes) }));
  const tree = text(await of.must(["mktree"], { input: `100644 blob ${blob}\twork\n` }));
  const env = {
    GIT_AUTHOR_NAME: "bot",
    GIT_AUTHOR_EMAIL: "b@x",
    GIT_COMMITTER_NAME: "bot",
    GIT_COMMITTER_EMAIL: "b@x",
  };
  return text(await of.must(["commit-tree", tree, "-p", base, "-m", "work"], { env }));
}

const text = (stdout: Buffer) => stdout.toString().trim();
const onServer = (ref: string) => plainGit(server.repository, ["for-each-ref", "--format=%(objectname)", ref]);
const bounds = { deadlineMs: 20_000 };
const publishing = { after: "done", stage: "needs-review" } as const;
const noEffects = { v: 1, issue: 1, effects: [] } as const;

describe("an upload", { timeout: 40_000 }, () => {
  it("brings the commits; the publish moves refs only; the finish removes the ref", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key, null, { branch: `agent/${key}` });
    const head = await work(ours, 300_000);
    expect(await upload(portsOf(ours), claim, head, bounds)).toEqual({ kind: "ok" });
    expect(onServer(wipRef(key))).toBe(head);
    expect(plainGit(server.repository, ["cat-file", "-s", `${head}:work`])).toBe("300000");
    // The record of the claim still stands: only the upload's own ref moved.
    expect(onServer(itemRef(key))).toBe(claim.sha);
    expect(await claim.publish(publishing, { ...noEffects, effects: [] }, head)).toEqual({ kind: "ok" });
    expect(onServer(`refs/heads/agent/${key}`)).toBe(head);
    expect(onServer(wipRef(key))).toBe(head);
    expect((await claim.finish({ state: "done" })).kind).toBe("ok");
    expect(onServer(wipRef(key))).toBe("");
  });

  it("is made once: what stands there already is not sent again", async () => {
    const claim = await claimed(ours, anItemKey());
    const head = await work(ours);
    await upload(portsOf(ours), claim, head, bounds);
    server.requests.length = 0;
    expect(await upload(portsOf(ours), claim, head, bounds)).toEqual({ kind: "ok" });
    expect(server.requests).toEqual([]);
  });

  it("replaces what an earlier attempt left", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key);
    const [first, second] = [await work(ours), await work(ours)];
    await upload(portsOf(ours), claim, first, bounds);
    const next = await claimed(theirs, key, claim.sha, { epoch: 2 });
    await theirs.fetchRef(wipRef(key));
    next.wip = first;
    const other = await work(theirs);
    expect(await upload(portsOf(theirs), next, other, bounds)).toEqual({ kind: "ok" });
    expect(onServer(wipRef(key))).toBe(other);
    // Whoever was taken over is told so, and has replaced nothing.
    expect(await upload(portsOf(ours), claim, second, bounds)).toEqual({ kind: "lost" });
    expect(onServer(wipRef(key))).toBe(other);
    expect(claim.lost).toBe(true);
  });

  it("goes on from what it finds where nobody took the item over", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key);
    const stray = await work(ours);
    plainGit(ours.gitDir, ["push", "--quiet", server.repository, `${stray}:${wipRef(key)}`]);
    const head = await work(ours);
    expect(await upload(portsOf(ours), claim, head, bounds)).toEqual({ kind: "ok" });
    expect(onServer(wipRef(key))).toBe(head);
  });

  it("after a long silence the claim is renewed first, and nothing is sent for a claim that is gone", async () => {
    const key = anItemKey();
    // A process that slept for longer than the fence.
    const claim = await claimed(ours, key, null, {}, 0);
    await claimed(theirs, key, claim.sha, { epoch: 2 });
    expect(await upload(portsOf(ours), claim, await work(ours), bounds)).toEqual({ kind: "lost" });
    expect(onServer(wipRef(key))).toBe("");
  });

  it("a lost answer is no loss, a server that is away is not known", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key);
    const [first, second] = [await work(ours), await work(ours)];
    server.onPush.push("lose-answer");
    expect(await upload(portsOf(ours), claim, first, bounds)).toEqual({ kind: "ok" });
    expect(onServer(wipRef(key))).toBe(first);
    server.onAny.push(...Array.from({ length: 200 }, () => ({ status: 502 })));
    expect(await upload(portsOf(ours), claim, second, { deadlineMs: 700 })).toMatchObject({ kind: "unknown" });
    server.onAny.length = 0;
    expect(onServer(wipRef(key))).toBe(first);
  });

  it("what is too large for a proxy is refused at once", async () => {
    const claim = await claimed(ours, anItemKey());
    const head = await work(ours);
    server.onPush.push({ status: 413 });
    expect(await upload(portsOf(ours), claim, head, bounds)).toEqual({
      kind: "refused",
      text: "the server, or a proxy before it, takes no push of this size (HTTP 413)",
    });
  });

  it("ends when it is told to, and in its time", async () => {
    const claim = await claimed(ours, anItemKey());
    const head = await work(ours);
    const stop = new AbortController();
    server.onPush.push("hang");
    setTimeout(() => stop.abort(), 200);
    const begun = performance.now();
    expect(await upload(portsOf(ours), claim, head, { ...bounds, signal: stop.signal })).toMatchObject({
      kind: "unknown",
    });
    server.onPush.length = 0;
    server.onPush.push("hang");
    expect(await upload(portsOf(ours), claim, head, { deadlineMs: 1_000 })).toMatchObject({ kind: "unknown" });
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});

describe("what is kept", { timeout: 40_000 }, () => {
  it("stays when the claim ends with it, and when it is given back without a word", async () => {
    const head = await work(ours);
    const kept = { head, at: new Date().toISOString(), attempt: 1, why: "timeout" };
    for (const change of [{ kept }, {}]) {
      const key = anItemKey();
      const claim = await claimed(ours, key);
      await upload(portsOf(ours), claim, head, bounds);
      if (change.kept !== undefined)
        await claim.publish({ after: "released", stage: null, kept }, { ...noEffects, effects: [] }, null);
      expect((await claim.finish({ state: "released" })).kind).toBe("ok");
      expect(onServer(wipRef(key))).toBe(head);
    }
  });

  it("is no reason to leave a record unfinished when somebody moved it", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key, null, { branch: `agent/${key}` });
    const head = await work(ours);
    await upload(portsOf(ours), claim, head, bounds);
    await claim.publish(publishing, { ...noEffects, effects: [] }, head);
    const stray = await work(ours);
    plainGit(ours.gitDir, ["push", "--quiet", "--force", server.repository, `${stray}:${wipRef(key)}`]);
    expect((await claim.finish({ state: "done" })).kind).toBe("ok");
    expect(claim.record.state).toBe("done");
    expect(onServer(itemRef(key))).toBe(claim.sha);
    expect(onServer(wipRef(key))).toBe(stray);
  });
});

describe("two gits at once in the host's repository", { timeout: 40_000 }, () => {
  it("an upload, life signs, reads and fetches do not get into each other's way", async () => {
    const key = anItemKey();
    const claim = await claimed(ours, key);
    let isUp = false;
    const up = upload(portsOf(ours), claim, await work(ours, 3_000_000), bounds).finally(() => {
      isUp = true;
    });
    const seen: string[] = [];
    for (let round = 0; round < 5 || (!isUp && round < 50); round++) {
      const [renewed] = await Promise.all([
        claim.renew(),
        ours.fetchLedger(),
        ours.fetchBranch("main"),
        ours.remoteRefs([itemRef(key)]),
      ]);
      seen.push(renewed);
    }
    expect(await up).toEqual({ kind: "ok" });
    expect(new Set(seen)).toEqual(new Set(["ok"]));
    expect(plainGit(ours.gitDir, ["fsck", "--connectivity-only", "--no-dangling"])).not.toMatch(/missing|broken|error/);
  });
});
