// A step of a job as a runner starts it: its environment, its files, and what stands in them afterwards.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import type { RunIdentity } from "../test/support/executors/executor.ts";
import type { RunFolder } from "../test/support/executors/runFolder.ts";

export const projectRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Folder with `action.yml` and `dist`: this repository, or the one that `AGENT_DISPATCH_CHECKOUT` names, for trying a build before it stands in `dist`. */
export const checkout = path.resolve(process.env["AGENT_DISPATCH_CHECKOUT"] || projectRoot);

/** The bundle; a runner starts this file and nothing else. */
export const bundle = path.join(checkout, "dist", "index.js");

export interface Step {
  serverUrl: string;
  /** `owner/name`. */
  repository: string;
  workflowName: string;
  event: { name: string; payload: Readonly<Record<string, unknown>> };
  /** What stands under `with:`, expressions filled in. */
  inputs: Readonly<Record<string, string>>;
  /** The job's automatic token. */
  token: string;
  identity: RunIdentity;
  /** Further variables of the runner. */
  env?: Readonly<Record<string, string>>;
}

export interface PreparedStep {
  env: Record<string, string>;
  /** The job's workspace: empty, since the workflow has no checkout step. */
  cwd: string;
  /** `post` runs with what main saved. */
  stateEnvironment(): Promise<Record<string, string>>;
  outputs(): Promise<ReadonlyMap<string, string>>;
  summary(): Promise<string>;
}

const ActionFile = z.object({ inputs: z.record(z.string(), z.looseObject({ default: z.string().optional() })) });

/** Writes the files of a step below the folder and answers the environment that names them. */
export async function prepareStep(step: Step, folder: RunFolder): Promise<PreparedStep> {
  const { identity } = step;
  const cwd = path.join(folder.root, "workspace");
  await mkdir(cwd);
  const file = (name: string) => path.join(folder.temp, name);
  const files = {
    output: file("output"),
    state: file("state"),
    summary: file("summary.md"),
    event: file("event.json"),
  };
  await writeFile(files.event, JSON.stringify(step.event.payload));
  for (const name of [files.output, files.state, files.summary]) await writeFile(name, "");
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: folder.home,
    TMPDIR: folder.temp,
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITEA_ACTIONS: "true",
    GITHUB_ACTION_PATH: checkout,
    GITHUB_ACTOR: identity.actor,
    GITHUB_API_URL: `${step.serverUrl}/api/v1`,
    GITHUB_EVENT_NAME: step.event.name,
    GITHUB_EVENT_PATH: files.event,
    GITHUB_OUTPUT: files.output,
    GITHUB_REF: identity.ref,
    GITHUB_REF_NAME: identity.ref.replace(/^refs\/heads\//, ""),
    GITHUB_REPOSITORY: step.repository,
    GITHUB_REPOSITORY_OWNER: step.repository.split("/")[0] ?? "",
    GITHUB_RUN_ATTEMPT: String(identity.attempt),
    GITHUB_RUN_ID: String(identity.id),
    GITHUB_RUN_NUMBER: String(identity.number),
    GITHUB_SERVER_URL: step.serverUrl,
    GITHUB_SHA: identity.sha,
    GITHUB_STATE: files.state,
    GITHUB_STEP_SUMMARY: files.summary,
    GITHUB_TOKEN: step.token,
    GITHUB_WORKFLOW: step.workflowName,
    GITHUB_WORKSPACE: cwd,
    RUNNER_OS: "Linux",
    RUNNER_TEMP: folder.temp,
    RUNNER_TOOL_CACHE: path.join(folder.home, "tool-cache"),
    ...step.env,
    ...(await inputVariables(step)),
  };
  return {
    env,
    cwd,
    stateEnvironment: async () => {
      const saved = [...parseFileCommands(await readFile(files.state, "utf8"))];
      return Object.fromEntries(saved.map(([name, value]) => [`STATE_${name}`, value]));
    },
    outputs: async () => parseFileCommands(await readFile(files.output, "utf8")),
    summary: () => readFile(files.summary, "utf8"),
  };
}

/** A runner passes every input that `action.yml` declares, those not given with their default or empty. */
async function inputVariables(step: Step): Promise<Record<string, string>> {
  const action = ActionFile.parse(parse(await readFile(path.join(checkout, "action.yml"), "utf8")));
  const declared = Object.entries(action.inputs).map(([name, { default: value = "" }]) => [
    name,
    value.replace(/\$\{\{ github\.token \}\}/, step.token),
  ]);
  const inputs: Record<string, string> = { ...Object.fromEntries(declared), ...step.inputs };
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
}

/** `name=value`, or `name<<MARK`, lines, `MARK`. */
export function parseFileCommands(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, name, mark] = /^([^=]+?)<<(.+)$/.exec(line) ?? [];
    if (name !== undefined && mark !== undefined) {
      const end = lines.indexOf(mark, at + 1);
      found.set(name, lines.slice(at + 1, end).join("\n"));
      at = end;
    } else if (line.includes("=")) found.set(line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1));
  }
  return found;
}
