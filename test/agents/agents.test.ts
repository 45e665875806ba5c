// Every CLI that the package registries have, really run: see docs/agents.md. AGENTS names presets (default: those of CI), SCENARIOS scenarios;
// AGENTS_ALL=1 takes all of both; RECORD=1 keeps what was printed as fixtures.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Installed, installAgent } from "../../src/agent/install.ts";
import { presets } from "../../src/agent/presets/index.ts";
import { startStub } from "../support/model/stub-model.mjs";
import { cacheFolder, chosenPresets, chosenScenarios } from "./choice.ts";
import { type Played, play } from "./play.ts";
import type { Scenario } from "./scenarios.ts";
import { type Row, writeRows } from "./table.ts";

const rows: Row[] = [];
let stub: Awaited<ReturnType<typeof startStub>>;

beforeAll(async () => {
  stub = await startStub({});
});

afterAll(async () => {
  await stub.close();
  writeRows(rows);
});

describe.each(chosenPresets(presets))("%s", (id) => {
  const preset = presets.get(id);
  if (preset === undefined) throw new Error(`no preset ${id}`);
  let program: Installed;

  beforeAll(async () => {
    program = await installAgent(preset, { cache: cacheFolder, env: process.env, log: (line) => console.log(line) });
  }, 900_000);

  test.concurrent.each(chosenScenarios())("$name", async (scenario) => {
    const played = await play(preset, program, stub.url, scenario);
    const seen = played.outcome.kind === "failure" ? played.outcome.class : played.outcome.result.status;
    rows.push({
      preset: id,
      scenario: scenario.name,
      seen,
      text: textOf(played),
      seconds: played.ended.durationMs / 1_000,
    });
    if (process.env["RECORD"] !== undefined) record(id, scenario, played);
    expect(scenario.except?.[id] ?? scenario.right, `${seen}: ${textOf(played)}\n${end(played)}`).toContain(seen);
    expect(played.made).toBe(scenario.work === "author");
    expect(played.ended.dead).not.toBeNull();
    expect(played.ended.how).not.toBe("spawn-error");
  });
});

function textOf({ outcome }: Played): string {
  return outcome.kind === "failure" ? outcome.text : (outcome.result.summary ?? "");
}

function end({ printed, ended }: Played): string {
  const how = ended.how === "exit" ? `exit ${ended.code}` : ended.how === "signal" ? ended.signal : ended.text;
  return `${how}\n--- stdout\n${printed.output.slice(-3_000)}\n--- stderr\n${printed.errors.slice(-2_000)}`;
}

function record(id: string, scenario: Scenario, { printed, ended }: Played): void {
  const folder = join("test/fixtures/agents", id);
  mkdirSync(folder, { recursive: true });
  const file = (suffix: string) => join(folder, `${scenario.name}${suffix}`);
  for (const suffix of [".jsonl", ".stderr.txt", ".json"]) rmSync(file(suffix), { force: true });
  if (printed.output !== "") writeFileSync(file(".jsonl"), printed.output);
  if (printed.errors !== "") writeFileSync(file(".stderr.txt"), printed.errors);
  const how = ended.how === "killed" ? { how: ended.how, reason: ended.reason, text: ended.text } : ended;
  const { how: word } = ended;
  const end = word === "exit" ? { how: word, code: ended.code } : word === "killed" ? how : { how: word };
  writeFileSync(file(".json"), `${JSON.stringify(end)}\n`);
}
