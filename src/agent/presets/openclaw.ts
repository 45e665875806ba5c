import type { AgentPreset } from "../preset.ts";

/**
 * OpenClaw, one turn of its embedded agent. Seen with 2026.9.6 against a scripted model server; what it printed is kept in
 * test/fixtures/agents/openclaw. The providers' own servers are by its documentation, not run.
 *
 * - `model` is `provider/model`, and the provider's usual variable holds the key. With `baseUrl` it is the server's own name of the model and has to
 *   be given, the server speaks OpenAI's Chat Completions, and the key is `OPENAI_API_KEY`.
 * - Standard output is one object at the end. Its log on standard error is all that shows it at work, so it is on.
 * - It does not tell its tool calls, so it has to notice a loop itself; that ends the run after some 20 equal calls.
 * - A session cannot be gone on with.
 * - A process that it leaves behind may turn a good end into exit code 1.
 * - It is the largest of all, 830 MB with its Node, and takes 10 s or more to start. Some lock files go to /tmp whatever it is told.
 */
export const openclaw: AgentPreset = {
  id: "openclaw",
  bin: "openclaw",
  version: { args: ["--version"], match: "^OpenClaw (\\d+\\.\\d+\\.\\d+)", tested: "2026.9.6" },
  // Its scripts would run under the machine's Node, and refuse an old one.
  install: { npm: "openclaw", pin: "2026.9.6", node: "24.21.0", needsScripts: false },
  argv: [
    "agent",
    "exec",
    "--json",
    "--config",
    "{{home}}/openclaw.json",
    "--state-dir",
    "{{home}}/.openclaw",
    // Its own limit is ten minutes; ours is stronger than a day.
    "--timeout",
    "86400",
    { when: "effort", args: ["--thinking", "{{effort}}"] },
    { when: "model", args: ["--model", "{{model}}"] },
  ],
  prompt: { via: "stdin", args: ["--message-file", "-"] },
  approve: { auto: [], readOnly: [], rootEnv: {} },
  env: {
    set: {
      OPENCLAW_STATE_DIR: "{{home}}/.openclaw",
      OPENCLAW_LOG_LEVEL: "debug",
      OPENCLAW_NO_AUTO_UPDATE: "1",
      DO_NOT_TRACK: "1",
    },
    credentials: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"],
  },
  config: [
    {
      place: { file: "openclaw.json" },
      json: {
        logging: { file: "{{home}}/.openclaw/openclaw.log" },
        update: { checkOnStart: false },
        // Would send what it reads to a server for embeddings, with the same key.
        memory: { search: { enabled: false } },
        plugins: { slots: { memory: "none" } },
        // Reads and writes outside of the clone too: the sandbox confines it.
        tools: { loopDetection: { enabled: true }, fs: { workspaceOnly: false } },
      },
      withBaseUrl: {
        // The vendors' plugins are not needed then, and take seconds to load.
        plugins: { enabled: false },
        models: {
          mode: "replace",
          providers: {
            custom: {
              ...{ baseUrl: "{{baseUrl}}", api: "openai-completions" },
              apiKey: { source: "env", provider: "default", id: "OPENAI_API_KEY" },
              models: [{ id: "{{model}}", name: "{{model}}", contextWindow: 128_000, maxTokens: 8_192 }],
            },
          },
        },
      },
      forReviewer: { tools: { deny: ["write", "edit", "apply_patch"] } },
    },
    // The one place that its retries can be set in.
    { place: { file: ".openclaw/agents/main/agent/settings.json" }, json: { retry: { provider: { maxRetries: 1 } } } },
  ],
  baseUrl: {
    set: {},
    // The last one counts.
    args: [{ when: "model", args: ["--model", "custom/{{model}}"] }],
    suffix: "/v1",
    keyless: { OPENAI_API_KEY: "none" },
  },
  resume: null,
  output: {
    format: "json",
    rules: [
      { when: { sessionId: { regex: "." } }, emit: "session", take: { id: "sessionId" } },
      { when: { ok: true }, emit: "final", take: { text: "final" } },
      {
        when: { usage: { exists: true } },
        emit: "usage",
        take: {
          ...{ input: "usage.input", output: "usage.output" },
          ...{ cacheRead: "usage.cacheRead", cacheWrite: "usage.cacheWrite" },
        },
      },
      { when: { costUsd: { exists: true } }, emit: "cost", take: { usd: "costUsd" } },
      { when: { ok: false }, emit: "failure", take: { code: "error.kind", text: "error.message" } },
    ],
  },
  success: { terminal: { ok: true, status: "ok" }, finalRequired: true },
  exits: { 2: "timeout" },
  errors: [
    { in: "event", match: "critical loop", class: "loop" },
    { in: "event", match: "content_filter|\\brefusal\\b", class: "refusal" },
    { in: "event", match: "^context_overflow$|maximum context length", class: "context-overflow" },
    { in: "event", match: "HTTP 40[13]|No API key|^auth", class: "auth" },
    { in: "event", match: "HTTP (402|429)|rate limit|billing|exceeded your current quota", class: "quota" },
    {
      in: "event",
      match: "HTTP (404|5\\d\\d)|overloaded|model was not found|Unknown model|does not exist",
      class: "model-unavailable",
    },
    // Before its word for both of them, which is the one for its own limit.
    { in: "event", match: "network connection error|LLM request timed out|ECONNREFUSED|ENOTFOUND", class: "network" },
    { in: "event", match: "^timeout$", class: "timeout" },
    { in: "event", match: "couldn't generate a response", class: "contract-invalid" },
    // A wait that the server asked for: nothing else of its log lines says why it is silent.
    { in: "stderr", match: "transient same-model retry .* reason=rate_limit: delayMs=\\d{6,}", class: "quota" },
    { in: "stderr", match: "transient same-model retry .* delayMs=\\d{6,}", class: "model-unavailable" },
    {
      in: "stderr",
      match: "^error: unknown option|Config (invalid|validation failed)|MissingEnvVarError",
      class: "start-up",
    },
  ],
  limits: { startUpMs: 180_000, drainMs: 10_000, graceMs: 5_000 },
};
