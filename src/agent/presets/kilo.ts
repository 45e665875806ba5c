import type { AgentPreset } from "../preset.ts";
import { opencode } from "./opencode.ts";

/**
 * Kilo Code, which is made from opencode: what is said there holds here too. Seen with 7.7.7 against a scripted model server; what it printed is kept
 * in test/fixtures/agents/kilo.
 *
 * - Its variables are named KILO_…, and its number of retries can be set.
 * - The free service that is left out without a `model` is its own; `KILO_API_KEY` and a `model` that begins with `kilo/` mean it.
 * - Without `baseUrl` it asks its vendor for a list of models at every start.
 * - An error may be a bare text.
 */
export const kilo: AgentPreset = {
  ...opencode,
  id: "kilo",
  bin: "kilo",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "7.7.7" },
  install: { npm: "@kilocode/cli", pin: "7.7.7", node: null, needsScripts: false },
  env: {
    set: {
      KILO_DISABLE_AUTOUPDATE: "1",
      KILO_DISABLE_MODELS_FETCH: "1",
      KILO_DISABLE_LSP_DOWNLOAD: "1",
      KILO_DISABLE_DEFAULT_PLUGINS: "1",
      KILO_DISABLE_SESSION_INGEST: "1",
      KILO_DISABLE_PRESENCE: "1",
      KILO_DISABLE_CODEBASE_INDEXING: "1",
      KILO_NO_DAEMON: "1",
      KILO_TELEMETRY_LEVEL: "off",
      KILO_SESSION_RETRY_LIMIT: "2",
    },
    credentials: [
      "OPENAI_API_KEY",
      "ANTHROPIC_API_KEY",
      "GOOGLE_GENERATIVE_AI_API_KEY",
      "OPENROUTER_API_KEY",
      "KILO_API_KEY",
    ],
  },
  config: opencode.config.map((part) => ({ ...part, place: { env: "KILO_CONFIG_CONTENT" } })),
  output: {
    ...opencode.output,
    rules: [
      ...opencode.output.rules,
      { when: { type: "error", error: { regex: "." } }, emit: "failure", take: { text: "error" } },
    ],
  },
};
