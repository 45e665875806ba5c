import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { patternProblem, protectedByDefault, protectedIn } from "../../src/core/protect.ts";

describe("paths that a pattern means", () => {
  test.for([
    ["CLAUDE.md", ["CLAUDE.md", "claude.MD"]],
    ["Übung/*", ["Übung/a", "übung/a"]],
    [".claude/**", [".claude", ".claude/settings.json", ".Claude/a/.b/c"]],
    ["**/.claude/**", [".claude", "a/.claude", "a/b/.claude/c"]],
    ["a/**/**", ["a", "a/b"]],
    ["**/AGENTS.md", ["AGENTS.md", "a/.b/agents.md"]],
    ["**", ["a", ".a/.b"]],
    ["*", [".env", "a b", "a."]],
    ["deploy/*.y?ml", ["deploy/.prod.yaml"]],
    ["a/**/b", ["a/b", "a/x/y/b"]],
    ["v[0-9]", ["v7"]],
    ["#notes", ["#notes"]],
    ["a(b)$^+.md", ["a(b)$^+.md"]],
    // Git takes nearly every name, and a name that no pattern could mean would be a way around.
    ["keys/**", ["keys/a\nb", "keys/\u{1F511}", "keys/ ", 'keys/"', "keys/a\\b", "keys/{a}"]],
  ] as const)("%s", ([pattern, paths]) => {
    expect(patternProblem(pattern)).toBe(null);
    expect(protectedIn(paths, [pattern])).toEqual(paths);
  });

  test.for([
    ["CLAUDE.md", ["a/CLAUDE.md", "CLAUDE.md.txt", "CLAUDE_md", "CLAUDE.md/a"]],
    [".claude/**", ["a/.claude/b", ".claudes", "claude/a"]],
    ["*", ["a/b"]],
    ["a?", ["a", "a/"]],
    ["a/**/b", ["ab", "a/b/c"]],
    ["v[0-9]", ["va", "v[0-9]"]],
  ] as const)("not by %s", ([pattern, paths]) => {
    expect(protectedIn(paths, [pattern])).toEqual([]);
  });

  test("what would be refused has no power of its own: it is read as it stands", () => {
    const paths = ["a", "b", "{a,b}", "@(a|b)", "!b"];
    expect(protectedIn(paths, ["{a,b}", "@(a|b)", "!b"])).toEqual(["{a,b}", "@(a|b)", "!b"]);
  });

  test("each path once, in its order; none without patterns", () => {
    const paths = ["z.md", "b.ts", "A.md"];
    expect(protectedIn(paths, ["a.*", "*.md"])).toEqual(["z.md", "A.md"]);
    expect(protectedIn(paths, [])).toEqual([]);
    expect(protectedIn([], ["**"])).toEqual([]);
  });

  test("by default: what steers the program, its agents, and who is asked for a review", () => {
    const steering = [
      ...[".agent-dispatch.yml", ".agent-dispatch/implement.md", "AGENTS.md", "CLAUDE.md", ".claude/settings.json"],
      ...[".mcp.json", ".cursorrules", "CODEOWNERS", ".gitea/CODEOWNERS", "docs/CODEOWNERS"],
    ];
    expect(protectedIn([...steering, "src/main.ts", "README.md"], protectedByDefault)).toEqual(steering);
    expect(protectedByDefault.map(patternProblem)).toEqual(protectedByDefault.map(() => null));
  });
});

describe("patterns that are refused", () => {
  const text = "a text of 1 to 200 characters on one line";
  const special = "a glob of `*`, `**`, `?` and `[…]`, and nothing else special";
  const fromRoot = "a path from the repository's root, without `/` at its ends, `//`, `.` and `..`";
  const spans = "`**` between two `/` or at an end, as in `docs/**/*.md`";
  test.for([
    ["", text],
    ["a".repeat(201), text],
    ["a\nb", text],
    ["a\0", text],
    ["!a", special],
    ["{a,b}/**", special],
    ["{1..99999999}", special],
    ["a\\*", special],
    ["@(a|b)", special],
    ["a/!(b)", special],
    ["docs/", "`docs/**` for all of a folder"],
    ["/docs/", "`docs/**` for all of a folder"],
    ["/a", fromRoot],
    ["/", fromRoot],
    ["a//b", fromRoot],
    ["./a", fromRoot],
    ["a/../b", fromRoot],
    ["src/**.ts", spans],
    ["a**", spans],
    ["***", spans],
  ] as const)("%j", ([pattern, expected]) => {
    expect(patternProblem(pattern)).toBe(expected);
  });

  test("at the bound it is taken", () => {
    expect(patternProblem("a".repeat(200))).toBe(null);
  });
});

describe("any pattern that is not refused", () => {
  const part = fc.constantFrom(
    "a",
    "B",
    "*",
    "?",
    "[ab]",
    "[",
    "]",
    "(",
    ")",
    "|",
    "+",
    "-",
    "#",
    "^",
    "$",
    ".",
    "ä",
    " ",
  );
  const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
  const pattern = fc
    .array(fc.oneof(name, fc.constant("**")), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join("/"))
    .filter((made) => patternProblem(made) === null);

  test("is read without an error, and one without wildcards means exactly its own path", () => {
    fc.assert(
      fc.property(pattern, (made) => {
        protectedIn(["a/b", "a", made], [made]);
        if (!/[*?[]/.test(made)) expect(protectedIn([made, `${made}x`, `x/${made}`], [made])).toEqual([made]);
      }),
    );
  });

  // Paths come from an agent. The bound is far above what is needed; a matcher that tries again and again does not end within a day.
  test.for([
    ["**/a/".repeat(40).slice(0, 199), "a/".repeat(2000)],
    [`${"*a".repeat(99)}b`, "a".repeat(4000)],
    [`${"**/*a*/".repeat(28)}b`, "aa/".repeat(1300)],
  ] as const)("takes no longer for a hostile path: %s", ([made, path]) => {
    const pattern = made.replace(/\/$/, "");
    expect(patternProblem(pattern)).toBe(null);
    const begin = performance.now();
    protectedIn([`${path}z`], [pattern]);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});
