// Which runs the forge is asked about, and how often: bounded, and nothing where nobody holds a claim.

import { describe, expect, test } from "vitest";
import type { RecordFact } from "../src/core/model.ts";
import { readEnds } from "../src/ends.ts";
import { RunError } from "../src/errors.ts";
import type { ForgeRun } from "../src/forge/model.ts";
import type { LedgerRecord } from "../src/ledger/record.ts";
import { hour, iso, now, recorded, someLimits } from "./support/builders.ts";

const silent = iso(now - 120_000);

function ended(number: number): ForgeRun {
  const of = { id: 10 * number, number, workflow: "agent.yml", event: "issues" };
  return { ...of, state: "ended", endedAt: now - 90_000, conclusion: "failure" };
}

/** Claims by issue number; each is held by the run of ten times that number. */
function claims(changes: Record<number, Partial<LedgerRecord>>): Record<string, RecordFact> {
  return Object.fromEntries(
    Object.entries(changes).map(([number, change]) => {
      const run = { id: 10 * Number(number), number: Number(number), attempt: 1, url: "" };
      return [`issue-${number}`, recorded({ key: `issue-${number}`, state: "held", at: silent, run, ...change })];
    }),
  );
}

/** A forge that shows runs by id, or only as a list; what it was asked. */
function forge({ byId, fails = false }: { byId: boolean; fails?: boolean }) {
  const asked: string[] = [];
  const lines: string[] = [];
  const calls = {
    runById: async (id: number) => {
      asked.push(`run ${id}`);
      if (fails) throw new RunError("Could not read it", { remedy: "Wait.", mender: "server operator", retry: true });
      return byId ? ended(id / 10) : null;
    },
    recentRuns: async () => {
      asked.push("list");
      return [ended(3), ended(4)];
    },
  };
  return { asked, lines, ports: { forge: calls, log: { line: (text: string) => lines.push(text) } } };
}

const look = (ports: Parameters<typeof readEnds>[0], records: Record<string, RecordFact>, item: number | null = null) =>
  readEnds(ports, records, { item }, { owner: "this-run", seed: 1 }, someLimits(), now);

describe("runs that hold claims", () => {
  test("asked about: claims of others on a server that are alive by age and silent for a minute", async () => {
    const { asked, ports } = forge({ byId: true });
    const records = claims({
      1: {},
      2: { state: "published" },
      3: { at: iso(now - 59_000) },
      4: { at: iso(now - hour) },
      5: { ttlSeconds: 0 },
      6: { run: null },
      7: { owner: "this-run" },
      8: { state: "released" },
    });
    const ends = await look(ports, records);
    expect(asked.toSorted()).toEqual(["run 10", "run 20"]);
    expect(ends).toEqual({
      "issue-1": { at: now - 90_000, how: "failure" },
      "issue-2": { at: now - 90_000, how: "failure" },
    });
  });

  test("nobody holds one: nothing is asked", async () => {
    const { asked, ports } = forge({ byId: true });
    expect(await look(ports, claims({ 1: { state: "done" } }))).toEqual({});
    expect(asked).toEqual([]);
  });

  test("at most ten, the item named among them, the others by turns", async () => {
    const many = claims(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [index + 1, {}])));
    const { asked, ports } = forge({ byId: true });
    expect(Object.keys(await look(ports, many, 17))).toHaveLength(10);
    expect(asked[0]).toBe("run 170");
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const ends = await readEnds(ports, many, { item: null }, { owner: "", seed }, someLimits(), now);
      for (const key of Object.keys(ends)) seen.add(key);
    }
    expect(seen.size).toBe(30);
  });

  test("a server that shows none by id: one list for all", async () => {
    const { asked, ports } = forge({ byId: false });
    const ends = await look(ports, claims({ 3: {}, 4: {}, 5: {} }));
    expect(asked.filter((call) => call === "list")).toHaveLength(1);
    expect(ends).toEqual({
      "issue-3": { at: now - 90_000, how: "failure" },
      "issue-4": { at: now - 90_000, how: "failure" },
      "issue-5": null,
    });
  });

  test("a forge that cannot say it now: age decides, and the log tells", async () => {
    const { lines, ports } = forge({ byId: true, fails: true });
    expect(await look(ports, claims({ 3: {} }))).toEqual({ "issue-3": null });
    expect(lines).toEqual([expect.stringContaining("whether run 3 has ended is not known")]);
  });
});
