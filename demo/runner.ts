// A runner as small as can be: starts the bundled action, main and post, as a process with the environment of a step. It knows the one step of
// workflows/agent.yml and nothing else of the workflow language; of its `if:` only that the program's own comments start nothing.

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
  if (ownComment(execution)) return { exitCode: 0, result: "skipped", log: "", steps: [], survivors: [] };
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
    };
    // A cancelled step is killed without a warning; post runs whatever happened.
    const abort = execution.signal && ({ signal: execution.signal, send: "SIGKILL" } as const);
    const main = await runTree({ ...start, env: step.env, abort });
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

const CommentEvent = z.object({ comment: z.object({ body: z.string() }) });

function ownComment({ event }: Execution): boolean {
  const parsed = CommentEvent.safeParse(event.payload);
  return parsed.success && parsed.data.comment.body.startsWith("<!-- agent-dispatch:");
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
