import type { AgentPreset } from "../preset.ts";

/**
 * Cursor's command line agent. By its documentation, not run: no package registry has it, and it works with its vendor's server only. Install it on
 * the runner.
 *
 * - `model` is one of Cursor's names.
 * - When it fails it prints no event, only a line on standard error and an exit code that is not 0.
 * - There are reports that it does not end after its last event; it is ended then, and its result kept.
 */
export const cursor: AgentPreset = {
  id: "cursor-agent",
  bin: "cursor-agent",
  version: { args: ["--version"], match: "^(\\S+)", tested: "none" },
  install: null,
  // The folder is trusted as a whole: what it may do is the sandbox's to say.
  argv: ["--print", "--output-format", "stream-json", "--trust", { when: "model", args: ["--model", "{{model}}"] }],
  // The last word, behind all flags.
  prompt: { via: "argument", args: ["{{prompt}}"], bytesMax: 100_000 },
  // Without the flag it only proposes changes. A reviewer's shell must act too, and no flag leaves out editing alone.
  approve: { auto: ["--force"], readOnly: ["--force"], rootEnv: {} },
  env: { set: { CURSOR_CONFIG_DIR: "{{home}}/.cursor" }, credentials: ["CURSOR_API_KEY"] },
  config: [],
  baseUrl: null,
  resume: { args: ["--resume", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    rules: [
      { when: { session_id: { regex: "." } }, emit: "session", take: { id: "session_id" } },
      { when: { type: "result", is_error: false }, emit: "final", take: { text: "result" } },
      { when: { type: "result", is_error: true }, emit: "failure", take: { code: "subtype", text: "result" } },
      {
        when: { type: "result", "usage.inputTokens": { exists: true } },
        emit: "usage",
        take: {
          ...{ input: "usage.inputTokens", output: "usage.outputTokens" },
          ...{ cacheRead: "usage.cacheReadTokens", cacheWrite: "usage.cacheWriteTokens" },
        },
      },
      // The tool's name is the one key of `tool_call`, its arguments stand below that.
      {
        when: { type: "tool_call", subtype: "started" },
        emit: "tool-start",
        take: { id: "call_id", input: "tool_call.*.args" },
      },
      { when: { type: "tool_call", subtype: "completed" }, emit: "tool-end", take: { id: "call_id" } },
    ],
  },
  success: { terminal: { type: "result", subtype: "success", is_error: false }, finalRequired: true },
  exits: {},
  errors: [
    { in: "stderr", match: "authentication required|not logged in|invalid api key|unauthorized", class: "auth" },
    { in: "stderr", match: "usage limit|rate limit|resource_exhausted|quota", class: "quota" },
    { in: "stderr", match: "cannot use this model|model .*not (found|available)", class: "model-unavailable" },
    { in: "stderr", match: "ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|unavailable", class: "network" },
    { in: "stderr", match: "^error: unknown option|workspace trust required", class: "start-up" },
  ],
  limits: { startUpMs: 120_000, drainMs: 10_000, graceMs: 5_000 },
};
