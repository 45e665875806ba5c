import type { AgentPreset } from "../preset.ts";

/**
 * GitHub Copilot CLI. Seen with 1.0.102 against a scripted model server; what it printed is kept in test/fixtures/agents/copilot. The login with a
 * GitHub account is by its documentation, not run.
 *
 * - `model` is a bare name. With `baseUrl` it is the name of a model there (OpenAI's chat protocol), and no GitHub account is needed; without, one of
 *   GitHub's, with a token in `COPILOT_GITHUB_TOKEN`. `GH_TOKEN` and `GITHUB_TOKEN` would do for it too, but may be the forge's: they do not pass.
 * - It retries five times, and nothing turns that down: a spent quota is told after a minute.
 * - A refusal is a good end to it. The model's empty answer is replaced by a sentence of its own, which is all that tells it.
 * - Tokens are told in a file only, no cost at all; the session at the end only.
 */
export const copilot: AgentPreset = {
  id: "copilot",
  bin: "copilot",
  version: { args: ["--version"], match: "CLI (\\d+\\.\\d+\\.\\d+)", tested: "1.0.102" },
  install: { npm: "@github/copilot", pin: "1.0.102", node: null, needsScripts: false },
  argv: [
    "--output-format",
    "json",
    "--no-ask-user",
    "--no-auto-update",
    "--disable-client-telemetry",
    "--no-remote-export",
    // They act on GitHub, which is not the forge of this repository.
    "--disable-builtin-mcps",
    { when: "model", args: ["--model", "{{model}}"] },
    { when: "effort", args: ["--reasoning-effort", "{{effort}}"] },
  ],
  prompt: { via: "stdin", args: [] },
  approve: {
    auto: ["--allow-all"],
    readOnly: ["--allow-all", "--excluded-tools=create,edit,apply_patch"],
    rootEnv: {},
  },
  env: {
    set: { COPILOT_HOME: "{{home}}/.copilot" },
    credentials: ["COPILOT_PROVIDER_API_KEY", "COPILOT_GITHUB_TOKEN"],
  },
  config: [],
  baseUrl: {
    // Offline: no GitHub login, no GitHub service.
    set: { COPILOT_PROVIDER_TYPE: "openai", COPILOT_PROVIDER_BASE_URL: "{{baseUrl}}", COPILOT_OFFLINE: "true" },
    args: [],
    suffix: "/v1",
    keyless: {},
  },
  resume: { args: ["--resume={{session}}"], at: "append" },
  output: {
    format: "jsonl",
    rules: [
      { when: { type: "result" }, emit: "session", take: { id: "sessionId" } },
      {
        when: { type: "assistant.message", "data.toolRequests.0": { exists: false } },
        emit: "final",
        take: { text: "data.content" },
      },
      {
        when: { type: "model.call_failure" },
        emit: "retry",
        take: { status: "data.statusCode", code: "data.errorCode", text: "data.errorMessage" },
      },
      {
        when: { type: "session.error" },
        emit: "failure",
        take: { status: "data.statusCode", code: "data.errorType", text: "data.message" },
      },
      // The whole message, and no model's: a model that quotes it says more.
      {
        when: {
          type: "assistant.message",
          "data.toolRequests.0": { exists: false },
          "data.content": {
            regex: "^The model returned no content because the response was blocked by content filtering\\.$",
          },
        },
        emit: "failure",
        take: { text: "data.content" },
      },
      {
        when: { type: "tool.execution_start" },
        emit: "tool-start",
        take: { id: "data.toolCallId", name: "data.toolName", input: "data.arguments" },
      },
      { when: { type: "tool.execution_complete" }, emit: "tool-end", take: { id: "data.toolCallId" } },
    ],
  },
  // It prints the same with exit code 0 when it is told to end by a signal; the reason for that signal comes first.
  success: { terminal: { type: "result", exitCode: 0 }, finalRequired: true },
  exits: {},
  errors: [
    { in: "event", match: "blocked by content filtering", class: "refusal" },
    {
      in: "event",
      match: "maximum context length|context_length_exceeded|prompt is too long",
      class: "context-overflow",
    },
    { in: "event", match: "^authentication$|^authorization$", class: "auth" },
    { in: "event", match: "^rate_limit$|^quota$", class: "quota" },
    { in: "event", match: "Failed native model HTTP request|ENOTFOUND|ECONNREFUSED|ECONNRESET", class: "network" },
    { in: "event", match: "^No response was returned", class: "contract-invalid" },
    {
      in: "stderr",
      match: "No authentication information found|Personal Access Tokens|Authentication failed",
      class: "auth",
    },
    { in: "stderr", match: "^error: unknown option|Invalid command format", class: "start-up" },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
