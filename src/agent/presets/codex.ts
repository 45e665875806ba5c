import type { AgentPreset } from "../preset.ts";

/**
 * Codex CLI. Seen with 0.169.0 against a scripted model server; what it printed is kept in test/fixtures/agents/codex.
 *
 * - `model` is the bare name, for example `gpt-5.5`. A `baseUrl` must speak OpenAI's Responses API.
 * - Its own sandbox fails inside another one, and then every command fails with exit 0: it is left out.
 * - No status stands alone in its events, only in sentences.
 * - A session that is gone on with counts the tokens of its earlier turns again.
 */
export const codex: AgentPreset = {
  id: "codex",
  bin: "codex",
  version: { args: ["--version"], match: "^codex-cli (\\d+\\.\\d+\\.\\d+)", tested: "0.169.0" },
  install: { npm: "@openai/codex", pin: "0.169.0", node: null, needsScripts: false },
  argv: [
    "exec",
    "--json",
    "--skip-git-repo-check",
    "-c",
    "check_for_update_on_startup=false",
    "-c",
    "analytics.enabled=false",
    // A server that refuses the connection is else asked again without end, and each time it says so.
    "-c",
    "features.unbounded_connection_retries=false",
    // doc: fetched from the vendor; a process that outlives the run.
    "-c",
    "features.plugins=false",
    "-c",
    "features.apps=false",
    "-c",
    "features.daemon_auto_start=false",
    { when: "model", args: ["-m", "{{model}}"] },
    { when: "effort", args: ["-c", "model_reasoning_effort={{effort}}"] },
  ],
  prompt: { via: "stdin", args: ["-"] },
  approve: {
    auto: ["--dangerously-bypass-approvals-and-sandbox"],
    // Its file editor cannot be left out.
    readOnly: ["--dangerously-bypass-approvals-and-sandbox"],
    rootEnv: {},
  },
  env: {
    set: {},
    credentials: ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"],
  },
  config: [],
  baseUrl: {
    set: {},
    args: [
      "-c",
      'model_provider="server"',
      "-c",
      'model_providers.server={name="server",base_url="{{baseUrl}}",env_key="CODEX_API_KEY",wire_api="responses",request_max_retries=1,stream_max_retries=1}',
    ],
    suffix: "/v1",
    keyless: { CODEX_API_KEY: "none" },
  },
  resume: { args: ["resume", "{{session}}"], at: "after-first" },
  output: {
    format: "jsonl",
    cachedWithin: true,
    rules: [
      { when: { type: "thread.started" }, emit: "session", take: { id: "thread_id" } },
      {
        when: { type: "item.completed", "item.type": "agent_message" },
        emit: "final",
        take: { text: "item.text" },
      },
      {
        when: { type: "turn.completed" },
        emit: "usage",
        take: {
          input: "usage.input_tokens",
          output: "usage.output_tokens",
          cacheRead: "usage.cached_input_tokens",
        },
      },
      { when: { type: "error", message: { regex: "^reconnecting" } }, emit: "retry", take: { text: "message" } },
      { when: { type: "error" }, emit: "error", take: { text: "message" } },
      { when: { type: "turn.failed" }, emit: "failure", take: { text: "error.message" } },
      {
        when: { type: "item.started", "item.type": "command_execution" },
        emit: "tool-start",
        take: { id: "item.id", name: "item.type", input: "item.command" },
      },
      { when: { type: "item.completed", "item.type": "command_execution" }, emit: "tool-end", take: { id: "item.id" } },
      // Which file, but not what is changed there: many edits of one file look alike, so no two count as equal.
      {
        when: { type: "item.started", "item.type": "file_change" },
        emit: "tool-start",
        take: { id: "item.id", name: "item.type", input: "item.id" },
      },
      { when: { type: "item.completed", "item.type": "file_change" }, emit: "tool-end", take: { id: "item.id" } },
      // doc: calls of tool servers that the repository's own settings name.
      {
        when: { type: "item.started", "item.type": "mcp_tool_call" },
        emit: "tool-start",
        take: { id: "item.id", name: "item.tool", input: "item.arguments" },
      },
      { when: { type: "item.completed", "item.type": "mcp_tool_call" }, emit: "tool-end", take: { id: "item.id" } },
    ],
  },
  success: { terminal: { type: "turn.completed" }, finalRequired: true },
  exits: {},
  errors: [
    { in: "event", match: "ran out of room in the model's context window", class: "context-overflow" },
    { in: "event", match: "reason: content_filter|invalid_prompt|flagged for", class: "refusal" },
    { in: "event", match: "hit your usage limit|quota exceeded|usage_not_included|status:? 429", class: "quota" },
    { in: "event", match: "status:? 40[13]|missing environment variable|not logged in|refresh token", class: "auth" },
    {
      in: "event",
      match:
        "status:? (404|5\\d\\d)|does not exist or you do not have access|is not supported when using codex|experiencing high demand|at capacity",
      class: "model-unavailable",
    },
    {
      in: "event",
      match: "error sending request|failed to lookup address|stream disconnected before completion|connection failed",
      class: "network",
    },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
