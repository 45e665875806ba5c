import type { AgentPreset } from "../preset.ts";

/**
 * opencode. Seen with 1.18.33 against a scripted model server; what it printed is kept in test/fixtures/agents/opencode.
 *
 * - `model` is `provider/model`, and the provider's usual variable holds the key. With `baseUrl` it is the server's own name of the model, the server
 *   speaks OpenAI's Chat Completions, and the key is `OPENAI_API_KEY`; such a model has no price, so its cost is told as 0.
 * - Without a `model` it takes one of the provider whose key it finds; its vendor's free service is left out then, since nobody chose it.
 * - A step that ends with `stop` is not always the last: so does the summary with which it shortens a long session, and so do the tool calls of some
 *   servers. It is the end if no other step follows; how long a model may take to begin one, `drainMs` says.
 * - It tries five times and then fails; nothing turns that down. A wait that the server ordered may last hours and stands on standard error only.
 *   Its log also shows there that a subagent is at work, of which standard output says nothing.
 * - A provider without a key looks to it like a model that does not exist.
 */
export const opencode: AgentPreset = {
  id: "opencode",
  bin: "opencode",
  version: { args: ["--version"], match: "^(\\d+\\.\\d+\\.\\d+)", tested: "1.18.33" },
  install: { npm: "opencode-ai", pin: "1.18.33", node: null, needsScripts: true },
  argv: [
    "run",
    "--format",
    "json",
    "--print-logs",
    "--log-level",
    "INFO",
    // Else it asks the model for a title.
    "--title",
    "agent-dispatch",
    { when: "effort", args: ["--variant", "{{effort}}"] },
  ],
  prompt: { via: "stdin", args: [] },
  approve: { auto: ["--auto"], readOnly: ["--auto"], rootEnv: {} },
  env: {
    set: {
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    },
    credentials: [
      "OPENAI_API_KEY",
      "ANTHROPIC_API_KEY",
      "GOOGLE_GENERATIVE_AI_API_KEY",
      "OPENROUTER_API_KEY",
      "OPENCODE_API_KEY",
    ],
  },
  config: [
    {
      // Stronger than a file of the repository.
      place: { env: "OPENCODE_CONFIG_CONTENT" },
      json: { share: "disabled", autoupdate: false, permission: "allow", disabled_providers: ["opencode", "kilo"] },
      withModel: { model: "{{model}}", disabled_providers: [] },
      withBaseUrl: {
        enabled_providers: ["custom"],
        model: "custom/{{model}}",
        small_model: "custom/{{model}}",
        provider: {
          custom: {
            npm: "@ai-sdk/openai-compatible",
            // Milliseconds until the answer begins, and between its parts.
            options: {
              ...{ baseURL: "{{baseUrl}}", apiKey: "{env:OPENAI_API_KEY}" },
              ...{ timeout: 300_000, chunkTimeout: 120_000 },
            },
            models: { "{{model}}": { tool_call: true, limit: { context: 128_000, output: 8_192 } } },
          },
        },
      },
      // Takes the tools away that edit files; the later name is the stronger.
      forReviewer: { permission: { "*": "allow", edit: "deny" } },
    },
  ],
  baseUrl: { set: {}, args: [], suffix: "/v1", keyless: { OPENAI_API_KEY: "none" } },
  resume: { args: ["--session", "{{session}}"], at: "append" },
  output: {
    format: "jsonl",
    rules: [
      { when: { sessionID: { regex: "." } }, emit: "session", take: { id: "sessionID" } },
      { when: { type: "text" }, emit: "final", take: { text: "part.text" } },
      {
        when: { type: "step_finish" },
        emit: "usage",
        mode: "sum",
        take: {
          input: "part.tokens.input",
          output: "part.tokens.output",
          cacheRead: "part.tokens.cache.read",
          cacheWrite: "part.tokens.cache.write",
        },
      },
      { when: { type: "step_finish" }, emit: "cost", mode: "sum", take: { usd: "part.cost" } },
      {
        when: { type: "step_finish", "part.reason": { regex: "^(content-filter|length)$" } },
        emit: "failure",
        take: { code: "part.reason" },
      },
      {
        when: { type: "error" },
        emit: "failure",
        take: { status: "error.data.statusCode", code: "error.name", text: "error.data.message" },
      },
      // A call is told when it is over.
      {
        when: { type: "tool_use" },
        emit: "tool-start",
        take: { id: "part.callID", name: "part.tool", input: "part.state.input" },
      },
      { when: { type: "tool_use" }, emit: "tool-end", take: { id: "part.callID" } },
      {
        when: {
          type: "tool_use",
          "part.state.status": "error",
          "part.state.error": { regex: "^the user rejected permission" },
        },
        emit: "denied",
      },
    ],
  },
  success: {
    terminal: { type: "step_finish", "part.reason": "stop" },
    goesOn: { type: "step_start" },
    finalRequired: true,
  },
  exits: {},
  errors: [
    { in: "event", match: "^ContentFilterError$|^content-filter$", class: "refusal" },
    { in: "event", match: "^ContextOverflowError$|^MessageOutputLengthError$|^length$", class: "context-overflow" },
    { in: "event", match: "^ProviderAuthError$|api key is missing", class: "auth" },
    {
      in: "event",
      match: "rate limit|too many requests|quota|usage limit|usage exceeded|credit balance",
      class: "quota",
    },
    { in: "event", match: "^Model not found|overloaded|at capacity", class: "model-unavailable" },
    {
      in: "event",
      match:
        "cannot connect to api|unable to connect|connection (was closed|reset)|connection error|network error|fetch failed|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|timed out",
      class: "network",
    },
    // Its log. After an error that it waits for, no new request stands there.
    {
      in: "stderr",
      match:
        '^timestamp=\\S+ level=ERROR run=\\S+ message="stream error" .*error\\.error="AI_APICallError: (?<words>.*(rate limit|too many requests|quota|usage limit).*)"$(?![\\s\\S]* message=stream )',
      class: "quota",
    },
    {
      in: "stderr",
      match:
        '^timestamp=\\S+ level=ERROR run=\\S+ message="stream error" .*error\\.error="AI_APICallError: (?<words>cannot connect to api.*)"$(?![\\s\\S]* message=stream )',
      class: "network",
    },
    {
      in: "stderr",
      match: '^timestamp=\\S+ level=ERROR run=\\S+ message=failed .*error="ProviderNoProvidersError: (?<words>[^"]*)',
      class: "auth",
    },
    {
      in: "stderr",
      match: '^timestamp=\\S+ level=ERROR run=\\S+ message=failed .*error="ProviderModelNotFoundError: (?<words>[^"]*)',
      class: "model-unavailable",
    },
    { in: "stderr", match: "(?<words>configuration is invalid at .*)", class: "start-up" },
  ],
  limits: { startUpMs: 120_000, drainMs: 300_000, graceMs: 5_000 },
};
