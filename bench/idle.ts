// A run with nothing to do: requests, git processes, and time and memory beside the smallest node process.

import { alternating, bareNode, median } from "./measure.ts";
import { addIssues, addRepo, type BundleRun, type Event, openPlace, type Place, runBundle } from "./place.ts";
import { type Report, times } from "./report.ts";

const rounds = 7;

const tick: Event = { name: "schedule", payload: { schedule: "17 * * * *" } };

/** Never started: every run of this benchmark must end idle. */
const inputs = { "agent-command": "exit 1" };

interface Variant {
  name: string;
  labels: readonly string[];
  assignee?: string;
  /** Labels of the repository; default all. */
  known?: readonly string[];
  /** How long nothing has happened to the issues, in ms. */
  ageMs?: number;
  /** Requests allowed beyond 8 and one for every 50 issues. */
  extra?: number;
}

const dayMs = 24 * 3_600_000;

const variants: readonly Variant[] = [
  { name: "unlabelled", labels: [] },
  { name: "unlabelled, no label `bot` in the repository", labels: [], known: ["hold"] },
  { name: "`bot` and `hold`", labels: ["bot", "hold"] },
  { name: "`bot` and an excluded label", labels: ["bot", "wontfix"] },
  { name: "`bot`, assigned to a person, untouched for two days", labels: ["bot"], assignee: "alice", ageMs: 2 * dayMs },
  // One of them is read closely: a label put on after the assignment would be an order all the same.
  { name: "`bot`, assigned to a person today", labels: ["bot"], assignee: "alice", extra: 8 },
];

export async function idle(report: Report): Promise<void> {
  const place = await openPlace();
  try {
    report.title("An idle run");
    await costs(report, place);
    await counts(report, place);
  } finally {
    await place.forge.close();
  }
}

async function costs(report: Report, place: Place): Promise<void> {
  const cases: [string, string][] = [["no issue", await addRepo(place, "none")]];
  for (const [name, labels] of [
    ["1,000 unlabelled issues", []],
    ["1,000 issues with `bot` and `hold`", ["bot", "hold"]],
  ] as const) {
    const full = await addRepo(place, `costs-${cases.length}`);
    await addIssues(place, full, 1_000, { labels });
    cases.push([name, full]);
  }
  const rows = [];
  for (const [name, full] of cases) {
    await idleRun(place, full);
    const { a, b } = await alternating(rounds, bareNode, () => idleRun(place, full));
    const ratio = (of: (m: BundleRun | (typeof a)[number]) => number) => times(median(b.map(of)) / median(a.map(of)));
    const received = median(b.map((run) => Object.values(run.places).reduce((sum, bytes) => sum + bytes, 0)));
    rows.push([
      name,
      ratio((m) => m.wallMs),
      ratio((m) => m.cpuMs),
      ratio((m) => m.maxRssKiB),
      `${(received / 1024).toFixed(0)} KiB`,
    ]);
  }
  report.table(["repository", "wall / `node -e 0`", "CPU time", "peak memory", "received from the forge"], rows);
  report.note("");
}

async function counts(report: Report, place: Place): Promise<void> {
  const rows = [];
  const none = await idleRun(place, await addRepo(place, "zero"));
  rows.push(["0", "", report.bound("requests, 0 issues", none.requests.length, 8), gits(report, "0 issues", none, 0)]);
  for (const { name, labels, assignee, known, ageMs = 0, extra = 0 } of variants) {
    for (const count of [50, 200, 1_000]) {
      const full = await addRepo(
        place,
        `i${count}-${variants.findIndex((v) => v.name === name)}`,
        known ? { labels: known } : {},
      );
      place.forge.clockOffsetMs = -ageMs;
      await addIssues(place, full, count, { labels, ...(assignee === undefined ? {} : { assignee }) });
      place.forge.clockOffsetMs = 0;
      const run = await idleRun(place, full);
      const what = `${count} issues, ${name}`;
      const max = 8 + Math.ceil(count / 50) + extra;
      rows.push([
        String(count),
        name,
        report.bound(`requests, ${what}`, run.requests.length, max),
        gits(report, what, run, 0),
      ]);
    }
  }
  report.table(["issues", "of what kind", "requests", "git processes"], rows);
}

function gits(report: Report, what: string, run: BundleRun, max: number): string {
  return report.bound(`git processes, ${what}`, run.gits.length, max);
}

async function idleRun(place: Place, full: string): Promise<BundleRun> {
  const run = await runBundle(place, full, tick, inputs);
  if (run.code !== 0 || run.outputs.get("outcome") !== "idle") throw new Error(`not idle on ${full}:\n${run.output}`);
  return run;
}
