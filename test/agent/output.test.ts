import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AgentOutput, OutputReader, readOutput } from "../../src/agent/output.ts";
import type { AgentPreset } from "../../src/agent/preset.ts";
import { claude } from "../../src/agent/presets/claude.ts";
import { command } from "../../src/agent/presets/command.ts";
import { opencode } from "../../src/agent/presets/opencode.ts";
import { aStage } from "./stage.ts";

const fixture = (name: string) => new URL(`../fixtures/agents/claude/${name}.jsonl`, import.meta.url).pathname;

function read(preset: AgentPreset, bytes: Buffer, chunkBytes = bytes.length || 1): AgentOutput {
  const reader = new OutputReader(preset);
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  return reader.end("");
}

describe("claude's events", () => {
  const success = readFileSync(fixture("success"));

  test("a good run: last words, session, tokens, cost", () => {
    const { lastEvents, ...output } = read(claude, success);
    expect(lastEvents).toHaveLength(5);
    expect(output).toMatchInlineSnapshot(`
      {
        "costUsd": 0.0022168,
        "errorTail": "",
        "errors": [],
        "failures": [],
        "finalText": "STUB-FINAL: done. tool said: (Bash completed with no output)",
        "garbageLines": 0,
        "isFinished": true,
        "resetsAt": null,
        "session": "fcff1642-1494-4199-a423-34dfc78b9c9b",
        "tokens": {
          "cacheRead": 44,
          "cacheWrite": 0,
          "input": 222,
          "output": 66,
        },
        "waitingRetry": null,
        "wasDenied": false,
      }
    `);
  });

  test("how the bytes were cut into pieces does not matter", () => {
    expect(read(claude, success, 1)).toEqual(read(claude, success));
    expect(read(claude, success, 4_097)).toEqual(read(claude, success));
  });

  test("the kept files say the same", (context) => {
    const stage = aStage(context);
    const errorFile = stage.file("stderr", `${"x".repeat(100_000)}\nlast line\n`);
    const output = readOutput(claude, { outputFile: fixture("success"), errorFile });
    expect({ ...output, errorTail: "" }).toEqual(read(claude, success));
    expect(output.errorTail).toHaveLength(65_535);
    expect(output.errorTail.endsWith("\nlast line")).toBe(true);
  });

  test("retries are remembered only while it waits", () => {
    const lines = readFileSync(fixture("auth"), "utf8").split("\n");
    const untilRetry = lines.slice(0, lines.findLastIndex((line) => line.includes("api_retry")) + 1);
    expect(read(claude, Buffer.from(untilRetry.join("\n"))).waitingRetry).toMatchObject({
      status: 401,
      code: "authentication_failed",
    });
    expect(read(claude, Buffer.from(lines.join("\n"))).waitingRetry).toBeNull();
  });

  test("a run that failed is finished too, so that a process that hangs then is not waited for", () => {
    const reader = new OutputReader(claude);
    reader.push(readFileSync(fixture("auth")));
    expect(reader.isFinished).toBe(true);
    expect(reader.end("").isFinished).toBe(false);
  });

  test("what the model says or quotes is no error", () => {
    const event = {
      type: "assistant",
      message: { content: [{ type: "text", text: "Invalid API key · 401 · You've hit your limit" }] },
    };
    const output = read(claude, Buffer.from(`${JSON.stringify(event)}\n`));
    expect([output.failures, output.errors]).toEqual([[], []]);
  });
});

describe("what is no event", () => {
  test("garbage is counted and passed over", () => {
    const good = '{"type":"result","is_error":false,"result":"ok"}';
    const output = read(
      claude,
      Buffer.from(`not json\n[]\n"text"\n{"type":\n\n${good}\n\x00\xff\n${good.slice(0, 20)}`),
    );
    expect(output).toMatchObject({ finalText: "ok", isFinished: true, garbageLines: 5 });
  });

  test("U+2028 does not end a line", () => {
    const output = read(claude, Buffer.from('{"type":"result","is_error":false,"result":"one\u2028two"}\n'));
    expect(output.finalText).toBe("one\u2028two");
  });

  test("a line beyond the bound is dropped, the next one is read", () => {
    const long = `{"type":"result","is_error":false,"result":"${"x".repeat(17_000_000)}"}`;
    const output = read(claude, Buffer.from(`${long}\n{"type":"result","is_error":false,"result":"next"}\n`), 65_536);
    expect(output).toMatchObject({ finalText: "next", garbageLines: 1 });
  });

  test("no bytes make the reader throw", () => {
    const event = fc.record({
      type: fc.constantFrom("result", "system", "assistant"),
      subtype: fc.string(),
      result: fc.anything(),
      usage: fc.anything(),
    });
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      event.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.array(line), fc.integer({ min: 1, max: 50 }), (lines, size) => {
        read(claude, Buffer.from(lines.join("\n")), size);
        read(command, Buffer.from(lines.join("\n")), size);
      }),
    );
  });
});

describe("other forms of output", () => {
  const rules = {
    ...claude,
    success: { terminal: { type: "stop" }, finalRequired: true },
    output: {
      format: "jsonl",
      rules: [
        { when: { type: "text" }, emit: "final", take: { text: "text" }, mode: "concat" },
        { when: { type: "step" }, emit: "usage", take: { input: "tokens.in", output: "tokens.out" }, mode: "sum" },
        { when: { type: "step" }, emit: "cost", take: { usd: "cost" }, mode: "sum" },
      ],
    },
  } as const satisfies AgentPreset;

  test("pieces of text and steps that add up", () => {
    const events = [
      { type: "text", text: "one " },
      { type: "step", tokens: { in: 10, out: 1 }, cost: 0.25 },
      { type: "text", text: "two" },
      { type: "step", tokens: { in: 20, out: 2 }, cost: 0.5 },
    ];
    const output = read(rules, Buffer.from(events.map((event) => JSON.stringify(event)).join("\n")));
    expect(output).toMatchObject({
      finalText: "one two",
      tokens: { input: 30, output: 3, cacheRead: 0 },
      costUsd: 0.75,
      isFinished: false,
    });
  });

  test("what looked like the end is none when more follows", () => {
    const step = (reason: string) => `${JSON.stringify({ type: "step_finish", part: { reason } })}\n`;
    const begin = `${JSON.stringify({ type: "step_start" })}\n`;
    const reader = new OutputReader(opencode);
    const seen = [begin, step("tool-calls"), begin, step("stop"), begin, step("stop")].map((line) => {
      reader.push(Buffer.from(line));
      return reader.isFinished;
    });
    expect(seen).toEqual([false, false, false, true, false, true]);
  });

  test("one object over several lines", () => {
    const preset: AgentPreset = { ...rules, output: { ...rules.output, format: "json" } };
    expect(read(preset, Buffer.from('{\n "type": "text",\n "text": "whole"\n}\n'), 3).finalText).toBe("whole");
  });

  test("plain text: the end of it, cut between characters", () => {
    const output = read(command, Buffer.from(`${"é".repeat(40_000)}x`), 1_001);
    expect(Buffer.byteLength(output.finalText)).toBe(59_999);
    expect(output.finalText.startsWith("é")).toBe(true);
    expect(read(command, Buffer.from("")).finalText).toBe("");
  });

  test("an empty file", (context) => {
    const stage = aStage(context);
    writeFileSync(stage.outputFile, "");
    const output = readOutput(claude, { outputFile: stage.outputFile, errorFile: stage.outputFile });
    expect(output).toMatchObject({
      finalText: "",
      session: null,
      tokens: null,
      costUsd: null,
      isFinished: false,
      errorTail: "",
    });
  });
});
