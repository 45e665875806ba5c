// The bundle as runners start it: a process with the environment of a step. One build for all; `dist/` must equal it.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../support/agents/index.ts";
import { mends, type Stage, stage, until } from "../support/run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let fresh = "";

beforeAll(async () => {
  fresh = await mkdtemp(join(tmpdir(), "agent-dispatch-build-"));
  await promisify(execFile)(process.execPath, [join(root, "scripts", "build.mjs"), fresh]);
});
afterAll(() => rm(fresh, { recursive: true, force: true }));

it("dist equals a fresh build", () => {
  const files = readdirSync(fresh).sort();
  expect(readdirSync(join(root, "dist")).sort()).toEqual(files);
  for (const file of files) {
    const isSame = readFileSync(join(root, "dist", file)).equals(readFileSync(join(fresh, file)));
    expect(isSame, `dist/${file} is stale: run \`npm run build\``).toBe(true);
  }
});

interface StepOptions {
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  node?: string;
  /** Looks at the process while it runs. */
  watch?: (child: ChildProcess) => void;
}

interface Step {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  summary: string;
  temp: string;
}

let steps = 0;

/** One step of a job, as a runner starts it. */
async function step(s: Stage, options: StepOptions = {}): Promise<Step> {
  const place = join(s.dir, `step-${++steps}`);
  const [temp, workspace] = [join(place, "temp"), join(place, "workspace")];
  const files = { GITHUB_OUTPUT: join(place, "output"), GITHUB_STATE: join(place, "state") };
  const summaryFile = join(place, "summary");
  await mkdir(temp, { recursive: true });
  await mkdir(workspace);
  for (const file of [...Object.values(files), summaryFile]) await writeFile(file, "");
  const inputs = { token: s.token, "agent-command": mends, ...options.inputs };
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...files },
    ...{ GITHUB_STEP_SUMMARY: summaryFile, RUNNER_TEMP: temp, GITHUB_WORKSPACE: workspace },
    ...{ GITHUB_SERVER_URL: s.forge.url, GITHUB_REPOSITORY: s.repo, GITHUB_EVENT_NAME: "workflow_dispatch" },
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    ...options.env,
  };
  const child = spawn(options.node ?? process.execPath, [join(fresh, "index.js")], { cwd: workspace, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  options.watch?.(child);
  const ended = await new Promise<Pick<Step, "code" | "signal">>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const read = async (file: string) => await readFile(file, "utf8");
  return {
    ...{ ...ended, stdout, stderr, temp },
    outputs: keyed(await read(files.GITHUB_OUTPUT)),
    state: keyed(await read(files.GITHUB_STATE)),
    summary: await read(summaryFile),
  };
}

/** `name<<end`, the value, `end`: how actions write outputs and state. */
function keyed(text: string): Record<string, string> {
  const found = text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}

/** What the runner gives the post step of what main has kept. */
function stateOf({ state }: Step): Record<string, string> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
}

const lastLine = (step: Step) => step.stdout.trimEnd().split("\n").at(-1);

/** All that a step left anywhere but on the forge. */
const texts = (step: Step) =>
  [step.stdout, step.stderr, JSON.stringify(step.outputs), JSON.stringify(step.state), step.summary].join("\n");

describe("a step", () => {
  it("that does the work: outputs, state, summary, report, last line", async () => {
    const s = await stage({ files: { ".gitea/workflows/agent.yml": "on: [issues]\njobs: { a: { runs-on: x } }\n" } });
    await s.issue("sum subtracts");
    const run = await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", event: "issues", actor: "alice" });
    const event = join(s.dir, "event.json");
    await writeFile(
      event,
      JSON.stringify({ action: "label_updated", issue: { number: 1 }, sender: { login: "alice" } }),
    );
    const done = await step(s, {
      env: {
        ...{ GITHUB_ACTIONS: "true", GITEA_ACTIONS: "true", GITHUB_EVENT_NAME: "issues", GITHUB_EVENT_PATH: event },
        ...{ GITHUB_RUN_ID: String(run.id), GITHUB_RUN_NUMBER: String(run.number), GITHUB_ACTOR: "alice" },
      },
    });
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(lastLine(done)).toMatch(/^done: #1: pull request #2 is open\. \S/);
    const head = await s.ref("refs/heads/agent/issue-1");
    const { report = "", ...outputs } = done.outputs;
    expect(outputs).toEqual({
      ...{ kind: "implement", outcome: "done", reason: "#1: pull request #2 is open", failure: "", item: "1" },
      ...{ "pull-request": "2", branch: "agent/issue-1", head, verdict: "", profile: "command", attempt: "1" },
      ...{ round: "", "cost-usd": "" },
    });
    expect(JSON.parse(await readFile(report, "utf8"))).toMatchObject({
      outcome: "done",
      item: 1,
      pullRequest: 2,
      head,
    });
    expect(done.summary).toContain("### agent-dispatch: done");
    expect(done.summary).toContain("| Pull request | #2 |");
    expect((await s.record(1))?.run).toMatchObject({ id: run.id, number: run.number });
    expect(s.see(1).comments[0]).toContain(`[run ${run.number}](${s.forge.url}/acme/app/actions/runs/${run.id})`);
    // The runner hides what it is told to hide; nothing else may hold the token.
    const commands = done.stdout.split("\n").filter((line) => line.startsWith("::add-mask::"));
    expect(commands).toEqual([`::add-mask::${s.token}`]);
    const said = texts(done).replace(commands.join("\n"), "");
    expect(`${said}\n${await readFile(report, "utf8")}`).not.toContain(s.token);

    const post = await step(s, { env: stateOf(done) });
    expect(post).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  it("with nothing to do: green, with the reasons in the summary", async () => {
    const s = await stage();
    await s.issue("sum | subtracts");
    await s.forge.addLabelAs("alice", s.repo, 1, "hold");
    const idle = await step(s);
    expect(idle.code).toBe(0);
    expect(lastLine(idle)).toBe("idle: 1 item looked at, none is ready. The next event or tick looks again.");
    expect(idle.outputs).toMatchObject({ kind: "idle", outcome: "idle", item: "", "pull-request": "" });
    expect(idle.summary).toContain("| #1 sum \\| subtracts | `hold` is on the issue |");
  });

  it("with wrong inputs: red, all problems in one error, the remedy last, no stack", async () => {
    const s = await stage();
    const inputs = { "max-attempts": "many", item: "-1", chain: "perhaps", mode: "fly", base: "../x" };
    const failed = await step(s, { inputs });
    expect(failed.code).toBe(1);
    const error = failed.stdout.split("\n").find((line) => line.startsWith("::error::")) ?? "";
    for (const name of Object.keys(inputs)) expect(error).toContain(`input ${name}: expected `);
    expect(lastLine(failed)).toMatch(/^failed: 5 problems in the configuration: .*\(for the workflow author\)$/);
    expect(texts(failed)).not.toMatch(/^\s+at /m);
  });

  it("without a token: red, and nobody is asked for one", async () => {
    const s = await stage();
    const failed = await step(s, { inputs: { token: "" } });
    expect(failed.code).toBe(1);
    expect(lastLine(failed)).toContain("input token: expected an access token of the bot account, got nothing");
    expect(s.forge.requests.filter((request) => request.login === null)).toEqual([]);
  });

  it("that fails at its agent is green, and the agent's words never reach the runner as commands", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const agent = `${commandLine("commands")}; printf 'x\\r::set-output name=a::b\\n'; exit 1`;
    const failed = await step(s, { inputs: { "agent-command": agent } });
    expect(failed.code).toBe(0);
    expect(failed.outputs).toMatchObject({ outcome: "failed", failure: "crash", attempt: "1" });
    // The runner takes any line end for one, and looks past blanks.
    const commands = failed.stdout.split(/[\r\n]+/).filter((line) => /^\s*(::|##\[)/.test(line));
    expect(commands.filter((line) => !/^::(end)?group::/.test(line))).toEqual([]);
    expect(failed.stdout).toContain("set-output name=verdict");
  });
});

/** Process ids below one, itself not counted. */
function below(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? fileOf(`/proc/${name}/stat`) : "";
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2]);
    if (parent > 0) parents.set(Number(name), parent);
  }
  const isBelow = (at: number | undefined): boolean =>
    at !== undefined && (parents.get(at) === pid || isBelow(parents.get(at)));
  return [...parents.keys()].filter(isBelow);
}

function fileOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

describe("the token", () => {
  it("is in no child's arguments or environment, in no file, and nothing that the agent can print", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const seen = { processes: new Set<number>(), leaks: new Set<string>() };
    const dump = "env; cat .git/config; git config --list; ls -la /proc/self/fd; cat /proc/self/fd/3";
    const agent = `(${dump}) >${s.dir}/dump 2>&1; touch ${s.dir}/begun; while ! test -e ${s.dir}/go; do sleep 0.05; done; ${mends}`;
    const running = step(s, {
      inputs: { "agent-command": agent },
      watch: (child) => {
        const timer = setInterval(() => {
          for (const pid of below(child.pid ?? -1)) {
            seen.processes.add(pid);
            const command = fileOf(`/proc/${pid}/cmdline`);
            // Between its fork and its exec a child still is the program itself.
            if (command === fileOf(`/proc/${child.pid}/cmdline`)) continue;
            if (`${command}${fileOf(`/proc/${pid}/environ`)}`.includes(s.token)) seen.leaks.add(command);
          }
        }, 3);
        child.on("close", () => clearInterval(timer));
      },
    });
    await until(() => existsSync(join(s.dir, "begun")), "an agent at work");
    const holders = await promisify(execFile)("grep", ["-rl", s.token, s.dir]).catch(() => ({ stdout: "" }));
    expect(holders.stdout).toBe("");
    await writeFile(join(s.dir, "go"), "");
    const done = await running;
    expect(done.outputs["outcome"]).toBe("done");
    expect(seen.processes.size).toBeGreaterThan(20);
    expect([...seen.leaks]).toEqual([]);
    const dumped = readFileSync(join(s.dir, "dump"), "utf8");
    expect(dumped).toContain("AGENT_DISPATCH_ROLE=author");
    for (const name of ["GITHUB_", "INPUT_", "RUNNER_", "ACTIONS_"])
      expect(dumped).not.toMatch(new RegExp(`^${name}`, "m"));
    expect(dumped).not.toContain(s.token);
    expect(texts(done)).not.toContain(s.token);
    expect(await s.photo()).not.toContain(s.token);
  });
});

describe("a killed step", () => {
  it("an agent that kills the program is ended by the post step, which gives the claim back; the next run finishes", async () => {
    const s = await stage();
    await s.issue("sum subtracts");
    const agent = `echo $$ >${s.dir}/agent; kill -9 $PPID; trap '' TERM; sleep 30`;
    const killed = await step(s, { inputs: { "agent-command": agent } });
    expect(killed.signal).toBe("SIGKILL");
    const pid = readFileSync(join(s.dir, "agent"), "utf8").trim();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    const post = await step(s, { env: stateOf(killed) });
    expect(post.code).toBe(0);
    expect(post.stdout).toMatch(/^ended \d+ process(es)? that the run had left behind\n#1 is given back\n$/);
    await until(() => !existsSync(`/proc/${pid}/exe`), "the agent's end");
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, cancelled: 1 });
    const next = await step(s);
    expect(next.outputs).toMatchObject({ outcome: "done", attempt: "1" });
    expect(s.pulls()).toHaveLength(1);
  });
});

/** The node that runs the tests, and those named in AGENT_DISPATCH_NODES. */
const nodes = [process.execPath, ...(process.env["AGENT_DISPATCH_NODES"] ?? "").split(delimiter)].filter(
  (at) => at !== "",
);

it.each(nodes)("runs on %s", async (node) => {
  const s = await stage();
  const idle = await step(s, { node });
  expect(idle).toMatchObject({ code: 0, stderr: "" });
  expect(lastLine(idle)).toMatch(/^idle: /);
});
