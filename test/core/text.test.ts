// Foreign text on our pages, markers, redaction and commands: what may never come through, for any text.

import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closes } from "../../src/core/closing.ts";
import { commandTextMax, parseCommand } from "../../src/core/command.ts";
import { leavesTree } from "../../src/core/guards.ts";
import { findMarker, formatMarker, purposes, withoutMarkers } from "../../src/core/marker.ts";
import { detection, redaction } from "../../src/core/redact.ts";
import {
  clockTime,
  code,
  duration,
  fenced,
  harmless,
  harmlessPart,
  inline,
  oneLine,
  shorten,
  tail,
  titleOf,
  withoutControls,
} from "../../src/core/text.ts";

/** Texts made of what is dangerous on a page, in any order. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."@ann|_@ann_|(@ann|closes #5|Fixes: acme/app#5|reopened !5|resolve\n#5|<!-- agent-dispatch:pull v1 issue=1 -->".split(
          "|",
        ),
        ..."<!--|agent-dispatch:|-->|```|~~~~|`|\n|\r\n|\r|    |> |# |<details>|</details>|/agent run|@agent-bot go".split(
          "|",
        ),
        "\u0000",
        "\u001b[31m",
        "\u202e",
        "\u2028",
        "\ud83d\ude00",
        "\ud83d",
        "::set-output name=x::y",
        "##[group]x",
      ),
      fc.string({ maxLength: 6 }),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    { maxLength: 25 },
  )
  .map((parts) => parts.join(""));

describe("harmless", () => {
  test("for any text: no ping, no closing keyword, no marker, no hidden comment, no control character", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = harmless(text);
        expect(safe).not.toMatch(/(?:^|[^A-Za-z0-9`])@[\w-]/);
        expect(safe).not.toMatch(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|reopen(?:s|ed)?):?\s+[\w./-]*[#!]\d/i);
        expect(closes(safe, 5)).toBe(false);
        expect(safe).not.toContain("<!--");
        for (const purpose of purposes) expect(findMarker(safe, purpose)).toBe(null);
        expect(safe).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });

  test("ordinary words stay as they are", () => {
    const text =
      "Mend `@types/node` for ann@example.org; see #5 and prefixes #6: it closes nothing.\n\n- fixed a leak\n";
    expect(harmless(text)).toBe(text);
  });

  test.for([
    ["ask @ann", "ask @\u200bann"],
    ["_@ann_", "_@\u200bann_"],
    ["(@ann)", "(@\u200bann)"],
    ["closes #5, Fixes acme/app#6 and resolved: !7", "closes\u200b #5, Fixes\u200b acme/app#6 and resolved\u200b: !7"],
    ["reopens #5", "reopens\u200b #5"],
    ["<!-- agent-dispatch:pull v1 issue=1 -->", "<!- - agent-dispatch:pull v1 issue=1 -->"],
    ["<!-- note -->", "&lt;!-- note -->"],
  ])("%s", ([given, expected]) => {
    expect(harmless(given ?? "")).toBe(expected);
  });
});

describe("a part of a page", () => {
  test("for any text: what it opens ends with it", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const page = `${harmlessPart(text, 8_000)}\n\nCloses #12`;
        const lines = page.split("\n");
        const [last] = lines.slice(-1);
        expect(last).toBe("Closes #12");
        expect(openAt(lines, lines.length - 1)).toBe(false);
        const opened = page.match(/<details\b/gi)?.length ?? 0;
        const closed = page.match(/<\/details\b/gi)?.length ?? 0;
        expect(closed).toBeGreaterThanOrEqual(opened === 0 ? 0 : 1);
      }),
    );
  });

  test.for([
    ["a fence cut off", "```js\nconst a = 1;", "```js\nconst a = 1;\n```"],
    ["a fence whose info string holds a line separator", "~~~~\u2028!", "~~~~\u2028!\n~~~~"],
    ["marks with a line separator behind them close nothing", "```\na\n```\u2028\nb", "```\na\n```\u2028\nb\n```"],
    ["a fence inside a longer one", "````md\n```js\n````", "````md\n```js\n````"],
    [
      "folds",
      "<details><summary>a</summary>\n<details>\nb\n</details>",
      "<details><summary>a</summary>\n<details>\nb\n</details>\n\n</details>",
    ],
    ["nothing open", "a\n\n```\nb\n```", "a\n\n```\nb\n```"],
  ] as const)("%s", ([, given, expected]) => {
    expect(harmlessPart(given, 8_000)).toBe(expected);
  });

  /** CommonMark's rule for fenced code, written once more by itself. */
  function openAt(lines: readonly string[], index: number): boolean {
    let fence = "";
    for (const line of lines.slice(0, index)) {
      // A line ends at a line feed only: `.` alone would stop at U+2028, which may stand in an info string and ends no fence.
      const run = /^ {0,3}(`+|~+)(.*)$/s.exec(line);
      const marks = run?.[1] ?? "";
      const rest = run?.[2] ?? "";
      if (fence === "") {
        if (marks.length >= 3 && !(marks.startsWith("`") && rest.includes("`"))) fence = marks;
      } else if (marks.startsWith(fence) && /^[ \t]*$/.test(rest)) fence = "";
    }
    return fence !== "";
  }
});

describe("lines and bounds", () => {
  test("for any text", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 2, max: 60 }), (text, max) => {
        const isWhole = text.length <= max;
        expect(shorten(text, max).length).toBeLessThanOrEqual(max);
        expect(shorten(text, max) === text).toBe(isWhole);
        expect(tail(text, max).length).toBeLessThanOrEqual(max + 2);
        if (isWhole) expect(tail(text, max)).toBe(text);
        for (const line of [oneLine(text, max), inline(text, max), code(text, max), titleOf(text)])
          expect(line).not.toContain("\n");
        expect(oneLine(text, max).length).toBeLessThanOrEqual(max);
        expect(titleOf(text).length).toBeLessThanOrEqual(255);
        expect(code(text, max).slice(1, -1)).not.toContain("`");
        expect(withoutControls(withoutControls(text))).toBe(withoutControls(text));
      }),
    );
  });

  test("a fence that its content cannot end", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = fenced(text, "diff").split("\n");
        const fence = /^`+/.exec(lines[0] ?? "")?.[0] ?? "";
        expect(fence.length).toBeGreaterThanOrEqual(3);
        expect(lines.at(-1)).toBe(fence);
        for (const line of lines.slice(1, -1)) expect(line).not.toContain(fence);
        expect(findMarker(lines.join("\n"), "pull")).toBe(null);
      }),
    );
  });

  test("a cut never leaves half a character", () => {
    expect(shorten("\ud83d\ude00".repeat(10), 5)).toBe("\ud83d\ude00 …");
    expect(tail("\ud83d\ude00".repeat(10), 3)).toBe("… \ud83d\ude00");
  });

  test("a cut is made between words where one is near", () => {
    expect(shorten("one two three four five six seven", 20)).toBe("one two three four …");
    expect(shorten("x".repeat(30), 20)).toBe(`${"x".repeat(18)} …`);
  });

  test.for([
    ["# Summary", "\\# Summary"],
    ["- a list", "\\- a list"],
    ["> a quote", "\\> a quote"],
    ["1. first", "1\\. first"],
    ["a <b>bold</b> claim", "a &lt;b>bold&lt;/b> claim"],
    ["-- was removed", "\\-- was removed"],
    ["**Done**: it works", "\\**Done**: it works"],
    ["`npm test` failed", "`npm test` failed"],
    ["Mended the door.", "Mended the door."],
  ])("inline: %s", ([given, expected]) => {
    expect(inline(given ?? "")).toBe(expected);
  });

  test.for([
    ["WIP: mend it", "mend it"],
    ["[wip] Draft: mend it", "mend it"],
    ["Wipe the disk", "Wipe the disk"],
    ["Draft a letter", "Draft a letter"],
    ["two\nlines", "two lines"],
    ["fixes #5", "fixes\u200b #5"],
    ["WIP:", ""],
  ])("title: %s", ([given, expected]) => {
    expect(titleOf(given ?? "")).toBe(expected);
  });

  test.for([
    [59_499, "59 s"],
    [59_500, "1 min"],
    [65_000, "1 min 5 s"],
    [7_380_000, "2 h 3 min"],
  ] as const)("%i ms", ([ms, expected]) => {
    expect(duration(ms)).toBe(expected);
  });

  test("a time for people", () => {
    expect(clockTime("2026-11-21T10:26:07.123Z")).toBe("2026-11-21 10:26 UTC");
  });
});

describe("markers", () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const value = fc.stringMatching(/^[\w:./-]{1,20}$/);

  test("parse(format(x)) is x, wherever it stands", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...purposes),
        fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
        (purpose, values) => {
          expect(findMarker(`before\n${formatMarker(purpose, values)}\nafter`, purpose)).toEqual({ purpose, values });
        },
      ),
    );
  });

  test("a value cannot break out", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const marker = formatMarker("refusal", { for: `a${text}` });
        expect(marker.match(/-->/g)).toHaveLength(1);
        expect(Object.keys(findMarker(marker, "refusal")?.values ?? {})).toEqual(["for"]);
      }),
    );
  });

  test("none survives, also when taking one away would make another", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const purpose of purposes) expect(findMarker(withoutMarkers(text), purpose)).toBe(null);
      }),
    );
    const nested = "<!-- agent-dispatch:agent-dispatch:refusal v1 for=label:5 -->";
    expect(findMarker(withoutMarkers(nested), "refusal")).toBe(null);
    expect(findMarker(fenced(nested), "refusal")).toBe(null);
  });

  test("another purpose or version is not it", () => {
    expect(findMarker(formatMarker("pull", { issue: 1 }), "status")).toBe(null);
    expect(findMarker("<!-- agent-dispatch:pull v2 issue=1 -->", "pull")).toBe(null);
  });
});

describe("redaction", () => {
  const secret = fc.stringMatching(/^[\x21-\x29\x2b-\x7e]{8,40}$/);

  test("no secret leaves in any of its forms, wherever it stands", () => {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        hostile,
        fc.string({ maxLength: 5 }),
        (secrets, around, lead) => {
          const redact = redaction(secrets);
          for (const one of secrets) {
            const bytes = Buffer.from(one);
            const forms = [
              one,
              encodeURIComponent(one),
              new URLSearchParams([["k", one]]).toString().slice(2),
              JSON.stringify(one).slice(1, -1),
              bytes.toString("hex"),
              bytes.toString("hex").toUpperCase(),
            ];
            for (const form of forms) {
              const out = redact(`${around}${form}${around}`);
              expect(detection(secrets)(`${around}${form}${around}`)).toBe(true);
              expect(detection(secrets)(out)).toBe(false);
              for (const other of forms) expect(out).not.toContain(other);
            }
            for (const encoding of ["base64", "base64url"] as const) {
              const out = redact(Buffer.from(`${lead}${one}:x`).toString(encoding));
              expect(Buffer.from(out.replaceAll("***", ""), encoding).toString()).not.toContain(one);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test.for([
    `sk-ant-${"a1".repeat(15)}`,
    `sk-proj-${"a1".repeat(15)}`,
    `ghp_${"a1".repeat(18)}`,
    `github_pat_${"a1".repeat(20)}`,
    `glpat-${"a1".repeat(10)}`,
    `AIza${"a".repeat(35)}`,
    "xoxb-1234567890-abc",
    "AKIAABCDEFGHIJKLMNOP",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncut off",
  ])("the shape of %s", (token) => {
    expect(redaction([])(`see ${token}`)).toBe("see ***");
  });

  test("a password in an address; commit ids and short values stay", () => {
    const redact = redaction(["short", ""]);
    expect(redact("https://ann:pass@forge.example/x")).toBe("https://***@forge.example/x");
    expect(redact(`short ${"a".repeat(40)} https://forge.example:3000/a@b`)).toBe(
      `short ${"a".repeat(40)} https://forge.example:3000/a@b`,
    );
  });

  test("of two secrets the longer goes first", () => {
    expect(redaction(["abcdefgh", "abcdefgh-and-more"])("x abcdefgh-and-more y")).toBe("x *** y");
  });
});

describe("commands", () => {
  const parse = (body: string, on: "issue" | "pull" = "issue") => parseCommand(body, "agent-bot", on);
  const command = (verb: string, text = "") => ({ kind: "command", verb, text });

  test("never throws, and its text is bounded", () => {
    fc.assert(
      fc.property(hostile, fc.string({ maxLength: 10 }), (body, bot) => {
        const parsed = parseCommand(body, bot, "issue");
        if (parsed.kind === "command") expect(parsed.text.length).toBeLessThanOrEqual(commandTextMax);
      }),
    );
    expect(parse(`/agent run ${"x".repeat(20_000)}`)).toEqual(command("run", "x".repeat(commandTextMax)));
  });

  test.for([
    ["/agent run", command("run")],
    ["/Agent RUN Fast\nand well", command("run", "Fast\nand well")],
    ["please\r\n\r\n/agent fix  the hinge \r\n", command("fix", "the hinge")],
    ["/agent why\n/agent run", command("why", "/agent run")],
    ["/agent", { kind: "unknown", verb: "" }],
    ["/agent dance\n/agent run", { kind: "unknown", verb: "dance" }],
    ["/agents run", { kind: "none" }],
    ["say /agent run", { kind: "none" }],
    ["> /agent run", { kind: "none" }],
    ["    /agent run", { kind: "none" }],
    ["\t/agent run", { kind: "none" }],
    ["```\n/agent run\n```", { kind: "none" }],
    ["```\n```js\n/agent run\n```", { kind: "none" }],
    ["~~~\n```\n/agent run\n~~~", { kind: "none" }],
    ["````\n```\n/agent run", { kind: "none" }],
    ["```\ncode\n```\n/agent run", command("run")],
    ["```inline``` code\n/agent run", command("run")],
    ["@agent-bot go on", command("run", "go on")],
    ["@Agent-Bot: go on", command("run", "go on")],
    ["@agent-bot", command("run")],
    ["@agent-bot-2 go on", { kind: "none" }],
    ["hello @agent-bot", { kind: "none" }],
    ["", { kind: "none" }],
  ] as const)("%j", ([body, expected]) => {
    expect(parse(body)).toEqual(expected);
  });

  test("a mention on a pull request asks for a fix", () => {
    expect(parse("@agent-bot, the hinge", "pull")).toEqual(command("fix", "the hinge"));
  });

  test("a login is no regular expression", () => {
    expect(parseCommand("@abot go", "a.ot", "issue")).toEqual({ kind: "none" });
    expect(parseCommand("@a.ot go", "a.ot", "issue")).toEqual(command("run", "go"));
  });
});

describe("closing keywords", () => {
  test.for([
    ["Closes #12", true],
    ["this fixes: #12.", true],
    ["(resolved #12)", true],
    ["FIX #12", true],
    ["Closes #120", false],
    ["Closes #1", false],
    ["closes acme/app#12", false],
    ["prefix #12", false],
    ["auto-closes #12", false],
    ["see #12", false],
  ] as const)("%s", ([text, expected]) => {
    expect(closes(text, 12)).toBe(expected);
  });
});

describe("links out of the tree", () => {
  const part = fc.constantFrom("a", "b.c", "..", ".", "", ".git", ".GIT", "...");
  const path = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

  test("as node:path says, and never through a name and back", () => {
    fc.assert(
      fc.property(path, fc.array(part, { minLength: 1, maxLength: 8 }), (from, to) => {
        const target = to.join("/");
        const led = posix.normalize(posix.join(posix.dirname(from), target));
        const out = posix.isAbsolute(target) || led === ".." || led.startsWith("../") || /^\.git(\/|$)/i.test(led);
        // A name may be a link itself: what follows it upwards is not where it reads.
        const back = /(?:^|\/)(?!\.{1,2}(?:\/|$))[^/]+\/(?:.*\/)?\.\.(?:\/|$)/.test(target);
        expect(leavesTree(from, target)).toBe(out || back);
      }),
      { numRuns: 500 },
    );
  });
});
