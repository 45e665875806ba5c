import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inferResult, parseResult, readResult } from "../../src/agent/result.ts";
import { supervise } from "../../src/agent/supervise.ts";
import { aStage, quick, someLimits } from "./stage.ts";

const parse = (value: unknown) => parseResult(JSON.stringify(value));

describe.concurrent("the file, as a hostile agent may leave it", () => {
  test.for([
    ["broken", { kind: "invalid", why: "is not JSON" }],
    ["huge", { kind: "invalid", why: "is larger than 1 MB" }],
    ["symlink", { kind: "invalid", why: "is a symbolic link" }],
    ["folder", { kind: "invalid", why: "is not a regular file" }],
    ["pipe", { kind: "invalid", why: "is not a regular file" }],
    ["empty", { kind: "invalid", why: "is empty" }],
  ] as const)("%s", async ([way, expected], context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("bad-result", way), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "exit", code: 0 });
    expect(readResult(stage.resultFile)).toEqual(expected);
  });

  test("absent, also when its folder is", (context) => {
    const stage = aStage(context);
    expect(readResult(stage.resultFile)).toEqual({ kind: "absent" });
    expect(readResult(`${stage.folder}/no/result.json`)).toEqual({ kind: "absent" });
    expect(readResult(`${stage.file("plain", "")}/result.json`)).toEqual({ kind: "absent" });
  });

  test("a good one", (context) => {
    const stage = aStage(context);
    const file = stage.file("result.json", '\uFEFF{"status": "implemented", "title": "Mend it"}');
    expect(readResult(file)).toEqual({
      kind: "valid",
      result: { status: "implemented", title: "Mend it", findings: [], replies: [], followUps: [] },
      ignored: [],
    });
  });
});

describe("the fields", () => {
  test("all of them", () => {
    const result = {
      status: "changes-requested",
      summary: "s",
      title: "t",
      body: "b",
      question: "q",
      findings: [{ severity: "blocker", path: "src/a.ts", line: 12, title: "t", body: "b" }],
      replies: [{ finding: "f1", action: "fixed", body: "b" }],
      followUps: [{ title: "t", body: "b" }],
    };
    expect(parse(result)).toEqual({ kind: "valid", result, ignored: [] });
  });

  test("unknown ones are ignored and named", () => {
    expect(parse({ status: "blocked", confidence: 1, mood: "good" })).toMatchObject({
      kind: "valid",
      ignored: ["confidence", "mood"],
    });
  });

  test("null, empty and absent mean the same", () => {
    const finding = { severity: "Minor", title: "t", path: "", line: null, body: null };
    expect(parse({ status: "approved", summary: null, question: "", findings: [finding], replies: null })).toEqual({
      kind: "valid",
      result: { status: "approved", findings: [{ severity: "minor", title: "t" }], replies: [], followUps: [] },
      ignored: [],
    });
  });

  test.for([
    [{}, /status/],
    [{ status: "done" }, /status/],
    [{ status: "approved", findings: [{ severity: "huge", title: "t" }] }, /findings\.0\.severity/],
    [{ status: "approved", findings: [{ severity: "nit" }] }, /findings\.0\.title/],
    [{ status: "approved", findings: "none" }, /findings/],
    [{ status: "implemented", title: 7 }, /title/],
    [[], /the whole/],
    [null, /the whole/],
  ] as const)("%o is invalid and says where", ([value, why]) => {
    expect(parse(value)).toEqual({ kind: "invalid", why: expect.stringMatching(why) });
  });

  test("texts and lists are bounded", () => {
    const parsed = parse({
      status: "implemented",
      title: `A title\nof two lines ${"word ".repeat(100)}`,
      body: "ü".repeat(50_000),
      followUps: Array.from({ length: 80 }, (_, n) => ({ title: `follow-up ${n}` })),
    });
    if (parsed.kind !== "valid") throw new Error(JSON.stringify(parsed));
    const { title = "", body = "", followUps } = parsed.result;
    expect(title.length).toBeLessThanOrEqual(255);
    expect(title).toMatch(/^A title of two lines word .* word…$/);
    expect(Buffer.byteLength(body)).toBe(60_000);
    expect(followUps).toHaveLength(50);
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseResult(text)));
    fc.assert(fc.property(fc.anything(), (value) => void parseResult(JSON.stringify(value) ?? "")));
  });
});

describe("inferred", () => {
  test("never a verdict", () => {
    expect(inferResult({ role: "reviewer", treeChanged: false, finalText: "approved" })).toBeNull();
  });

  test("an author's change, and its absence", () => {
    expect(inferResult({ role: "author", treeChanged: true, finalText: " I did it.\n" })).toMatchObject({
      status: "implemented",
      summary: "I did it.",
    });
    expect(inferResult({ role: "author", treeChanged: true, finalText: "" })).not.toHaveProperty("summary");
    expect(inferResult({ role: "author", treeChanged: false, finalText: "I did it." })).toEqual({
      status: "no-change",
    });
  });
});
