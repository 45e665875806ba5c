import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeGit } from "../../src/git/git.ts";
import type { Host } from "../../src/git/port.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { plainGit } from "../support/plain-git.ts";
import { host, remove, seed, TOKEN, tempDir } from "./support.ts";

const V1 = "refs/agent-dispatch/v1";
let dir = "";
let server: GitServer;
let ours: Host;
let base = "";

beforeAll(async () => {
  dir = tempDir();
  server = await startGitServer(dir, TOKEN);
  base = seed(dir, server.repository, { "a.txt": "a\n" });
  ours = await host(join(dir, "host"), server.url);
});
afterAll(async () => {
  await server.close();
  remove(dir);
});
beforeEach(() => {
  server.onPush.length = 0;
  server.onAny.length = 0;
});

let number = 0;
/** A ref that no other test uses. */
function newRef(): string {
  number += 1;
  return `${V1}/item/issue-${number}`;
}

function record(message: string, parent: string | null = null, effects: string | null = null): Promise<string> {
  return ours.writeRecord({ parent, message, effects });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function onServer(ref: string): string {
  return plainGit(server.repository, ["for-each-ref", "--format=%(objectname)", ref]);
}

describe("reading", () => {
  it("fetches a branch with its tip, and knows when there is none", async () => {
    expect(await ours.fetchBranch("main")).toBe(base);
    expect(await ours.fetchBranch("nope")).toBeNull();
  });

  it("reads the whole ledger with one fetch and two local commands", async () => {
    const one = newRef();
    const two = newRef();
    const wip = `${V1}/wip/issue-1`;
    const first = await record('agent-dispatch v1 held\n\n{"nonce":"1"}\n');
    const second = await record("second: ünïcode\n", first, '{"text":"…"}');
    await ours.push([
      { ref: one, old: null, new: first },
      { ref: two, old: null, new: second },
      { ref: wip, old: null, new: base },
    ]);
    const reader = await host(join(dir, "reader"), server.url);
    const before = reader.git.count();
    const ledger = await reader.fetchLedger();
    expect(reader.git.count() - before).toBe(3);
    expect(ledger.get(one)).toEqual({ sha: first, message: 'agent-dispatch v1 held\n\n{"nonce":"1"}', effects: null });
    expect(ledger.get(two)).toEqual({ sha: second, message: "second: ünïcode", effects: '{"text":"…"}' });
    expect(ledger.has(wip)).toBe(false);
    expect(await reader.listRefs(`${V1}/wip/`)).toEqual(new Map([[wip, base]]));

    // The parent is here without its own parent: a record on top of it can be made and pushed.
    const third = await reader.writeRecord({ parent: second, message: "third", effects: null });
    expect(await reader.push([{ ref: two, old: second, new: third }])).toEqual({ kind: "ok", upToDate: [] });
    expect((await reader.fetchLedger()).get(two)?.sha).toBe(third);
    const fourth = await reader.writeRecord({ parent: third, message: "fourth", effects: null });
    expect((await reader.push([{ ref: two, old: third, new: fourth }])).kind).toBe("ok");
    expect(plainGit(server.repository, ["log", "--format=%s", two]).split("\n")).toEqual([
      "fourth",
      "third",
      "second: ünïcode",
      "agent-dispatch v1 held",
    ]);
    // What is gone on the forge is gone here.
    await reader.push([{ ref: one, old: first, new: null }]);
    expect((await reader.fetchLedger()).has(one)).toBe(false);
  });

  it("a look at the ledger does not cut the history of kept work", async () => {
    const work = join(dir, "history");
    plainGit(dir, ["clone", "--quiet", server.repository, work]);
    for (const text of ["1", "2", "3"]) plainGit(work, ["commit", "--quiet", "--allow-empty", "-m", text]);
    plainGit(work, ["push", "--quiet", "origin", `HEAD:${V1}/wip/issue-9`]);
    const head = await ours.fetchRef(`${V1}/wip/issue-9`);
    await ours.fetchLedger();
    const listed = await ours.must(["rev-list", "--count", head ?? ""]);
    expect(listed.toString().trim()).toBe("4");
  });

  it("an empty ledger is no error; an empty repository is, since that is how a proxy's empty answer reads", async () => {
    const other = tempDir();
    const empty = await startGitServer(other, TOKEN);
    const reader = await host(join(other, "host"), empty.url);
    const refused = { name: "RunError", retry: true, message: expect.stringContaining("lists none at all") };
    await expect(reader.fetchLedger()).rejects.toMatchObject(refused);
    await expect(reader.fetchBranch("main")).rejects.toMatchObject(refused);
    await expect(reader.remoteRefs(["refs/heads/main"])).rejects.toMatchObject(refused);
    // With branches, and a history that is cut in this repository.
    const head = seed(other, empty.repository, { a: "a" });
    expect(await reader.fetchBranch("main", 1)).toBe(head);
    expect(await reader.fetchLedger()).toEqual(new Map());
    await empty.close();
    remove(other);
  });

  it("answers exactly the refs asked for", async () => {
    plainGit(server.repository, ["update-ref", "refs/x/refs/heads/main", base]);
    expect(await ours.remoteRefs(["refs/heads/main", "refs/heads/none"])).toEqual(
      new Map([
        ["refs/heads/main", base],
        ["refs/heads/none", null],
      ]),
    );
  });

  it("says who can mend what cannot be read", async () => {
    server.onAny.push({ status: 502 });
    await expect(ours.remoteRefs(["refs/heads/main"])).rejects.toMatchObject({ name: "RunError", retry: true });
    server.onAny.push({ status: 403, body: "Forbidden" });
    await expect(ours.fetchBranch("main")).rejects.toMatchObject({ retry: false, mender: "workflow author" });
  });
});

describe("pushing", () => {
  it("moves only from what it names", async () => {
    const ref = newRef();
    const [first, second, third] = [await record("1"), await record("2"), await record("3")];
    expect((await ours.push([{ ref, old: null, new: first }])).kind).toBe("ok");
    expect((await ours.push([{ ref, old: null, new: second }])).kind).toBe("lost");
    expect((await ours.push([{ ref, old: second, new: third }])).kind).toBe("lost");
    expect(await ours.push([{ ref, old: null, new: first }])).toEqual({ kind: "ok", upToDate: [ref] });
    expect((await ours.push([{ ref, old: first, new: second }])).kind).toBe("ok");
    expect((await ours.push([{ ref, old: second, new: null }])).kind).toBe("ok");
    expect((await ours.push([{ ref, old: second, new: null }])).kind).toBe("lost");
    expect(onServer(ref)).toBe("");
  });

  it("moves all or nothing", async () => {
    const [one, two] = [newRef(), newRef()];
    const [first, second] = [await record("1"), await record("2")];
    await ours.push([{ ref: one, old: null, new: first }]);
    const outcome = await ours.push([
      { ref: one, old: first, new: second },
      { ref: two, old: first, new: second },
    ]);
    expect(outcome.kind).toBe("lost");
    expect([onServer(one), onServer(two)]).toEqual([first, ""]);
  });

  it("of four pushers over two refs one wins", async () => {
    const refs = [newRef(), newRef()];
    const hosts = await Promise.all([1, 2, 3, 4].map((n) => host(join(dir, `racer-${n}`), server.url)));
    const outcomes = await Promise.all(
      hosts.map(async (racer, n) => {
        const sha = await racer.writeRecord({ parent: null, message: `racer ${n}`, effects: null });
        return { sha, outcome: await racer.push(refs.map((ref) => ({ ref, old: null, new: sha }))) };
      }),
    );
    const winners = outcomes.filter(({ outcome }) => outcome.kind === "ok");
    expect(outcomes.map(({ outcome }) => outcome.kind).sort()).toEqual(["lost", "lost", "lost", "ok"]);
    expect(refs.map(onServer)).toEqual([winners[0]?.sha, winners[0]?.sha]);
  });

  it("tells a rule of the server from a lost race", async () => {
    const hook = join(server.repository, "hooks", "pre-receive");
    plainGit(dir, ["init", "--quiet", "--bare", join(dir, "hooked")]);
    spawnSync("mkdir", ["-p", join(server.repository, "hooks")]);
    writeFileSync(hook, "#!/bin/sh\necho 'Not allowed to push here' >&2\nexit 1\n", { mode: 0o755 });
    const outcome = await ours.push([{ ref: newRef(), old: null, new: await record("1") }]);
    remove(hook);
    expect(outcome).toEqual({ kind: "refused", text: "Not allowed to push here" });
  });

  it.each([401, 403, 404])("%d is denied", async (status) => {
    server.onPush.push({ status, body: "no" }, { status, body: "no" });
    expect((await ours.push([{ ref: newRef(), old: null, new: await record("1") }])).kind).toBe("denied");
  });

  it.each(["lose-answer", "cut", { status: 502 }, { status: 503 }, { status: 500 }] as const)(
    "%j leaves it unknown",
    async (fault) => {
      // Twice: curl repeats a request by itself when a kept connection was closed.
      server.onPush.push(fault, fault);
      expect((await ours.push([{ ref: newRef(), old: null, new: await record("1") }])).kind).toBe("unknown");
    },
  );

  it("a wrong token is denied, and a token with a line break starts nothing", async () => {
    const wrong = await host(join(dir, "wrong"), server.url, { token: "wrong" });
    const sha = await wrong.writeRecord({ parent: null, message: "1", effects: null });
    expect((await wrong.push([{ ref: newRef(), old: null, new: sha }])).kind).toBe("denied");
    const broken = await host(join(dir, "broken"), server.url, { token: "x\nhost=evil" });
    await expect(broken.remoteRefs(["refs/heads/main"])).rejects.toThrow("holds a line break");
  });

  it("refuses what is no change, no ref or no commit id", async () => {
    const sha = await record("1");
    await expect(ours.push([{ ref: newRef(), old: sha, new: sha }])).rejects.toThrow("does not change");
    await expect(ours.push([{ ref: "--mirror", old: null, new: sha }])).rejects.toThrow("not a full ref name");
    await expect(ours.push([{ ref: newRef(), old: null, new: "HEAD" }])).rejects.toThrow("not a commit id");
    await expect(ours.push([])).rejects.toThrow("needs changes");
  });

  it("one push has limits of its own, others go on beside it", { timeout: 30_000 }, async () => {
    const sha = await record("1");
    const stop = new AbortController();
    const refs = [newRef(), newRef(), newRef()].map((ref) => [{ ref, old: null, new: sha }]);
    const [first = [], second = [], third = []] = refs;
    server.onPush.push("hang", "hang");
    const begun = performance.now();
    const hung = ours.push(first, { deadlineMs: 1_000 });
    const silent = ours.push(second, { deadlineMs: 20_000, stallSeconds: 300, signal: stop.signal });
    await until(() => server.onPush.length === 0);
    expect(await ours.push(third)).toMatchObject({ kind: "ok" });
    stop.abort();
    expect(await silent).toEqual({ kind: "unknown", cause: "git was stopped with the run" });
    expect(await hung).toMatchObject({ kind: "unknown" });
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(await ours.push(second, { signal: stop.signal })).toMatchObject({ kind: "unknown" });
    expect([first, second].map(([change]) => onServer(change?.ref ?? ""))).toEqual(["", ""]);
  });

  it("a stopped run stops git", async () => {
    const stop = new AbortController();
    const stopped = await host(join(dir, "stopped"), server.url, { signal: stop.signal });
    const sha = await stopped.writeRecord({ parent: null, message: "1", effects: null });
    server.onPush.push("hang");
    const pushed = stopped.push([{ ref: newRef(), old: null, new: sha }]);
    setTimeout(() => stop.abort(), 150);
    expect(await pushed).toEqual({ kind: "unknown", cause: "git was stopped with the run" });
  });
});

describe("the token", () => {
  it("is in no argument, variable or file while git talks to the server", async () => {
    const seen: string[] = [];
    let looked = 0;
    server.afterPush = async () => {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
        for (const file of ["cmdline", "environ"]) {
          try {
            const text = readFileSync(`/proc/${pid}/${file}`, "latin1");
            if (file === "cmdline" && text.includes("git-remote-http")) looked += 1;
            if (text.includes(TOKEN)) seen.push(`${pid}/${file}`);
          } catch {
            // Ended meanwhile, or not ours to read.
          }
        }
      }
    };
    expect((await ours.push([{ ref: newRef(), old: null, new: await record("1") }])).kind).toBe("ok");
    server.afterPush = null;
    expect(looked).toBeGreaterThan(0);
    expect(seen).toEqual([]);
    expect(spawnSync("grep", ["-rlF", TOKEN, join(dir, "host")], { encoding: "utf8" }).stdout).toBe("");
    expect(server.requests.some((line) => line.includes(TOKEN))).toBe(false);
    expect(server.authorizations.at(-1)).toBe(`Basic ${Buffer.from(`agent-dispatch:${TOKEN}`).toString("base64")}`);
  });

  it("does not follow a redirect", async () => {
    const headers: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      headers.push(request.headers.authorization);
      response.writeHead(401, { "www-authenticate": 'Basic realm="evil"' }).end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const address = elsewhere.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    server.onAny.push({ redirect: url }, { redirect: url });
    await expect(ours.remoteRefs(["refs/heads/main"])).rejects.toMatchObject({ name: "RunError" });
    expect((await ours.push([{ ref: newRef(), old: null, new: await record("1") }])).kind).not.toBe("ok");
    elsewhere.closeAllConnections();
    elsewhere.close();
    expect(headers).toEqual([]);
  });
});

describe("git itself", () => {
  it("ends in time, with bounded output, and counts", async () => {
    const git = await makeGit({ dir: join(dir, "git"), env: { PATH: process.env["PATH"] } });
    const alias = (command: string) => ({ config: [["alias.x", `!${command}`]] as const });
    const hasty = await host(join(dir, "hasty"), server.url, { networkMs: 1000 });
    server.onPush.push("hang");
    const sha = await hasty.writeRecord({ parent: null, message: "1", effects: null });
    const [hung, slow, loud, ended] = await Promise.all([
      hasty.push([{ ref: newRef(), old: null, new: sha }]),
      git.run(["x"], { ...alias("sleep 30"), deadlineMs: 500 }),
      git.run(["x"], { ...alias("yes"), outputBytesMax: 1000 }),
      git.run(["x"], { ...alias("cat; echo err >&2; exit 7; :"), input: Buffer.from([0xff, 0, 0x41]) }),
    ]);
    expect(hung).toEqual({
      kind: "unknown",
      cause: expect.stringMatching(/did not end within 1 s|Operation too slow/),
    });
    expect(slow).toMatchObject({ kind: "timed-out", afterMs: 500 });
    expect(loud.kind === "too-much-output" && loud.stdout.length).toBe(1000);
    expect(ended).toEqual({ kind: "ended", code: 7, stdout: Buffer.from([0xff, 0, 0x41]), stderr: "err\n" });
    expect(git.count()).toBe(3);
  });

  it("without `timeout` on the path the deadline holds too", async () => {
    const bin = join(dir, "bin");
    spawnSync("sh", ["-c", `mkdir ${bin}; for x in git sh sleep; do ln -s "$(command -v $x)" ${bin}/$x; done`]);
    const git = await makeGit({ dir: join(dir, "bare-git"), env: { PATH: bin } });
    const result = await git.run(["x"], { config: [["alias.x", "!exec sleep 30"]], deadlineMs: 200 });
    expect(result).toMatchObject({ kind: "timed-out" });
  });

  it("sees nothing of the machine's environment and configuration", async () => {
    const home = join(dir, "evil-home");
    spawnSync("mkdir", ["-p", home]);
    writeFileSync(join(home, ".gitconfig"), `[core]\n\tsshCommand = touch ${dir}/canary\n`);
    const env = { PATH: process.env["PATH"], HOME: home, GIT_DIR: "/evil", GIT_SSH_COMMAND: "evil", SECRET: TOKEN };
    const git = await makeGit({ dir: join(dir, "isolated"), env });
    const shown = await git.run(["x"], { config: [["alias.x", "!env"]] });
    const text = shown.kind === "ended" ? shown.stdout.toString() : "";
    expect(text).toContain("GIT_CONFIG_NOSYSTEM=1");
    expect(text).not.toMatch(/SECRET|GIT_DIR=\/evil|GIT_SSH_COMMAND=evil|evil-home/);
    expect(existsSync(join(dir, "canary"))).toBe(false);
  });
});
