// The only place that starts git.
//
// Goals: nothing of the machine, of the user or of the repository's files may act (hooks, filters, credential helpers, fsmonitor, system and
// user configuration); the token is never in an argument, a variable, a file or a URL; every process ends in time with a bounded answer.
//
// How: the environment is built from nothing but PATH; settings come as GIT_CONFIG_COUNT pairs, which win over a repository's own
// configuration and are inherited by git's children; a one-line shell says its process id, arranges the descriptors and becomes git.
// The token is written to that shell's standard input, which becomes descriptor 3; the only credential helper reads it from there.

import { constants } from "node:fs";
import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { getExecOutput } from "@actions/exec";
import { describe } from "../errors.ts";

/** How one git process ended. Only `ended` says anything about the repository. */
export type GitResult =
  | { kind: "ended"; code: number; stdout: Buffer; stderr: string }
  /** It was ended because it wrote more than the bound; `stdout` is what came before. */
  | { kind: "too-much-output"; stdout: Buffer; stderr: string }
  | { kind: "timed-out"; afterMs: number; stderr: string }
  /** The signal given to `makeGit`, or to this command, ended it. */
  | { kind: "stopped"; stderr: string }
  | { kind: "not-started"; why: string };

export interface GitOptions {
  /** Repository to work on; made absolute by the caller. Without it git looks in an empty folder. */
  gitDir?: string;
  workTree?: string;
  indexFile?: string;
  /** A folder of objects to read besides the repository's own. */
  alternateObjects?: string;
  /** Standard input; it goes through a file in the scratch folder, never through a pipe that a dying git could break. */
  input?: string | Buffer;
  /** The same from a file that is there already. */
  inputFile?: string;
  /** Makes it a network call: with this token, the proxies and certificates of the environment, and http(s) allowed. */
  network?: {
    url: string;
    token: string;
    /** Without a byte moving in all that time it is given up; default 30, and never more than the deadline. */
    stallSeconds?: number;
  };
  /** Allows the local file transport, with this folder as the only place to read from. */
  fromFolder?: boolean;
  /** Sends standard output to this file; git is ended when it grows past `bytesMax`. */
  outputFile?: { path: string; bytesMax: number };
  /** Further settings, winning over the safe ones. */
  config?: readonly (readonly [key: string, value: string])[];
  env?: Readonly<Record<string, string>>;
  /** In ms; default `localMs` or, with `network`, `networkMs` of the maker. */
  deadlineMs?: number;
  /** Ends this one command, beside the signal of the maker. */
  signal?: AbortSignal;
  /** Default 16 MiB. */
  outputBytesMax?: number;
}

/** Runs git once; never throws for what git does, never prints. */
export interface Git {
  run(args: readonly string[], options?: GitOptions): Promise<GitResult>;
  /** Private folder for indexes and inputs, on the same file system as the host's repository. */
  readonly scratch: string;
  /** How many times git was started. */
  count(): number;
}

export interface GitSetup {
  /** Private folder, made if missing; nobody but us may write in it. */
  dir: string;
  /** The run's environment: PATH, and for network calls proxies and certificates, are taken from it, nothing else. */
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal;
  /** Longest time of a local command, in ms; default 120,000. */
  localMs?: number;
  /** Longest time of a fetch or push, in ms; default 120,000. */
  networkMs?: number;
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_BYTES_MAX = 64 * 1024;
/** Between asking git to end and ending it by force, in ms; git removes its lock files when asked. */
const KILL_MS = 5000;

export async function makeGit(setup: GitSetup): Promise<Git> {
  const home = gitHome(setup.dir);
  const scratch = join(setup.dir, "scratch");
  await mkdir(home, { recursive: true, mode: 0o700 });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const path = setup.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  const hasTimeout = await isOnPath("timeout", path);
  let count = 0;

  async function run(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    const deadlineMs =
      options.deadlineMs ?? (options.network ? (setup.networkMs ?? 120_000) : (setup.localMs ?? 120_000));
    const signals = [setup.signal, options.signal].filter((signal) => signal !== undefined);
    if (signals.some((signal) => signal.aborted)) return { kind: "stopped", stderr: "" };
    count += 1;
    const ownInput = options.input === undefined ? null : join(scratch, `input-${count}`);
    const input = ownInput ?? options.inputFile ?? "/dev/null";
    try {
      if (ownInput !== null) await writeFile(ownInput, options.input ?? "", { mode: 0o600 });
      const command = commandLine(args, options, input, hasTimeout ? deadlineMs : null);
      return await start(command, {
        env: environment(path, home, scratch, setup, options, deadlineMs),
        cwd: home,
        input: options.network ? credentialLines(options.network.token) : null,
        // `timeout` ends the whole group in time; ours is for machines without it, and for a group that did not end.
        deadlineMs: hasTimeout ? Math.ceil(deadlineMs / 1000) * 1000 + KILL_MS + 1000 : deadlineMs,
        reportedMs: deadlineMs,
        hasTimeout,
        outputBytesMax: options.outputBytesMax ?? OUTPUT_BYTES_MAX,
        signals,
      });
    } catch (thrown) {
      return { kind: "not-started", why: describe(thrown) };
    } finally {
      if (ownInput !== null) await rm(ownInput, { force: true });
    }
  }

  return { run, scratch, count: () => count };
}

/** `HOME` of every git that works for the repository in `dir`: nobody else has it. */
export function gitHome(dir: string): string {
  return join(dir, "home");
}

/** The first line on standard error says whom to signal: @actions/exec has no way to end what it started. */
const WHO = 'echo "$$ $PPID" >&2;';
const LOCAL = `${WHO} in=$1; shift; exec git "$@" <"$in"`;
const LOCAL_TO_FILE = `${WHO} in=$1; out=$2; ulimit -f "$3"; shift 3; exec git "$@" <"$in" >"$out"`;
const NETWORK = `${WHO} exec git "$@" 3<&0 </dev/null`;
/** Longest wait for a child of git that still holds a descriptor after git's end, in ms. */
const DRAIN_MS = 1000;

function commandLine(args: readonly string[], options: GitOptions, input: string, timeoutMs: number | null): string[] {
  const shell = options.network
    ? ["sh", "-c", NETWORK, "sh"]
    : options.outputFile
      ? // ulimit counts blocks of 512 bytes.
        [
          "sh",
          "-c",
          LOCAL_TO_FILE,
          "sh",
          input,
          options.outputFile.path,
          String(Math.ceil(options.outputFile.bytesMax / 512)),
        ]
      : ["sh", "-c", LOCAL, "sh", input];
  // Whole seconds: busybox knows no others.
  const timeout =
    timeoutMs === null ? [] : ["timeout", "-k", String(KILL_MS / 1000), String(Math.ceil(timeoutMs / 1000))];
  return [...timeout, ...shell, ...args];
}

/** Gitea takes the password as the token, whatever the user name. One answer only: the descriptor is empty after it. */
function credentialLines(token: string): Buffer {
  // A line break would end the value and let the rest act as further lines of git's credential protocol.
  if (/[\0\r\n]/.test(token) || token === "") throw new Error("the token is empty or holds a line break");
  return Buffer.from(`username=agent-dispatch\npassword=${token}\n`);
}

const PASSED_TO_NETWORK = [
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"],
];

function environment(
  path: string,
  home: string,
  scratch: string,
  setup: GitSetup,
  options: GitOptions,
  deadlineMs: number,
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: path,
    HOME: home,
    XDG_CONFIG_HOME: home,
    TMPDIR: scratch,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    SSH_ASKPASS: "/bin/false",
    GIT_SSH_COMMAND: "/bin/false",
    GIT_PAGER: "cat",
    GIT_EDITOR: "/bin/false",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    // A repository that is not there is an error, never a reason to look in the folders above.
    GIT_DIR: options.gitDir ?? join(home, "none"),
    ...options.env,
  };
  if (options.workTree !== undefined) env["GIT_WORK_TREE"] = options.workTree;
  if (options.indexFile !== undefined) env["GIT_INDEX_FILE"] = options.indexFile;
  if (options.alternateObjects !== undefined)
    env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = quoted(options.alternateObjects);
  if (options.network) {
    for (const name of PASSED_TO_NETWORK) {
      const value = setup.env[name];
      if (value !== undefined && value !== "") env[name] = value;
    }
  }
  const config = [...SAFE, ...networkConfig(options, deadlineMs), ...(options.config ?? [])];
  env["GIT_CONFIG_COUNT"] = String(config.length);
  for (const [at, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${at}`] = key;
    env[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  return env;
}

const SAFE: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.untrackedCache", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  // Files beside the objects that a hostile clone could forge, and that git believes without reading the objects.
  ["core.commitGraph", "false"],
  ["core.multiPackIndex", "false"],
  ["pack.useBitmaps", "false"],
  ["pack.readReverseIndex", "false"],
  // Larger files are neither diffed nor held in memory.
  ["core.bigFileThreshold", "16m"],
  ["core.autocrlf", "false"],
  ["core.safecrlf", "false"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.quotePath", "false"],
  ["core.pager", "cat"],
  ["credential.helper", ""],
  ["protocol.allow", "never"],
  ["protocol.version", "2"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["push.recurseSubmodules", "no"],
  ["diff.ignoreSubmodules", "all"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["log.showSignature", "false"],
  ["commit.gpgSign", "false"],
  ["push.gpgSign", "false"],
  ["advice.detachedHead", "false"],
  ["advice.addEmbeddedRepo", "false"],
];

function networkConfig(options: GitOptions, deadlineMs: number): [string, string][] {
  if (options.fromFolder) return [["protocol.file.allow", "always"]];
  if (!options.network) return [];
  const { stallSeconds = 30 } = options.network;
  return [
    ["protocol.http.allow", "always"],
    ["protocol.https.allow", "always"],
    // A redirect to another host must not learn the token; a forge that moved is an error with a text.
    ["http.followRedirects", "false"],
    ["http.lowSpeedLimit", "1"],
    ["http.lowSpeedTime", String(Math.max(1, Math.min(stallSeconds, Math.ceil(deadlineMs / 1000))))],
    // Bound to the server's own address, so that no other address in this process gets an answer.
    [`credential.${new URL(options.network.url).origin}.helper`, '!f() { test "$1" = get && cat <&3; }; f'],
  ];
}

/** Git's own quoting of a path in a list of alternates: a `:` would end it, a `"` begin a quoted one. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}

interface Start {
  env: Record<string, string>;
  cwd: string;
  input: Buffer | null;
  deadlineMs: number;
  reportedMs: number;
  hasTimeout: boolean;
  outputBytesMax: number;
  signals: readonly AbortSignal[];
}

async function start(command: readonly string[], options: Start): Promise<GitResult> {
  const [tool = "sh", ...args] = command;
  // The text that getExecOutput collects has lost all bytes that are no UTF-8, and file names have such; so the bytes are kept here.
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let stdoutBytes = 0;
  let stderrBytes = 0;
  let ended: "too-much-output" | "timed-out" | "stopped" | null = null;
  const timers: NodeJS.Timeout[] = [];

  let asked = false;
  function end(why: "too-much-output" | "timed-out" | "stopped"): void {
    ended ??= why;
    // On a busy machine the shell may not have said its id yet; then this is called again when it does.
    const ids = processIds(stderr);
    if (ids === null || asked) return;
    asked = true;
    signalProcess(ids.leader, "SIGTERM");
    timers.push(setTimeout(() => signalProcess(ids.git, "SIGKILL"), KILL_MS + 500));
  }
  function keep(chunk: Buffer): void {
    const room = options.outputBytesMax - stdoutBytes;
    stdoutBytes += chunk.length;
    if (room > 0) stdout.push(chunk.subarray(0, room));
    if (chunk.length > room) end("too-much-output");
  }
  function keepError(chunk: Buffer): void {
    const room = STDERR_BYTES_MAX - stderrBytes;
    stderrBytes += chunk.length;
    if (room > 0) stderr.push(chunk.subarray(0, room));
    if (ended !== null) end(ended);
    // What git says on standard error is short; a server that sends no end of it is cut off like any other output.
    if (stderrBytes > options.outputBytesMax) end("too-much-output");
  }
  const stop = () => end("stopped");

  const begun = performance.now();
  timers.push(setTimeout(() => end("timed-out"), options.deadlineMs));
  for (const signal of options.signals) signal.addEventListener("abort", stop, { once: true });
  // Aborted while the input was written: that event is over.
  if (options.signals.some((signal) => signal.aborted)) stop();
  try {
    const { exitCode } = await getExecOutput(tool, args, {
      cwd: options.cwd,
      env: options.env,
      ...(options.input === null ? {} : { input: options.input }),
      silent: true,
      delay: DRAIN_MS,
      ignoreReturnCode: true,
      listeners: { stdout: keep, stderr: keepError },
    });
    const text = Buffer.concat(stderr).toString("utf8").replace(FIRST_LINE, "");
    // `timeout` answers 124, or 137 when it had to use force; a child of git may need a moment, so time decides for the latter.
    const late = performance.now() - begun >= options.reportedMs;
    if (ended === null && options.hasTimeout && late && (exitCode === 124 || exitCode === 137)) ended = "timed-out";
    if (ended === "timed-out") return { kind: "timed-out", afterMs: options.reportedMs, stderr: text };
    if (ended === "stopped") return { kind: "stopped", stderr: text };
    if (ended === "too-much-output") return { kind: ended, stdout: Buffer.concat(stdout), stderr: text };
    // A process ended by a signal has no exit code, whatever the type says.
    const code = typeof exitCode === "number" ? exitCode : 255;
    return { kind: "ended", code, stdout: Buffer.concat(stdout), stderr: text };
  } finally {
    for (const signal of options.signals) signal.removeEventListener("abort", stop);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** `leader` is `timeout`, which ends its whole group when asked to end; git itself where there is none (or busybox', which is no parent). */
function processIds(stderr: readonly Buffer[]): { git: number; leader: number } | null {
  const [, git, parent] = FIRST_LINE.exec(Buffer.concat(stderr.slice(0, 2)).toString("latin1")) ?? [];
  if (git === undefined || parent === undefined) return null;
  const isTimeout = Number(parent) !== process.pid && Number(parent) > 1;
  return { git: Number(git), leader: Number(isTimeout ? parent : git) };
}

const FIRST_LINE = /^(\d{1,10}) (\d{1,10})\n/;

/** Ends the one process that we started; the id cannot have been given to another while its end is not yet reported. */
function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

async function isOnPath(name: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue;
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
    }
  }
  return false;
}

/** What went wrong, as one line of at most 500 characters; for results that are not the hoped-for one. */
export function explain(result: GitResult): string {
  switch (result.kind) {
    case "timed-out":
      return `git did not end within ${Math.ceil(result.afterMs / 1000)} s`;
    case "stopped":
      return "git was stopped with the run";
    case "not-started":
      return `git could not be started: ${result.why}`;
    case "too-much-output":
      return "git wrote more than the bound";
    case "ended": {
      const lines = result.stderr.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("hint:"));
      const said = lines.slice(-4).join("; ").slice(0, 500);
      return said === "" ? `git ended with ${result.code}` : said;
    }
    default:
      return never(result);
  }
}

function never(value: never): never {
  throw new Error(`not a result of git: ${JSON.stringify(value)}`);
}
