import type { AgentPreset } from "../preset.ts";
import { aider } from "./aider.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { command } from "./command.ts";
import { copilot } from "./copilot.ts";
import { cursor } from "./cursor.ts";
import { gemini } from "./gemini.ts";
import { goose } from "./goose.ts";
import { kilo } from "./kilo.ts";
import { kimi } from "./kimi.ts";
import { openclaw } from "./openclaw.ts";
import { opencode } from "./opencode.ts";
import { pi } from "./pi.ts";
import { qwen } from "./qwen.ts";

/** Every preset by its id. A CLI is added by one file and one word here. */
export const presets: ReadonlyMap<string, AgentPreset> = new Map(
  [claude, codex, command, gemini, copilot, kilo, kimi, openclaw, opencode, pi, qwen, aider, cursor, goose].map(
    (preset) => [preset.id, preset],
  ),
);
