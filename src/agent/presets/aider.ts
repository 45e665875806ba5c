import type { AgentPreset } from "../preset.ts";

/**
 * aider. A Python package, so it is installed on the runner (`aider-chat`). Tried by hand with 0.86.2 against a scripted model server, with these
 * flags; that is not part of the tests.
 *
 * - For authors only: it runs no commands, so it cannot write a result, and a reviewer's verdict would never come. What it changed in the clone
 *   is its work.
 * - `model` is `provider/model`, and the provider's usual variable holds the key. With `baseUrl` it is the server's own name of the model, the server
 *   speaks OpenAI's Chat Completions, and the key is `OPENAI_API_KEY`.
 * - It prints its errors among the model's words and exits with 0: a wrong key, a spent quota or a refusal ends as a run that changed nothing.
 * - It repeats a failed request for about a minute.
 * - No map of the repository: that would leave its cache in the clone. It finds the files that the prompt names.
 * - It asks for a list of prices in the network, and goes on without.
 */
export const aider: AgentPreset = {
  id: "aider",
  bin: "aider",
  version: { args: ["--version"], match: "^aider (\\d+\\.\\d+\\.\\d+)", tested: "0.86.2" },
  install: null,
  argv: [
    "--no-pretty",
    "--no-stream",
    "--no-fancy-input",
    "--no-auto-commits",
    "--no-dirty-commits",
    "--no-gitignore",
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--no-detect-urls",
    "--no-suggest-shell-commands",
    "--analytics-disable",
    "--map-tokens",
    "0",
    "--chat-history-file",
    "{{home}}/.aider/chat.md",
    "--input-history-file",
    "{{home}}/.aider/input",
    { when: "effort", args: ["--reasoning-effort", "{{effort}}"] },
    { when: "model", args: ["--model", "{{model}}"] },
  ],
  prompt: { via: "file", args: ["--message-file", "{{promptFile}}"] },
  approve: { auto: ["--yes-always"], readOnly: ["--yes-always"], rootEnv: {} },
  env: {
    set: { LITELLM_LOCAL_MODEL_COST_MAP: "True" },
    credentials: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "DEEPSEEK_API_KEY"],
  },
  config: [],
  baseUrl: {
    set: { OPENAI_API_BASE: "{{baseUrl}}" },
    // The last one counts.
    args: [{ when: "model", args: ["--model", "openai/{{model}}"] }],
    suffix: "/v1",
    keyless: { OPENAI_API_KEY: "none" },
  },
  resume: null,
  output: { format: "text", rules: [] },
  success: { terminal: null, finalRequired: false },
  exits: {},
  errors: [{ in: "stderr", match: "^aider: error:|^usage: aider", class: "start-up" }],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
