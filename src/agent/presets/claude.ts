import type { AgentPreset } from "../preset.ts";

/**
 * Claude Code. Seen with 2.1.329 against a scripted model server; what it printed is kept in test/fixtures/agents/claude.
 *
 * - It says `subtype: "success"` for every error of the API, so `is_error` decides.
 * - Its ten retries outlast a CI step (a 401 for two minutes): two are left.
 * - As root it refuses to run without questions unless told that a sandbox is around it.
 */
export const claude: AgentPreset = {
  id: "claude",
  bin: "claude",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "2.1.329" },
  install: { npm: "@anthropic-ai/claude-code", pin: "2.1.329", node: null, needsScripts: true },
  argv: [
    "-p",
    "--output-format",
    "stream-json",
    // Without it stream-json is refused in print mode.
    "--verbose",
    { when: "model", args: ["--model", "{{model}}"] },
    { when: "effort", args: ["--effort", "{{effort}}"] },
  ],
  prompt: { via: "stdin", args: [] },
  approve: {
    auto: ["--dangerously-skip-permissions"],
    // Its shell and its file writer stay: a reviewer runs tests and writes its result.
    readOnly: ["--dangerously-skip-permissions", "--disallowedTools", "Edit,NotebookEdit"],
    rootEnv: { IS_SANDBOX: "1" },
  },
  env: {
    set: {
      CLAUDE_CONFIG_DIR: "{{home}}/.claude",
      CLAUDE_CODE_MAX_RETRIES: "2",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
    },
    credentials: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
  },
  config: [],
  baseUrl: {
    set: { ANTHROPIC_BASE_URL: "{{baseUrl}}" },
    args: [],
    suffix: "",
    keyless: { ANTHROPIC_AUTH_TOKEN: "none" },
  },
  resume: { args: ["--resume", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
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
          cacheWrite: "usage.cache_creation_input_tokens",
        },
      },
      { when: { type: "result" }, emit: "cost", take: { usd: "total_cost_usd" } },
      {
        when: { type: "system", subtype: "api_retry" },
        emit: "retry",
        take: { status: "error_status", code: "error" },
      },
      {
        when: { type: "rate_limit_event", "rate_limit_info.status": "rejected" },
        emit: "limit",
        take: { resetsAt: "rate_limit_info.resetsAt" },
      },
      {
        when: { type: "assistant", error: { exists: true } },
        emit: "error",
        take: { status: "api_error_status", code: "error", text: "message.content.0.text" },
      },
      // doc: a refusal may come as a good result.
      {
        when: { type: "result", stop_reason: "refusal" },
        emit: "failure",
        take: { code: "stop_reason", text: "result" },
      },
      {
        when: { type: "result", is_error: true, terminal_reason: { exists: true } },
        emit: "failure",
        take: { status: "api_error_status", code: "terminal_reason", text: "result" },
      },
      // Limits and unknown sessions have their words in `errors` and no `result`.
      {
        when: { type: "result", is_error: true, "errors.0": { exists: true } },
        emit: "failure",
        take: { code: "subtype", text: "errors.0" },
      },
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
      { when: { type: "result", "permission_denials.0": { exists: true } }, emit: "denied" },
      { when: { type: "system", subtype: "permission_denied" }, emit: "denied" },
    ],
  },
  success: { terminal: { type: "result", is_error: false }, finalRequired: true },
  exits: {},
  errors: [
    { in: "event", match: "^refusal$|safeguards flagged|violate our usage policy", class: "refusal" },
    { in: "event", match: "prompt_too_long|prompt is too long|^max_output_tokens$", class: "context-overflow" },
    { in: "event", match: "^error_max_turns$|^max_turns$|^error_max_budget_usd$", class: "timeout" },
    { in: "event", match: "hit your .*limit|credit balance is too low|^rate_limit$|^billing_error$", class: "quota" },
    { in: "event", match: "invalid api key|not logged in|authentication_failed|failed to authenticate", class: "auth" },
    { in: "event", match: "issue with the selected model", class: "model-unavailable" },
    {
      in: "event",
      match: "ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|connection error|request timed out",
      class: "network",
    },
    { in: "event", match: "^server_error$|overloaded", class: "model-unavailable" },
    {
      in: "stderr",
      match:
        "cannot be used with root/sudo|native binary not installed|postinstall script was not run|^error: unknown option",
      class: "start-up",
    },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
