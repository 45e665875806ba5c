import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import {
  type Conclusion,
  defaultIdentity,
  type Execution,
  type ExecutionResult,
  type Executor,
  eventPayload,
  executionTimeoutMs,
  type StepResult,
  serviceEnvironment,
  toolPath,
} from "./executor.ts";
import { LogBuffer } from "./logBuffer.ts";
import { runTree } from "./processTree.ts";
import { type RunFolder, withRunFolder } from "./runFolder.ts";

/**
 * act, called as the README tells people to call it.
 *
 * What it does unlike a runner: `GITEA_ACTIONS` is unset, a secret handed over by environment stays in the environment of every step, steps
 * have a terminal as standard output, `types:` of a trigger are not looked at, and with `-e` the option `--input` is ignored, which is why
 * inputs go into the payload as well.
 */
export const act: Executor = {
  name: "act",
  available: () => (toolPath("act") === null ? "act is not built: npm run tools" : null),
  run: (execution) => withRunFolder("act", (folder) => runIn(folder, execution)),
};

async function runIn(folder: RunFolder, execution: Execution): Promise<ExecutionResult> {
  const command = toolPath("act");
  if (command === null) throw new Error("act is not built: npm run tools");
  const env = serviceEnvironment(folder.home, folder.temp);
  const cwd = execution.repoDir ?? (await emptyRepository(path.join(folder.root, "repository"), env));
  const eventFile = path.join(folder.root, "event.json");
  await writeFile(eventFile, JSON.stringify(eventPayload(execution)));
  const secrets = { ...execution.secrets, ...(execution.token === undefined ? {} : { GITHUB_TOKEN: execution.token }) };
  const log = new LogBuffer(execution.onLine);
  const steps = new Map<string, StepResult>();
  const ended = await runTree({
    command,
    args: actArguments(execution, path.resolve(execution.workflowFile), eventFile, Object.keys(secrets)),
    cwd,
    env: { ...env, ...execution.env, ...secrets },
    folder: folder.root,
    timeoutMs: execution.timeoutMs ?? executionTimeoutMs,
    onLine: (line) => readLine(line, log, steps),
    abort: execution.signal && { signal: execution.signal, send: "SIGINT" },
    outage: execution.outage,
  });
  return {
    exitCode: ended.code ?? 128,
    result: ended.timedOut ? "timeout" : resultOf(ended.code, execution.signal),
    log: log.toString(),
    steps: [...steps.values()],
    survivors: ended.survivors,
  };
}

function resultOf(code: number | null, signal: AbortSignal | undefined): Conclusion {
  if (code === 0) return "success";
  return signal?.aborted ? "cancelled" : "failure";
}

function actArguments(execution: Execution, workflowFile: string, eventFile: string, secrets: string[]): string[] {
  const { event, inputs = {}, vars = {}, actionRepo, serverUrl } = execution;
  const { id, number, attempt, actor, ref } = { ...defaultIdentity, ...execution.identity };
  const environment = {
    GITHUB_SERVER_URL: serverUrl,
    GITHUB_API_URL: `${serverUrl}/api/v1`,
    GITHUB_REPOSITORY: execution.repository,
    GITHUB_RUN_ID: String(id),
    GITHUB_RUN_NUMBER: String(number),
    GITHUB_RUN_ATTEMPT: String(attempt),
    GITHUB_REF: ref,
  };
  return [
    event.name,
    "--json",
    ...["-P", "ubuntu-latest=-self-hosted", "-W", workflowFile, "-e", eventFile, "--actor", actor],
    ...["--local-repository", `${actionRepo.name}@${actionRepo.ref}=${path.resolve(actionRepo.checkout)}`],
    ...["--container-daemon-socket", "-", "--no-cache-server"],
    ...secrets.flatMap((name) => ["-s", name]),
    ...pairs("--env", environment),
    ...pairs("--input", inputs),
    ...pairs("--var", vars),
  ];
}

function pairs(option: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
}

/** Without a repository act complains 40 times a run; without a commit `github.sha` is empty. */
async function emptyRepository(folder: string, env: Record<string, string>): Promise<string> {
  await mkdir(folder);
  const git = (...args: string[]) => promisify(execFile)("git", args, { cwd: folder, env });
  await git("init", "--quiet", "--initial-branch=main");
  const author = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"];
  await git(...author, "commit", "--quiet", "--allow-empty", "--message=empty");
  return folder;
}

/** One line of `act --json`; what is no JSON, such as its last error, is part of the log as it is. */
function readLine(line: string, log: LogBuffer, steps: Map<string, StepResult>): void {
  const entry = parseEntry(line);
  if (entry === null) {
    log.add(line);
    return;
  }
  const message = entry["msg"];
  if (typeof message === "string") for (const part of message.replace(/\r?\n$/, "").split("\n")) log.add(part);
  const { stage, step, stepResult, jobID: job, stepID } = entry;
  if (stage !== "Main" || typeof step !== "string" || typeof job !== "string" || !Array.isArray(stepID)) return;
  if (stepID.length !== 1) return;
  const key = `${job} ${String(stepID[0])}`;
  const known = steps.get(key);
  const index = known?.index ?? [...steps.values()].filter((other) => other.job === job).length;
  const name = step.split("\n")[0] ?? "";
  if (known === undefined) steps.set(key, { job, index, name, result: "unknown" });
  if (typeof stepResult === "string") steps.set(key, { job, index, name, result: conclusionOf(stepResult) });
}

function parseEntry(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    return null;
  }
}

function conclusionOf(text: string): Conclusion {
  return text === "success" || text === "failure" || text === "cancelled" || text === "skipped" ? text : "unknown";
}
