import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type AgentOutcome, classify, fingerprint, type RunFacts } from "../../src/agent/classify.ts";
import { type AgentOutput, OutputReader } from "../../src/agent/output.ts";
import { claude } from "../../src/agent/presets/claude.ts";
import { codex } from "../../src/agent/presets/codex.ts";
import { command } from "../../src/agent/presets/command.ts";
import { gemini } from "../../src/agent/presets/gemini.ts";
import { opencode } from "../../src/agent/presets/opencode.ts";
import { pi } from "../../src/agent/presets/pi.ts";
import { parseResult, type ReadResult } from "../../src/agent/result.ts";
import type { Ended, HowEnded } from "../../src/agent/supervise.ts";
import { endSurvivors } from "../../src/agent/tree.ts";

// A real proof, as no test can make one either.
const nothing = await endSurvivors("/no/such/run/result.json", { graceMs: 0 });
const dead = nothing.kind === "dead" ? nothing.dead : null;

function anEnd(how: HowEnded): Ended {
  const files = { outputFile: "/w/output.log", errorFile: "/w/output.log.stderr" };
  return { ...how, startedAt: 0, durationMs: 1_000, bytes: 100, survivors: 0, dead, unkillable: [], ...files };
}

const exit = (code: number) => anEnd({ how: "exit", code });
const absent: ReadResult = { kind: "absent" };
const says = (result: object): ReadResult => parseResult(JSON.stringify(result));

/** What the CLI printed in a recorded run. */
function recorded(name: string): AgentOutput {
  const file = new URL(`../fixtures/agents/claude/${name}`, import.meta.url);
  const reader = new OutputReader(claude);
  const errors = new URL(`${file.href}.stderr.txt`);
  if (existsSync(new URL(`${file.href}.jsonl`))) reader.push(readFileSync(new URL(`${file.href}.jsonl`)));
  return reader.end(existsSync(errors) ? readFileSync(errors, "utf8") : "");
}

function printed(text: string, errors = ""): AgentOutput {
  const reader = new OutputReader(command);
  reader.push(Buffer.from(text));
  return reader.end(errors);
}

/** An author that changed something and said so, run by `command`. */
function facts(overrides: Partial<RunFacts> = {}): RunFacts {
  const base = {
    role: "author",
    preset: command,
    treeChanged: true,
    nowMs: Date.parse("2026-11-21T09:16:30Z"),
  } as const;
  return { ...base, ended: exit(0), output: printed("done"), result: absent, ...overrides };
}

const inShort = (outcome: AgentOutcome) =>
  outcome.kind === "failure" ? `${outcome.class}: ${outcome.text}` : outcome.result.status;

describe("claude, by what it really printed", () => {
  const outcome = (name: string, code: number, overrides: Partial<RunFacts> = {}) =>
    classify(facts({ preset: claude, output: recorded(name), ended: exit(code), ...overrides }));

  test.for([
    ["success", 0],
    ["rate-limit-once", 0],
    ["text", 0],
    ["tool-failed", 0],
  ] as const)("%s is a result", ([name, code]) => {
    expect(inShort(outcome(name, code))).toBe("implemented");
  });

  test.for([
    ["auth", "auth"],
    ["forbidden", "auth"],
    ["no-credential", "auth"],
    ["model-unavailable", "model-unavailable"],
    ["overloaded", "model-unavailable"],
    ["server-error", "model-unavailable"],
    ["rate-limit", "quota"],
    ["rate-limit-long", "quota"],
    ["quota-oauth", "quota"],
    ["quota-key", "quota"],
    ["refusal", "refusal"],
    ["length", "context-overflow"],
    ["context-overflow", "context-overflow"],
    ["max-turns", "timeout"],
    ["network", "network"],
    ["refused", "network"],
    ["root-refused", "start-up"],
    ["unknown-session", "crash"],
  ] as const)("%s is %s", ([name, expected]) => {
    expect(outcome(name, 1)).toMatchObject({ kind: "failure", class: expected });
  });

  test("texts for people", () => {
    const texts = ["auth", "quota-oauth", "network", "max-turns", "root-refused"].map((name) =>
      inShort(outcome(name, 1)),
    );
    expect(texts).toMatchInlineSnapshot(`
      [
        "auth: The agent's program reported a failure: Invalid API key · Fix external API key.",
        "quota: The agent's program reported a failure: You've hit your 5-hour limit · resets 10:16am (UTC).",
        "network: The agent's program reported a failure: API Error: Connection dropped (ECONNRESET). Check the gateway set in ANTHROPIC_BASE_URL, then try again.",
        "timeout: The agent's program reported a failure: Reached maximum number of turns (2).",
        "start-up: The agent's program could not work: --dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons.",
      ]
    `);
  });

  test("an API error is a failure also where the exit and the event's subtype say success", () => {
    expect(outcome("auth", 0)).toMatchObject({ class: "auth" });
  });

  test("the reset of a usage limit is told where the CLI tells it", () => {
    expect(outcome("quota-oauth", 1)).toMatchObject({ class: "quota", resetsAt: 1_795_256_176_000 });
    expect(outcome("rate-limit", 1)).toMatchObject({ class: "quota", resetsAt: null });
    const { failures } = recorded("quota-oauth");
    const onlyWords = { ...recorded("quota-oauth"), failures, resetsAt: null };
    expect(outcome("quota-oauth", 1, { output: onlyWords })).toMatchObject({
      resetsAt: Date.parse("2026-11-21T10:16:00Z"),
    });
  });

  test("an empty reply is no success, unless the result file speaks", () => {
    expect(outcome("empty", 0)).toMatchObject({ class: "contract-invalid" });
    expect(inShort(outcome("empty", 0, { result: says({ status: "implemented" }) }))).toBe("implemented");
  });

  test("exit 0 without its last event is a crash, as after SIGINT", () => {
    expect(outcome("hang", 0)).toMatchObject({ class: "crash" });
  });

  test("silence while it waits to try again is what it waits for", () => {
    const output = { ...recorded("hang"), waitingRetry: { status: 429, code: "rate_limit", text: "" } };
    const ended = anEnd({ how: "killed", reason: "silence", text: "The agent was stopped." });
    expect(outcome("hang", 0, { output, ended })).toMatchObject({ class: "quota" });
    expect(outcome("hang", 0, { ended })).toMatchObject({ class: "silent" });
  });

  test("work that is done is kept when the process had to be ended", () => {
    const ended = anEnd({ how: "killed", reason: "lingered", text: "" });
    expect(inShort(outcome("success", 0, { ended }))).toBe("implemented");
    expect(outcome("auth", 0, { ended })).toMatchObject({ class: "auth" });
  });

  test("something denied is never success", () => {
    expect(outcome("success", 0, { output: { ...recorded("success"), wasDenied: true } })).toMatchObject({
      class: "contract-invalid",
    });
  });
});

describe("opencode, which tells some causes on standard error only", () => {
  const log = (level: string, words: string) =>
    `timestamp=2026-11-21T09:16:30.123Z level=${level} run=8ce7dd3f ${words}\n`;
  const request = log("INFO", 'message=stream providerID=custom modelID="m" agent=build');
  const limited = log("ERROR", 'message="stream error" agent=build error.error="AI_APICallError: Rate limit reached."');
  const unknown = `${JSON.stringify({ type: "error", error: { name: "UnknownError", data: { message: "See the logs" } } })}\n`;
  const judged = (events: string, errors: string, ended: Ended) => {
    const reader = new OutputReader(opencode);
    reader.push(Buffer.from(events));
    return inShort(classify(facts({ preset: opencode, output: reader.end(errors.trimEnd()), ended })));
  };
  const silence = anEnd({ how: "killed", reason: "silence", text: "The agent was stopped." });

  test("a silence is the wait for which it stands, unless it asked again", () => {
    const later = log("INFO", "message=cleanup prune=7.days");
    expect(judged("", request + limited + later, silence)).toBe(
      "quota: It was waiting to try again: Rate limit reached.",
    );
    expect(judged("", request + limited + request, silence)).toBe("silent: The agent was stopped.");
    const quoted = log("INFO", `message=evaluated pattern="echo ${limited.trim().replaceAll('"', '\\"')}"`);
    expect(judged("", request + quoted, silence)).toBe("silent: The agent was stopped.");
  });

  test("a failure event without a cause", () => {
    const cause = log(
      "ERROR",
      'message=failed ref=e error="ProviderModelNotFoundError: Model not found: a/b." cause="…"',
    );
    expect(judged(unknown, cause, exit(1))).toBe(
      "model-unavailable: The agent's program reported a failure: Model not found: a/b.",
    );
    expect(judged(unknown, "", exit(1))).toBe("crash: The agent's program reported a failure: See the logs.");
  });
});

describe("pi, which exits with 0 after errors and calls none of them the end", () => {
  const answer = (stopReason: string, errorMessage?: string) => [
    { type: "turn_start" },
    { type: "message_update", assistantMessageEvent: { type: "text_end", content: "done" } },
    { type: "message_end", message: { role: "assistant", stopReason, errorMessage } },
  ];
  const judged = (...events: object[]) => {
    const reader = new OutputReader(pi);
    reader.push(Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join("")));
    return inShort(classify(facts({ preset: pi, output: reader.end("") })));
  };

  test("the last error says why no good end came", () => {
    expect(judged(...answer("error", "429: slow down"))).toMatch(/^quota: .*slow down/);
    expect(judged(...answer("error", "429: slow down"), ...answer("stop"))).toBe("implemented");
    expect(judged(...answer("stop"), ...answer("error", "what?"))).toMatch(/^crash: .*what\?/);
  });
});

describe("gemini, whose exit code is the status", () => {
  const judged = (code: number, ...events: object[]) => {
    const reader = new OutputReader(gemini);
    reader.push(Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join("")));
    return inShort(classify(facts({ preset: gemini, output: reader.end(""), ended: exit(code) })));
  };
  const result = (text: string) => ({ type: "result", status: "error", error: { type: "unknown", message: text } });

  test("a failure without a known cause is that of its exit code", () => {
    expect(judged(173, result("Slow down"))).toBe("quota: The agent's program reported a failure: Slow down.");
    expect(judged(1, result("Slow down"))).toBe("crash: The agent's program reported a failure: Slow down.");
  });

  test("a failure without words has those of the error before it", () => {
    const error = { type: "error", severity: "error", message: "What?" };
    expect(judged(0, error, { type: "result", status: "error" })).toBe(
      "crash: The agent's program reported a failure: What?.",
    );
  });

  test("its last words are those after its last tool call", () => {
    const says = (content: string) => ({ type: "message", role: "assistant", content, delta: true });
    const reader = new OutputReader(gemini);
    const call = { type: "tool_use", tool_name: "read_file", tool_id: "1", parameters: {} };
    for (const event of [says("Let me "), says("look."), call, says("All "), says("good.")])
      reader.push(Buffer.from(`${JSON.stringify(event)}\n`));
    expect(reader.end("").finalText).toBe("All good.");
  });
});

describe("codex", () => {
  const read = (...items: object[]) => {
    const reader = new OutputReader(codex);
    for (const item of items) reader.push(Buffer.from(`${JSON.stringify(item)}\n`));
    return reader;
  };

  test("a silence while it tries again is what it told", () => {
    const output = read({ type: "error", message: "Reconnecting... 1/1 (last status: 429 Too Many Requests)" }).end("");
    const ended = anEnd({ how: "killed", reason: "silence", text: "The agent was stopped." });
    expect(inShort(classify(facts({ preset: codex, output, ended })))).toMatch(/^quota: .*429 Too Many Requests/);
  });

  test("edits of one file are no loop, equal commands are", () => {
    const started = (id: string, item: object) => ({ type: "item.started", item: { id, ...item } });
    const edit = { type: "file_change", changes: [{ path: "/w/a", kind: "update" }] };
    const command = { type: "command_execution", command: "true" };
    expect(read(started("1", edit), started("2", edit)).progress.repeats).toBe(1);
    expect(read(started("1", command), started("2", command)).progress.repeats).toBe(2);
  });
});

describe("our own reason outranks everything", () => {
  test.for([
    ["wall", "timeout"],
    ["silence", "silent"],
    ["start-up", "start-up"],
    ["output", "loop"],
    ["stopped", "cancelled"],
  ] as const)("%s is %s", ([reason, expected]) => {
    const ended = anEnd({ how: "killed", reason, text: "It was stopped." });
    const outcome = classify(
      facts({ ended, preset: claude, output: recorded("success"), result: says({ status: "implemented" }) }),
    );
    expect(outcome).toMatchObject({ kind: "failure", class: expected, text: "It was stopped." });
  });
});

describe("a command", () => {
  test.for([
    ["sh: 1: my-agent: not found", 127, "start-up"],
    ["sh: line 1: my-agent: command not found", 127, "start-up"],
    ["sh: my-agent: not found", 127, "start-up"],
    ["sh: 1: ./my-agent: Permission denied", 126, "start-up"],
    ["sh: 1: Syntax error: Unterminated quoted string", 2, "start-up"],
    ["sh: 1: my-agent: not found", 1, "crash"],
    ["my-agent: model not found", 127, "crash"],
    ["", 1, "crash"],
  ] as const)("%s, exit %i: %s", ([errors, code, expected]) => {
    expect(classify(facts({ ended: exit(code), output: printed("", errors) }))).toMatchObject({ class: expected });
  });

  test("a non-zero exit is a failure whatever the file says", () => {
    const outcome = classify(
      facts({ ended: exit(1), output: printed("", "boom"), result: says({ status: "implemented" }) }),
    );
    expect(inShort(outcome)).toBe("crash: The agent ended with exit code 1: boom.");
  });

  test("a signal that was not ours, a program that never ran", () => {
    expect(inShort(classify(facts({ ended: anEnd({ how: "signal", signal: "SIGSEGV" }), output: printed("") })))).toBe(
      "crash: The agent was ended by SIGSEGV, not by us.",
    );
    const ended = anEnd({
      how: "spawn-error",
      errno: "ENOENT",
      text: "The agent's program x could not be started: spawn x ENOENT.",
    });
    expect(classify(facts({ ended }))).toMatchObject({ class: "start-up" });
  });

  test("without the proof that nothing survived there is no result", () => {
    expect(classify(facts({ ended: { ...exit(0), dead: null, unkillable: [7] } }))).toMatchObject({ class: "crash" });
  });
});

describe("the author's result", () => {
  const changed = { treeChanged: true };
  const unchanged = { treeChanged: false };
  const answered = { replies: [{ finding: "f1", action: "rejected", body: "It is right as it is." }] };

  test.for([
    ["implemented", says({ status: "implemented" }), changed, "implemented"],
    ["implemented without a change", says({ status: "implemented" }), unchanged, "no-change"],
    ["a rework that answers instead", says({ status: "implemented", ...answered }), unchanged, "implemented"],
    [
      "nothing to do, with a reason",
      says({ status: "no-change-needed", summary: "It is there." }),
      unchanged,
      "no-change-needed",
    ],
    ["a question", says({ status: "needs-info", question: "Which?" }), unchanged, "needs-info"],
    ["a question without words", says({ status: "needs-info" }), unchanged, "contract-invalid"],
    ["a verdict on its own work", says({ status: "approved" }), changed, "contract-invalid"],
    ["no file, changed", absent, changed, "implemented"],
    ["no file, unchanged", absent, unchanged, "no-change"],
    ["a broken file, changed", parseResult("{"), changed, "implemented"],
    ["a broken file, unchanged", parseResult("{"), unchanged, "contract-invalid"],
  ] as const)("%s", ([, result, tree, expected]) => {
    const outcome = classify(facts({ result, ...tree }));
    expect(outcome.kind === "failure" ? outcome.class : outcome.result.status).toBe(expected);
  });

  test("nothing done and nothing said is a failure, with words it is a result", () => {
    const result = says({ status: "no-change-needed" });
    expect(classify(facts({ result, treeChanged: false, output: printed("") }))).toMatchObject({ class: "no-change" });
    expect(inShort(classify(facts({ result, treeChanged: false, output: printed("It works already.") })))).toBe(
      "no-change-needed",
    );
  });

  test("a guessed result says why it was guessed, and takes the last words as its summary", () => {
    expect(classify(facts({ result: parseResult("{") }))).toMatchObject({
      result: { status: "implemented", summary: "done" },
      inferred: "its result.json is not JSON",
    });
  });
});

describe("the reviewer's result", () => {
  const reviewer = { role: "reviewer", treeChanged: false } as const;

  test("a verdict is never inferred, however good the words", () => {
    expect(classify(facts({ ...reviewer, output: printed("Approved. Looks good!") }))).toMatchObject({
      class: "contract-invalid",
    });
  });

  test.for([
    [{ status: "approved" }, "approved"],
    [{ status: "changes-requested", findings: [{ severity: "major", title: "Leaks" }] }, "changes-requested"],
    [{ status: "changes-requested" }, "contract-invalid"],
    [{ status: "implemented" }, "contract-invalid"],
    [{ status: "no-change-needed", summary: "fine" }, "contract-invalid"],
  ] as const)("%o", ([result, expected]) => {
    const outcome = classify(facts({ ...reviewer, result: says(result) }));
    expect(outcome.kind === "failure" ? outcome.class : outcome.result.status).toBe(expected);
  });

  test("one that changed files judged something else than it was given", () => {
    expect(classify(facts({ ...reviewer, treeChanged: true, result: says({ status: "approved" }) }))).toMatchObject({
      class: "contract-invalid",
    });
  });
});

describe("fingerprint", () => {
  test("is the same but for numbers, paths and identifiers", () => {
    const one = fingerprint(
      "crash",
      "TypeError at /tmp/agent-1/src/a.ts:12, request req_7f3a, session 6b33a833-824b-44f3-af3e-ee16bbd167f6",
    );
    const other = fingerprint(
      "crash",
      "TypeError at /tmp/agent-92/src/a.ts:80, request req_0b1, session 379e7a88-29de-4ad9-b872-4997a2191b85",
    );
    expect(one).toBe(other);
    expect(one).toMatch(/^[0-9a-f]{12}$/);
  });

  test("differs by class and by words", () => {
    expect(fingerprint("crash", "a")).not.toBe(fingerprint("silent", "a"));
    expect(fingerprint("crash", "no such module")).not.toBe(fingerprint("crash", "out of memory"));
  });
});
