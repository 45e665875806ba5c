// A runner as small as can be: starts the bundled action, main and post, as a process with the environment of a step. It knows the one step of
// workflows/agent.yml and nothing else of the workflow language; its `if:` is said here once more.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parse } from "yaml";
import { z } from "zod";
import {
  defaultIdentity,
  type Execution,
  type ExecutionResult,
  type Executor,
  eventPayload,
  executionTimeoutMs,
} from "../test/support/executors/executor.ts";
import { runTree } from "../test/support/executors/processTree.ts";
import { withRunFolder } from "../test/support/executors/runFolder.ts";
import { bundle, prepareStep } from "./step.ts";

export const processRunner: Executor = {
  name: "a process",
  available: () => (existsSync(bundle) ? null : "dist/index.js is missing; build it: npm run build"),
  run: runWorkflow,
};

const Workflow = z.object({
  name: z.string(),
  jobs: z.record(z.string(), z.object({ steps: z.tuple([z.object({ with: z.record(z.string(), z.string()) })]) })),
});

async function runWorkflow(execution: Execution): Promise<ExecutionResult> {
  if (isIdle(execution)) return { exitCode: 0, result: "skipped", log: "", steps: [], survivors: [] };
  const workflow = Workflow.parse(parse(await readFile(execution.workflowFile, "utf8")));
  const [job] = Object.values(workflow.jobs);
  if (job === undefined) throw new Error("the workflow has no job");
  const inputs = Object.entries(job.steps[0].with).map(([name, text]) => [name, fill(text, execution)]);
  const lines: string[] = [];
  const log = new Log([...Object.values(execution.secrets ?? {}), execution.token ?? ""], (line) => {
    lines.push(line);
    execution.onLine?.(line);
  });
  return await withRunFolder("step", async (folder) => {
    const step = await prepareStep(
      {
        serverUrl: execution.serverUrl,
        repository: execution.repository,
        workflowName: workflow.name,
        event: { name: execution.event.name, payload: eventPayload(execution) },
        inputs: Object.fromEntries(inputs),
        token: execution.token ?? "",
        identity: { ...defaultIdentity, ...execution.identity },
        env: execution.env ?? {},
      },
      folder,
    );
    const start = {
      command: process.execPath,
      args: [bundle],
      cwd: step.cwd,
      folder: folder.root,
      timeoutMs: execution.timeoutMs ?? executionTimeoutMs,
      onLine: (line: string) => log.add(line),
      outage: execution.outage,
    };
    // A cancelled step is killed without a warning; post runs whatever happened.
    const abort = execution.signal && ({ signal: execution.signal, send: "SIGKILL" } as const);
    const main = await runTree({ ...start, env: step.env, abort });
    if (execution.outage?.aborted)
      return { exitCode: 1, result: "unknown", log: lines.join("\n"), steps: [], survivors: [] };
    const post = await runTree({ ...start, env: { ...step.env, ...(await step.stateEnvironment()) } });
    const isGood = main.code === 0 && post.code === 0;
    const result = main.timedOut ? "timeout" : execution.signal?.aborted ? "cancelled" : isGood ? "success" : "failure";
    return {
      exitCode: isGood ? 0 : 1,
      result,
      log: lines.join("\n"),
      steps: [],
      survivors: execution.signal?.aborted ? [] : [...main.survivors, ...post.survivors],
    };
  });
}

const Person = z.object({ login: z.string() });
const Payload = z.object({
  sender: Person.optional(),
  comment: z.object({ body: z.string() }).optional(),
  issue: z.object({ labels: z.array(z.object({ name: z.string() })).nullish() }).optional(),
  review: z.object({ type: z.string().nullish(), content: z.string().nullish() }).nullish(),
  pull_request: z.object({ user: Person, body: z.string().nullish() }).nullish(),
});

/** The `if:` of workflows/agent.yml: what the program wrote itself or did on its own pull request, and comments without command or answer. */
function isIdle({ event }: Execution): boolean {
  const parsed = Payload.safeParse(event.payload);
  if (!parsed.success) return false;
  const { sender, comment, issue, review, pull_request: pull } = parsed.data;
  const mayAsk = (text: string) => text.includes("/agent") || text.includes("@");
  if (event.name === "issue_comment" && comment !== undefined) {
    const asked = issue?.labels?.some(({ name }) => name === "agent/needs-info") === true;
    return comment.body.startsWith("<!-- agent-dispatch:") || !(mayAsk(comment.body) || asked);
  }
  const said = review?.content ?? "";
  if (review?.type === "pull_request_review_comment" && !mayAsk(said)) return true;
  const isOwn = sender !== undefined && sender.login === pull?.user.login;
  return said.startsWith("<!-- agent-dispatch:") || (isOwn && (pull?.body ?? "").includes("<!-- agent-dispatch:pull "));
}

/** The expressions of workflows/agent.yml. */
function fill(text: string, { secrets = {}, inputs = {}, token = "" }: Execution): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const [, secret] = /^secrets\.(\w+)$/.exec(expression) ?? [];
    if (secret !== undefined) return secrets[secret] ?? "";
    const [, input] = /^github\.event\.inputs\.(\w+)$/.exec(expression) ?? [];
    if (input !== undefined) return inputs[input] ?? "";
    if (expression === "github.token") return token;
    throw new Error(`this runner does not know the expression ${expression}`);
  });
}

/** What a runner does to a log before anybody sees it: commands obeyed, secrets starred. */
class Log {
  readonly #secrets: string[];
  readonly #onLine: (line: string) => void;

  constructor(secrets: readonly string[], onLine: (line: string) => void) {
    this.#secrets = secrets.filter((secret) => secret !== "");
    this.#onLine = onLine;
  }

  add(line: string): void {
    const [, secret] = /^::add-mask::(.*)$/.exec(line) ?? [];
    if (secret !== undefined) this.#secrets.push(secret);
    if (secret !== undefined || /^::(debug|save-state|set-output)\b/.test(line)) return;
    this.#onLine(this.#secrets.reduce((text, value) => text.replaceAll(value, "***"), line));
  }
}
