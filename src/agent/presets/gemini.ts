import type { AgentPreset } from "../preset.ts";

/**
 * Gemini CLI. Seen with 0.61.0 against a scripted model server; what it printed is kept in test/fixtures/agents/gemini.
 *
 * - `model` is the bare name, for example `gemini-3-pro-preview`. A `baseUrl` must speak Google's Gemini API.
 * - An error of the API comes without its status, which is the exit code mod 256.
 * - An empty or a blocked reply ends it with exit 0 and a result without a cause: the event before that one tells it.
 * - It prints nothing on standard output while it tries again.
 */
export const gemini: AgentPreset = {
  id: "gemini",
  bin: "gemini",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "0.61.0" },
  install: { npm: "@google/gemini-cli", pin: "0.61.0", node: null, needsScripts: false },
  argv: ["-o", "stream-json", "--skip-trust", { when: "model", args: ["-m", "{{model}}"] }],
  prompt: { via: "stdin", args: [] },
  approve: {
    auto: ["--approval-mode", "yolo"],
    readOnly: ["--approval-mode", "yolo"],
    rootEnv: {},
  },
  env: {
    set: {
      GEMINI_TELEMETRY_ENABLED: "false",
      GEMINI_CLI_NO_RELAUNCH: "true",
    },
    credentials: ["GEMINI_API_KEY"],
  },
  config: [
    {
      place: { file: ".gemini/settings.json" },
      json: {
        general: {
          enableAutoUpdate: false,
          enableAutoUpdateNotification: false,
          maxAttempts: 2,
          // Only a person lets it out of there.
          plan: { enabled: false },
        },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        security: { auth: { selectedType: "gemini-api-key" } },
      },
      forReviewer: { tools: { exclude: ["replace", "write_file"] } },
    },
  ],
  baseUrl: {
    set: { GOOGLE_GEMINI_BASE_URL: "{{baseUrl}}" },
    args: [],
    suffix: "",
    keyless: { GEMINI_API_KEY: "none" },
  },
  resume: { args: ["--resume", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    cachedWithin: true,
    rules: [
      { when: { type: "init" }, emit: "session", take: { id: "session_id" } },
      // Its last words are those after its last tool call.
      { when: { type: "tool_use" }, emit: "final" },
      {
        when: { type: "message", role: "assistant" },
        emit: "final",
        take: { text: "content" },
        mode: "concat",
      },
      {
        when: { type: "result" },
        emit: "usage",
        take: { input: "stats.input_tokens", output: "stats.output_tokens", cacheRead: "stats.cached" },
      },
      { when: { type: "error" }, emit: "error", take: { text: "message" } },
      // A result of success follows.
      {
        when: { type: "error", message: { regex: "^loop detected|^agent execution blocked" } },
        emit: "failure",
        take: { text: "message" },
      },
      {
        when: { type: "result", status: "error" },
        emit: "failure",
        take: { code: "error.type", text: "error.message" },
      },
      {
        when: { type: "tool_use" },
        emit: "tool-start",
        take: { id: "tool_id", name: "tool_name", input: "parameters" },
      },
      { when: { type: "tool_result" }, emit: "tool-end", take: { id: "tool_id" } },
    ],
  },
  success: { terminal: { type: "result", status: "success" }, finalRequired: true },
  exits: {
    // Its own: no credential, settings, turns, folder.
    41: "auth",
    52: "start-up",
    53: "timeout",
    55: "start-up",
    // 401, 403, 404, 429, 500, 502, 503, 504, 529
    145: "auth",
    147: "auth",
    148: "model-unavailable",
    173: "quota",
    244: "model-unavailable",
    246: "model-unavailable",
    247: "model-unavailable",
    248: "model-unavailable",
    17: "model-unavailable",
  },
  errors: [
    { in: "event", match: "input token count|exceeded the token limit", class: "context-overflow" },
    { in: "event", match: "model response was blocked|agent execution blocked", class: "refusal" },
    { in: "event", match: "^loop detected", class: "loop" },
    { in: "event", match: "maximum session turns exceeded|reached max session turns", class: "timeout" },
    { in: "event", match: "returned an empty response|no final response text", class: "contract-invalid" },
    {
      in: "event",
      match: "RESOURCE_EXHAUSTED|resource has been exhausted|exhausted your|exceeded your current quota|quota increase",
      class: "quota",
    },
    { in: "event", match: "UNAUTHENTICATED|PERMISSION_DENIED|api key not valid|api key expired", class: "auth" },
    { in: "event", match: "is not found for api version|requested entity was not found", class: "model-unavailable" },
    { in: "stderr", match: "^error when talking to gemini api .*ModelNotFoundError", class: "model-unavailable" },
    { in: "event", match: '"code":5\\d\\d|"status":"(INTERNAL|UNAVAILABLE)"', class: "model-unavailable" },
    {
      in: "event",
      match: "fetch failed|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|premature close|api error: terminated",
      class: "network",
    },
    { in: "stderr", match: "not running in a trusted directory|^unknown argument", class: "start-up" },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
