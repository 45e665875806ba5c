// Installing, with a stand-in for npm: what the real one does is seen by `npm run test:agents`.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installAgent, installed } from "../../src/agent/install.ts";
import type { AgentPreset } from "../../src/agent/preset.ts";
import { claude } from "../../src/agent/presets/claude.ts";

let folder = "";
const preset: AgentPreset = {
  ...claude,
  install: { npm: "door-agent", pin: "1.2.3", node: null, needsScripts: false },
};

/** What `npm` does here; `$3` is the prefix. */
const makes = (version: string) =>
  `mkdir -p "$3/node_modules/.bin" && printf '#!/bin/sh\\necho ${version}\\n' > "$3/node_modules/.bin/claude" && chmod +x "$3/node_modules/.bin/claude"`;

function npm(line: string): void {
  const text = `#!/bin/sh\necho "$@" >> ${folder}/calls\nenv >> ${folder}/env\n${line}\n`;
  writeFileSync(join(folder, "bin", "npm"), text, { mode: 0o755 });
}

const order = () => ({
  cache: join(folder, "cache"),
  env: {
    PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
    HOME: folder,
    INPUT_TOKEN: "secret",
    npm_config_x: "y",
  },
  log: () => undefined,
});
const calls = () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "install-"));
  mkdirSync(join(folder, "bin"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the pinned version, without scripts, once", async () => {
  npm(makes("1.2.3"));
  expect(await installed(preset, order().cache)).toBeNull();
  const made = await installAgent(preset, order());
  expect(made.bin).toBe(join(folder, "cache", "claude-1.2.3", "node_modules", ".bin", "claude"));
  expect(made.path).toEqual([join(folder, "cache", "claude-1.2.3", "node_modules", ".bin")]);
  expect(await installAgent(preset, order())).toEqual(made);
  expect(await installed(preset, order().cache)).toEqual(made);
  expect(calls()).toHaveLength(1);
  expect(calls()[0]).toMatch(/--ignore-scripts door-agent@1\.2\.3$/);
});

test("many at once install it once", async () => {
  npm(`sleep 0.3; ${makes("1.2.3")}`);
  const made = await Promise.all([1, 2, 3, 4].map(() => installAgent(preset, order())));
  expect(new Set(made.map(({ bin }) => bin)).size).toBe(1);
  expect(calls()).toHaveLength(1);
  expect(readdirSync(order().cache)).toEqual(["claude-1.2.3"]);
});

test("no token and no variable of the runner reaches npm", async () => {
  npm(makes("1.2.3"));
  await installAgent(preset, order());
  const env = readFileSync(join(folder, "env"), "utf8");
  expect(env).not.toContain("secret");
  expect(env).toContain("npm_config_x=y");
});

test.each([
  ["says another version", makes("1.2.4"), /it says it is 1\.2\.4/],
  ["does not start", "mkdir -p $3/node_modules/.bin", /it does not start/],
  ["cannot be had", "echo 'npm error 404 no such package' >&2; exit 1", /404 no such package/],
])("one that %s is not kept", async (_, line, why) => {
  npm(line);
  await expect(installAgent(preset, order())).rejects.toThrow(why);
  expect(readdirSync(order().cache)).toEqual([]);
  npm(makes("1.2.3"));
  await installAgent(preset, order());
});

test("what a killed run left is replaced", async () => {
  npm(makes("1.2.3"));
  const left = join(order().cache, "claude-1.2.3", "node_modules");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "half"), "");
  await installAgent(preset, order());
  expect(existsSync(join(left, "half"))).toBe(false);
});

test("a Node of its own goes before the machine's", async () => {
  npm(makes("1.2.3"));
  const newer = { ...preset, install: { npm: "door-agent", pin: "1.2.3", node: "22.20.0", needsScripts: true } };
  const { path } = await installAgent(newer, order());
  const node = `node-${process.platform}-${process.arch}`;
  expect(path[0]).toBe(join(folder, "cache", "claude-1.2.3", "node_modules", node, "bin"));
  expect(calls()[0]).toContain(`door-agent@1.2.3 ${node}@22.20.0`);
  expect(calls()[0]).not.toContain("--ignore-scripts");
});
