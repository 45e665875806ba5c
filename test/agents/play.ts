// One start of a real CLI as the program starts it, against a scripted model server.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type AgentOutcome, classify } from "../../src/agent/classify.ts";
import { writeSettings } from "../../src/agent/config.ts";
import type { Installed } from "../../src/agent/install.ts";
import { invocation } from "../../src/agent/invocation.ts";
import { type AgentOutput, OutputReader, readOutput } from "../../src/agent/output.ts";
import type { AgentPreset } from "../../src/agent/preset.ts";
import { readResult } from "../../src/agent/result.ts";
import { type Ended, supervise } from "../../src/agent/supervise.ts";
import { cacheFolder } from "./choice.ts";
import type { Scenario } from "./scenarios.ts";

export interface Played {
  outcome: AgentOutcome;
  ended: Ended;
  output: AgentOutput;
  /** What it printed. */
  printed: { output: string; errors: string };
  made: boolean;
}

const approved = `{"status":"approved","summary":"good"}`;

/** The stub obeys the newest such line in the prompt. */
const directives = {
  author: "[[stub:shell echo hi > made.txt]]",
  reviewer: `[[stub:shell echo '${approved}' > "$AGENT_DISPATCH_RESULT"]]`,
  loop: "[[stub:shell true]]",
} as const;

let plays = 0;

/** `stub`: address of the model's server. `session`: of an earlier play in the same `folder`. */
export async function play(preset: AgentPreset, program: Installed, stub: string, scenario: Scenario): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), `agents-${preset.id}-`));
  try {
    for (const name of ["clone", "home", "tmp", "result", "kept"]) mkdirSync(join(folder, name));
    const clone = join(folder, "clone");
    execFileSync("git", ["init", "-q", clone]);
    writeFileSync(join(clone, "readme.md"), "# A door that squeaks\n");
    const [script = "", count = "1000000"] = scenario.script.split(":");
    const isSteady = !scenario.script.includes(":");
    const key = `${preset.id}${++plays}`;
    const server = isSteady ? `${stub}/s/${script}` : `${stub}/s/${script}:${count}:${key}`;
    const directive = scenario.work === undefined ? "[[stub:say Nothing to do here.]]" : directives[scenario.work];
    const prompt = `Mend the door.\n\n${directive}\n`;
    const promptFile = join(folder, "result", "prompt.md");
    writeFileSync(promptFile, prompt);
    const credential = preset.env.credentials[0];
    const profile = {
      ...{
        name: preset.id,
        preset,
        model: "stub-model",
        effort: null,
        baseUrl: server,
        command: null,
        prices: null,
        program,
      },
      env: credential === undefined ? {} : { [credential]: "STUB_KEY" },
    };
    const start = {
      ...{ role: scenario.role, kind: "implement", item: 1, pullRequest: null, base: "0".repeat(40) },
      ...{ attempt: 1, round: 0, resultFile: join(folder, "result", "result.json"), promptFile, prompt },
      ...{ home: join(folder, "home"), tmp: join(folder, "tmp"), cwd: clone, folder, session: null },
      ...{ root: process.getuid?.() === 0, marks: {} },
    };
    await writeSettings(profile, start);
    const host = { STUB_KEY: "stub-key", PATH: process.env["PATH"] };
    const ended = await supervise(
      invocation(profile, start, host),
      join(folder, "kept", "out"),
      {
        ...{ wallMs: 150_000, silenceMs: scenario.silenceMs ?? 60_000, startUpMs: 60_000 },
        ...{
          outputBytesMax: 20_000_000,
          repeatsMax: 8,
          graceMs: preset.limits.graceMs,
          drainMs: preset.limits.drainMs,
        },
      },
      { output: new OutputReader(preset) },
    );
    const output = readOutput(preset, ended);
    const made = existsSync(join(clone, "made.txt"));
    const result = readResult(start.resultFile);
    const outcome = classify({
      ...{ role: scenario.role, preset, ended, output, result, treeChanged: made, nowMs: Date.now() },
    });
    const printed = { output: readFileSync(ended.outputFile, "utf8"), errors: readFileSync(ended.errorFile, "utf8") };
    return { outcome, ended, output, printed: clean(printed, folder, stub), made };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The same from run to run as far as that goes. */
function clean(printed: Played["printed"], folder: string, stub: string): Played["printed"] {
  const cache = resolve(cacheFolder);
  const of = (text: string) =>
    text.replaceAll(folder, "/w").replaceAll(cache, "/cache").replaceAll(stub, "http://127.0.0.1:1");
  return { output: of(printed.output), errors: of(printed.errors) };
}
