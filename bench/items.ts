// An idle run beside a ledger of many items, as a multiple of one beside an empty ledger.

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { formatRecord, type LedgerRecord } from "../src/ledger/record.ts";
import { itemRef } from "../src/ledger/refs.ts";
import { aRecord } from "../test/support/builders.ts";
import { alternating, median, run } from "./measure.ts";
import { addRepo, type BundleRun, openPlace, type Place, runBundle } from "./place.ts";
import { type Report, times } from "./report.ts";

const rounds = 5;
const dayMs = 24 * 3_600_000;

interface Variant {
  name: string;
  count: number;
  /** The nth item, from 1. */
  record(n: number): Partial<LedgerRecord>;
}

const closed = (n: number): Partial<LedgerRecord> => ({
  ...{ state: "closed", stage: null, slot: null, pull: n + 20_000, head: n.toString(16).padStart(40, "a") },
  // Not yet old enough to be swept.
  at: new Date(Date.now() - (n % 13) * dayMs).toISOString(),
});

const variants: readonly Variant[] = [
  { name: "1,000 closed", count: 1_000, record: closed },
  { name: "10,000 closed", count: 10_000, record: closed },
];

export async function items(report: Report): Promise<void> {
  report.title("An idle run beside a large ledger");
  const place = await openPlace();
  try {
    const empty = await addRepo(place, "empty-ledger");
    const one = await addRepo(place, "one-item");
    await fillLedger(place, one, { name: "one closed", count: 1, record: closed });
    const rows: string[][] = [];
    const cases: [string, string][] = [["one closed", one]];
    for (const variant of variants) {
      const full = await addRepo(place, `items-${variant.count}`);
      await fillLedger(place, full, variant);
      cases.push([variant.name, full]);
    }
    for (const [name, full] of cases) rows.push(await beside(report, place, empty, full, name));
    report.table(
      [
        "items",
        "REST requests",
        "git requests",
        "git processes",
        "wall / empty ledger",
        "CPU time",
        "peak memory",
        "received",
      ],
      rows,
    );
  } finally {
    await place.forge.close();
  }
}

async function beside(report: Report, place: Place, empty: string, full: string, name: string): Promise<string[]> {
  await idleRun(place, full);
  const { a, b } = await alternating(
    rounds,
    () => idleRun(place, empty),
    () => idleRun(place, full),
  );
  const ratio = (of: (m: BundleRun) => number) => times(median(b.map(of)) / median(a.map(of)));
  const count = (kind: "api" | "git") =>
    Math.max(...b.map((m) => m.requests.filter((request) => request.kind === kind).length));
  const received = median(b.map((m) => Object.values(m.places).reduce((sum, bytes) => sum + bytes, 0)));
  return [
    name,
    report.bound(`REST requests, ${name}`, count("api"), 8),
    report.bound(`git requests, ${name}`, count("git"), 3),
    report.bound(`git processes, ${name}`, Math.max(...b.map((m) => m.gits.length)), 6),
    ratio((m) => m.wallMs),
    ratio((m) => m.cpuMs),
    ratio((m) => m.maxRssKiB),
    `${(received / 1024).toFixed(0)} KiB`,
  ];
}

async function idleRun(place: Place, full: string): Promise<BundleRun> {
  const tick = { name: "schedule", payload: { schedule: "17 * * * *" } };
  const ended = await runBundle(place, full, tick, { "agent-command": "exit 1" });
  if (ended.code !== 0 || ended.outputs.get("outcome") !== "idle")
    throw new Error(`not idle on ${full}:\n${ended.output}`);
  return ended;
}

/** Records as a forge has them after its own housekeeping: packed. */
async function fillLedger({ forge }: Place, full: string, { count, record }: Variant): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "", GIT_DIR: forge.gitDir(full) };
  const fastImport = spawn("git", ["fast-import", "--quiet"], { env, stdio: ["pipe", "ignore", "inherit"] });
  for (let n = 1; n <= count; n++) {
    const key = `issue-${n}`;
    const message = formatRecord(aRecord({ ...record(n), key, branch: `agent/${key}` }));
    const head = `commit ${itemRef(key)}\ncommitter bot <bot@example.invalid> ${1_700_000_000 + n} +0000\n`;
    fastImport.stdin.write(`${head}data ${Buffer.byteLength(message)}\n${message}\n`);
  }
  fastImport.stdin.end("done\n");
  const [code]: unknown[] = await once(fastImport, "close");
  if (code !== 0) throw new Error(`git fast-import ended with ${String(code)}`);
  const packed = await run("git", ["pack-refs", "--all"], env, forge.gitDir(full));
  if (packed.code !== 0) throw new Error(packed.output);
}
