// The demo as a person starts it: its last lines, its exit code, and that nothing is left of it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endTree } from "../support/executors/processTree.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-test-"));
});
afterEach(async () => {
  await endTree(folder);
  await rm(folder, { recursive: true, force: true });
});

interface Demo {
  child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
}

function startDemo(args: readonly string[], env: Readonly<Record<string, string>> = {}): Demo {
  const child = spawn(process.execPath, ["--import", "tsx", "demo/demo.ts", ...args], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], TMPDIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (output += String(part)));
  return { child, output: () => output, ended: new Promise((resolve) => child.once("close", resolve)) };
}

/** Files and processes that carry the demo's folder in their name or environment; the cache of tsx is no part of the demo. */
async function leftovers(): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => !name.startsWith("tsx-") && name !== "node-compile-cache");
  return [...files, ...(await endTree(folder))];
}

describe("npm run demo", () => {
  it("tells the story to its end and leaves nothing behind", async () => {
    const demo = startDemo([]);
    expect(await demo.ended, demo.output()).toBe(0);
    expect(demo.output()).not.toContain("\u001b[");
    expect(
      demo
        .output()
        .trimEnd()
        .split("\n")
        .slice(-3)
        .join("\n")
        .replace(/\d+ s:/, "N s:"),
    ).toMatchInlineSnapshot(`
      "Seen in N s: issue #1 became pull request #3; a review found what the tests did not, the author mended it,
      a second review approved, a person merged. Every step was a run of its own; the forge held all state.
      Next: README.md sets it up on your server; \`npm run demo -- --gitea\` plays this on a real Gitea."
    `);
    expect(await leftovers()).toEqual([]);
  });

  it("stopped by Ctrl-C while the agent works, it takes everything with it", async () => {
    const demo = startDemo([]);
    await expect.poll(demo.output, { timeout: 60_000, interval: 20 }).toContain("Agent command");
    demo.child.kill("SIGINT");
    expect(await demo.ended, demo.output()).toBe(130);
    expect(demo.output()).toContain("demo: stopped; nothing is left behind");
    expect(await leftovers()).toEqual([]);
  });

  it("says in one line what is missing for a real Gitea", async () => {
    const demo = startDemo(["--gitea"], { PATH: path.dirname(process.execPath) });
    expect(await demo.ended).toBe(2);
    expect(demo.output()).toMatchInlineSnapshot(`
      "demo: --gitea needs a Gitea: GITEA_BIN=/path/to/gitea npm run demo -- --gitea (1.24 or later, one executable file)
      "
    `);
  });

  it("refuses what it does not know", async () => {
    const demo = startDemo(["--gitae"]);
    expect(await demo.ended).toBe(2);
    expect(demo.output()).toContain("--gitea --once");
  });
});
