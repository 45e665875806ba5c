import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Forge, type ForgeVersion, startForge } from "./forge.ts";

// What the replay of recorded answers does not reach: faults, the clock, events, automatic tokens, pushes that move pull requests.

const workflow =
  "on:\n  workflow_dispatch:\n    inputs: { item: {} }\njobs:\n  go: { runs-on: x, steps: [{ run: echo }] }\n";
const cleanUp: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function aForge(version?: ForgeVersion): Promise<Forge> {
  const forge = await startForge(version ? { version } : {});
  cleanUp.push(() => forge.close());
  forge.addUser({ login: "owner", admin: true });
  forge.addUser({ login: "bot" });
  forge.addOrg("acme", ["owner"]);
  await forge.addRepo({
    owner: "acme",
    name: "app",
    files: { "a.txt": "a\n", ".gitea/workflows/agent.yml": workflow },
  });
  forge.addCollaborator("acme/app", "bot", "write");
  await forge.as("owner").post("/repos/acme/app/labels", { name: "bot", color: "#00aabb" });
  await forge.as("owner").post("/repos/acme/app/issues", { title: "Add hi", body: "" });
  return forge;
}

interface Ended {
  exit: number;
  output: string;
}

function git(cwd: string, ...args: string[]): Promise<Ended> {
  const identity = ["-c", "user.name=bot", "-c", "user.email=bot@example.invalid"];
  const env = { PATH: process.env["PATH"] ?? "", HOME: cwd, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
  return new Promise((resolve) => {
    execFile("git", [...identity, ...args], { cwd, env }, (error, stdout, stderr) => {
      const exit = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exit, output: stdout + stderr });
    });
  });
}

/** A clone with one commit on `work` that is not pushed yet. */
async function aClone(forge: Forge, token = forge.as("bot").token): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "forge-test-"));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  await git(folder, "clone", "-q", `${forge.url.replace("http://", `http://x:${token}@`)}/acme/app.git`, ".");
  await git(folder, "checkout", "-q", "-b", "work");
  await git(folder, "commit", "-q", "--allow-empty", "-m", "work");
  return folder;
}

const labels = "/repos/acme/app/issues/1/labels";

describe("faults", () => {
  it.each([
    ["500" as const, 500, "application/json;charset=utf-8"],
    ["502" as const, 502, "text/html"],
    ["503" as const, 503, "text/html"],
    ["html" as const, 200, "text/html"],
  ])("%s is answered before anything happened, as often as asked", async (deed, status, type) => {
    const forge = await aForge();
    forge.faults.add({ when: (request) => request.method === "POST", times: 1, do: deed });
    const answer = await fetch(`${forge.url}/api/v1${labels}`, { method: "POST" });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, type]);
    expect(answer.headers.get("date")).not.toBeNull();
    expect(forge.repo("acme/app").issues[0]?.labels).toEqual([]);
    expect(await forge.addLabelAs("bot", "acme/app", 1, "bot")).toBe(true);
    expect(forge.faults.met).toBe(1);
  });

  it.each(["apply-then-502", "apply-then-reset", "cut"] as const)(
    "%s carries out what it does not tell",
    async (deed) => {
      const forge = await aForge();
      forge.faults.add({ when: (request) => request.path.endsWith("/labels"), times: 1, do: deed });
      const told = await forge.addLabelAs("bot", "acme/app", 1, "bot").catch(() => false);
      expect(told).toBe(false);
      expect(forge.repo("acme/app").issues[0]?.labels.map((label) => label.name)).toEqual(["bot"]);
    },
  );

  it("reset and hang do nothing and answer nothing", async () => {
    const forge = await aForge();
    forge.faults.add({ when: () => true, times: 1, do: "reset" });
    await expect(forge.as("bot").get("/version")).rejects.toThrow();
    forge.faults.add({ when: () => true, times: 1, do: "hang" });
    await expect(fetch(`${forge.url}/api/v1/version`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    expect(forge.requests.slice(-2).map((request) => request.status)).toEqual([0, 0]);
  });

  it("garbage claims to be JSON, an own answer is given as it is", async () => {
    const forge = await aForge();
    forge.faults.add({ when: () => true, times: 1, do: "garbage" });
    await expect(forge.as("bot").get("/version")).rejects.toThrow(SyntaxError);
    forge.faults.add({
      when: () => true,
      times: 1,
      do: { status: 429, body: "slow", headers: { "retry-after": "1" } },
    });
    const answer = await forge.as("bot").get("/version");
    expect([answer.status, answer.body, answer.headers.get("retry-after")]).toEqual([429, "slow", "1"]);
  });

  it("a held request waits until the test lets it go", async () => {
    const forge = await aForge();
    const order: string[] = [];
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    forge.faults.add({ when: (request) => request.login === "bot", times: 1, do: "pass", hold: () => gate });
    const held = forge.as("bot").post("/repos/acme/app/issues/1/comments", { body: "bot" });
    await forge.as("owner").post("/repos/acme/app/issues/1/comments", { body: "owner" });
    letGo();
    expect((await held).status).toBe(201);
    for (const entry of forge.repo("acme/app").issues[0]?.entries ?? []) order.push(entry.body);
    expect(order).toEqual(["owner", "bot"]);
  });

  it("a push whose answer is lost has moved its refs", async () => {
    const forge = await aForge();
    const clone = await aClone(forge);
    forge.faults.add({
      when: (request) => request.path.endsWith("/git-receive-pack"),
      times: 1,
      do: "apply-then-reset",
    });
    expect((await git(clone, "push", "origin", "work")).exit).not.toBe(0);
    const head = (await git(clone, "rev-parse", "work")).output.trim();
    expect(forge.world.git(forge.repo("acme/app")).branch("work")).toBe(head);
  });

  it("a torn push has moved its first refs by name, and left the commits of all", async () => {
    const forge = await aForge();
    const clone = await aClone(forge);
    forge.faults.add({ when: (r) => r.path.endsWith("/git-receive-pack"), times: 1, do: { torn: 2 } });
    const refs = ["refs/heads/work", "refs/agent-dispatch/v1/b", "refs/agent-dispatch/v1/a"];
    const pushed = await git(clone, "push", "--atomic", "origin", ...refs.map((ref) => `work:${ref}`));
    expect(pushed.exit).not.toBe(0);
    expect(pushed.output).toContain("502");
    const there = forge.world.git(forge.repo("acme/app"));
    const head = (await git(clone, "rev-parse", "work")).output.trim();
    expect(refs.map((ref) => there.ref(ref))).toEqual([undefined, head, head]);
    forge.faults.add({ when: (r) => r.path.endsWith("/git-receive-pack"), times: 1, do: { torn: 1 } });
    await git(clone, "commit", "--allow-empty", "-qm", "more");
    await git(clone, "push", "--atomic", "origin", `${head}:refs/agent-dispatch/v1/c`, "work");
    const more = (await git(clone, "rev-parse", "work")).output.trim();
    expect([there.ref("refs/agent-dispatch/v1/c"), there.ref("refs/heads/work")]).toEqual([head, undefined]);
    expect((await there.commit(more))?.sha).toBe(more);
  });

  it("a push that meets a 502 has moved nothing", async () => {
    const forge = await aForge();
    const clone = await aClone(forge);
    forge.faults.add({ when: (request) => request.path.includes("service=git-receive-pack"), times: 1, do: "502" });
    expect((await git(clone, "push", "origin", "work")).output).toContain("502");
    expect(forge.world.git(forge.repo("acme/app")).branch("work")).toBeUndefined();
    expect(forge.requests.at(-1)).toMatchObject({ kind: "git", status: 502, fault: "502" });
  });
});

describe("clock", () => {
  it("moves the Date header and what is written down", async () => {
    const forge = await aForge();
    forge.clockOffsetMs = 3_600_000;
    const answer = await forge.as("bot").post("/repos/acme/app/issues", { title: "later" });
    const ahead = Date.parse(answer.headers.get("date") ?? "") - Date.now();
    expect(ahead).toBeGreaterThan(3_590_000);
    expect((forge.repo("acme/app").issues[1]?.createdAt ?? 0) - Date.now()).toBeGreaterThan(3_590_000);
  });

  it("stands still when frozen", async () => {
    const forge = await aForge();
    forge.freezeClock();
    const at = forge.world.nowMs();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(forge.world.nowMs()).toBe(at);
  });
});

describe("events", () => {
  it("a label is `label_updated` and names what was added", async () => {
    const forge = await aForge();
    await forge.addLabelAs("owner", "acme/app", 1, "bot");
    expect(forge.events.at(-1)).toMatchObject({
      event: "issues",
      repository: "acme/app",
      silent: false,
      payload: {
        action: "label_updated",
        number: 1,
        issue: { number: 1, labels: [{ name: "bot" }] },
        changes: { added_labels: [{ name: "bot" }], removed_labels: [] },
        repository: { full_name: "acme/app" },
        sender: { login: "owner" },
      },
    });
  });

  it("a comment says whether it stands on a pull request", async () => {
    const forge = await aForge();
    await forge.commitFiles("acme/app", { "b.txt": "b\n" }, { branch: "work", author: "bot" });
    await forge.as("bot").post("/repos/acme/app/pulls", { title: "Work", head: "work", base: "main" });
    for (const number of [1, 2])
      await forge.as("owner").post(`/repos/acme/app/issues/${number}/comments`, { body: "hi" });
    const comments = forge.events.filter((event) => event.event === "issue_comment");
    expect(comments.map(({ payload }) => payload["is_pull"])).toEqual([false, true]);
    expect(comments[1]).toMatchObject({
      payload: { action: "created", comment: { body: "hi" }, issue: { pull_request: { merged: false } } },
    });
  });

  it("what the automatic token does starts nothing", async () => {
    const forge = await aForge();
    const { token } = await forge.startRun({
      repo: "acme/app",
      workflow: "agent.yml",
      event: "issues",
      actor: "owner",
    });
    await fetch(`${forge.url}/api/v1${labels}`, {
      method: "POST",
      headers: { authorization: `token ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ labels: ["bot"] }),
    });
    expect(forge.events.at(-1)).toMatchObject({ event: "issues", silent: true, payload: { sender: { id: -2 } } });
  });
});

describe("pushes", () => {
  it("move the head of an open pull request and stand in its timeline", async () => {
    const forge = await aForge();
    const clone = await aClone(forge);
    await git(clone, "push", "origin", "work");
    await forge.as("bot").post("/repos/acme/app/pulls", { title: "Work", head: "work", base: "main" });
    await git(clone, "commit", "--allow-empty", "-m", "more");
    expect((await git(clone, "push", "origin", "work")).output).toContain("Visit the existing pull request");
    const pull = forge.repo("acme/app").issues[1]?.pull;
    const head = (await git(clone, "rev-parse", "work")).output.trim();
    expect(pull?.headSha).toBe(head);
    expect(forge.world.git(forge.repo("acme/app")).ref("refs/pull/2/head")).toBe(head);
    expect(pull?.issue.entries.filter((entry) => entry.type === "pull_push")).toHaveLength(2);
    expect(forge.events.at(-2)).toMatchObject({ event: "pull_request", payload: { action: "synchronized" } });
  });

  it("leave `mergeable` as it was while the check runs", async () => {
    const forge = await aForge();
    await forge.commitFiles("acme/app", { "a.txt": "b\n" }, { branch: "work", author: "bot" });
    await forge.as("bot").post("/repos/acme/app/pulls", { title: "Work", head: "work", base: "main" });
    forge.mergeCheckMs = 60_000;
    await forge.commitFiles("acme/app", { "a.txt": "c\n" }, { author: "owner" });
    expect((await forge.as("bot").get("/repos/acme/app/pulls/2")).body).toMatchObject({ mergeable: true });
    expect((await forge.as("bot").post("/repos/acme/app/pulls/2/merge", { Do: "squash" })).status).toBe(405);
    forge.clockOffsetMs += 61_000;
    expect((await forge.as("bot").get("/repos/acme/app/pulls/2")).body).toMatchObject({ mergeable: false });
  });
});

describe("automatic token", () => {
  async function asRun(forge: Forge, token: string, method: string, path: string, body?: unknown): Promise<number> {
    const headers = { authorization: `token ${token}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await fetch(`${forge.url}/api/v1${path}`, { method, headers, ...init })).status;
  }

  it.each([
    ["1.24.7" as const, 403, 500],
    ["1.26.4" as const, 201, 204],
    ["1.27.0" as const, 201, 204],
  ])("on %s opens a pull request with %i, takes a label off with %i", async (version, opened, removed) => {
    const forge = await aForge(version);
    const run = await forge.startRun({ repo: "acme/app", workflow: "agent.yml", event: "issues", actor: "owner" });
    await forge.commitFiles("acme/app", { "b.txt": "b\n" }, { branch: "work" });
    await forge.addLabelAs("owner", "acme/app", 1, "bot");
    const id = forge.repo("acme/app").labels[0]?.id;
    const call = (method: string, path: string, body?: unknown) =>
      asRun(forge, run.token, method, `/repos/acme/app${path}`, body);
    expect(await call("POST", "/pulls", { title: "Work", head: "work", base: "main" })).toBe(opened);
    expect(await call("DELETE", `/issues/1/labels/${id}`)).toBe(removed);
    expect(await call("PATCH", "/issues/1", { assignees: ["gitea-actions"] })).toBe(500);
    expect(await call("PATCH", "/issues/1", { assignees: ["bot"] })).toBe(201);
    expect(await call("GET", "/collaborators/bot/permission")).toBe(403);
  });

  it("works for git and the interface until its run ends", async () => {
    const forge = await aForge();
    const run = await forge.startRun({ repo: "acme/app", workflow: "agent.yml", event: "issues", actor: "owner" });
    const clone = await aClone(forge, run.token);
    expect((await git(clone, "push", "origin", "work:refs/agent-dispatch/v1/x")).exit).toBe(0);
    expect(await asRun(forge, run.token, "GET", "/user")).toBe(200);
    forge.endRun(run.id, "cancelled");
    expect(await asRun(forge, run.token, "GET", "/user")).toBe(401);
    expect((await git(clone, "push", "origin", "work:refs/agent-dispatch/v1/y")).exit).not.toBe(0);
  });
});

describe("dispatch", () => {
  it.each([
    ["1.24.7" as const, ["cancelled", "waiting"]],
    ["1.26.4" as const, ["running", "waiting"]],
  ])("on %s leaves the former run %j", async (version, expected) => {
    const forge = await aForge(version);
    const ended: number[] = [];
    forge.on("run-ended", (run) => ended.push(run.number));
    const path = "/repos/acme/app/actions/workflows/agent.yml/dispatches";
    await forge.as("bot").post(path, { ref: "main", inputs: { item: "1" } });
    forge.pickUp(forge.repo("acme/app").runs[0]?.id ?? 0);
    await forge.as("bot").post(path, { ref: "main" });
    expect(forge.repo("acme/app").runs.map((run) => run.status)).toEqual(expected);
    expect(forge.repo("acme/app").runs[0]?.inputs).toEqual({ item: "1" });
    expect(ended).toEqual(version === "1.24.7" ? [1] : []);
  });
});
