// Whole runs of the program against the embedded forge: real git over HTTP, real agents, and the code that main.ts runs. `stage` makes a forge
// with a small repository as the README asks for; `start` is one run in this process. Waits are short by the policy file and by the clock.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach } from "vitest";
import { type Clock, systemClock } from "../../src/clock.ts";
import { detection, redaction } from "../../src/core/redact.ts";
import type { HttpLimits } from "../../src/forge/http.ts";
import { type LedgerRecord, parseRecord } from "../../src/ledger/record.ts";
import type { Outcome } from "../../src/outcome.ts";
import type { Log } from "../../src/ports.ts";
import { post } from "../../src/post.ts";
import { lastLine, lastLineOfFailure, program, type Step } from "../../src/program.ts";
import type { Executor } from "../../src/trigger.ts";
import { type Forge, type ForgeVersion, type Issue, type NewRepo, type StartedRun, startForge } from "./forge/forge.ts";
import type { Machine, Passage } from "./gate/gate.ts";

const execute = promisify(execFile);

/** What the bot's token may do, as the README asks for it. */
export const botScopes = ["write:repository", "write:issue", "read:user", "read:organization"];

/** A small program with a bug; `mends` is the shell line that mends it. */
export const sample: Record<string, string> = {
  "README.md": "# sum\n",
  "sum.js": "export const sum = (numbers) => numbers.reduce((a, b) => a - b, 0);\n",
};
export const mends = "sed -i 's/a - b/a + b/' sum.js";
/** A check that only the mended program passes. */
export const addsCheck = "grep -q 'a + b' sum.js";

/** Short enough for tests, long enough for a busy machine: what waits for a claim to age lets the forge's time pass. */
export const shortLimits = {
  ...{ renewSeconds: 1, fenceSeconds: 20, ttlSeconds: 60, slackSeconds: 0.5, endedSeconds: 0.5 },
  ...{ killSeconds: 0.3, apiSeconds: 15 },
};
/** For tests in which somebody acts while an agent works. */
export const quickLimits = { ...shortLimits, renewSeconds: 0.3 };

export interface StageOptions {
  version?: ForgeVersion;
  /** Agent's shell command line; default `mends`. */
  agent?: string;
  /** Default `addsCheck`; empty = none. */
  checks?: string;
  /** Further lines of the policy file. */
  policy?: string;
  limits?: Record<string, number | readonly number[]>;
  files?: Record<string, string>;
  repo?: Partial<NewRepo>;
  botScopes?: readonly string[];
}

export interface Start {
  /** Default the bot's; empty = none. */
  token?: string;
  /** Inputs of the action besides token and agent-command. */
  inputs?: Readonly<Record<string, string>>;
  /** Default `workflow_dispatch` without an item: a look at the whole repository. */
  event?: string;
  payload?: unknown;
  env?: Readonly<Record<string, string>>;
  /** The run on the forge that this is; without it the run is none of the server's, as with `act`. */
  run?: StartedRun & { event: string; actor: string };
  /** Moves from run to run. */
  seed?: number;
  http?: Partial<HttpLimits>;
  clock?: Clock;
  /** Its calls go through here; one that is stopped there never ends. */
  passage?: Passage;
}

/** How a run ended. */
export interface End {
  exitCode: 0 | 1;
  outcome: Outcome | null;
  error: unknown;
  lastLine: string;
  /** All lines, redacted as the log of a job is. */
  log: string;
  state: ReadonlyMap<string, string>;
  /** What it left in its folders on the runner. */
  left: string[];
}

/** What people see of an issue or a pull request. */
export interface Seen {
  state: "open" | "closed";
  labels: string[];
  assignees: string[];
  /** `login: text`, in order. */
  comments: string[];
}

export interface Stage {
  forge: Forge;
  /** `acme/app`. */
  repo: string;
  /** The bot's token. */
  token: string;
  /** Folder of the test: agents may leave traces there. */
  dir: string;
  start(options?: Start): Promise<End>;
  /** The post step of a run that was stopped, with the options of its start; what it said. */
  post(machine: Machine, options?: Start): Promise<string>;
  /** An issue by alice with the trigger label; its number. */
  issue(title: string, options?: { body?: string; by?: string; label?: string | null }): Promise<number>;
  see(number: number): Seen;
  /** Pull requests in order. */
  pulls(): Issue[];
  /** Record of an item in the ledger. */
  record(number: number): Promise<LedgerRecord | null>;
  /** Commit of a full ref name, null when absent. */
  ref(name: string): Promise<string | null>;
  /** Names of all branches. */
  branches(): Promise<string[]>;
  file(branch: string, path: string): Promise<string | null>;
  git(...args: string[]): Promise<string>;
  /** Everything on the forge that a write could change, as text. */
  photo(): Promise<string>;
  /** Lets the forge's time pass, for cooldowns. */
  pass(seconds: number): void;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Closed by itself when the test ends. */
export async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage(options);
  open.push(opened.close);
  return opened;
}

/** For more than one test. */
export async function openStage(options: StageOptions = {}): Promise<Stage & { close(): Promise<void> }> {
  const repo = "acme/app";
  const forge = await startForge(options.version === undefined ? {} : { version: options.version });
  const dir = await mkdtemp(join(tmpdir(), "agent-dispatch-run-"));
  forge.addUser({ login: "owner", admin: true });
  for (const login of ["bot", "alice", "mallory"]) forge.addUser({ login });
  forge.addOrg("acme", ["owner"]);
  const policy = [
    `limits: ${JSON.stringify({ ...shortLimits, ...options.limits })}`,
    `checks: ${JSON.stringify(options.checks ?? addsCheck)}`,
    options.policy ?? "",
  ];
  const files = { ...sample, ".agent-dispatch.yml": `${policy.join("\n")}\n`, ...options.files };
  await forge.addRepo({ owner: "acme", name: "app", files, ...options.repo });
  forge.addCollaborator(repo, "bot", "admin");
  forge.addCollaborator(repo, "alice", "write");
  forge.addCollaborator(repo, "mallory", "read");
  for (const name of ["bot", "hold", "p1"])
    await forge.as("owner").post(`/repos/${repo}/labels`, { name, color: "#aaaaaa" });
  const token = forge.addToken("bot", [...(options.botScopes ?? botScopes)]);

  async function git(...args: string[]): Promise<string> {
    const { stdout } = await execute("git", ["--git-dir", forge.gitDir(repo), ...args]);
    return stdout.trim();
  }
  const gitOrNull = (...args: string[]) => git(...args).catch(() => null);
  const find = (number: number) => {
    const found = forge.repo(repo).issues.find((issue) => issue.number === number);
    if (found === undefined) throw new Error(`there is no #${number}`);
    return found;
  };

  const scene = { forge, repo, dir, token, agent: options.agent ?? mends };
  return {
    ...{ forge, repo, token, dir, git },
    start: (start = {}) => run(scene, start),
    post: (machine, start = {}) => postStep(scene, start, machine),
    async issue(title, { body = "", by = "alice", label = "bot" } = {}) {
      await forge.as(by).post(`/repos/${repo}/issues`, { title, body });
      const number = forge.repo(repo).nextNumber - 1;
      if (label !== null) await forge.addLabelAs(by, repo, number, label);
      return number;
    },
    see: (number) => seen(find(number)),
    pulls: () => forge.repo(repo).issues.filter((issue) => issue.pull !== undefined),
    async record(number) {
      const message = await gitOrNull("log", "-1", "--format=%B", `refs/agent-dispatch/v1/item/issue-${number}`);
      if (message === null) return null;
      const parsed = parseRecord(message);
      if (parsed.kind === "unreadable") throw new Error(parsed.why);
      return parsed.record;
    },
    ref: (name) => gitOrNull("rev-parse", "--verify", "--quiet", name),
    branches: async () => (await git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")).split("\n"),
    file: (branch, path) => gitOrNull("show", `refs/heads/${branch}:${path}`),
    photo: () => photo(forge, repo, git),
    pass(seconds) {
      forge.clockOffsetMs += seconds * 1000;
    },
    async close() {
      await forge.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function seen(issue: Issue): Seen {
  return {
    state: issue.state,
    labels: issue.labels.map((label) => label.name).sort(),
    assignees: issue.assignees.map((user) => user.login).sort(),
    comments: issue.entries
      .filter((entry) => entry.type === "comment")
      .map((entry) => `${entry.user.login}: ${entry.body}`),
  };
}

async function photo(forge: Forge, repo: string, git: (...args: string[]) => Promise<string>): Promise<string> {
  const { issues, labels, statuses, runs } = forge.repo(repo);
  const shown = {
    issues: issues.map((issue) => ({
      ...{ number: issue.number, title: issue.title, body: issue.body, ...seen(issue) },
      entries: issue.entries.map((entry) => [entry.type, entry.body, entry.reactions.length]),
      pull: issue.pull === undefined ? null : [issue.pull.headBranch, issue.pull.headSha, issue.pull.merged],
    })),
    labels: labels.map((label) => label.name),
    statuses: statuses.map((status) => [status.context, status.state, status.sha]),
    runs: runs.length,
    refs: (await git("for-each-ref", "--format=%(objectname) %(refname)").catch(() => "")).split("\n"),
  };
  return JSON.stringify(shown, null, 1);
}

interface Scene {
  forge: Forge;
  repo: string;
  dir: string;
  token: string;
  agent: string;
}

async function run(scene: Scene, options: Start): Promise<End> {
  const place = join(scene.dir, `run-${randomUUID().slice(0, 8)}`);
  const machine: Machine = { temp: join(place, "temp"), workspace: join(place, "workspace"), state: new Map() };
  await mkdir(machine.temp, { recursive: true });
  await mkdir(machine.workspace);
  const { state } = machine;
  const { passage } = options;
  if (passage !== undefined) passage.machine = machine;
  const lines: string[] = [];
  const job = jobOf(scene, options, machine, lines);
  const end = async (how: Pick<End, "exitCode" | "outcome" | "error">, last: string): Promise<End> => {
    const left = [...(await readdir(machine.temp)), ...(await readdir(machine.workspace))];
    return { ...how, lastLine: job.redact(last), log: lines.join("\n"), state, left };
  };
  const saveState = (name: string, value: string) => void state.set(name, value);
  const step: Step = { ...job, executor: executorOf(options), saveState };
  try {
    const outcome = await (passage === undefined ? program(step) : passage.enter(() => program(passage.gated(step))));
    return await end({ exitCode: 0, outcome, error: null }, lastLine(outcome));
  } catch (error) {
    return await end({ exitCode: 1, outcome: null, error }, lastLineOfFailure(error));
  }
}

/** The last step of a job whose main step was killed; what it said. */
async function postStep(scene: Scene, options: Start, machine: Machine): Promise<string> {
  const lines: string[] = [];
  await post({ ...jobOf(scene, options, machine, lines), state: (name) => machine.state.get(name) ?? "" });
  return lines.join("\n");
}

/** What the steps of a job have in common. */
function jobOf(
  { forge, repo, token, agent }: Scene,
  options: Start,
  { temp, workspace }: Machine,
  lines: string[],
): Omit<Step, "executor" | "saveState"> {
  const inputs = { token: options.token ?? token, "agent-command": agent, ...options.inputs };
  const environment = {
    ...{ PATH: process.env["PATH"] ?? "", GITHUB_SERVER_URL: forge.url, GITHUB_REPOSITORY: repo },
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    ...options.env,
  };
  const secrets = new Set<string>();
  const redact = (text: string) => redaction([...secrets])(text);
  const log: Log = {
    line: (text) => lines.push(redact(text)),
    warning: (text) => lines.push(`warning: ${redact(text)}`),
    group: async (title, task) => {
      lines.push(`[${redact(title)}]`);
      return await task();
    },
  };
  return {
    ...{ environment, log, redact, clock: options.clock ?? hastyClock() },
    facts: { seed: options.seed ?? 1, temp, workspace, workflow: options.env?.["GITHUB_WORKFLOW"] ?? "" },
    holdsSecret: (text) => detection([...secrets])(text),
    hide: (values) => {
      for (const value of values) secrets.add(value);
    },
    http: { timeoutMs: 5_000, backoffMs: 5, backoffMsMax: 20, ...options.http },
  };
}

function executorOf({ event = "workflow_dispatch", payload = {}, run }: Start): Executor {
  if (run === undefined) return { event, payload, actor: null, runId: randomUUID(), claimed: null };
  const claimed = { id: run.id, number: run.number, attempt: 1, event: run.event };
  return { event: run.event, payload, actor: run.actor, runId: `${run.id}-1`, claimed };
}

/** Waits of more than a second, which are those for a forge that is away, take a hundredth of their time. */
export function hastyClock(): Clock {
  const clock = systemClock();
  return { ...clock, sleep: (ms, signal) => clock.sleep(ms > 1_200 ? ms / 100 : ms, signal) };
}

/** A shell script that agents of the test may be; answers the command line that runs it. */
export async function script(dir: string, name: string, text: string): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, text, { mode: 0o755 });
  return `sh ${file}`;
}

/** Resolves when `condition` holds; fails the test after 15 seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; waited < 15_000; waited += 20) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited for it in vain: ${what}`);
}
