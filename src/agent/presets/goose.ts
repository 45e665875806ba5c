import type { AgentPreset } from "../preset.ts";

/**
 * goose. By its documentation and its source, not run: no package registry has it. Install it on the runner.
 *
 * - `model` is the name of a model of the provider in `GOOSE_PROVIDER`, which a profile passes on like a credential; with `baseUrl` the provider is
 *   OpenAI's, the key is `OPENAI_API_KEY`, and a model has to be given.
 * - Its old versions print errors as plain text and exit with 0: then no `complete` came, which is a crash.
 * - No session is kept, so none can be gone on with. It leaves out no tool for a reviewer: its shell and its editor are one extension.
 */
export const goose: AgentPreset = {
  id: "goose",
  bin: "goose",
  version: { args: ["--version"], match: "(\\d+\\.\\d+\\.\\d+)", tested: "none" },
  install: null,
  argv: [
    "run",
    "--no-session",
    "--quiet",
    "--output-format",
    "stream-json",
    { when: "model", args: ["--model", "{{model}}"] },
  ],
  prompt: { via: "stdin", args: ["--instructions", "-"] },
  approve: { auto: [], readOnly: [], rootEnv: {} },
  env: {
    set: {
      GOOSE_MODE: "auto",
      GOOSE_PATH_ROOT: "{{home}}/goose",
      GOOSE_DISABLE_KEYRING: "1",
      GOOSE_TELEMETRY_ENABLED: "false",
      GOOSE_TELEMETRY_OFF: "1",
    },
    credentials: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY", "GOOSE_PROVIDER"],
  },
  config: [],
  baseUrl: {
    // Its host is without /v1: it adds the whole path itself.
    set: { OPENAI_HOST: "{{baseUrl}}" },
    args: ["--provider", "openai"],
    suffix: "",
    keyless: { OPENAI_API_KEY: "none" },
  },
  resume: null,
  output: {
    format: "jsonl",
    rules: [
      // A message may come in many pieces.
      {
        when: { type: "message", "message.role": "assistant", "message.content.*.type": "text" },
        emit: "final",
        take: { text: "message.content.*.text" },
        mode: "concat",
      },
      {
        when: { type: "complete" },
        emit: "usage",
        take: {
          ...{ input: "input_tokens", output: "output_tokens" },
          ...{ cacheRead: "cache_read_input_tokens", cacheWrite: "cache_write_input_tokens" },
        },
      },
      { when: { type: "complete", cost_usd: { exists: true } }, emit: "cost", take: { usd: "cost_usd" } },
      { when: { type: "error" }, emit: "failure", take: { text: "error" } },
      {
        when: { type: "message", "message.content.*.type": "toolRequest" },
        emit: "tool-start",
        take: {
          ...{ id: "message.content.*.id", name: "message.content.*.toolCall.value.name" },
          input: "message.content.*.toolCall.value.arguments",
        },
      },
      {
        when: { type: "message", "message.content.*.type": "toolResponse" },
        emit: "tool-end",
        take: { id: "message.content.*.id" },
      },
    ],
  },
  success: { terminal: { type: "complete" }, finalRequired: true },
  exits: {},
  errors: [
    { in: "event", match: "context length|context limit", class: "context-overflow" },
    { in: "event", match: "authentication (error|failed)|status: 40[13]|unauthorized", class: "auth" },
    { in: "event", match: "rate limit|quota|status: (402|429)|credits", class: "quota" },
    { in: "event", match: "server error|status: (404|5\\d\\d)|model not found|overloaded", class: "model-unavailable" },
    { in: "event", match: "network|error sending request|connection|dns error|timed out", class: "network" },
    { in: "stderr", match: "^error: .*(api key|authentication|unauthorized)", class: "auth" },
    {
      in: "stderr",
      match: "^error: (unexpected argument|invalid value|unrecognized)|no provider configured|goose configure",
      class: "start-up",
    },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
