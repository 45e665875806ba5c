// Folders, a task and a profile for one test that runs a real process; everything is gone when the test ends.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Invocation, invocation, type Start } from "../../src/agent/invocation.ts";
import type { Limits } from "../../src/agent/limits.ts";
import type { AgentPreset } from "../../src/agent/preset.ts";
import { command } from "../../src/agent/presets/command.ts";
import type { Profile } from "../../src/agent/profile.ts";
import { endSurvivors } from "../../src/agent/tree.ts";
import { type StandIn, standIn } from "../support/agents/index.ts";

export interface Stage {
  folder: string;
  clone: string;
  resultFile: string;
  outputFile: string;
  /** A file below the folder, for a stand-in's arguments. */
  file(name: string, text?: string): string;
  /** A stand-in started directly, in place of an agent. */
  agent(name: StandIn, ...args: string[]): Invocation;
}

/** The test's own context, because tests that run side by side share everything else. */
export interface Test {
  onTestFinished(clean: () => Promise<void>): void;
}

export function aStage(test: Test): Stage {
  const folder = mkdtempSync(join(tmpdir(), "agent-"));
  const resultFile = join(folder, "result", "result.json");
  test.onTestFinished(async () => {
    await endSurvivors(resultFile, { graceMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ["clone", "home", "tmp", "result"]) mkdirSync(join(folder, name));
  const file = (name: string, text?: string) => {
    if (text !== undefined) writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const clone = join(folder, "clone");
  const agent = (name: StandIn, ...args: string[]) => ({
    ...invocation(aProfile({ command: "true" }), aStart({ ...paths(folder), resultFile }), {
      PATH: process.env["PATH"],
    }),
    file: process.execPath,
    args: [standIn(name), ...args],
  });
  return { folder, clone, resultFile, outputFile: join(folder, "output.log"), file, agent };
}

function paths(folder: string) {
  return { cwd: join(folder, "clone"), home: join(folder, "home"), tmp: join(folder, "tmp") };
}

export function aStart(overrides: Partial<Start> = {}): Start {
  return {
    role: "author",
    kind: "implement",
    item: 42,
    pullRequest: null,
    base: "0123456789012345678901234567890123456789",
    attempt: 1,
    round: 0,
    resultFile: "/w/result/result.json",
    promptFile: "/w/prompt.md",
    prompt: "Please mend it.",
    home: "/w/home",
    tmp: "/w/tmp",
    cwd: "/w/clone",
    root: false,
    session: null,
    marks: {},
    folder: null,
    ...overrides,
  };
}

export function aProfile(overrides: Partial<Profile> = {}): Profile {
  const preset: AgentPreset = command;
  return {
    name: "mine",
    preset,
    model: null,
    effort: null,
    baseUrl: null,
    command: null,
    env: {},
    prices: null,
    program: null,
    ...overrides,
  };
}

/** Limits that no stand-in reaches. */
export function someLimits(overrides: Partial<Limits> = {}): Limits {
  return {
    wallMs: 20_000,
    silenceMs: 0,
    startUpMs: 0,
    outputBytesMax: 1_000_000,
    repeatsMax: 0,
    graceMs: 100,
    drainMs: 100,
    ...overrides,
  };
}

/** Looks often, so that tests take milliseconds. */
export const quick = { pollMs: 10, lookMs: 50, pipesMs: 100 } as const;
