import { readFileSync } from "node:fs";
import type { Forge, ForgeVersion } from "../support/forge/forge.ts";
import { compare, compareHeaders, type Difference } from "./compare.ts";
import { hiddenSteps } from "./hidden-steps.ts";
import { makeStartingWorld, type StartingWorld } from "./starting-world.ts";

/** One recorded call. */
export interface Recorded {
  n: number;
  step: string;
  as: string;
  method: string;
  path: string;
  body: unknown;
  status: number;
  headers: Record<string, string>;
  response: unknown;
}

export interface Replayed {
  step: string;
  differences: Difference[];
}

export function readRecording(version: ForgeVersion): Recorded[] {
  const path = new URL(`../fixtures/forge-facts/gitea-${version}.jsonl`, import.meta.url);
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line): Recorded => JSON.parse(line));
}

/** Makes every recorded call again, in order, and says where the answers differ. */
export async function replay(version: ForgeVersion): Promise<Replayed[]> {
  const world = await makeStartingWorld(version);
  const results: Replayed[] = [];
  try {
    for (const call of readRecording(version)) {
      await hiddenSteps[call.step]?.(world);
      results.push({ step: call.step, differences: await again(world, call) });
    }
  } finally {
    await world.forge.close();
  }
  return results;
}

async function again(world: StartingWorld, call: Recorded): Promise<Difference[]> {
  writeLog(world, call);
  if (call.step.startsWith("mergeable over time")) return mergeableAgain(world, call);
  const response = await send(world, call);
  const found: Difference[] = [];
  if (response.status !== call.status) {
    found.push({ at: "status", kind: "shape", recorded: String(call.status), actual: String(response.status) });
  }
  found.push(...compareHeaders(call.headers, response.headers, world.names));
  const body = await read(response);
  if (call.step === "40 GETs at once") {
    const others = await Promise.all(Array.from({ length: 39 }, () => send(world, call)));
    const good = others.filter((other) => other.status === 200).length + 1;
    return [...found, ...compare(call.response, { statuses: { 200: good } }, world.names)];
  }
  return [...found, ...compare(call.response, body, world.names)];
}

/** A log is the runner's text; the forge only hands it on. */
function writeLog({ forge, names }: StartingWorld, call: Recorded): void {
  const job = /\/actions\/jobs\/(\d+)\/logs$/.exec(call.path)?.[1];
  if (job === undefined || call.status !== 200 || typeof call.response !== "string") return;
  forge.setLog(Number(job), names.fill(call.response));
}

/** The recording holds the answers seen until the server had checked; ours must be one of them. */
async function mergeableAgain(world: StartingWorld, call: Recorded): Promise<Difference[]> {
  const states = Array.isArray(call.response) ? call.response : [];
  const response = await send(world, call);
  const body = await read(response);
  const field = (name: string): unknown => (isRecord(body) ? body[name] : undefined);
  const side = (name: string): unknown => {
    const value = field(name);
    return isRecord(value) ? value["sha"] : undefined;
  };
  const actual = {
    status: response.status,
    state: field("state"),
    draft: field("draft"),
    mergeable: field("mergeable"),
    merged: field("merged"),
    head_sha: side("head"),
    base_sha: side("base"),
    merge_base: field("merge_base"),
  };
  const candidates = states.map((recorded: unknown) => compare(withoutTime(recorded), actual, world.names));
  return candidates.sort((one, other) => one.length - other.length)[0] ?? [];
}

function withoutTime(state: unknown): unknown {
  if (!isRecord(state)) return state;
  const { after_ms: _, status: __, ...rest } = state;
  return { ...rest, status: 200 };
}

async function send(world: StartingWorld, call: Recorded): Promise<Response> {
  const { forge, names } = world;
  const headers: Record<string, string> = { ...authorization(world, call) };
  const body = bodyOf(world, call);
  if (body !== undefined) headers["content-type"] = contentType(call);
  return fetch(`${forge.url}/api/v1${names.fill(call.path)}`, {
    method: call.method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

function authorization({ tokens }: StartingWorld, call: Recorded): Record<string, string> {
  const token = tokens.get(call.as);
  if (token === undefined) return {};
  const basic = (password: string) => `Basic ${Buffer.from(`bot:${password}`).toString("base64")}`;
  if (call.step === "user: Bearer") return { authorization: `Bearer ${token}` };
  if (call.step === "user: basic with token as password") return { authorization: basic(token) };
  if (call.step === "user: basic with wrong password") return { authorization: basic("wrong") };
  return { authorization: `token ${token}` };
}

function bodyOf({ names }: StartingWorld, call: Recorded): string | undefined {
  if (call.body === null || call.body === undefined) return undefined;
  return typeof call.body === "string" ? call.body : JSON.stringify(names.fillDeep(call.body));
}

function contentType(call: Recorded): string {
  if (call.step === "issues: wrong content type") return "text/plain";
  if (call.step === "issues: form encoded") return "application/x-www-form-urlencoded";
  return "application/json";
}

async function read(response: Response): Promise<unknown> {
  const source = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return isJson && source !== "" ? JSON.parse(source) : source;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export type { Forge };
