import type { AgentPreset } from "../preset.ts";
import { claude } from "./claude.ts";
import { command } from "./command.ts";

/** Every preset by its id. A CLI is added by one file and one word here. */
export const presets: ReadonlyMap<string, AgentPreset> = new Map(
  [claude, command].map((preset) => [preset.id, preset]),
);
