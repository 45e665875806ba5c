// What the real CLIs printed (test/agents records it), read and judged again: rules that change must still understand it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { classify } from "../../src/agent/classify.ts";
import { OutputReader } from "../../src/agent/output.ts";
import { presets } from "../../src/agent/presets/index.ts";
import { parseResult } from "../../src/agent/result.ts";
import type { HowEnded } from "../../src/agent/supervise.ts";
import { endSurvivors } from "../../src/agent/tree.ts";
import { scenarios } from "../agents/scenarios.ts";

const root = "test/fixtures/agents";
const seen: Record<string, Record<string, string>> = JSON.parse(readFileSync(join(root, "seen.json"), "utf8"));
const nothing = await endSurvivors("/no/such/run/result.json", { graceMs: 0 });
const dead = nothing.kind === "dead" ? nothing.dead : null;

const read = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");

describe.each(Object.entries(seen))("%s", (id, cases) => {
  test.each(Object.entries(cases))("%s: %s", (name, wanted) => {
    const preset = presets.get(id);
    const scenario = scenarios.find((at) => at.name === name);
    if (preset === undefined || scenario === undefined) throw new Error(`unknown: ${id}, ${name}`);
    const how: HowEnded = JSON.parse(read(join(root, id, `${name}.json`)));
    const reader = new OutputReader(preset);
    reader.push(Buffer.from(read(join(root, id, `${name}.jsonl`))));
    const outcome = classify({
      ...{ role: scenario.role, preset, output: reader.end(read(join(root, id, `${name}.stderr.txt`)).trimEnd()) },
      ended: {
        ...{ ...how, startedAt: 0, durationMs: 1_000, bytes: 1, survivors: 0, dead, unkillable: [] },
        ...{ outputFile: "/w/out", errorFile: "/w/out.stderr" },
      },
      result: scenario.work === "reviewer" ? parseResult(`{"status":"approved","summary":"good"}`) : { kind: "absent" },
      ...{ treeChanged: scenario.work === "author", nowMs: Date.parse("2026-11-21T12:00:00Z") },
    });
    expect(outcome.kind === "failure" ? outcome.class : outcome.result.status).toBe(wanted);
  });
});
