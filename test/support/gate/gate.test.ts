// The gates themselves: what a stopped run still does, and what others notice of it.

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installGates } from "./builtins.ts";
import { freezing } from "./freeze.ts";
import { type Guard, Passage } from "./gate.ts";
import { Turns } from "./turns.ts";

installGates();

const asked: string[] = [];
let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("yes");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const stopping = (label: string, way: "stop" | "stop-after"): Guard => ({
  before: (call) => (call.label === label ? way : "pass"),
});

/** Whether it is answered within a moment. */
async function isAnswered(task: Promise<unknown>): Promise<boolean> {
  return Promise.race([task.then(() => true), sleep(100).then(() => false)]);
}

const git = (...args: string[]) =>
  new Promise<string>((resolve) => {
    const child = spawn("timeout", ["5", "sh", "-c", 'shift; exec git "$@"', "sh", "/dev/null", ...args], {});
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    child.on("close", (code) => resolve(`${code} ${text.trim()}`));
  });

describe("a passage", () => {
  it("counts every call that leaves the process, and changes nothing", async () => {
    const passage = new Passage();
    const file = join(tmpdir(), `gate-${process.pid}`);
    await passage.enter(async () => {
      expect(await (await fetch(`${url}/api/v1/repos/acme/app/issues/1?page=1`)).text()).toBe("yes");
      expect(await git("--version")).toMatch(/^0 git version/);
      await writeFile(file, "text");
      process.kill(process.pid, 0);
      expect(await readFile(file, "utf8")).toBe("text");
      expect(await (await fetch(`${url}/api/v1/repos/acme/app/issues/1`)).text()).toBe("yes");
    });
    expect(passage.calls.map(({ kind, label, nth }) => `${kind} ${label} #${nth}`)).toEqual([
      "request GET issues/1 #1",
      "local git --version #1",
      `file writeFile ${file.replace(/\d+/g, "*")} #1`,
      "request GET issues/1 #2",
    ]);
  });

  it("is none for whoever is outside of it", async () => {
    const passage = new Passage(stopping("GET /outside", "stop"));
    expect(await (await fetch(`${url}/outside`)).text()).toBe("yes");
    expect(passage.calls).toEqual([]);
  });

  it.each(["stop", "stop-after"] as const)("%s: the call is carried out or not, and never answered", async (way) => {
    asked.length = 0;
    const passage = new Passage(stopping("GET /here", way));
    const run = passage.enter(async () => {
      await fetch(`${url}/before`);
      await fetch(`${url}/here`);
      await fetch(`${url}/later`);
    });
    await passage.stopped;
    expect(await isAnswered(run)).toBe(false);
    expect(asked).toEqual(way === "stop" ? ["/before"] : ["/before", "/here"]);
    expect(passage.stoppedAt).toMatchObject({ label: "GET /here", nth: 1 });
  });

  it("a dead run does nothing any more, in no thread of it", async () => {
    asked.length = 0;
    const file = join(tmpdir(), `gate-dead-${process.pid}`);
    const passage = new Passage(stopping("GET /here", "stop"));
    void passage.enter(() => Promise.all([fetch(`${url}/here`), sleep(20).then(() => fetch(`${url}/beside`))]));
    void passage.enter(async () => {
      await sleep(20);
      await Promise.all([writeFile(file, "text"), git("--version")]);
    });
    let beats = 0;
    await passage.enter(async () => void setInterval(() => beats++, 5));
    await passage.stopped;
    beats = 0;
    await sleep(100);
    expect(asked).toEqual([]);
    await expect(readFile(file)).rejects.toThrow("ENOENT");
    expect(beats).toBe(0);
  });

  it("what was on its way when the run died arrives", async () => {
    asked.length = 0;
    const passage = new Passage(stopping("GET /here", "stop"));
    void passage.enter(() => Promise.all([fetch(`${url}/beside`), fetch(`${url}/here`)]));
    await passage.stopped;
    expect(asked).toEqual(["/beside"]);
  });

  it("an agent outlives the run that started it, and is heard of no more", async () => {
    const file = join(tmpdir(), `gate-agent-${process.pid}`);
    const passage = new Passage(stopping("GET /here", "stop"));
    let heard = false;
    const options = { detached: true, env: { ...process.env, AGENT_DISPATCH_KIND: "implement" } };
    await passage.enter(async () => {
      const agent = spawn("sh", ["-c", `sleep 0.1; echo alive >${file}`], options);
      agent.on("exit", () => {
        heard = true;
      });
      void fetch(`${url}/here`);
    });
    await passage.stopped;
    await sleep(400);
    expect(await readFile(file, "utf8")).toBe("alive\n");
    expect(heard).toBe(false);
    expect(passage.calls.map(({ label }) => label)).toEqual(["agent implement", "GET /here"]);
  });
});

describe("a run that stands still", () => {
  it("asks nothing from its moment on until it is released, and then goes on later by its own clock", async () => {
    asked.length = 0;
    const { passage, clock, reached, release } = freezing({ label: "GET /two", nth: 1 });
    const run = passage.enter(async () => {
      await fetch(`${url}/one`);
      await Promise.all([fetch(`${url}/two`), sleep(10).then(() => fetch(`${url}/three`))]);
    });
    await reached;
    await sleep(50);
    expect(asked).toEqual(["/one"]);
    const before = clock.elapsed();
    release(60_000);
    expect(clock.elapsed() - before).toBeGreaterThanOrEqual(60_000);
    await run;
    expect([...asked].sort()).toEqual(["/one", "/three", "/two"]);
  });
});

describe("runs that take turns", () => {
  it("speak in the order that is chosen, one at a time, and the same choices make the same order", async () => {
    const play = async () => {
      const turns = new Turns((at, waiting) => (waiting.find(({ name }) => name !== at) ?? waiting[0])?.name ?? "");
      const speak = async (name: string) => {
        await turns.join(name).enter(async () => {
          for (const word of ["a", "b"]) await fetch(`${url}/${name}-${word}`);
        });
        turns.leave(name);
      };
      asked.length = 0;
      await Promise.all([speak("x"), speak("y")]);
      return asked.join(" ");
    };
    expect(await play()).toBe("/x-a /y-a /x-b /y-b");
    expect(await play()).toBe(await play());
  });
});
