// What git makes of answers that are not the forge's: none of them may look like "the ref is not there" or "it was applied".

import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Host } from "../../src/git/port.ts";
import { type Fault, type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";
import { host, remove, seed, TOKEN, tempDir } from "./support.ts";

const ITEM = "refs/agent-dispatch/v1/item/issue-1";
const page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

/** For every request of one command; git may ask several times. */
const answers: Record<string, Fault> = {
  "an empty 200": { status: 200 },
  "a page with 200": { status: 200, body: page },
  "a page with 503": { status: 503, body: page },
  "a redirect to a page": { redirect: "/maintenance" },
  "half a list of refs": { status: 200, body: "001e# service=git-upload-pack\n0000015" },
  "a closed connection": "cut",
};

let dir = "";
let server: GitServer;
let ours: Host;
let base = "";

beforeAll(async () => {
  dir = tempDir();
  server = await startGitServer(dir, TOKEN);
  base = seed(dir, server.repository, { a: "a" });
  ours = await host(join(dir, "host"), server.url);
});
afterAll(async () => {
  await server.close();
  remove(dir);
});
beforeEach(() => {
  server.onAny.length = 0;
  server.onPush.length = 0;
});

describe.each(Object.keys(answers))("%s", (name) => {
  beforeEach(() => {
    const fault = answers[name];
    if (fault === undefined) throw new Error(name);
    server.onAny.push(...Array<Fault>(60).fill(fault));
  });
  const unsure = { name: "RunError", retry: true };

  it("is no list of refs", async () => {
    await expect(ours.remoteRefs(["refs/heads/main"])).rejects.toMatchObject(unsure);
    await expect(ours.listRefs("refs/agent-dispatch/v1/")).rejects.toMatchObject(unsure);
  });

  it("is no missing branch, and no empty ledger", async () => {
    await expect(ours.fetchBranch("main")).rejects.toMatchObject(unsure);
    await expect(ours.fetchLedger()).rejects.toMatchObject(unsure);
  });

  it("is no answer to a push", async () => {
    const sha = await ours.writeRecord({ parent: null, message: "1", effects: null });
    expect(await ours.push([{ ref: ITEM, old: null, new: sha }])).toMatchObject({ kind: "unknown" });
    expect(plainGit(server.repository, ["for-each-ref", ITEM])).toBe("");
  });
});

describe("a line that breaks", () => {
  it("costs a fetch nothing but another try, twice", async () => {
    server.onAny.push("cut", { status: 502, body: page });
    expect(await ours.fetchBranch("main")).toBe(base);
    server.onAny.push("cut", "cut");
    expect(await ours.fetchLedger()).toEqual(new Map());
    server.onAny.push("cut");
    expect(await ours.deepen([base], 1)).toBeNull();
  });

  it("is told from an answer: what is not there is asked for once", async () => {
    const before = server.requests.length;
    expect(await ours.fetchBranch("nowhere")).toBeNull();
    const asked = server.requests.slice(before).filter((line) => line.startsWith("POST"));
    expect(asked.length).toBeLessThanOrEqual(2);
  });
});

describe("a server that does not answer", () => {
  const timed = async <T>(task: Promise<T>) => {
    const begun = performance.now();
    const outcome = await task.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    return { ...outcome, ms: performance.now() - begun };
  };

  it("holds a look at the refs no longer than its limit", async () => {
    server.onAny.push("hang");
    const { ms, ...end } = await timed(ours.remoteRefs(["refs/heads/main"], 1_000));
    expect(end).toMatchObject({ error: { name: "RunError", retry: true } });
    expect(ms).toBeLessThan(6_000);
  });

  it("holds a push no longer than its limit", async () => {
    server.onPush.push("hang");
    const sha = await ours.writeRecord({ parent: null, message: "2", effects: null });
    const { ms, ...end } = await timed(ours.push([{ ref: ITEM, old: null, new: sha }], { deadlineMs: 1_000 }));
    expect(end).toMatchObject({ value: { kind: "unknown" } });
    expect(ms).toBeLessThan(6_000);
  });

  it("holds a look at the history no longer than its limit, also behind a fetch of code", async () => {
    server.onAny.push("hang", "hang");
    const stop = new AbortController();
    const other = await host(join(dir, "other"), server.url, { signal: stop.signal });
    const code = other.fetchBranch("main").catch(() => undefined);
    const { ms, ...end } = await timed(other.holds("refs/heads/main", base, 1_000));
    expect(end).toMatchObject({ error: { name: "RunError", retry: true } });
    expect(ms).toBeLessThan(6_000);
    stop.abort();
    await code;
  });
});
