import { describe, expect, test } from "vitest";
import { environment } from "../../src/agent/environment.ts";
import { invocation } from "../../src/agent/invocation.ts";
import { type AgentPreset, fill, fillArgs, fillEnv, matches, take } from "../../src/agent/preset.ts";
import { claude } from "../../src/agent/presets/claude.ts";
import { presets } from "../../src/agent/presets/index.ts";
import { defaultProfile, missingVariables, ProfileEntry, profileFrom } from "../../src/agent/profile.ts";
import { resetTime } from "../../src/agent/reset.ts";
import { aProfile, aStart } from "./stage.ts";

/** A runner's environment with everything in it that an agent must not see. */
const host = {
  PATH: "/opt/bin:/usr/bin",
  LANG: "de_DE.UTF-8",
  HOME: "/root",
  ANTHROPIC_API_KEY: "sk-first",
  SECOND_KEY: "sk-second",
  EMPTY: "",
  INPUT_TOKEN: "forge-token",
  GITHUB_TOKEN: "forge-token",
  GITHUB_OUTPUT: "/runner/output",
  ACTIONS_RUNTIME_TOKEN: "runtime-token",
  NODE_OPTIONS: "--require=/x.js",
  LD_PRELOAD: "/x.so",
};

describe("environment", () => {
  test("claude: these names and no others", () => {
    const profile = aProfile({
      preset: claude,
      env: { ANTHROPIC_API_KEY: "SECOND_KEY" },
      baseUrl: "http://127.0.0.1:8080/",
    });
    expect(environment(profile, aStart({ root: true, pullRequest: 43 }), host)).toMatchInlineSnapshot(`
      {
        "AGENT_DISPATCH_ATTEMPT": "1",
        "AGENT_DISPATCH_BASE": "0123456789012345678901234567890123456789",
        "AGENT_DISPATCH_ITEM": "42",
        "AGENT_DISPATCH_KIND": "implement",
        "AGENT_DISPATCH_PROMPT": "/w/prompt.md",
        "AGENT_DISPATCH_PULL_REQUEST": "43",
        "AGENT_DISPATCH_RESULT": "/w/result/result.json",
        "AGENT_DISPATCH_ROLE": "author",
        "AGENT_DISPATCH_ROUND": "0",
        "ANTHROPIC_API_KEY": "sk-second",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080",
        "CI": "true",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "2",
        "CLAUDE_CONFIG_DIR": "/w/home/.claude",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        "HOME": "/w/home",
        "IS_SANDBOX": "1",
        "LANG": "de_DE.UTF-8",
        "PATH": "/opt/bin:/usr/bin",
        "TERM": "dumb",
        "TMPDIR": "/w/tmp",
      }
    `);
  });

  test("command: nothing of a preset, no credential that the profile does not name", () => {
    expect(Object.keys(environment(aProfile(), aStart(), host)).sort()).toMatchInlineSnapshot(`
      [
        "AGENT_DISPATCH_ATTEMPT",
        "AGENT_DISPATCH_BASE",
        "AGENT_DISPATCH_ITEM",
        "AGENT_DISPATCH_KIND",
        "AGENT_DISPATCH_PROMPT",
        "AGENT_DISPATCH_PULL_REQUEST",
        "AGENT_DISPATCH_RESULT",
        "AGENT_DISPATCH_ROLE",
        "AGENT_DISPATCH_ROUND",
        "CI",
        "HOME",
        "LANG",
        "PATH",
        "TERM",
        "TMPDIR",
      ]
    `);
  });

  test("a profile cannot replace what the program promises, even past the schema", () => {
    const env = environment(
      aProfile({ env: { HOME: "SECOND_KEY", AGENT_DISPATCH_RESULT: "SECOND_KEY" } }),
      aStart(),
      host,
    );
    expect(env).toMatchObject({ HOME: "/w/home", AGENT_DISPATCH_RESULT: "/w/result/result.json" });
  });

  test("IS_SANDBOX only as root; a bare host still has a PATH", () => {
    const env = environment(aProfile({ preset: claude }), aStart(), {});
    expect(env).not.toHaveProperty("IS_SANDBOX");
    expect(env).toMatchObject({
      PATH: expect.stringContaining("/usr/bin"),
      LANG: "C.UTF-8",
      AGENT_DISPATCH_PULL_REQUEST: "",
    });
  });
});

describe("invocation", () => {
  test("claude with a model", () => {
    const { file, args, stdin, cwd } = invocation(aProfile({ preset: claude, model: "opus" }), aStart(), host);
    expect({ file, cwd, stdin, words: args.join(" ") }).toMatchInlineSnapshot(`
      {
        "cwd": "/w/clone",
        "file": "claude",
        "stdin": "Please mend it.",
        "words": "-p --output-format stream-json --verbose --model opus --dangerously-skip-permissions",
      }
    `);
  });

  test("claude without one, from the tool cache", () => {
    const program = { bin: "/tools/claude", path: ["/tools/node", "/tools"] };
    const { file, args, env } = invocation(aProfile({ preset: claude, program }), aStart(), host);
    expect(file).toBe("/tools/claude");
    expect(env["PATH"]).toBe("/tools/node:/tools:/opt/bin:/usr/bin");
    expect(args).not.toContain("--model");
  });

  test("a command line is one argument of the shell", () => {
    const line = "my-agent --say '{{model}}' \"$HOME\" | tee log";
    expect(invocation(aProfile({ command: line }), aStart(), host)).toMatchObject({
      file: "sh",
      args: ["-c", line],
      stdin: "Please mend it.",
    });
  });

  test("a prompt as an argument: closed input, and a file where it is too long", () => {
    const preset: AgentPreset = { ...claude, prompt: { via: "argument", args: ["-p", "{{prompt}}"], bytesMax: 20 } };
    const short = invocation(aProfile({ preset }), aStart(), host);
    expect([short.args.at(-1), short.stdin]).toEqual(["Please mend it.", ""]);
    const long = invocation(aProfile({ preset }), aStart({ prompt: "x".repeat(21) }), host);
    expect(long.args.at(-1)).toBe("Read the file /w/prompt.md and do what it says.");
  });

  test("a prompt as a file, and a base URL as an argument with its suffix", () => {
    const preset: AgentPreset = {
      ...claude,
      prompt: { via: "file", args: ["--message-file", "{{promptFile}}"] },
      baseUrl: { set: {}, args: ["--url={{baseUrl}}"], suffix: "/v1", keyless: {} },
    };
    const words = (baseUrl: string | null) => invocation(aProfile({ preset, baseUrl }), aStart(), host).args.slice(-3);
    expect(words("http://h:1")).toEqual(["--url=http://h:1/v1", "--message-file", "/w/prompt.md"]);
    expect(words("http://h:1/v1/")).toEqual(["--url=http://h:1/v1", "--message-file", "/w/prompt.md"]);
    expect(words(null)).not.toContain("--url=");
  });
});

describe("every preset", () => {
  test.for([...presets.values()])("$id fills in, and its patterns are patterns", (preset) => {
    const command = preset.id === "command" ? { command: "true" } : {};
    const entries = [{}, { model: "m" }, { baseUrl: "http://h" }, { model: "m", baseUrl: "http://h" }]
      .map((more) => ({ cli: preset.id, ...command, ...more }))
      .filter((entry) => ProfileEntry.safeParse(entry).success);
    expect(entries.length).toBeGreaterThan(1);
    for (const entry of entries) {
      const profile = profileFrom(preset.id, entry, host);
      for (const role of ["author", "reviewer"] as const)
        expect(() => invocation(profile, aStart({ role, root: true }), host)).not.toThrow();
    }
    for (const rule of preset.errors) expect(new RegExp(rule.match, "im").test("")).toBe(false);
    const { version, install } = preset;
    // One group: the version, as `agent-install` compares it.
    if (version !== null) expect(new RegExp(`${version.match}|`).exec("")).toHaveLength(2);
    if (install !== null && version !== null) expect(version.tested).toBe(install.pin);
  });
});

describe("profiles", () => {
  const parse = (entry: unknown) => ProfileEntry.safeParse(entry);

  test("the examples of the interface", () => {
    const opus = ProfileEntry.parse({ cli: "claude", model: "opus", env: ["ANTHROPIC_API_KEY"] });
    expect(profileFrom("opus", opus, host)).toMatchObject({
      name: "opus",
      model: "opus",
      env: { ANTHROPIC_API_KEY: "ANTHROPIC_API_KEY" },
    });
    const backup = ProfileEntry.parse({ cli: "claude", model: "sonnet", env: { ANTHROPIC_API_KEY: "SECOND_KEY" } });
    expect(profileFrom("backup", backup, host).env).toEqual({ ANTHROPIC_API_KEY: "SECOND_KEY" });
    const mine = ProfileEntry.parse({ cli: "command", command: "my-agent --headless" });
    expect(profileFrom("mine", mine, host)).toMatchObject({ command: "my-agent --headless", env: {} });
  });

  test("without env: the preset's credentials that the host has", () => {
    const entry = ProfileEntry.parse({ cli: "claude" });
    expect(profileFrom("c", entry, { ...host, ANTHROPIC_AUTH_TOKEN: "" }).env).toEqual({
      ANTHROPIC_API_KEY: "ANTHROPIC_API_KEY",
    });
  });

  test.for([
    [{ cli: "cloude" }, "cli"],
    [{ cli: "claude", modell: "opus" }, ""],
    [{ cli: "command" }, "command"],
    [{ cli: "claude", command: "x" }, "command"],
    [{ cli: "command", command: "x", baseUrl: "http://h" }, "baseUrl"],
    [{ cli: "claude", baseUrl: "file:///etc/passwd" }, "baseUrl"],
    [{ cli: "opencode", baseUrl: "http://h" }, "model"],
    [{ cli: "claude", env: ["NO-NAME"] }, "env"],
    [{ cli: "claude", env: ["PATH"] }, "env"],
    [{ cli: "claude", env: ["INPUT_TOKEN"] }, "env"],
    [{ cli: "claude", env: { ANTHROPIC_API_KEY: "GITHUB_TOKEN" } }, "env.ANTHROPIC_API_KEY"],
    [{ cli: "claude", env: { AGENT_DISPATCH_RESULT: "X" } }, "env.AGENT_DISPATCH_RESULT"],
  ] as const)("%o is refused at %s", ([entry, where]) => {
    const parsed = parse(entry);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues[0]?.path.join(".")).toMatch(new RegExp(`^${where}`));
  });

  test("a bare name", () => {
    expect(defaultProfile("claude", host, { model: "opus" })).toMatchObject({
      name: "claude",
      model: "opus",
      command: null,
      env: { ANTHROPIC_API_KEY: "ANTHROPIC_API_KEY" },
    });
    expect(defaultProfile("command", host, { command: "x" })).toMatchObject({ command: "x", env: {} });
    expect(defaultProfile("command", host)).toBeNull();
    expect(defaultProfile("opus", host)).toBeNull();
  });

  test("a variable that is not set, or empty as a secret that does not exist, is missing", () => {
    expect(missingVariables(aProfile({ env: { A: "SECOND_KEY", B: "EMPTY", C: "NOT_THERE" } }), host)).toEqual([
      "EMPTY",
      "NOT_THERE",
    ]);
  });
});

describe("the small languages of a preset", () => {
  const event = { a: [{ b: 1 }, { b: "two" }], c: null, d: false };

  test.for([
    [{ "a.0.b": 1 }, true],
    [{ "a.*.b": "two" }, true],
    [{ "a.*.b": 3 }, false],
    [{ "a.1.b": { regex: "^T" } }, true],
    [{ c: null, d: false }, true],
    [{ c: { exists: true } }, true],
    [{ "c.x": { exists: false } }, true],
    [{ "a.2": { exists: true } }, false],
    [{ constructor: { exists: true } }, false],
    [{}, true],
  ] as const)("%o: %s", ([match, expected]) => {
    expect(matches(event, match)).toBe(expected);
  });

  test("take: the first text or number", () => {
    expect([
      take(event, "a.*.b"),
      take(event, "a.1.b"),
      take(event, "c"),
      take(event, undefined),
      take("text", "a"),
    ]).toEqual([1, "two", null, null, null]);
  });

  test("templates: values are not read again, a missing one is a mistake", () => {
    expect(fill("{{model}}-{{prompt}}", { model: "{{prompt}}", prompt: "$& $1" })).toBe("{{prompt}}-$& $1");
    expect(() => fill("{{model}}", {})).toThrow("{{model}}");
    expect(fillArgs(["a", { when: "model", args: ["-m", "{{model}}"] }], {})).toEqual(["a"]);
    const set = { A: "{{home}}/a", M: { when: "model", value: "{{model}}" } } as const;
    expect(fillEnv(set, { home: "/h" })).toEqual({ A: "/h/a" });
    expect(fillEnv(set, { home: "/h", model: "m" })).toEqual({ A: "/h/a", M: "m" });
    expect(() => fillEnv(set, {})).toThrow("{{home}}");
  });

  test.for([
    ["You've hit your 5-hour limit · resets 4:57pm (UTC)", "2026-11-21T16:57:00Z"],
    ["resets 2am (Europe/Berlin)", "2026-11-22T01:00:00Z"],
    ["try again at 8:30 AM.", "2026-11-22T08:30:00Z"],
    ["resets 12am (Nowhere/Land)", "2026-11-22T00:00:00Z"],
    ["resets soon", null],
    ["resets 13pm", null],
  ] as const)("%s: %s", ([text, expected]) => {
    expect(resetTime(text, Date.parse("2026-11-21T09:16:30Z"))).toBe(expected === null ? null : Date.parse(expected));
  });
});
