import type { AgentPreset } from "../preset.ts";

/**
 * Kimi Code, the TypeScript one. Seen with 2.1.0 against a scripted model server; what it printed is kept in test/fixtures/agents/kimi. Kimi's own
 * server is by its documentation, not run.
 *
 * - `model` is a bare name and has to be given: it makes a provider of its variables only then, and a fresh home has no other. Without `baseUrl` it
 *   is one of Kimi's platform.
 * - The prompt goes as an argument; it reads neither standard input nor a file.
 * - It says why it failed on standard error, in one line with a word of a fixed list and often the HTTP status.
 * - It waits as long as the server wants it to, with one event before and none after.
 * - Tokens are told in a file only, no cost at all; the session at the end of a good run only.
 * - It can leave out no tool by an argument or a variable, so a reviewer has those of an author.
 */
export const kimi: AgentPreset = {
  id: "kimi",
  bin: "kimi",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "2.1.0" },
  // Its own script renames the Python tool of the same name where it finds one.
  install: { npm: "@moonshot-ai/kimi-code", pin: "2.1.0", node: "24.21.0", needsScripts: false },
  argv: ["--output-format", "stream-json"],
  prompt: { via: "argument", args: ["-p", "{{prompt}}"], bytesMax: 100_000 },
  // It never asks in this mode, and refuses to start with the flag that says so.
  approve: { auto: [], readOnly: [], rootEnv: {} },
  env: {
    set: {
      KIMI_CODE_HOME: "{{home}}/.kimi-code",
      KIMI_MODEL_NAME: { when: "model", value: "{{model}}" },
      KIMI_MODEL_THINKING_EFFORT: { when: "effort", value: "{{effort}}" },
      KIMI_LOOP_MAX_ATTEMPTS_PER_STEP: "3",
      KIMI_DISABLE_TELEMETRY: "1",
      KIMI_CODE_NO_AUTO_UPDATE: "1",
      KIMI_DISABLE_CRON: "1",
    },
    credentials: ["KIMI_MODEL_API_KEY"],
  },
  config: [],
  baseUrl: {
    set: { KIMI_MODEL_PROVIDER_TYPE: "openai", KIMI_MODEL_BASE_URL: "{{baseUrl}}" },
    args: [],
    suffix: "/v1",
    keyless: { KIMI_MODEL_API_KEY: "none" },
  },
  resume: { args: ["--session", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    rules: [
      { when: { type: "session.resume_hint" }, emit: "session", take: { id: "session_id" } },
      { when: { role: "assistant", content: { regex: "." } }, emit: "final", take: { text: "content" } },
      {
        when: { role: "meta", type: "turn.step.retrying" },
        emit: "retry",
        take: { status: "status_code", code: "error_name", text: "error_message" },
      },
      {
        when: { role: "assistant", "tool_calls.0": { exists: true } },
        emit: "tool-start",
        take: { id: "tool_calls.*.id", name: "tool_calls.*.function.name", input: "tool_calls.*.function.arguments" },
      },
      { when: { role: "tool" }, emit: "tool-end", take: { id: "tool_call_id" } },
    ],
  },
  success: { terminal: { role: "meta", type: "session.resume_hint" }, finalRequired: true },
  exits: {},
  errors: [
    { in: "stderr", match: "^error: .*(provider\\.filtered|safety policy blocked)", class: "refusal" },
    {
      in: "stderr",
      match: "^error: .*(context_?overflow|maximum context length|compaction\\.failed)",
      class: "context-overflow",
    },
    { in: "stderr", match: "^error: .*(provider\\.auth_error|no credential configured)", class: "auth" },
    { in: "stderr", match: "^error: .*(provider\\.rate_limit|provider\\.api_error: (402|429) )", class: "quota" },
    { in: "stderr", match: "^error: .*provider\\.connection_error", class: "network" },
    { in: "stderr", match: "^error: .*The API returned an empty response", class: "contract-invalid" },
    { in: "stderr", match: "^error: .*loop\\.max_steps_exceeded", class: "timeout" },
    {
      in: "stderr",
      match: "^error: .*(provider\\.(overloaded|not_found)|provider\\.api_error: (404|5\\d\\d) |in JSON at position)",
      class: "model-unavailable",
    },
    { in: "stderr", match: "^error: (unknown option|.*config\\.invalid|.*No model configured)", class: "start-up" },
    { in: "event", match: "^API(Connection|Timeout)Error$", class: "network" },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
