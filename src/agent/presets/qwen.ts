import type { AgentPreset } from "../preset.ts";

/**
 * Qwen Code. Seen with 0.24.4 against a scripted model server; what it printed is kept in test/fixtures/agents/qwen.
 *
 * - `model` is the bare name, for example `qwen3-coder-plus`. Any OpenAI-style server serves; without a `baseUrl` it is OpenAI's own.
 * - Server errors and refused connections are tried seven times, for more than a minute, and a `retry-after` of an hour is waited out: without a word
 *   on any output, and no setting ends it. The silence limit does.
 */
export const qwen: AgentPreset = {
  id: "qwen",
  bin: "qwen",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "0.24.4" },
  install: { npm: "@qwen-code/qwen-code", pin: "0.24.4", node: "22.23.3", needsScripts: false },
  argv: ["--auth-type", "openai", "-o", "stream-json", { when: "model", args: ["-m", "{{model}}"] }],
  prompt: { via: "stdin", args: [] },
  approve: {
    // What is done in a worktree of its own is lost, and nobody is there at a later time.
    auto: ["--approval-mode", "yolo", "--exclude-tools", "enter_worktree,cron_create,loop_wakeup"],
    readOnly: [
      "--approval-mode",
      "yolo",
      "--exclude-tools",
      "enter_worktree,cron_create,loop_wakeup,edit,notebook_edit,write_file",
    ],
    rootEnv: {},
  },
  env: {
    set: {
      QWEN_HOME: "{{home}}/.qwen",
      QWEN_USAGE_STATISTICS_ENABLED: "false",
      QWEN_TELEMETRY_ENABLED: "false",
      // Else a launcher stands before the agent.
      QWEN_CODE_NO_RELAUNCH: "true",
      QWEN_CODE_SUPPRESS_YOLO_WARNING: "1",
    },
    credentials: ["OPENAI_API_KEY"],
  },
  config: [
    {
      place: { file: ".qwen/settings.json" },
      json: {
        general: { enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
        model: { generationConfig: { maxRetries: 0 } },
        // A second model call after each turn, for memories that nobody keeps.
        memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false },
      },
    },
  ],
  baseUrl: {
    set: { OPENAI_BASE_URL: "{{baseUrl}}" },
    args: [],
    suffix: "/v1",
    keyless: { OPENAI_API_KEY: "none" },
  },
  resume: { args: ["--resume", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    cachedWithin: true,
    rules: [
      { when: { session_id: { regex: "." } }, emit: "session", take: { id: "session_id" } },
      { when: { type: "result", is_error: false }, emit: "final", take: { text: "result" } },
      {
        when: { type: "result" },
        emit: "usage",
        take: {
          input: "usage.input_tokens",
          output: "usage.output_tokens",
          cacheRead: "usage.cache_read_input_tokens",
        },
      },
      { when: { type: "system", subtype: "retry" }, emit: "retry" },
      { when: { type: "result", is_error: true }, emit: "failure", take: { code: "subtype", text: "error.message" } },
      {
        when: { type: "assistant", "message.content.*.type": "tool_use" },
        emit: "tool-start",
        take: { id: "message.content.*.id", name: "message.content.*.name", input: "message.content.*.input" },
      },
      {
        when: { type: "user", "message.content.*.type": "tool_result" },
        emit: "tool-end",
        take: { id: "message.content.*.tool_use_id" },
      },
    ],
  },
  success: { terminal: { type: "result", is_error: false }, finalRequired: true },
  // Turns; tool calls or time.
  exits: { 53: "timeout", 55: "timeout" },
  errors: [
    {
      in: "event",
      match: "maximum context length|context_length_exceeded|input token count|range of input length",
      class: "context-overflow",
    },
    { in: "event", match: "^loop detection halted", class: "loop" },
    // Also what a filtered answer becomes.
    { in: "event", match: "ended with empty response text", class: "contract-invalid" },
    { in: "event", match: "content_filter|data_inspection_failed|inappropriate content", class: "refusal" },
    {
      in: "event",
      match: "^\\[api error: (402|429)\\b|current quota|quota limitations|quota exceeded",
      class: "quota",
    },
    { in: "event", match: "^\\[api error: 40[13]\\b|invalid api key|incorrect api key|missing api key", class: "auth" },
    { in: "event", match: "^\\[api error: (404|5\\d\\d)\\b", class: "model-unavailable" },
    {
      in: "event",
      match:
        "connection error|fetch failed|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|api error: terminated|premature close",
      class: "network",
    },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
