// The only place that starts git: what is asked of it here, with which environment in environment.ts, its life in process.ts.
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
import { describe } from "../errors.ts";
import { environment, gitHome } from "./environment.ts";
import { KILL_MS, start } from "./process.ts";

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

/** The first line on standard error says whom to signal: @actions/exec has no way to end what it started. */
const WHO = 'echo "$$ $PPID" >&2;';
const LOCAL = `${WHO} in=$1; shift; exec git "$@" <"$in"`;
const LOCAL_TO_FILE = `${WHO} in=$1; out=$2; ulimit -f "$3"; shift 3; exec git "$@" <"$in" >"$out"`;
const NETWORK = `${WHO} exec git "$@" 3<&0 </dev/null`;

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
