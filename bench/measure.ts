// Runs a program once and says what it took. Never synchronously: the forge that answers it lives in this process.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const Usage = z.object({ maxRssKiB: z.number(), cpuMs: z.number(), places: z.record(z.string(), z.number()) });

export interface Measured {
  wallMs: number;
  cpuMs: number;
  maxRssKiB: number;
  /** Bytes that came in by place (`host:port`) that a socket was opened to. */
  places: Readonly<Record<string, number>>;
  code: number | null;
  output: string;
  /** Wall-clock time of the start, ms since 1970. */
  startedAt: number;
}

const preload = fileURLToPath(new URL("usage.cjs", import.meta.url));

/** Longest run of a measured program, in ms. */
const runMs = 300_000;

/** A node process with the arguments given. */
export async function node(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Measured> {
  const folder = await mkdtemp(path.join(tmpdir(), "agent-dispatch-bench-usage-"));
  const file = path.join(folder, "usage.json");
  try {
    const ended = await run(process.execPath, ["--require", preload, ...args], { ...env, BENCH_USAGE: file }, cwd);
    return { ...ended, ...Usage.parse(JSON.parse(await readFile(file, "utf8"))) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The smallest node process: what every figure is a multiple of. */
export async function bareNode(): Promise<Measured> {
  return await node(["-e", "0"], { PATH: process.env["PATH"] ?? "" }, tmpdir());
}

export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Pick<Measured, "wallMs" | "code" | "output" | "startedAt">> {
  const startedAt = Date.now();
  const start = performance.now();
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: runMs });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += String(part)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { wallMs: performance.now() - start, code, output, startedAt };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** Rounds of two measurements that take turns, so that a change of the machine's mood meets both. */
export async function alternating<A, B>(
  rounds: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const [a, b]: [A[], B[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    a.push(await first());
    b.push(await second());
  }
  return { a, b };
}
