import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Loopback, type Seen, serve } from "./loopback.ts";

export const versions = ["1.24.7", "1.26.4", "1.27.0"] as const;
export type Version = (typeof versions)[number];

const recorded = z.object({
  step: z.string(),
  method: z.string(),
  path: z.string(),
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  response: z.unknown(),
});
type Recorded = z.infer<typeof recorded>;

const files = new Map<Version, Map<string, Recorded>>();

function stepsOf(version: Version): Map<string, Recorded> {
  const before = files.get(version);
  if (before !== undefined) return before;
  const url = new URL(`../fixtures/forge-facts/gitea-${version}.jsonl`, import.meta.url);
  const lines = readFileSync(url, "utf8").trimEnd().split("\n");
  const steps = new Map(lines.map((line) => recorded.parse(JSON.parse(line))).map((r) => [r.step, r]));
  files.set(version, steps);
  return steps;
}

/** The object name that stands for a placeholder `<sha:…>` in a replay. */
export function sha(name: string): string {
  return createHash("sha1").update(name).digest("hex");
}

/** The time of everything in a replay. */
export const time = Date.UTC(2026, 0, 2, 3, 4, 5);

/**
 * Serves recorded answers, by method and path without query. Several steps of one path are given in this order; the last one stays.
 * What was not named answers 418, which no code knows.
 */
export async function replay(version: Version, ...names: string[]): Promise<Loopback> {
  const steps = names.map((name) => {
    const step = stepsOf(version).get(name);
    if (step === undefined) throw new Error(`no recorded step "${name}" in ${version}`);
    return step;
  });
  const left = [...steps];
  const server = await serve((seen, response) => {
    const fitting = left.filter((step) => isFor(step, seen));
    const step = fitting[0];
    if (step === undefined) {
      response.writeHead(418, { "content-type": "text/plain" });
      response.end(`not recorded: ${seen.method} ${seen.path}`);
      return;
    }
    if (fitting.length > 1) left.splice(left.indexOf(step), 1);
    const body = typeof step.response === "string" ? step.response : JSON.stringify(filled(step.response));
    response.writeHead(step.status, step.headers);
    response.end(written(body, server.url));
  });
  return server;
}

function isFor(step: Recorded, seen: Seen): boolean {
  const plain = (path: string) => decodeURIComponent(path.split("?")[0] ?? "");
  return step.method === seen.method && written(plain(step.path), "") === plain(seen.path);
}

/** Puts values for the placeholders that stand inside of texts. */
function written(text: string, url: string): string {
  return text
    .replaceAll("<url>", url)
    .replaceAll("<time>", new Date(time).toISOString())
    .replaceAll("<avatar>", `${url}/avatar`)
    .replace(/<(?:sha|short):([^>]*)>/g, (_, name: string) => sha(name));
}

/** Puts objects for the placeholders that stand for objects. */
function filled(value: unknown): unknown {
  if (typeof value === "string") {
    const user = /^<user:(.*)>$/.exec(value)?.[1];
    if (user !== undefined) return { id: 1, login: user, full_name: "", email: `${user}@example.invalid` };
    const repository = /^<repository:(.*)>$/.exec(value)?.[1];
    return repository === undefined ? value : { full_name: repository };
  }
  if (Array.isArray(value)) return value.flatMap((item, at) => restOf(item, value[at - 1]) ?? [filled(item)]);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, filled(part)]));
}

/** `<cut: 47>` stands for 47 more items, which become copies of the one before, each with names of its own. */
function restOf(item: unknown, before: unknown): unknown[] | null {
  const count = typeof item === "string" ? /^<cut: (\d+)>$/.exec(item)?.[1] : undefined;
  if (count === undefined || typeof before !== "object" || before === null) return null;
  return Array.from({ length: Number(count) }, (_, n) => {
    const copy = filled(before);
    const own = { id: 5000 + n, number: 5000 + n, context: `copy/${n}`, ref: `refs/copy/${n}` };
    const named = Object.entries(own).filter(([key]) => key in before);
    return Object.assign({}, copy, Object.fromEntries(named));
  });
}
