import { parse, stringify } from "yaml";

/** One job of a workflow file, cut out the way the server cuts it before a runner sees it. */
export interface Job {
  id: string;
  needs: string[];
  /** A workflow file with this job alone. */
  workflow: string;
  /** Names of the steps as a log shows them. */
  steps: string[];
  labels: string[];
}

/** Jobs in an order in which each comes after those it needs. Throws on what only a server can expand: a matrix, a reusable workflow. */
export function jobsOf(text: string): Job[] {
  const workflow = record(parse(text));
  const entries = Object.entries(record(workflow["jobs"]));
  const jobs = entries.map(([id, value]): Job => {
    const job = record(value);
    const strategy = job["strategy"];
    if (strategy !== undefined || job["uses"] !== undefined) {
      throw new Error(`job ${id}: a matrix or a reusable workflow needs a real server`);
    }
    const { needs, ...rest } = job;
    return {
      id,
      needs: strings(needs),
      workflow: stringify({ ...workflow, jobs: { [id]: rest } }),
      steps: (Array.isArray(job["steps"]) ? job["steps"] : []).map(stepName),
      labels: strings(job["runs-on"]),
    };
  });
  return inOrder(jobs);
}

export function workflowName(text: string, fileName: string): string {
  const name = record(parse(text))["name"];
  return typeof name === "string" && name !== "" ? name : fileName;
}

/** Activity types that start a workflow whose `on:` names none, by event; other events have no types. */
const defaultTypes: Readonly<Record<string, readonly string[]>> = {
  pull_request: ["opened", "reopened", "synchronize"],
  pull_request_target: ["opened", "reopened", "synchronize"],
};

/** Whether `on:` of the file names the event, and the activity where it narrows to some. */
export function reactsTo(text: string, event: string, activity: string | null): boolean {
  const on = record(parse(text))["on"];
  if (typeof on === "string" || Array.isArray(on))
    return strings(on).includes(event) && typeMatches(undefined, event, activity);
  const triggers = record(on);
  if (!(event in triggers)) return false;
  const trigger = triggers[event];
  const types =
    typeof trigger === "object" && trigger !== null && !Array.isArray(trigger) ? record(trigger)["types"] : undefined;
  return typeMatches(types, event, activity);
}

/** Cron lines of `on.schedule`. */
export function schedulesOf(text: string): string[] {
  const on = record(parse(text))["on"];
  if (typeof on !== "object" || on === null || Array.isArray(on)) return [];
  const schedule = record(on)["schedule"];
  return (Array.isArray(schedule) ? schedule : []).flatMap((entry) => strings(record(entry)["cron"]));
}

function typeMatches(types: unknown, event: string, activity: string | null): boolean {
  const wanted = types === undefined ? defaultTypes[event] : strings(types);
  return activity === null || wanted === undefined || wanted.includes(activity);
}

function inOrder(jobs: readonly Job[]): Job[] {
  const done: Job[] = [];
  while (done.length < jobs.length) {
    const next = jobs.find(
      (job) => !done.includes(job) && job.needs.every((id) => done.some((other) => other.id === id)),
    );
    if (next === undefined) throw new Error("needs: names a job that is not there, or goes round in a circle");
    done.push(next);
  }
  return done;
}

function stepName(step: unknown): string {
  const { name, uses, run } = record(step);
  const found = [name, uses, run].find((value) => typeof value === "string");
  return typeof found === "string" ? (found.split("\n")[0] ?? "") : "";
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a workflow file");
  return Object.fromEntries(Object.entries(value));
}
