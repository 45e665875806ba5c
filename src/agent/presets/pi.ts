import type { AgentPreset } from "../preset.ts";

/**
 * pi. Seen with 0.87.1 against a scripted model server; what it printed is kept in test/fixtures/agents/pi.
 *
 * - `model` is `provider/model`, and the provider's usual variable holds the key. With `baseUrl` it is the server's own name of the model, the server
 *   speaks OpenAI's Chat Completions, and the key is `OPENAI_API_KEY`; such a model has no price, so its cost is told as 0.
 * - It exits with 0 after every error of the API, and after an error it may still go on: it tries again, or shortens the session. So no error is called
 *   the failure of the run; the last one counts where no answer that stopped by itself came after it.
 * - Around every piece of an answer it prints 250 bytes or more of counts, and at the end all messages again: a long session may need a larger limit
 *   of output.
 */
export const pi: AgentPreset = {
  id: "pi",
  bin: "pi",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "0.87.1" },
  install: { npm: "@earendil-works/pi-coding-agent", pin: "0.87.1", node: "22.23.3", needsScripts: false },
  argv: [
    "-p",
    "--mode",
    "json",
    // Programs that the repository brings for it are not loaded; what it tells agents in words is.
    "--no-approve",
    { when: "model", args: ["--model", "{{model}}"] },
    { when: "effort", args: ["--thinking", "{{effort}}"] },
  ],
  prompt: { via: "stdin", args: [] },
  // It never asks.
  approve: { auto: [], readOnly: ["--exclude-tools", "edit,write"], rootEnv: {} },
  env: {
    set: { PI_OFFLINE: "1", PI_TELEMETRY: "0", PI_SKIP_VERSION_CHECK: "1" },
    credentials: [
      "OPENAI_API_KEY",
      "ANTHROPIC_API_KEY",
      "ANTHROPIC_OAUTH_TOKEN",
      "GEMINI_API_KEY",
      "OPENROUTER_API_KEY",
    ],
  },
  config: [
    { place: { file: ".pi/agent/settings.json" }, json: { retry: { maxRetries: 2 } } },
    {
      place: { file: ".pi/agent/models.json" },
      json: { providers: {} },
      withBaseUrl: {
        providers: {
          custom: {
            ...{ baseUrl: "{{baseUrl}}", api: "openai-completions", apiKey: "$OPENAI_API_KEY" },
            models: [{ id: "{{model}}" }],
          },
        },
      },
    },
  ],
  baseUrl: { set: {}, args: ["--provider", "custom"], suffix: "/v1", keyless: { OPENAI_API_KEY: "none" } },
  resume: { args: ["--session", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    rules: [
      { when: { type: "session" }, emit: "session", take: { id: "id" } },
      {
        when: { type: "message_update", "assistantMessageEvent.type": "text_end" },
        emit: "final",
        take: { text: "assistantMessageEvent.content" },
      },
      {
        when: { type: "message_end", "message.role": "assistant" },
        emit: "usage",
        mode: "sum",
        take: {
          input: "message.usage.input",
          output: "message.usage.output",
          cacheRead: "message.usage.cacheRead",
          cacheWrite: "message.usage.cacheWrite",
        },
      },
      {
        when: { type: "message_end", "message.role": "assistant" },
        emit: "cost",
        mode: "sum",
        take: { usd: "message.usage.cost.total" },
      },
      { when: { type: "auto_retry_start" }, emit: "retry", take: { text: "errorMessage" } },
      // It may still go on after any of these.
      {
        when: { type: "message_end", "message.stopReason": { regex: "^(error|length)$" } },
        emit: "error",
        take: { code: "message.stopReason", text: "message.errorMessage" },
      },
      {
        when: { type: "compaction_end", errorMessage: { regex: "." } },
        emit: "error",
        take: { text: "errorMessage" },
      },
      {
        when: { type: "tool_execution_start" },
        emit: "tool-start",
        take: { id: "toolCallId", name: "toolName", input: "args" },
      },
      { when: { type: "tool_execution_end" }, emit: "tool-end", take: { id: "toolCallId" } },
    ],
  },
  success: {
    terminal: { type: "message_end", "message.role": "assistant", "message.stopReason": "stop" },
    goesOn: { type: "turn_start" },
    finalRequired: true,
  },
  exits: {},
  // Its errors begin with the HTTP status.
  errors: [
    { in: "event", match: "content_filter|^refusal$|safeguards flagged|violate our usage policy", class: "refusal" },
    {
      in: "event",
      match:
        "maximum context length|context_length_exceeded|prompt is too long|context overflow|input token count|^413\\b|^length$",
      class: "context-overflow",
    },
    { in: "event", match: "^40[13]\\b|no api key|authentication", class: "auth" },
    {
      in: "event",
      match: "^(402|429)\\b|rate limit|too many requests|quota|usage limit|credit balance",
      class: "quota",
    },
    { in: "event", match: "^(404|5\\d\\d)\\b|overloaded", class: "model-unavailable" },
    {
      in: "event",
      match:
        "^408\\b|connection error|connection lost|fetch failed|terminated|socket hang up|other side closed|ended without|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|timed out",
      class: "network",
    },
    { in: "stderr", match: "^(?<words>no api key found.*)", class: "auth" },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
