// What the runner reads on standard output: no line of ours is a command to it, whatever it quotes.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { redaction } from "../src/core/redact.ts";
import { actionLog, inert } from "../src/log.ts";

/** Lines as a runner sees them: it trims what Unicode calls white space before it looks for a command. */
const isCommand = (line: string) => /^[\s\u0085\u180e]*(?:::|##\[)/.test(line);

describe("a line made inert", () => {
  test.for([
    "::set-output name=x::y",
    "  ::add-mask::x",
    "\t##[group]x",
    "##[error]x",
    "\u00a0::warning::x",
    "\u2028::warning::x",
    "\ufeff::warning::x",
  ])("%j", (line) => {
    expect(isCommand(inert(line))).toBe(false);
    expect(inert(line).endsWith(line)).toBe(true);
  });

  test.for(["ordinary", "a ::b", "std::vector", ": :x", "# #[x]", ""])("%j stays", (line) => {
    expect(inert(line)).toBe(line);
  });
});

describe("the log of a run", () => {
  let written = "";
  beforeEach(() => {
    written = "";
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const secret = "s3cret-value";
  const log = actionLog(redaction([secret]));
  const said = (text: string) => {
    written = "";
    log.line(text);
    return written;
  };

  test.for([
    ["a\n::set-output name=x::y", "a\n\u200b::set-output name=x::y\n"],
    ["a\r::set-env name=x::y", "a\n\u200b::set-env name=x::y\n"],
    ["a\r\n  ##[group]b", "a\n\u200b  ##[group]b\n"],
    ["\u001b[31m::error::x", "[31m::error::x\n"],
    ["\u0000::error::x", "\u200b::error::x\n"],
    ["\u009b31m::error::x\u0085::error::y", "31m::error::x::error::y\n"],
    [`the key is ${secret}`, "the key is ***\n"],
  ] as const)("%j", ([text, expected]) => {
    expect(said(text)).toBe(expected);
  });

  test("any text", () => {
    const piece = fc.constantFrom(
      "::",
      "##[",
      "\n",
      "\r",
      " ",
      "\u001b",
      "\u0000",
      "\u2028",
      "\u0085",
      "\u202e",
      "set-output",
      "x",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 15 }), (pieces) => {
        for (const line of said(pieces.join("")).split(/\r\n|\n|\r/)) expect(isCommand(line)).toBe(false);
      }),
    );
  });

  test("a warning and a group are one command each, with the text as its data", async () => {
    log.warning("a\n::set-output name=x::y");
    await log.group("::stop\n::x", async () => log.line("in it"));
    expect(written).toBe(
      "::warning::a%0A\u200b::set-output name=x::y\n::group::\u200b::stop%0A\u200b::x\nin it\n::endgroup::\n",
    );
  });

  // Taking controls out joins what they part, so the redaction comes after it too.
  test("a secret with a control character in it stays hidden", () => {
    expect(said(`${secret.slice(0, 5)}\u0000${secret.slice(5)}`)).not.toContain(secret);
  });
});
