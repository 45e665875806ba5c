// A preset's pinned package, put into the tool cache once for a machine. Nothing of it runs with a token: npm and the package's own scripts get
// a short list of variables.

import { randomUUID } from "node:crypto";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { RunError } from "../errors.ts";
import type { HostEnvironment } from "./environment.ts";
import { locked } from "./lock.ts";
import type { AgentPreset } from "./preset.ts";
import { supervise } from "./supervise.ts";

/** An installed CLI. */
export interface Installed {
  /** Its program, with its whole path. */
  bin: string;
  /** Folders that go before the agent's own `PATH`: its package's programs, and the Node that it needs where the machine's is too old. */
  path: readonly string[];
}

export interface InstallOrder {
  /** The tool cache. */
  cache: string;
  env: HostEnvironment;
  log: (line: string) => void;
  stop?: AbortSignal;
}

/** Longest installation, in ms: the largest package has 650 MB. */
const installMs = 15 * 60_000;
/** Longest first start, in ms: some unpack themselves. */
const startMs = 120_000;
/** A run that waits for another one's installation looks again after this long, in ms. */
const waitMs = 1_000;

/** What is installed already; null where it is not, or not whole. */
export async function installed(preset: AgentPreset, cache: string): Promise<Installed | null> {
  const { install } = preset;
  if (install === null) return null;
  const folder = folderOf(preset, cache);
  const made = await readFile(join(folder, "installed.json"), "utf8").catch(() => null);
  if (made === null) return null;
  const found = programsIn(folder, preset);
  const isThere = await access(found.bin).then(
    () => true,
    () => false,
  );
  return isThere ? found : null;
}

/** Installs it unless it is there. Parallel runs on one machine wait for the first. Throws RunError with what npm said. */
export async function installAgent(preset: AgentPreset, order: InstallOrder): Promise<Installed> {
  const folder = folderOf(preset, order.cache);
  await mkdir(order.cache, { recursive: true });
  const before = await installed(preset, order.cache);
  if (before !== null) return before;
  const wait = { maxMs: installMs, everyMs: waitMs, ...(order.stop === undefined ? {} : { stop: order.stop }) };
  return locked(`${folder}.lock`, wait, async () => {
    const meanwhile = await installed(preset, order.cache);
    if (meanwhile !== null) return meanwhile;
    const began = Date.now();
    order.log(`installing ${preset.id} ${preset.install?.pin ?? ""}`);
    await makeFolder(preset, folder, order);
    order.log(`installed ${preset.id} in ${Math.ceil((Date.now() - began) / 1_000)} s`);
    return programsIn(folder, preset);
  });
}

/** Made beside its place and moved there when it works: what is there is whole. */
async function makeFolder(preset: AgentPreset, folder: string, order: InstallOrder): Promise<void> {
  const scratch = `${folder}.${randomUUID()}`;
  await mkdir(scratch);
  try {
    await npmInstall(preset, scratch, order);
    await verify(preset, scratch, order);
    await writeFile(join(scratch, "installed.json"), `${JSON.stringify(preset.install)}\n`);
    // Somebody else was faster: agents may be at work with it.
    if ((await installed(preset, order.cache)) !== null) return;
    // A folder without its note is what a killed run left.
    await rm(folder, { recursive: true, force: true });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function npmInstall(preset: AgentPreset, scratch: string, { env, stop }: InstallOrder): Promise<void> {
  const { install } = preset;
  if (install === null) throw new Error(`${preset.id} has no package`);
  const node = install.node === null ? [] : [`node-${process.platform}-${process.arch}@${install.node}`];
  const words = ["install", "--prefix", scratch, "--no-audit", "--no-fund", "--no-save", "--loglevel=error"];
  const scripts = install.needsScripts ? [] : ["--ignore-scripts"];
  const all = [...words, ...scripts, `${install.npm}@${install.pin}`, ...node];
  const { code, said } = await run("npm", all, scratch, npmEnvironment(env), installMs, stop);
  if (code !== 0) throw cannotInstall(preset, `npm ended with exit code ${code}: ${said}`);
}

/** It starts, and it is the version that was asked for. */
async function verify(preset: AgentPreset, scratch: string, { env, stop }: InstallOrder): Promise<void> {
  const { install, version } = preset;
  if (install === null || version === null) return;
  const { bin, path } = programsIn(scratch, preset);
  const place = { ...npmEnvironment(env), HOME: scratch, PATH: [...path, env["PATH"] ?? ""].join(delimiter) };
  const { code, said } = await run(bin, version.args, scratch, place, startMs, stop);
  if (code !== 0) throw cannotInstall(preset, `it does not start: exit code ${code}: ${said}`);
  const found = new RegExp(version.match, "m").exec(said)?.[1];
  if (found !== install.pin) throw cannotInstall(preset, `it says it is ${found ?? said.slice(0, 100)}`);
}

/** One program to its end, with all that it started, as an agent is. `said`: the end of what it printed; `code` null: it did not end by itself. */
async function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  wallMs: number,
  stop: AbortSignal | undefined,
): Promise<{ code: number | null; said: string }> {
  const out = join(cwd, `${randomUUID()}.out`);
  const marked = { ...env, AGENT_DISPATCH_RESULT: out };
  const ended = await supervise(
    { file, args, cwd, env: marked, stdin: "", resultFile: out, folder: null },
    out,
    { wallMs, silenceMs: 0, startUpMs: 0, outputBytesMax: 16_000_000, repeatsMax: 0, graceMs: 2_000, drainMs: 0 },
    stop === undefined ? {} : { stop },
  );
  const texts = await Promise.all([ended.errorFile, ended.outputFile].map((name) => readFile(name, "utf8")));
  await Promise.all([ended.errorFile, ended.outputFile].map((name) => rm(name)));
  const said = texts.join("\n").trim().slice(-2_000);
  if (ended.how === "exit") return { code: ended.code, said };
  return { code: null, said: ended.how === "signal" ? `ended by ${ended.signal}. ${said}` : `${ended.text} ${said}` };
}

/** No token of the forge, the runner or a model: scripts of strangers run with it. */
function npmEnvironment(env: HostEnvironment): Record<string, string> {
  const wanted =
    /^(PATH|HOME|LANG|TMPDIR|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy|npm_config_.*)$/i;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (wanted.test(name) && value !== undefined ? [[name, value]] : [])),
  );
}

function folderOf(preset: AgentPreset, cache: string): string {
  return resolve(cache, `${preset.id}-${preset.install?.pin ?? "none"}`);
}

function programsIn(folder: string, preset: AgentPreset): Installed {
  const modules = join(folder, "node_modules");
  const node = preset.install?.node == null ? [] : [join(modules, `node-${process.platform}-${process.arch}`, "bin")];
  return { bin: join(modules, ".bin", preset.bin), path: [...node, join(modules, ".bin")] };
}

function cannotInstall({ id, install }: AgentPreset, why: string): RunError {
  return new RunError(`Could not install ${id} (npm package ${install?.npm}@${install?.pin}): ${why}`, {
    remedy: "Look at what npm says, or install the program on the runner and leave `agent-install` out.",
    mender: "server operator",
    retry: true,
  });
}
