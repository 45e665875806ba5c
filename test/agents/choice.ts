// What a run of the suite plays.

import { homedir } from "node:os";
import { join } from "node:path";
import type { AgentPreset } from "../../src/agent/preset.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** Installed CLIs stay here between runs, as where the program itself puts them. Not below the repository: `act` copies all of that. */
export const cacheFolder = join(homedir(), ".cache", "agent-dispatch");

const inCi = ["claude", "codex", "gemini", "opencode"];

const list = (name: string) => (process.env[name] ?? "").split(",").filter((word) => word !== "");
const isAll = process.env["AGENTS_ALL"] !== undefined;

/** Ids of presets that can be installed. */
export function chosenPresets(presets: ReadonlyMap<string, AgentPreset>): string[] {
  const known = [...presets.values()].filter(({ install }) => install !== null).map(({ id }) => id);
  const named = list("AGENTS");
  if (named.length > 0) return named;
  return isAll ? known : known.filter((id) => inCi.includes(id));
}

export function chosenScenarios(): Scenario[] {
  const named = list("SCENARIOS");
  if (named.length > 0) return scenarios.filter(({ name }) => named.includes(name));
  return scenarios.filter(({ inCi: always }) => isAll || list("AGENTS").length > 0 || always === true);
}
