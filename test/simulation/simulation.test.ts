// The simulation itself: a seed is one world and no other, a failure can be replayed from its one line, and every broken variant still fits the
// program it is made from.

import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { mutants } from "./mutants.ts";
import { hunt } from "./pool.ts";
import type { Result } from "./simulate.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 120_000;

async function lived(seeds: { from: number; count: number; workers: number }): Promise<Map<number, string>> {
  const file = await bundle(null);
  const found = new Map<number, string>();
  const heard = ({ seed, fingerprint, steps }: Result) => {
    found.set(seed, `${steps} ${fingerprint}`);
    return true;
  };
  try {
    await hunt({ file, heard, ...seeds, seconds: null, hashed: true, isTold: false });
  } finally {
    await rm(file, { force: true });
  }
  return found;
}

describe("a seed", () => {
  test("is the same world every time, whatever was lived before it in the same process", {
    timeout: timeoutMs,
  }, async () => {
    const together = await lived({ from: 1, count: 4, workers: 1 });
    const alone = await lived({ from: 3, count: 1, workers: 1 });
    expect([...together.keys()]).toEqual([1, 2, 3, 4]);
    expect(new Set(together.values()).size).toBe(4);
    expect(alone.get(3)).toBe(together.get(3));
  });

  test("that fails prints one line, and that line replays it", { timeout: timeoutMs }, async () => {
    const simulate = async (args: readonly string[]) => {
      const run = promisify(execFile)(join(root, "node_modules", ".bin", "tsx"), ["test/simulation/cli.ts", ...args], {
        ...{ cwd: root, maxBuffer: 64 * 1024 * 1024 },
      });
      // A found violation is status 1.
      return run.then(
        () => [],
        (error: { stdout?: string }) => (error.stdout ?? "").split("\n"),
      );
    };
    const failure = (lines: readonly string[]) => lines.find((line) => /^seed \d+: /.test(line));
    const first = await simulate(["--variant", "no-evidence", "--seeds", "20", "--workers", "1"]);
    const [, line = ""] =
      /^replay: npm run simulate -- (.+)$/.exec(first.find((text) => text.startsWith("replay")) ?? "") ?? [];
    expect(line).toMatch(/^--seed \d+ --trace --variant no-evidence$/);
    const again = await simulate(line.split(" "));
    expect(failure(again)).toBe(failure(first));
    expect(again.filter((text) => /^\d\d:\d\d:\d\d .+: starts: /.test(text)).length).toBeGreaterThan(0);
  });
});

describe("broken variants", () => {
  test("are a dozen at least, each with a name of its own", () => {
    expect(mutants.length).toBeGreaterThanOrEqual(12);
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    for (const { edits } of mutants) expect(edits.length).toBeGreaterThan(0);
  });

  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s fits the program as it is",
    async (_name, { edits }) => {
      for (const { file, find, replace } of edits) {
        const text = await readFile(join(root, file), "utf8");
        expect(text.split(find).length - 1, `${file} has this not once: ${find}`).toBe(1);
        expect(replace).not.toBe(find);
      }
    },
  );

  test("whose text has moved is an error, not the healthy program", async () => {
    const made = (find: string) =>
      bundle({ name: "moved", breaks: "", edits: [{ file: "src/run.ts", find, replace: "" }] });
    await expect(made("no such text")).rejects.toThrow("0 times, not once");
    await expect(made("const")).rejects.toThrow("times, not once");
    const elsewhere = { file: "src/main.ts", find: "import", replace: "" };
    await expect(bundle({ name: "elsewhere", breaks: "", edits: [elsewhere] })).rejects.toThrow(
      "not part of the program",
    );
  });
});
