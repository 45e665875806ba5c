import { parse } from "yaml";
import { isRecord } from "../body.ts";
import type { Commit } from "../git/parse.ts";
import type { Repo } from "../model.ts";
import type { World } from "../world.ts";

export interface WorkflowInput {
  name: string;
  default: string | undefined;
}

export interface WorkflowJob {
  name: string;
  runsOn: string[];
  steps: string[];
}

/** A workflow file as far as the forge understands it. */
export interface Workflow {
  file: string;
  path: string;
  name: string;
  events: string[];
  inputs: WorkflowInput[];
  jobs: WorkflowJob[];
}

const folders = [".gitea/workflows", ".github/workflows"];

/** The files of the first folder that exists at a commit. */
export async function workflowsAt(world: World, repo: Repo, commit: Commit): Promise<Workflow[]> {
  const git = world.git(repo);
  for (const folder of folders) {
    const tree = await git.tree(`${commit.sha}:${folder}`);
    if (!tree) continue;
    const found: Workflow[] = [];
    for (const entry of tree.entries) {
      if (entry.type !== "blob" || !/\.ya?ml$/.test(entry.name)) continue;
      const blob = await git.object(entry.sha);
      found.push(readWorkflow(entry.name, `${folder}/${entry.name}`, blob?.content.toString() ?? ""));
    }
    return found;
  }
  return [];
}

export function readWorkflow(file: string, path: string, source: string): Workflow {
  const root = asRecord(safeParse(source));
  const on = root["on"];
  const events = typeof on === "string" ? [on] : Array.isArray(on) ? on.map(String) : Object.keys(asRecord(on));
  const inputs = asRecord(asRecord(asRecord(on)["workflow_dispatch"])["inputs"]);
  return {
    file,
    path,
    name: typeof root["name"] === "string" ? root["name"] : file,
    events,
    inputs: Object.entries(inputs).map(([name, input]) => ({ name, default: textOf(asRecord(input)["default"]) })),
    jobs: Object.entries(asRecord(root["jobs"])).map(([name, job]) => readJob(name, asRecord(job))),
  };
}

function readJob(id: string, job: Record<string, unknown>): WorkflowJob {
  const runsOn = job["runs-on"];
  const steps = Array.isArray(job["steps"]) ? job["steps"].map(asRecord) : [];
  return {
    name: textOf(job["name"]) ?? id,
    runsOn: Array.isArray(runsOn) ? runsOn.map(String) : runsOn === undefined ? [] : [String(runsOn)],
    steps: steps.map(
      (step) => textOf(step["name"]) ?? (step["run"] ? `Run ${textOf(step["run"])}` : `Run ${textOf(step["uses"])}`),
    ),
  };
}

function safeParse(source: string): unknown {
  try {
    return parse(source);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}
