import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { act } from "../support/executors/act.ts";
import type { Execution, Executor } from "../support/executors/executor.ts";
import { giteaRunner } from "../support/executors/giteaRunner.ts";
import { type GitServer, startGitServer } from "./gitServer.ts";
import { pushCheckout } from "./servers/push.ts";

/** An action that says what it was given; `main` and `post` are one file, as in the product. */
const probe = `
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
const env = process.env;
const phase = env.STATE_phase === "post" ? "post" : "main";
const say = (what, value) => console.log("probe " + phase + " " + what + "=" + JSON.stringify(value));
say("names", Object.keys(env));
if (env.PROBE_PHASES) appendFileSync(env.PROBE_PHASES, phase + " " + env.STATE_kept + "\\n");
say("workspace", readdirSync(env.GITHUB_WORKSPACE));
say("isCwd", process.cwd() === env.GITHUB_WORKSPACE);
say("event", JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, "utf8")));
for (const name of Object.keys(env)) if (/^(GITHUB|GITEA_ACTIONS|INPUT_|STATE_)/.test(name)) say(name, env[name]);
if (phase === "main") {
  appendFileSync(env.GITHUB_STATE, "phase=post\\nkept=over\\n");
  appendFileSync(env.GITHUB_OUTPUT, "answer=42\\n");
  writeFileSync(env.GITHUB_WORKSPACE + "/left", "");
  console.log("the token is " + env["INPUT_BOT-TOKEN"]);
  if (env.INPUT_DO === "leave") spawn("sleep", ["300"], { detached: true, stdio: "ignore" }).unref();
  if (env.INPUT_DO === "hang") { spawn("sleep", ["301"], { detached: true, stdio: "ignore" }).unref(); console.log("hanging"); await new Promise((resolve) => setTimeout(resolve, 60000)); }
  if (env.INPUT_DO === "fail") process.exitCode = 7;
}
`;

const actionFile = `
name: probe
description: says what it was given
inputs:
  item: { description: an item }
  bot-token: { description: a token }
  do: { description: what to do, default: nothing }
outputs:
  answer: { description: an answer }
runs: { using: node20, main: dist/index.js, post: dist/index.js }
`;

const workflow = (doing: string) => `
name: shown name
on:
  issues: { types: [labeled] }
  workflow_dispatch: { inputs: { item: { type: string } } }
jobs:
  work:
    runs-on: ubuntu-latest
    steps:
      - id: probe
        uses: ORG/agent-dispatch@v1
        with:
          item: \${{ inputs.item || github.event.issue.number }}
          bot-token: \${{ secrets.AGENT_TOKEN }}
          do: ${doing}
      - if: always()
        run: echo "after outcome=\${{ steps.probe.outcome }} answer=\${{ steps.probe.outputs.answer }} token=\${{ github.token != '' }}"
`;

let folder = "";
let git: GitServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-executors-"));
  await mkdir(path.join(folder, "action", "dist"), { recursive: true });
  await writeFile(path.join(folder, "action", "action.yml"), actionFile);
  await writeFile(path.join(folder, "action", "package.json"), "{}");
  await writeFile(path.join(folder, "action", "dist", "package.json"), '{ "type": "module" }');
  await writeFile(path.join(folder, "action", "dist", "index.js"), probe);
  git = await startGitServer(path.join(folder, "repositories"));
  await git.create("ORG/agent-dispatch");
  const remote = { url: `${git.url}/ORG/agent-dispatch.git`, login: "anybody", password: "anything" };
  await pushCheckout(remote, path.join(folder, "action"), "v1");
});

afterAll(async () => {
  await git?.close();
  await rm(folder, { recursive: true, force: true });
});

async function execution(doing: string, overrides: Partial<Execution> = {}): Promise<Execution> {
  const workflowFile = path.join(folder, `${doing}.yml`);
  await writeFile(workflowFile, workflow(doing));
  return {
    workflowFile,
    event: {
      name: "issues",
      payload: { action: "label_updated", issue: { number: 7, title: 'say "hi" to ü' }, list: [1.5, true, null] },
    },
    secrets: { AGENT_TOKEN: "s3cret-of-the-bot" },
    serverUrl: git.url,
    repository: "ORG/app",
    actionRepo: { name: "ORG/agent-dispatch", ref: "v1", checkout: path.join(folder, "action") },
    identity: { id: 77, number: 9, actor: "ann" },
    timeoutMs: 30_000,
    ...overrides,
  };
}

function said(log: string, phase: string, what: string): unknown {
  const prefix = `probe ${phase} ${what}=`;
  const line = log.split("\n").find((candidate) => candidate.startsWith(prefix));
  return line === undefined ? undefined : JSON.parse(line.slice(prefix.length));
}

/** The environment may lack the tools; then the suite says so instead of passing in silence. */
describe.each([act, giteaRunner])("$name", (executor: Executor) => {
  const reason = executor.available();
  it.runIf(reason !== null)(`is skipped: ${reason}`, () => {
    expect(reason).toMatch(/npm run tools/);
  });

  describe.runIf(reason === null)("runs a workflow file", () => {
    it("hands over event, inputs, state and outputs, and runs main and post in one workspace, empty at first", async () => {
      const { exitCode, result, log, steps, survivors } = await executor.run(await execution("nothing"));
      expect({ exitCode, result, survivors }).toEqual({ exitCode: 0, result: "success", survivors: [] });
      expect(steps.map((step) => [step.job, step.index, step.result])).toEqual([
        ["work", 0, "success"],
        ["work", 1, "success"],
      ]);
      expect(said(log, "main", "workspace")).toEqual([]);
      expect(said(log, "main", "isCwd")).toBe(true);
      expect(said(log, "post", "workspace")).toEqual(["left"]);
      expect(said(log, "main", "INPUT_ITEM")).toBe("7");
      expect(said(log, "main", "GITHUB_EVENT_NAME")).toBe("issues");
      expect(said(log, "main", "event")).toMatchObject({
        issue: { number: 7, title: 'say "hi" to ü' },
        list: [1.5, true, null],
      });
      expect(said(log, "main", "GITHUB_REPOSITORY")).toBe("ORG/app");
      expect(said(log, "main", "GITHUB_RUN_ID")).toBe("77");
      expect(said(log, "main", "GITHUB_ACTOR")).toBe("ann");
      expect(said(log, "main", "GITHUB_ACTION_PATH")).toBe("");
      expect(said(log, "main", "GITHUB_WORKFLOW")).toBe("shown name");
      expect(said(log, "post", "STATE_kept")).toBe("over");
      expect(log).toContain("after outcome=success answer=42");
      expect(log).toContain("the token is ***");
      expect(log).not.toContain("s3cret-of-the-bot ");
    });

    it("hands over the inputs of a dispatch", async () => {
      const given = {
        event: { name: "workflow_dispatch", payload: { ref: "refs/heads/main" } },
        inputs: { item: "12" },
      };
      const { log } = await executor.run(await execution("nothing", given));
      expect(said(log, "main", "INPUT_ITEM")).toBe("12");
      expect(said(log, "main", "event")).toMatchObject({ inputs: { item: "12" }, ref: "refs/heads/main" });
    });

    it("reports a failure, after post", async () => {
      const { exitCode, result, log, steps } = await executor.run(await execution("fail"));
      expect({ exitCode, result }).toEqual({ exitCode: 1, result: "failure" });
      expect(steps.map((step) => step.result)).toEqual(["failure", "success"]);
      expect(said(log, "post", "STATE_kept")).toBe("over");
      expect(log).toContain("after outcome=failure");
    });

    it("finds and ends what a step left behind", async () => {
      const { exitCode, survivors } = await executor.run(await execution("leave"));
      expect(exitCode).toBe(0);
      expect(survivors).toEqual(["sleep 300"]);
    });

    it("cancels: main is gone, post runs", async () => {
      const abort = new AbortController();
      const onLine = (line: string) => {
        if (line.includes("hanging")) abort.abort();
      };
      const started = Date.now();
      const phases = path.join(folder, `phases-${executor.name}`);
      const given = { signal: abort.signal, onLine, env: { PROBE_PHASES: phases } };
      const { result, survivors } = await executor.run(await execution("hang", given));
      expect(result).toBe("cancelled");
      expect(Date.now() - started).toBeLessThan(25_000);
      // Read from a file: of a cancelled job the runner does not report what post prints.
      expect(await readFile(phases, "utf8")).toBe("main undefined\npost over\n");
      expect(survivors).toEqual(["sleep 301"]);
    });

    it("kills the whole tree at the time limit and leaves no folder", async () => {
      let home = "";
      const onLine = (line: string) => {
        home ||= /"(\/[^"]*agent-dispatch-[^"/]*)\//.exec(line)?.[1] ?? "";
      };
      const { result, log } = await executor.run(await execution("hang", { timeoutMs: 3_000, onLine }));
      expect(result).toBe("timeout");
      expect(said(log, "main", "INPUT_DO")).toBe("hang");
      expect(home).not.toBe("");
      expect(existsSync(home)).toBe(false);
      expect(await processesWith(home)).toEqual([]);
    });
  });
});

async function processesWith(text: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const found: string[] = [];
  for (const pid of await readdir("/proc").catch(() => [])) {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environ.includes(text)) found.push(pid);
  }
  return found;
}
