#!/usr/bin/env node
// A model server that follows a script, for testing coding-agent CLIs without a model and without a network.
//
// It listens on 127.0.0.1 only, needs no packages (Node 20 or later) and speaks enough of five protocols:
//
//   Anthropic Messages       POST .../messages, .../messages/count_tokens                     JSON, SSE
//   OpenAI Responses         POST .../responses                                               JSON, SSE
//   OpenAI Chat Completions  POST .../chat/completions                                        JSON, SSE
//   Gemini                   POST .../models/M:generateContent | streamGenerateContent | countTokens
//   Ollama                   POST .../api/chat                                                JSON, NDJSON
//
// Start it; it prints one JSON line with its address, and stops on SIGTERM or SIGINT:
//
//   $ node stub-model.mjs --port 0
//   {"port":41234,"pid":4711,"url":"http://127.0.0.1:41234"}
//
// or from a test: const stub = await startStub({ scenarios }); stub.url; stub.requests; await stub.close().
//
//   --port N          0 (default) takes any free port
//   --scenario FILE   scripted answers, see below
//   --default NAME    scenario for a base URL that names none (default: "script" where FILE is a list, else "ok")
//   --count-all       a call without tools counts too (see "Which calls count")
//   --log FILE        one JSON line per request and per answer
//   --dump DIR        every request with headers (keys included!) and body, one file each
//
// The base URL chooses the scenario, so one server serves many tests at once:
//
//   http://127.0.0.1:PORT/s/NAME       base URL for Anthropic and Gemini clients
//   http://127.0.0.1:PORT/s/NAME/v1    base URL for OpenAI-style clients
//   .../s/NAME:COUNT:KEY               built-in scenario with a count; a KEY of your own gives the test its own counter
//
// Built-in scenarios (table BUILT_IN): ok, text, empty, refusal, length, loop, drip, hang, hangmid, drop, cut, garbage, quota, context,
// 401, 403, 404, 429 (retry-after 1), 429long (retry-after 3600), 500, 529. With a COUNT the HTTP errors fail the first COUNT calls and
// are "ok" from then on; hang, hangmid, drop, cut and garbage are "ok" for COUNT calls and spoil every later one.
//
// "ok" obeys the newest directive in the prompt, so most tests need no scenario file:
//
//   [[stub:shell COMMAND]]   asks for one shell call, then finishes and quotes the tool's result
//   [[stub:say TEXT]]        finishes with TEXT
//
// Scenario file: a list of steps (it is called "script"), or an object of such lists by name. Call number n gets step n, the last step
// repeats for ever. A step is exactly one of
//
//   {"say":"text"}                   final text; "" is an empty reply
//   {"shell":"command"}              a call of whatever shell tool the client declared
//   {"tool":"Name","args":{}}        a call of that tool
//   {"error":429}                    an HTTP error: any status, or "quota", "context"; its body is what that provider sends
//   {"hang":true}                    accepts the request and never answers
//   {"drop":true}                    closes the connection before the first byte of an answer
//   {"garbage":true}                 an event stream that is not JSON
//   {"follow":true}                  what "ok" does; with "again":true it ignores tool results and so never finishes
//
// and, where it makes sense, also has
//
//   "stop":"refusal"|"length"        why the model stopped; "usage":{"input":1,"cached":0,"output":1} its token counts
//   "delayMs":3000                   pause before every event (slow stream)
//   "cut":true | "stall":true        half the events of a stream, then the connection breaks | silence
//   "retryAfter":3600                the retry-after header of an error, seconds; "headers":{} any others
//   "resetIn":3600                   for "quota": seconds until the limit resets
//   "message":"text", "body":{}      another error text; another whole error body
//
// Example: {"limit-then-work":[{"error":429,"retryAfter":1},{"shell":"echo hi > made.txt"},{"say":"done"}]}
//
// Which calls count: CLIs also make side calls without tools (titles, classifiers). They are answered by "follow" and take no step, except
// that a built-in scenario without a COUNT applies to every call. A retry is a call.

import { appendFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import zlib from "node:zlib";

const FINAL_TEXT = "STUB-FINAL: done";
const DEFAULT_USAGE = { input: 111, cached: 22, output: 33 };
const SLOW_STREAM_MS = 3000;

/**
 * The built-in scenarios. `first` spoils the first COUNT calls, `after` all calls but the first COUNT, `always` has no count.
 */
const BUILT_IN = {
  ok: { always: { follow: true } },
  text: { always: { say: FINAL_TEXT } },
  empty: { always: { say: "" } },
  refusal: { always: { say: "", stop: "refusal" } },
  length: { always: { say: FINAL_TEXT, stop: "length" } },
  loop: { always: { follow: true, again: true } },
  drip: { always: { follow: true, delayMs: SLOW_STREAM_MS } },
  hang: { after: { hang: true } },
  drop: { after: { drop: true } },
  hangmid: { after: { follow: true, stall: true } },
  cut: { after: { follow: true, cut: true } },
  garbage: { after: { garbage: true } },
  401: { first: { error: 401 } },
  403: { first: { error: 403 } },
  404: { first: { error: 404 } },
  429: { first: { error: 429, retryAfter: 1 } },
  "429long": { first: { error: 429, retryAfter: 3600 } },
  500: { first: { error: 500 } },
  529: { first: { error: 529 } },
  quota: { first: { error: "quota" } },
  context: { first: { error: "context" } },
};

const STEP_KINDS = ["say", "shell", "tool", "error", "hang", "drop", "garbage", "follow"];
const STEP_EXTRAS = [
  "args",
  "again",
  "stop",
  "usage",
  "delayMs",
  "cut",
  "stall",
  "retryAfter",
  "headers",
  "resetIn",
  "message",
  "body",
];

/** Returns the scenarios of a file's content, or throws with every mistake in it. */
function parseScenarios(content) {
  const scenarios = Array.isArray(content) ? { script: content } : content;
  const mistakes = [];
  for (const [name, steps] of Object.entries(scenarios)) {
    if (!Array.isArray(steps) || steps.length === 0) {
      mistakes.push(`${name}: expected a list of at least one step`);
      continue;
    }
    steps.forEach((step, i) => {
      const keys = Object.keys(step ?? {});
      const kinds = keys.filter((key) => STEP_KINDS.includes(key));
      const unknown = keys.filter((key) => !STEP_KINDS.includes(key) && !STEP_EXTRAS.includes(key));
      if (kinds.length !== 1)
        mistakes.push(
          `${name}[${i}]: expected exactly one of ${STEP_KINDS.join(", ")}, got ${kinds.join(" and ") || "none"}`,
        );
      if (unknown.length > 0) mistakes.push(`${name}[${i}]: unknown ${unknown.join(", ")}`);
    });
  }
  if (mistakes.length > 0) throw new Error(`scenario file:\n  ${mistakes.join("\n  ")}`);
  return scenarios;
}

/**
 * Returns the step that answers a call, or null where there is no such scenario.
 * `call` is the number of this call, from 1, among those that count; null means that this one does not count.
 */
function stepFor(scenarios, name, count, call) {
  const follow = BUILT_IN.ok.always;
  if (Object.hasOwn(scenarios, name)) {
    const steps = scenarios[name];
    return call === null ? follow : steps[Math.min(call, steps.length) - 1];
  }
  if (!Object.hasOwn(BUILT_IN, name)) return null;
  const { always, first, after } = BUILT_IN[name];
  if (always) return always;
  if (count === null) return first ?? after;
  if (call === null) return follow;
  if (first) return call <= count ? first : follow;
  return call > count ? after : follow;
}

// ------------------------------------------------------------------------------------------------------------- the model

/** The shell tools seen: Bash, bash, shell, exec_command, run_shell_command, exec, local_shell, developer__shell. */
const SHELL_TOOL =
  /^(bash|shell|shell_command|exec_command|run_shell_command|run_command|execute_command|local_shell|exec|terminal|developer__shell)$/i;
const SHELL_LIKE = /shell|bash|exec/i;
const SHELL_ARGUMENTS = ["command", "cmd", "script", "input", "code"];
const DIRECTIVE = /\[\[stub:(shell|say) ([\s\S]*?)\]\]/g;
/** Answers the JSON-only side calls: the fields that the CLIs' classifiers were seen to ask for. */
const JSON_TEXT = '{"reasoning":"stub","next_speaker":"user","model_choice":"flash","title":"stub"}';

/**
 * Returns what the model replies: `{ text }` or `{ call: { name, kind, namespace, args, code } }`, with `stop` and `usage`.
 * `tools` is what the client declared, `turns` the conversation, both in the form that every dialect is brought to below.
 */
function replyTo(step, turns, tools, wantsJson) {
  const ending = { stop: step.stop, usage: { ...DEFAULT_USAGE, ...step.usage } };
  if (step.say !== undefined) return { text: step.say, ...ending };
  if (step.shell !== undefined)
    return { ...(shellCall(tools, step.shell) ?? { text: "stub: the client declared no shell tool" }), ...ending };
  if (step.tool !== undefined) {
    const declared = tools.find((tool) => tool.name === step.tool) ?? { name: step.tool, kind: "function" };
    return { call: { ...declared, args: step.args ?? {} }, ...ending };
  }
  return { ...followPrompt(turns, tools, wantsJson, step.again), ...ending };
}

/** Walks the conversation backwards: a tool result newer than the directive means that the work is done. */
function followPrompt(turns, tools, wantsJson, again) {
  for (const turn of turns.toReversed()) {
    if (turn.role === "tool" && !again) return { text: `${FINAL_TEXT}. tool said: ${turn.text.trim().slice(0, 200)}` };
    if (turn.role !== "user") continue;
    const directive = [...turn.text.matchAll(DIRECTIVE)].at(-1);
    if (!directive) continue;
    const [, verb, rest] = directive;
    if (verb === "say") return { text: rest };
    const call = shellCall(tools, rest);
    if (call) return call;
    break;
  }
  return { text: wantsJson ? JSON_TEXT : "stub: done" };
}

function shellCall(tools, command) {
  const tool = tools.find((t) => SHELL_TOOL.test(t.name)) ?? tools.find((t) => SHELL_LIKE.test(t.name));
  if (!tool) return null;
  if (tool.kind === "custom") {
    // Codex "code mode": the tool takes JavaScript that calls the real shell tool.
    const code = `const r = await tools.exec_command({cmd: ${JSON.stringify(command)}}); text(r.output ?? JSON.stringify(r));`;
    return { call: { ...tool, args: command, code } };
  }
  return { call: { ...tool, args: tool.kind === "local_shell" ? command : shellArguments(tool.schema, command) } };
}

/** Fills the declared JSON schema, because every CLI names its arguments differently and some check them. */
function shellArguments(schema, command) {
  const properties = schema.properties ?? {};
  const key = SHELL_ARGUMENTS.find((name) => properties[name]) ?? "command";
  const args = { [key]: typeOf(properties[key]) === "array" ? ["bash", "-lc", command] : command };
  for (const name of schema.required ?? []) {
    if (name in args) continue;
    const filler = { integer: 60_000, number: 60_000, boolean: false, array: [], object: {} };
    args[name] = properties[name]?.enum?.[0] ?? filler[typeOf(properties[name])] ?? "stub";
  }
  return args;
}

const typeOf = (property) => String([property?.type ?? "string"].flat()[0]).toLowerCase();

// --------------------------------------------------------------------------------------------------- reading the requests

/** Returns the text of a content value: a string, a part, or a list of parts, in any dialect. */
function textOf(content) {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(textOf).join("\n");
  return content && typeof content === "object" ? textOf(content.text ?? content.content ?? content.output ?? "") : "";
}

/** Returns the declared tools of any dialect as `{ name, schema, kind, namespace }`. */
function declaredTools(body) {
  const found = [];
  const add = (name, schema, kind, namespace) => found.push({ name, schema: schema ?? {}, kind, namespace });
  const walk = (list, namespace) => {
    for (const tool of list ?? []) {
      if (tool.functionDeclarations)
        for (const f of tool.functionDeclarations) add(f.name, f.parametersJsonSchema ?? f.parameters, "function");
      else if (tool.type === "namespace") walk(tool.tools, tool.name);
      else if (tool.type === "local_shell") add("local_shell", {}, "local_shell");
      else if (tool.type === "custom") add(tool.name, {}, "custom", namespace);
      else if (tool.function) add(tool.function.name, tool.function.parameters, "function");
      else if (tool.name) add(tool.name, tool.input_schema ?? tool.parameters, "function", namespace);
    }
  };
  walk(body.tools);
  // Codex 0.150 and later may declare its tools in an input item instead.
  if (Array.isArray(body.input)) for (const item of body.input) if (item.type === "additional_tools") walk(item.tools);
  return found;
}

const wantsJson = (body) =>
  body.generationConfig?.responseMimeType === "application/json" ||
  Boolean(body.response_format) ||
  body.text?.format?.type === "json_schema";

// ------------------------------------------------------------------------------------------------------------ the dialects
//
// A dialect reads the conversation as `{ role, text }` turns and writes a reply as a JSON body and as stream frames.

let lastId = 0;
const newId = (prefix) => `${prefix}_stub${(++lastId).toString(36).padStart(8, "0")}`;
const nowSeconds = () => Math.floor(Date.now() / 1000);

const anthropic = {
  turns(body) {
    return (body.messages ?? []).flatMap((message) =>
      [message.content].flat().map((part) => {
        if (part?.type === "tool_result") return { role: "tool", text: textOf(part.content) };
        if (part?.type === "tool_use") return { role: "assistant", text: "" };
        return { role: message.role, text: textOf(part) };
      }),
    );
  },

  encode({ text, call, stop, usage: counts }, { model }) {
    const usage = {
      input_tokens: counts.input,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: counts.cached,
      output_tokens: counts.output,
    };
    const stopReason = { refusal: "refusal", length: "max_tokens" }[stop] ?? (call ? "tool_use" : "end_turn");
    const block = call
      ? { type: "tool_use", id: newId("toolu"), name: call.name, input: call.args }
      : { type: "text", text };
    const content = text === "" ? [] : [block];
    const message = {
      id: newId("msg"),
      type: "message",
      role: "assistant",
      model,
      content,
      stop_reason: stopReason,
      stop_sequence: null,
      usage,
    };

    const frames = [];
    const emit = (type, fields) => frames.push({ event: type, data: { type, ...fields } });
    emit("message_start", {
      message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
    });
    if (content.length > 0) {
      emit("content_block_start", {
        index: 0,
        content_block: call ? { ...block, input: {} } : { type: "text", text: "" },
      });
      const delta = call
        ? { type: "input_json_delta", partial_json: JSON.stringify(call.args) }
        : { type: "text_delta", text };
      emit("content_block_delta", { index: 0, delta });
      emit("content_block_stop", { index: 0 });
    }
    emit("message_delta", {
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: counts.output },
    });
    emit("message_stop", {});
    return { json: message, frames };
  },
};

const responses = {
  turns(body) {
    const input = typeof body.input === "string" ? [{ role: "user", content: body.input }] : (body.input ?? []);
    return input.map((item) => {
      if (/_output$/.test(item.type ?? "")) return { role: "tool", text: textOf(item.output) };
      return item.role ? { role: item.role, text: textOf(item.content) } : { role: "assistant", text: "" };
    });
  },

  encode(reply, { model }) {
    const { stop, usage: counts } = reply;
    const usage = {
      input_tokens: counts.input,
      input_tokens_details: { cached_tokens: counts.cached },
      output_tokens: counts.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: counts.input + counts.output,
    };
    const settings = {
      parallel_tool_calls: true,
      tool_choice: "auto",
      tools: [],
      error: null,
      incomplete_details: null,
    };
    const started = {
      id: newId("resp"),
      object: "response",
      created_at: nowSeconds(),
      model,
      status: "in_progress",
      output: [],
      usage: null,
      ...settings,
    };
    const item = responses.item(reply);
    const reason = { refusal: "content_filter", length: "max_output_tokens" }[stop];
    const ended = { ...started, status: "completed", output: [item], usage };
    if (reason) Object.assign(ended, { status: "incomplete", incomplete_details: { reason } });

    const frames = [];
    const emit = (type, fields) =>
      frames.push({ event: type, data: { type, sequence_number: frames.length, ...fields } });
    emit("response.created", { response: started });
    emit("response.in_progress", { response: started });
    responses.emitItem(emit, item);
    // Without response.completed and its usage Codex fails with "stream closed before response.completed".
    emit(reason ? "response.incomplete" : "response.completed", { response: ended });
    return { json: ended, frames };
  },

  item({ text, call }) {
    if (!call) {
      const content = text === "" ? [] : [{ type: "output_text", text, annotations: [] }];
      return { type: "message", id: newId("msg"), role: "assistant", status: "completed", content };
    }
    const common = {
      call_id: newId("call"),
      status: "completed",
      ...(call.namespace && { namespace: call.namespace }),
    };
    if (call.kind === "local_shell")
      return {
        type: "local_shell_call",
        id: newId("lsh"),
        ...common,
        action: { type: "exec", command: ["bash", "-lc", call.args] },
      };
    if (call.kind === "custom")
      return {
        type: "custom_tool_call",
        id: newId("ctc"),
        ...common,
        name: call.name,
        input: call.code ?? JSON.stringify(call.args),
      };
    return { type: "function_call", id: newId("fc"), ...common, name: call.name, arguments: JSON.stringify(call.args) };
  },

  emitItem(emit, item) {
    const at = { item_id: item.id, output_index: 0 };
    const emptied = { message: { content: [] }, function_call: { arguments: "" }, custom_tool_call: { input: "" } }[
      item.type
    ];
    emit("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", ...emptied } });
    if (item.type === "message" && item.content.length > 0) {
      const [part] = item.content;
      const inPart = { ...at, content_index: 0 };
      emit("response.content_part.added", { ...inPart, part: { ...part, text: "" } });
      emit("response.output_text.delta", { ...inPart, delta: part.text });
      emit("response.output_text.done", { ...inPart, text: part.text });
      emit("response.content_part.done", { ...inPart, part });
    } else if (item.type === "function_call") {
      emit("response.function_call_arguments.delta", { ...at, delta: item.arguments });
      emit("response.function_call_arguments.done", { ...at, arguments: item.arguments });
    } else if (item.type === "custom_tool_call") {
      emit("response.custom_tool_call_input.delta", { ...at, delta: item.input });
      emit("response.custom_tool_call_input.done", { ...at, input: item.input });
    }
    emit("response.output_item.done", { output_index: 0, item });
  },
};

const chat = {
  turns: (body) => (body.messages ?? []).map((message) => ({ role: message.role, text: textOf(message.content) })),

  encode({ text, call, stop, usage: counts }, { model }) {
    const head = { id: newId("chatcmpl"), created: nowSeconds(), model };
    const usage = {
      prompt_tokens: counts.input,
      completion_tokens: counts.output,
      total_tokens: counts.input + counts.output,
      prompt_tokens_details: { cached_tokens: counts.cached },
    };
    const finish = { refusal: "content_filter", length: "length" }[stop] ?? (call ? "tool_calls" : "stop");
    const calls = call && [
      { id: newId("call"), type: "function", function: { name: call.name, arguments: JSON.stringify(call.args) } },
    ];
    const message = { role: "assistant", content: call ? null : text, tool_calls: calls };
    const json = { ...head, object: "chat.completion", choices: [{ index: 0, finish_reason: finish, message }], usage };

    const chunk = (choices, fields) => ({ data: { ...head, object: "chat.completion.chunk", choices, ...fields } });
    const delta = (fields, finishReason = null) => chunk([{ index: 0, delta: fields, finish_reason: finishReason }]);
    const frames = [delta({ role: "assistant", content: "" })];
    if (calls) frames.push(delta({ tool_calls: calls.map((c, index) => ({ index, ...c })) }));
    else if (text !== "") frames.push(delta({ content: text }));
    frames.push(delta({}, finish), chunk([], { usage }), { data: "[DONE]" });
    return { json, frames };
  },
};

const gemini = {
  turns(body) {
    return (body.contents ?? []).flatMap((content) =>
      (content.parts ?? []).map((part) => {
        if (part.functionResponse) return { role: "tool", text: JSON.stringify(part.functionResponse.response ?? {}) };
        if (part.functionCall) return { role: "assistant", text: "" };
        return { role: content.role === "model" ? "assistant" : "user", text: part.text ?? "" };
      }),
    );
  },

  encode({ text, call, stop, usage: counts }, { model }) {
    const head = { modelVersion: model, responseId: newId("gem") };
    const usageMetadata = {
      promptTokenCount: counts.input,
      cachedContentTokenCount: counts.cached,
      candidatesTokenCount: counts.output,
      totalTokenCount: counts.input + counts.output,
    };
    const finishReason = { refusal: "SAFETY", length: "MAX_TOKENS" }[stop] ?? "STOP";
    const parts = text === "" ? [] : [call ? { functionCall: { name: call.name, args: call.args } } : { text }];
    const candidates = (content, ending) => [{ index: 0, content: { role: "model", parts: content }, ...ending }];
    const json = { candidates: candidates(parts, { finishReason }), usageMetadata, ...head };
    if (text === "") return { json, frames: [{ data: json }] };
    // Two chunks, of which only the last has the finish reason and the usage.
    const last = { candidates: candidates([{ text: "" }], { finishReason }), usageMetadata, ...head };
    return { json, frames: [{ data: { candidates: candidates(parts), ...head } }, { data: last }] };
  },
};

const ollama = {
  turns: chat.turns,

  encode({ text, call, stop, usage: counts }, { model }) {
    const message = { role: "assistant", content: call ? "" : text };
    if (call) message.tool_calls = [{ function: { name: call.name, arguments: call.args } }];
    const head = { model, created_at: new Date().toISOString() };
    const ending = { done: true, done_reason: stop === "length" ? "length" : "stop", total_duration: 1 };
    const last = {
      ...head,
      message: { role: "assistant", content: "" },
      ...ending,
      prompt_eval_count: counts.input,
      eval_count: counts.output,
    };
    return {
      json: { ...last, message },
      frames: [{ data: { ...head, message, done: false } }, { data: last }],
      ndjson: true,
    };
  },
};

const DIALECTS = { anthropic, responses, chat, gemini, ollama };

// ----------------------------------------------------------------------------------------------------------------- errors

/** What each provider says. `openai` has the error code, which is also its type unless `type` says otherwise. */
const ERRORS = {
  401: {
    status: 401,
    anthropic: ["authentication_error", "invalid x-api-key"],
    openai: ["invalid_api_key", "Incorrect API key provided: stub."],
    type: "invalid_request_error",
    gemini: ["UNAUTHENTICATED", "Request had invalid authentication credentials."],
  },
  403: {
    status: 403,
    anthropic: ["permission_error", "Your API key does not have permission to use the specified resource."],
    openai: ["permission_denied", "You do not have access to this model."],
    gemini: ["PERMISSION_DENIED", "The caller does not have permission"],
  },
  404: {
    status: 404,
    anthropic: ["not_found_error", "model: stub-model"],
    openai: ["model_not_found", "The model `stub-model` does not exist or you do not have access to it."],
    type: "invalid_request_error",
    gemini: ["NOT_FOUND", "models/stub-model is not found for API version v1beta."],
  },
  429: {
    status: 429,
    anthropic: ["rate_limit_error", "This request would exceed your rate limit of 50 requests per minute."],
    openai: [
      "rate_limit_exceeded",
      "Rate limit reached for stub-model in organization org-stub on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
    ],
    gemini: ["RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."],
  },
  quota: {
    status: 429,
    anthropic: ["rate_limit_error", "You've reached your usage limit for this period."],
    openai: ["insufficient_quota", "You exceeded your current quota, please check your plan and billing details."],
    gemini: ["RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."],
  },
  500: {
    status: 500,
    anthropic: ["api_error", "Internal server error"],
    openai: ["server_error", "The server had an error while processing your request."],
    gemini: ["INTERNAL", "An internal error has occurred."],
  },
  529: {
    status: 529,
    anthropic: ["overloaded_error", "Overloaded"],
    openai: ["server_overloaded", "The engine is currently overloaded, please try again later."],
    gemini: ["UNAVAILABLE", "The model is overloaded. Please try again later."],
  },
  context: {
    status: 400,
    anthropic: ["invalid_request_error", "prompt is too long: 212345 tokens > 200000 maximum"],
    openai: [
      "context_length_exceeded",
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 212345 tokens.",
    ],
    type: "invalid_request_error",
    gemini: [
      "INVALID_ARGUMENT",
      "The input token count (1212345) exceeds the maximum number of tokens allowed (1048576).",
    ],
  },
};

/** Any other status: enough for a client to classify it by the number. */
const plainError = (status) => {
  const message = `stub: HTTP ${status}`;
  return { status, anthropic: ["api_error", message], openai: ["api_error", message], gemini: ["UNKNOWN", message] };
};

/** Returns the HTTP answer `{ status, headers, body }` of an error step in one dialect. */
function errorAnswer(dialect, step) {
  const error = ERRORS[step.error] ?? plainError(Number(step.error));
  const isQuota = step.error === "quota";
  const resetInSeconds = step.resetIn ?? 3600;
  const resetsAt = nowSeconds() + resetInSeconds;
  const headers = {};
  if (step.retryAfter !== undefined) headers["retry-after"] = String(step.retryAfter);
  if (isQuota) {
    headers["anthropic-ratelimit-unified-status"] = "rejected";
    headers["anthropic-ratelimit-unified-reset"] = String(resetsAt);
    headers["anthropic-ratelimit-unified-representative-claim"] = "five_hour";
  }
  const body = step.body ?? errorBody(dialect, error, step.message, isQuota ? { resetsAt, resetInSeconds } : null);
  return { status: error.status, headers: { ...headers, ...step.headers }, body };
}

function errorBody(dialect, error, message, quota) {
  if (dialect === "anthropic") {
    const [type, text] = error.anthropic;
    return { type: "error", error: { type, message: message ?? text }, request_id: newId("req") };
  }
  if (dialect === "gemini") {
    const [status, text] = error.gemini;
    // A quota id with "PerDay" is what makes gemini give up at once instead of retrying.
    const violation = {
      quotaMetric: "generativelanguage.googleapis.com/generate_requests_per_model_per_day",
      quotaId: "GenerateRequestsPerDayPerProjectPerModel",
    };
    const details = quota && [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [violation] },
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "RATE_LIMIT_EXCEEDED", domain: "googleapis.com" },
    ];
    return { error: { code: error.status, message: message ?? text, status, ...(details && { details }) } };
  }
  const [code, text] = error.openai;
  if (dialect === "ollama") return { error: message ?? text };
  if (dialect === "responses" && quota) {
    // What a ChatGPT plan answers; "insufficient_quota" is the form for an API key.
    const limit = {
      type: "usage_limit_reached",
      message: message ?? "The usage limit has been reached",
      plan_type: "plus",
    };
    return { error: { ...limit, resets_at: quota.resetsAt, resets_in_seconds: quota.resetInSeconds } };
  }
  return { error: { message: message ?? text, type: error.type ?? code, param: null, code } };
}

// ----------------------------------------------------------------------------------------------------------------- server

/** Returns which dialect a path belongs to, or null. `count` marks a token count, `stream` is set where the path decides it. */
function route(path) {
  if (/\/v1\/messages\/count_tokens$/.test(path)) return { dialect: "anthropic", count: true };
  if (/\/messages$/.test(path)) return { dialect: "anthropic" };
  if (/\/responses(\/compact)?$/.test(path)) return { dialect: "responses" };
  if (/\/chat\/completions$/.test(path)) return { dialect: "chat" };
  if (/\/api\/chat$/.test(path)) return { dialect: "ollama" };
  const call = path.match(/\/models\/([^/:]+):(streamGenerateContent|generateContent|countTokens)$/);
  if (!call) return null;
  return {
    dialect: "gemini",
    model: call[1],
    count: call[2] === "countTokens",
    stream: call[2] === "streamGenerateContent",
  };
}

/** The look-ups that some CLIs make before the first model call; everything else is 404, which all of them bear. */
function lookUp(method, path) {
  if (/\/api\/tags$/.test(path)) return { models: [{ name: "stub-model", model: "stub-model" }] };
  if (/\/api\/show$/.test(path)) {
    const info = { "general.architecture": "stub", "stub.context_length": 32768 };
    return { capabilities: ["completion", "tools"], model_info: info, details: {} };
  }
  if (/\/models$/.test(path)) {
    const model = {
      id: "stub-model",
      object: "model",
      created: 0,
      owned_by: "stub",
      type: "model",
      display_name: "stub-model",
    };
    return { object: "list", data: [model], models: [], has_more: false };
  }
  return method === "HEAD" || path === "/" ? {} : null;
}

/** Which credential came, never the credential. */
function credentialKind(headers, query) {
  if (headers.authorization) return "bearer";
  if (headers["x-api-key"]) return "x-api-key";
  if (headers["x-goog-api-key"]) return "x-goog-api-key";
  return query.has("key") ? "?key" : "none";
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const decode = {
    gzip: zlib.gunzipSync,
    deflate: zlib.inflateSync,
    br: zlib.brotliDecompressSync,
    zstd: zlib.zstdDecompressSync,
  };
  const bytes = Buffer.concat(chunks);
  return (decode[request.headers["content-encoding"]]?.(bytes) ?? bytes).toString("utf8");
}

function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

const sendStubError = (response, status, message) =>
  sendJson(response, status, { error: { message: `stub: ${message}`, type: "stub_error" } });

async function sendStream(response, { frames, ndjson }, step) {
  const type = ndjson ? "application/x-ndjson" : "text/event-stream";
  response.writeHead(200, { "content-type": type, "cache-control": "no-cache", connection: "keep-alive" });
  const half = Math.max(1, frames.length >> 1);
  for (const [i, { event, data }] of frames.entries()) {
    if (response.destroyed) return;
    if (i === half && step.stall) return; // The socket stays open: the client has to give up.
    if (i === half && step.cut) {
      response.destroy();
      return;
    }
    if (step.delayMs) await sleep(step.delayMs);
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const frame = ndjson ? `${text}\n` : `${event ? `event: ${event}\n` : ""}data: ${text}\n\n`;
    // Waits until the frame has left: destroying the response would else throw away what was written, headers included.
    await new Promise((resolve) => response.write(frame, resolve));
  }
  response.end();
}

/**
 * Starts the server on 127.0.0.1.
 * `requests` grows by one entry per request: which dialect, scenario, call number and step it met; never a body or a key.
 */
export async function startStub({
  port = 0,
  scenarios: content = {},
  defaultScenario,
  countAll = false,
  logFile,
  dumpDir,
} = {}) {
  const scenarios = parseScenarios(content);
  const fallback = defaultScenario ?? (Object.hasOwn(scenarios, "script") ? "script" : "ok");
  const calls = new Map(); // "NAME:COUNT:KEY" -> calls that counted
  const requests = [];
  if (dumpDir) mkdirSync(dumpDir, { recursive: true });
  const log = (entry) => logFile && appendFileSync(logFile, `${JSON.stringify({ t: Date.now(), ...entry })}\n`);

  async function handle(request, response) {
    const url = new URL(request.url, "http://stub");
    const [, segment, rest] = url.pathname.match(/^\/s\/([^/]+)(\/.*)?$/) ?? [null, null, url.pathname];
    const path = rest ?? "/";
    const scenario = segment === null ? fallback : decodeURIComponent(segment);
    const [name, countText] = scenario.split(":");
    const count = countText ? Number(countText) : null;
    const text = await readBody(request);
    const target = route(path);
    const entry = {
      n: requests.length + 1,
      method: request.method,
      path,
      scenario,
      dialect: target?.dialect ?? null,
      credential: credentialKind(request.headers, url.searchParams),
      userAgent: request.headers["user-agent"],
      bytes: text.length,
    };
    requests.push(entry);
    log(entry);

    if (!target) {
      const found = lookUp(request.method, path);
      return found ? sendJson(response, 200, found) : sendStubError(response, 404, `no such route ${path}`);
    }
    let body;
    try {
      body = JSON.parse(text || "{}");
    } catch {
      return sendStubError(response, 400, "the body is not JSON");
    }
    if (dumpDir) {
      const file = join(dumpDir, `${String(entry.n).padStart(4, "0")}-${target.dialect}.json`);
      writeFileSync(file, JSON.stringify({ path: request.url, headers: request.headers, body }, null, 1));
    }
    if (target.count)
      return sendJson(response, 200, { input_tokens: DEFAULT_USAGE.input, totalTokens: DEFAULT_USAGE.input });

    const dialect = DIALECTS[target.dialect];
    const tools = declaredTools(body);
    const call = countAll || tools.length > 0 ? (calls.get(scenario) ?? 0) + 1 : null;
    if (call !== null) calls.set(scenario, call);
    const step = stepFor(scenarios, name, count, call);
    if (!step) return sendStubError(response, 404, `no scenario "${name}"`);
    Object.assign(entry, { call, step });
    log({ n: entry.n, call, step });

    if (step.hang) return;
    if (step.drop) return request.socket.destroy();
    if (step.error !== undefined) {
      const answer = errorAnswer(target.dialect, step);
      return sendJson(response, answer.status, answer.body, answer.headers);
    }
    if (step.garbage) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      return response.end("data: {not json\n\n");
    }
    const reply = replyTo(step, dialect.turns(body), tools, wantsJson(body));
    const encoded = dialect.encode(reply, { model: target.model ?? body.model });
    const stream = target.stream ?? (target.dialect === "ollama" ? body.stream !== false : body.stream === true);
    return stream ? sendStream(response, encoded, step) : sendJson(response, 200, encoded.json);
  }

  const server = http.createServer((request, response) => {
    handle(request, response).catch((error) => {
      log({ error: String(error?.stack ?? error) });
      if (!response.headersSent) sendStubError(response, 500, String(error));
    });
  });
  // Codex tries a WebSocket for the Responses API first and falls back to HTTP when it is refused.
  server.on("upgrade", (request, socket) => {
    log({ upgrade: request.url });
    socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n");
  });
  server.keepAliveTimeout = 1000;
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));

  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections(); // Hanging requests would keep it open for ever.
      }),
  };
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      scenario: { type: "string" },
      default: { type: "string" },
      "count-all": { type: "boolean", default: false },
      log: { type: "string" },
      dump: { type: "string" },
    },
  });
  const stub = await startStub({
    port: Number(values.port),
    scenarios: values.scenario ? JSON.parse(readFileSync(values.scenario, "utf8")) : {},
    defaultScenario: values.default,
    countAll: values["count-all"],
    logFile: values.log,
    dumpDir: values.dump,
  });
  console.log(JSON.stringify({ port: stub.port, pid: process.pid, url: stub.url }));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => stub.close().then(() => process.exit(0)));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`stub-model: ${error.message}`);
    process.exit(2);
  });
}
