// npm run simulate -- --seeds 10000 | --seconds 120 | --variants | --seed 1234 --trace

import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { type Hunt, hunt } from "./pool.ts";
import type { Result } from "./simulate.ts";

const help = `npm run simulate -- [options]
  --seeds N      worlds to live (default 200; 500 at most for each variant)
  --from S       the first seed (default 1)
  --seconds T    begin none after so many seconds
  --seed X       this one alone
  --trace        print everything that happens
  --hash         print a fingerprint of everything that happened
  --variants      show that each broken variant is caught, and after how many seeds
  --variant NAME  live the worlds of one broken variant
  --workers W    processes (default: one for each core)`;

const { values } = parseArgs({
  options: {
    ...{ seeds: { type: "string" }, from: { type: "string" }, seconds: { type: "string" }, seed: { type: "string" } },
    ...{ trace: { type: "boolean" }, hash: { type: "boolean" }, help: { type: "boolean" } },
    ...{ variants: { type: "boolean" }, variant: { type: "string" }, workers: { type: "string" } },
  },
});

/** Failed seeds that are told in full. */
const toldMax = 5;
/** Lines of what happened before a violation. */
const lastLines = 40;

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help === true) {
    console.log(help);
    return 0;
  }
  if (values.variants === true) return huntMutants();
  return huntSeeds(values.variant === undefined ? null : named(values.variant));
}

function named(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found === undefined)
    throw new Error(`there is no variant ${name}; there are ${mutants.map((m) => m.name).join(", ")}`);
  return found;
}

function number(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`a whole number is expected, got ${text}\n${help}`);
  return value;
}

function bounds(seedsMax: number): Pick<Hunt, "from" | "count" | "workers" | "seconds" | "hashed" | "isTold"> {
  const only = values.seed === undefined ? null : number(values.seed, 1);
  const seconds = values.seconds === undefined ? null : number(values.seconds, 0);
  const count = number(values.seeds, seconds === null ? seedsMax : 1_000_000);
  return {
    ...{ from: only ?? number(values.from, 1), count: only === null ? count : 1, seconds },
    workers: number(values.workers, availableParallelism()),
    ...{ hashed: values.hash === true, isTold: values.trace === true },
  };
}

async function withBundle<T>(mutant: Mutant | null, use: (file: string) => Promise<T>): Promise<T> {
  const file = await bundle(mutant);
  try {
    return await use(file);
  } finally {
    await rm(file, { force: true });
  }
}

async function huntSeeds(mutant: Mutant | null): Promise<number> {
  const failed: Result[] = [];
  const sums = { steps: 0, runs: 0, agents: 0 };
  const begun = Date.now();
  const heard = (result: Result): boolean => {
    sums.steps += result.steps;
    sums.runs += result.runs;
    sums.agents += result.agents;
    if (values.hash === true) console.log(`${result.seed} ${result.fingerprint}`);
    if (result.violation === null) return true;
    failed.push(result);
    tell(result, mutant);
    return failed.length < toldMax;
  };
  const lived = await withBundle(mutant, (file) => hunt({ file, heard, ...bounds(200) }));
  const seconds = (Date.now() - begun) / 1000;
  console.log(
    `${lived} worlds, ${sums.runs} runs, ${sums.agents} agents, ${sums.steps} steps in ${seconds.toFixed(0)} s (${(lived / seconds).toFixed(1)} worlds a second): ${failed.length === 0 ? "no violation" : `${failed.length} failed`}`,
  );
  return failed.length === 0 ? 0 : 1;
}

function tell({ seed, violation, last }: Result, mutant: Mutant | null): void {
  if (values.trace !== true) for (const line of last.slice(-lastLines)) console.log(`  ${line}`);
  console.log(`seed ${seed}: ${violation?.rule}: ${violation?.text}`);
  console.log(
    `replay: npm run simulate -- --seed ${seed} --trace${mutant === null ? "" : ` --variant ${mutant.name}`}`,
  );
}

async function huntMutants(): Promise<number> {
  let missed = 0;
  // An empty table would look like a proof.
  if (mutants.length === 0) throw new Error("no broken variant is defined in test/simulation/mutants.ts");
  console.log("| variant | broken | caught after | by |\n|---|---|---|---|");
  for (const mutant of mutants) {
    let caught: Result | null = null;
    const heard = (result: Result): boolean => {
      if (result.violation !== null) caught ??= result;
      return result.violation === null;
    };
    const lived = await withBundle(mutant, (file) => hunt({ file, heard, ...bounds(500) }));
    const found = caught as Result | null;
    if (found === null) missed++;
    const after =
      found === null ? `not within ${lived} seeds` : `${lived} seed${lived === 1 ? "" : "s"} (${found.seed})`;
    console.log(`| ${mutant.name} | ${mutant.breaks} | ${after} | ${found?.violation?.rule ?? ""} |`);
  }
  return missed === 0 ? 0 : 1;
}
