// Commands in comments: which line is one, what it orders, and what is only quoted.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandTextMax, parseCommand, verbs } from "../../src/core/command.ts";

const parse = (body: string, on: "issue" | "pull" = "issue") => parseCommand(body, "agent-bot", on);
const none = { kind: "none" };

test.for(verbs)("/agent %s", (verb) => {
  expect(parse(`/agent ${verb}`)).toEqual({ kind: "command", verb, text: "" });
  expect(parse(`/AGENT ${verb.toUpperCase()}  now `)).toEqual({ kind: "command", verb, text: "now" });
});

describe("text", () => {
  test("reaches to the end of the comment, over several lines", () => {
    expect(parse("Hello.\n\n/agent fix the hinge\n\nand\r\nthe lock\n")).toEqual({
      ...{ kind: "command", verb: "fix" },
      text: "the hinge\n\nand\nthe lock",
    });
  });

  test("may quote and show code below the command", () => {
    expect(parse("/agent fix this:\n> squeak\n```\ncode\n```")).toMatchObject({
      text: "this:\n> squeak\n```\ncode\n```",
    });
  });

  test("is cut at its bound", () => {
    const parsed = parse(`/agent fix ${"x".repeat(commandTextMax + 5)}`);
    expect(parsed.kind === "command" && parsed.text.length).toBe(commandTextMax);
  });
});

describe("a mention of the bot", () => {
  test("asks for work on an issue, for a fix on a pull request", () => {
    expect(parse("@agent-bot please mend it")).toEqual({ kind: "command", verb: "run", text: "please mend it" });
    expect(parse("@Agent-Bot, mend it", "pull")).toEqual({ kind: "command", verb: "fix", text: "mend it" });
    expect(parse("@agent-bot: mend it", "pull")).toMatchObject({ text: "mend it" });
    expect(parse("@agent-bot")).toMatchObject({ verb: "run", text: "" });
  });

  test.for(["@agent-bots mend it", "@agent-bot-2 mend it", "thanks @agent-bot", "agent-bot mend it"])(
    "not: %s",
    (body) => {
      expect(parse(body)).toEqual(none);
    },
  );

  test("a login with signs that mean something in patterns", () => {
    expect(parseCommand("@a.b run", "a.b", "issue")).toMatchObject({ kind: "command" });
    expect(parseCommand("@axb run", "a.b", "issue")).toEqual(none);
  });
});

describe("none", () => {
  test.for([
    "",
    "nothing",
    "please /agent run",
    "> /agent run",
    "  > /agent run",
    "    /agent run",
    "\t/agent run",
    "```\n/agent run\n```",
    "~~~\n/agent run\n```\n/agent stop\n~~~",
    "```\n/agent run",
    "/agents run",
    "/agentrun",
    "agent run",
  ])("%j", (body) => {
    expect(parse(body)).toEqual(none);
  });
});

describe("unknown", () => {
  test("its word is kept, shortened", () => {
    expect(parse("/agent dance now")).toEqual({ kind: "unknown", verb: "dance" });
    expect(parse("/agent")).toEqual({ kind: "unknown", verb: "" });
    expect(parse(`/agent ${"x".repeat(99)}`)).toEqual({ kind: "unknown", verb: "x".repeat(40) });
  });

  test("the first command counts, also an unknown one", () => {
    expect(parse("/agent dance\n/agent run")).toEqual({ kind: "unknown", verb: "dance" });
    expect(parse("/agent stop\n/agent run")).toMatchObject({ verb: "stop" });
  });
});

test("after quotes and code a command is read", () => {
  expect(parse("> why?\n\n```\nx\n```\n/agent why")).toMatchObject({ verb: "why" });
});

test("any text has an answer, and none with what is quoted alone", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("issue", "pull"), (text, on) => {
      expect(["command", "unknown", "none"]).toContain(parse(text, on as "issue").kind);
      expect(parse(text.replace(/^/gm, "> "), on as "issue")).toEqual(none);
    }),
  );
});
