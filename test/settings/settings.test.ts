import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { presets } from "../../src/agent/presets/index.ts";
import { protectedByDefault } from "../../src/core/protect.ts";
import { ConfigurationError } from "../../src/errors.ts";
import { usualBounds } from "../../src/ledger/chain.ts";
import { camel, catalogue, inputNames, limitNames, policyOnly } from "../../src/settings/catalogue.ts";
import { parsePolicyFile } from "../../src/settings/policy-file.ts";
import { nearest, show, showYaml } from "../../src/settings/reader.ts";
import { connectionOf, inputsOf, readSettings } from "../../src/settings/settings.ts";
import { someLimits } from "../support/builders.ts";

const path = ".agent-dispatch.yml";

function settings(inputs: Record<string, string> = {}, file: string | null = null) {
  return readSettings({}, new Map(Object.entries(inputs)), file, path, "main");
}

/** What people read, one problem a line. */
function problems(inputs: Record<string, string>, file: string | null = null): string[] {
  return problemsOf(() => settings(inputs, file));
}

function problemsOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((p) => `${p.where}: expected ${p.expected}, got ${p.got}`);
  }
}

test("defaults are those of the interface", () => {
  const { profiles, reviewers, ...rest } = settings();
  expect(rest).toEqual({
    policy: {
      ...{ label: "bot", base: "main", trusted: "writers", maxConcurrent: 3, maxOpenPulls: 6, maxAttempts: 3 },
      ...{ maxRounds: 3, merge: "human", protectedPaths: protectedByDefault },
      ...{ excludeLabels: ["hold", "wontfix", "question", "epic"], excludeTitles: [], priorityLabels: [] },
      ...{ force: null, looksMax: 10, limits: someLimits() },
    },
    ...{ item: null, message: "", prepare: [], checks: [], timeoutMs: 45 * 60_000, silenceMs: 10 * 60_000 },
    ...{ sandbox: "auto", chain: true, workspace: null, mode: "auto", dryRun: false, agentInstall: "never" },
  });
  expect(reviewers).toEqual(profiles);
  expect(profiles.map((p) => [p.name, p.preset.id, p.model, p.command])).toEqual([["claude", "claude", null, null]]);
});

describe("values", () => {
  test("inputs", () => {
    const read = settings({
      ...{
        item: "12",
        message: "quickly",
        label: "robot",
        base: "release/1.x",
        trusted: "@ann, Bob ,",
        mode: "implement",
      },
      ...{ "max-rounds": "1", merge: "when-approved", "dry-run": "true" },
      ...{ "max-concurrent": "1", "max-open-pulls": "2", "max-attempts": "20", chain: "False", sandbox: "none" },
      ...{
        "timeout-minutes": "0.5",
        "silence-minutes": "0",
        prepare: "npm ci\n\n# no\n  make",
        checks: "npm test",
        workspace: "/w",
      },
    });
    expect(read).toMatchObject({
      ...{
        item: 12,
        message: "quickly",
        prepare: ["npm ci", "make"],
        checks: ["npm test"],
        timeoutMs: 30_000,
        silenceMs: 0,
      },
      ...{ chain: false, sandbox: "none", workspace: "/w", mode: "implement", dryRun: true },
      policy: {
        ...{ label: "robot", base: "release/1.x", trusted: ["ann", "Bob"], maxConcurrent: 1, maxOpenPulls: 2 },
        ...{ maxAttempts: 20, maxRounds: 1, merge: "when-approved", force: "implement" },
      },
    });
  });

  test("the policy file, in camel case; an input wins", () => {
    const file = `
label: robot
maxAttempts: 5
maxConcurrent: 2
checks: [npm test, "", npm run lint]
prepare: |
  npm ci
trusted: [ann, "@bob"]
chain: false
timeoutMinutes: 1.5
excludeLabels: []
excludeTitles: ["^draft:"]
priorityLabels: [now, soon]
maxRounds: 20
merge: when-approved
protectedPaths: [Makefile, "deploy/**"]
limits: { renewSeconds: 1, waitForChecksMinutes: 0.5, cooldownSeconds: [1, 2.5], changedFilesMax: 9 }
`;
    expect(settings({ "max-attempts": "7" }, file)).toMatchObject({
      ...{ prepare: ["npm ci"], checks: ["npm test", "npm run lint"], chain: false, timeoutMs: 90_000 },
      policy: {
        ...{ label: "robot", maxAttempts: 7, maxConcurrent: 2, trusted: ["ann", "bob"], excludeLabels: [] },
        ...{ excludeTitles: [/^draft:/iu], priorityLabels: ["now", "soon"] },
        ...{ maxRounds: 20, merge: "when-approved", protectedPaths: ["Makefile", "deploy/**"] },
        limits: someLimits({
          renewSeconds: 1,
          waitForChecksMinutes: 0.5,
          cooldownSeconds: [1, 2.5],
          changedFilesMax: 9,
        }),
      },
    });
  });

  test("an empty file, and keys without a value, are not given", () => {
    for (const file of [
      "",
      "\n",
      "# nothing\n",
      "---\n",
      "label:\nlimits:\nprofiles:\nexcludeLabels:\nchecks:\n",
      "limits:\n  cooldownSeconds:\n",
    ]) {
      expect(settings({}, file)).toEqual(settings());
    }
  });

  test.for([
    ["auto", null],
    ["implement", "implement"],
    ["review", "review"],
    ["rework", "rework"],
    ["land", "land"],
    ["explain", null],
  ] as const)("mode %s forces %s", ([mode, force]) => {
    const read = settings({ mode });
    expect([read.mode, read.policy.force]).toEqual([mode, force]);
  });

  test("no path at all may be protected", () => {
    expect(settings({}, "protectedPaths: []").policy.protectedPaths).toEqual([]);
  });

  test("one cooldown is a ladder of one", () => {
    expect(settings({}, "limits: { cooldownSeconds: 7 }").policy.limits.cooldownSeconds).toEqual([7]);
  });

  test("`statuses` and `writers` are words of their own only when alone", () => {
    expect(settings({ checks: "statuses" }).checks).toBe("statuses");
    expect(settings({}, "checks: [statuses]").checks).toBe("statuses");
    expect(settings({ trusted: "writers" }).policy.trusted).toBe("writers");
    expect(problems({ checks: "npm test\nstatuses", trusted: "writers, ann" })).toEqual([
      "trusted: expected either `writers` or login names, got both",
      "checks: expected either shell commands or the one word `statuses`, got both",
    ]);
  });

  test("the program in this version has no sandbox but says so; the default base is the repository's", () => {
    expect(readSettings({}, new Map([["base", "next"]]), "base: other", path, "main").policy.base).toBe("next");
    expect(readSettings({}, new Map(), "base: other", path, "main").policy.base).toBe("other");
  });
});

describe("profiles", () => {
  const named = (inputs: Record<string, string>, file: string | null = null, environment = {}) =>
    readSettings(environment, new Map(Object.entries(inputs)), file, path, "main").profiles.map((p) => ({
      ...{ name: p.name, cli: p.preset.id, model: p.model, command: p.command, env: p.env },
    }));

  test("a command alone is the agent", () => {
    expect(named({ "agent-command": "my-agent", model: "m" })).toEqual([
      { name: "command", cli: "command", model: "m", command: "my-agent", env: {} },
    ]);
  });

  test("those of the policy in order, the model for the first", () => {
    const file = `
agents: [backup, claude]
profiles:
  backup: { cli: claude, model: sonnet, env: { ANTHROPIC_API_KEY: SECOND_KEY } }
  mine: { cli: command, command: my-agent --headless }
`;
    expect(named({ model: "opus" }, file, { ANTHROPIC_API_KEY: "k" })).toEqual([
      { name: "backup", cli: "claude", model: "opus", command: null, env: { ANTHROPIC_API_KEY: "SECOND_KEY" } },
      { name: "claude", cli: "claude", model: null, command: null, env: { ANTHROPIC_API_KEY: "ANTHROPIC_API_KEY" } },
    ]);
    expect(named({ agent: "mine" }, file)).toMatchObject([{ name: "mine", command: "my-agent --headless" }]);
  });

  const reviewing = (inputs: Record<string, string>, file: string | null = null) =>
    settings(inputs, file).reviewers.map((p) => [p.name, p.preset.id, p.model, p.command]);
  const two = `
agents: [claude, mine]
profiles:
  mine: { cli: command, command: my-agent }
  third: { cli: claude, model: haiku }
`;

  test("without `reviewers` those that write also review, in the same order", () => {
    expect(reviewing({}, two)).toEqual([
      ["claude", "claude", null, null],
      ["mine", "command", null, "my-agent"],
    ]);
    expect(reviewing({ "agent-command": "x" })).toEqual([["command", "command", null, "x"]]);
  });

  test("`reviewers` in order; one that also writes keeps its model, no other gets it", () => {
    expect(reviewing({ model: "opus" }, `${two}reviewers: [third, claude]`)).toEqual([
      ["third", "claude", "haiku", null],
      ["claude", "claude", "opus", null],
    ]);
    expect(reviewing({ model: "opus", agents: "mine", reviewers: "claude" }, two)).toEqual([
      ["claude", "claude", null, null],
    ]);
    expect(reviewing({ reviewers: "third" }, `${two}reviewers: [mine]`)).toEqual([["third", "claude", "haiku", null]]);
  });

  test("the command line of the step may be for reviewing alone", () => {
    expect(reviewing({ agents: "claude", reviewers: "command", "agent-command": "x" })).toEqual([
      ["command", "command", null, "x"],
    ]);
  });

  test("`agent` is the only profile of its run, whatever the lists say", () => {
    const read = settings({ agent: "mine" }, `${two}reviewers: [third]`);
    expect(read.profiles.map((p) => p.name)).toEqual(["mine"]);
    expect(read.reviewers).toEqual(read.profiles);
  });

  test("what is wrong with those that review", () => {
    expect(problems({ reviewers: "claud, , zzzzzzzz" })).toEqual([
      "reviewers: expected `claude`, perhaps, got the unknown profile `claud`",
      `reviewers: expected one of ${[...presets.keys()].join(", ")}, got the unknown profile \`zzzzzzzz\``,
    ]);
    expect(problems({ reviewers: "command" })).toEqual([
      "reviewers: expected `agent-command` for the profile `command`, got nothing",
    ]);
    expect(problems({ reviewers: "claude mine" })).toEqual([
      "input reviewers: expected names separated by commas, got `claude mine`",
    ]);
    expect(problems({}, "reviewers: []")).toEqual([
      `${path}, reviewers: expected names separated by commas, got \`[]\``,
    ]);
    expect(problems({}, "reviewers: [mine]\nprofiles: { mine: { cli: command } }")).toEqual([
      `${path}, profiles.mine.command: expected a command line, because cli is command, got nothing`,
    ]);
  });

  test("what is wrong with them", () => {
    const file = `
agents: [claud, mine]
profiles:
  Big: { cli: claude }
  mine: { cli: command }
  other: { cli: claude, command: x, env: [GITHUB_TOKEN], wrong: 1 }
`;
    expect(problems({}, file)).toMatchInlineSnapshot(`
      [
        ".agent-dispatch.yml, profiles: expected a name of small letters, digits and -, got \`Big\`",
        ".agent-dispatch.yml, profiles.mine.command: expected a command line, because cli is command, got nothing",
        ".agent-dispatch.yml, profiles.other.env.GITHUB_TOKEN: expected something else (variables of the runner and inputs of the action are never given to an agent), got \`["GITHUB_TOKEN"]\`",
        ".agent-dispatch.yml, profiles.other: expected none but cli, model, effort, env, prices, baseUrl, command, got the unknown key \`wrong\`",
        ".agent-dispatch.yml, profiles.other.command: expected something else (only cli: command takes a command line), got \`"x"\`",
        "agents: expected \`claude\`, perhaps, got the unknown profile \`claud\`",
      ]
    `);
    expect(problems({ agents: "command" })).toEqual([
      "agents: expected `agent-command` for the profile `command`, got nothing",
    ]);
    expect(problems({ agents: "claude", "agent-command": "x" })).toEqual([
      "input agent-command: expected `command` among `agents`, or no `agents` at all, got agents `claude`",
    ]);
    expect(problems({ agent: "zzzzzzzz" })).toEqual([
      `input agent: expected one of ${[...presets.keys()].join(", ")}, got the unknown profile \`zzzzzzzz\``,
    ]);
    expect(problems({}, "profiles: [a]")).toEqual([
      `${path}, profiles: expected a mapping of names to profiles, got \`["a"]\``,
    ]);
  });
});

describe("problems, all at once", () => {
  test("of inputs", () => {
    expect(
      problems({
        ...{ item: "0", mode: "fast", label: "a,b", base: "-x", "max-concurrent": "1.5", "max-open-pulls": "many" },
        ...{ "max-attempts": "21", "timeout-minutes": "-1", "silence-minutes": "1e3", chain: "yes", sandbox: "off" },
        ...{ agents: " , ", trusted: "ann bob", "max-rounds": "0", merge: "always", "dry-run": "1" },
      }),
    ).toMatchInlineSnapshot(`
      [
        "input mode: expected \`auto\` or \`implement\` or \`review\` or \`rework\` or \`land\` or \`setup\` or \`doctor\` or \`explain\` or \`stats\` or \`remove\`, got \`fast\`",
        "input label: expected a label's name without a comma, at most 50 characters, got \`a,b\`",
        "input base: expected the name of a branch, got \`-x\`",
        "input trusted: expected names separated by commas, got \`ann bob\`",
        "input max-concurrent: expected a whole number from 1 to 100, got \`1.5\`",
        "input max-open-pulls: expected a whole number from 1 to 1000, got \`many\`",
        "input max-attempts: expected a whole number from 1 to 20, got \`21\`",
        "input max-rounds: expected a whole number from 1 to 20, got \`0\`",
        "input merge: expected \`human\` or \`when-approved\`, got \`always\`",
        "input agents: expected names separated by commas, got \` , \`",
        "input dry-run: expected true or false, got \`1\`",
        "input item: expected a whole number from 1 to 2147483647, got \`0\`",
        "input timeout-minutes: expected a number from 0.01 to 1440, got \`-1\`",
        "input silence-minutes: expected a number from 0 to 1440, got \`1e3\`",
        "input sandbox: expected \`auto\` or \`required\` or \`none\`, got \`off\`",
        "input chain: expected true or false, got \`yes\`",
      ]
    `);
  });

  test("of the policy file", () => {
    const file = `
lable: bot
token: secret
maxAttempts: "3"
maxConcurrent: .nan
maxOpenPulls: 1e99
chain: "true"
checks: { a: b }
prepare: [1]
trusted: [ann, 7]
excludeLabels: bot
excludeTitles: ["("]
priorityLabels: [[a]]
limits: { renewSecond: 1, ttlSeconds: soon, cooldownSeconds: [-1], fileBytesMax: 0, waitForChecksMinutes: 1441 }
maxRounds: 21
merge: [human]
reviewers: 7
protectedPaths: docs/**
`;
    expect(problems({}, file)).toMatchInlineSnapshot(`
      [
        ".agent-dispatch.yml: expected \`label\`, perhaps, got the unknown key \`lable\`",
        ".agent-dispatch.yml: expected one of agents, reviewers, agentCommand, model, agentInstall, trusted, label, prepare, checks, base, timeoutMinutes, silenceMinutes, maxConcurrent, maxOpenPulls, maxAttempts, maxRounds, merge, sandbox, chain, notifyUrl, network, profiles, limits, priorityLabels, excludeLabels, excludeTitles, protectedPaths, labels, got the unknown key \`token\`",
        ".agent-dispatch.yml, limits: expected \`renewSeconds\`, perhaps, got the unknown key \`renewSecond\`",
        ".agent-dispatch.yml, trusted: expected names separated by commas, got \`["ann",7]\`",
        ".agent-dispatch.yml, maxConcurrent: expected a whole number from 1 to 100, got \`NaN\`",
        ".agent-dispatch.yml, maxOpenPulls: expected a whole number from 1 to 1000, got \`1e+99\`",
        ".agent-dispatch.yml, maxAttempts: expected a whole number from 1 to 20, got \`"3"\`",
        ".agent-dispatch.yml, maxRounds: expected a whole number from 1 to 20, got \`21\`",
        ".agent-dispatch.yml, merge: expected \`human\` or \`when-approved\`, got \`["human"]\`",
        ".agent-dispatch.yml, excludeLabels: expected a list of texts, got \`"bot"\`",
        ".agent-dispatch.yml, excludeTitles: expected a regular expression, got \`(\`",
        ".agent-dispatch.yml, priorityLabels: expected a list of texts, got \`[["a"]]\`",
        ".agent-dispatch.yml, protectedPaths: expected a list of texts, got \`"docs/**"\`",
        ".agent-dispatch.yml, limits.cooldownSeconds: expected a list of seconds, got \`[-1]\`",
        ".agent-dispatch.yml, limits.ttlSeconds: expected a number from 0 to 86400, got \`"soon"\`",
        ".agent-dispatch.yml, limits.waitForChecksMinutes: expected a number from 0 to 1440, got \`1441\`",
        ".agent-dispatch.yml, limits.fileBytesMax: expected a whole number from 1 to 10000000000, got \`0\`",
        ".agent-dispatch.yml, reviewers: expected names separated by commas, got \`7\`",
        ".agent-dispatch.yml, prepare: expected shell commands, one a line, got \`[1]\`",
        ".agent-dispatch.yml, checks: expected shell commands, one a line, got \`{"a":"b"}\`",
        ".agent-dispatch.yml, chain: expected true or false, got \`"true"\`",
      ]
    `);
  });

  test("of both", () => {
    expect(problems({ item: "x" }, "lable: bot")).toHaveLength(2);
  });

  test("the text of the error", () => {
    expect(() => settings({ item: "x", mode: "fast" })).toThrowErrorMatchingInlineSnapshot(`
      [ConfigurationError: 2 problems in the configuration:
      - input mode: expected \`auto\` or \`implement\` or \`review\` or \`rework\` or \`land\` or \`setup\` or \`doctor\` or \`explain\` or \`stats\` or \`remove\`, got \`fast\`
      - input item: expected a whole number from 1 to 2147483647, got \`x\`]
    `);
    expect(() => settings({ chain: "x" })).toThrow(/^1 problem in the configuration:/);
  });
});

describe("what comes later is refused, not ignored", () => {
  const later: Record<string, string> = {
    ...{ "notify-url": "https://x.example/hook", repositories: "acme/app", confirm: "acme/app" },
    ...{ network: "none", sandbox: "required" },
  };
  test.for(Object.entries(later))("%s: %s", ([name, value]) => {
    const [problem, ...rest] = problems({ [name]: value });
    expect(problem).toContain("not supported yet");
    expect(rest).toEqual([]);
  });

  test.for(["setup", "doctor", "stats", "remove"])("mode: %s", (mode) => {
    const served = "auto or implement or review or rework or land or explain";
    expect(problems({ mode })).toEqual([
      `input mode: expected ${served}: the rest is not supported yet, got \`${mode}\``,
    ]);
  });

  test("values of later inputs that change nothing are taken", () => {
    expect(problems({ "agent-install": "never", network: "open" })).toEqual([]);
  });

  test("keys of the policy file", () => {
    expect(problems({}, "labels: {}\nnetwork: none\nnotifyUrl: https://x.example")).toEqual([
      `${path}, labels: expected nothing: it is not supported yet, got \`{}\``,
      `${path}, notifyUrl: expected nothing: it is not supported yet, got \`"https://x.example"\``,
      `${path}, network: expected open: the rest is not supported yet, got \`"none"\``,
    ]);
  });
});

describe("limits", () => {
  test("three renewals fit before the fence", () => {
    expect(problems({}, "limits: { renewSeconds: 70 }")).toEqual([]);
    expect(problems({}, "limits: { renewSeconds: 0.1, fenceSeconds: 0.3 }")).toEqual([]);
    expect(problems({}, "limits: { renewSeconds: 70.01 }")).toEqual([
      `${path}, limits: expected 3 · renewSeconds to be at most fenceSeconds, got 3 · renewSeconds (70.01) = 210.03 and fenceSeconds (210, default)`,
    ]);
  });

  test("fence, a kill and an answer fit before others may take over", () => {
    expect(problems({}, "limits: { ttlSeconds: 255.1 }")).toEqual([]);
    expect(problems({}, "limits: { ttlSeconds: 255 }")).toEqual([
      `${path}, limits: expected fenceSeconds + killSeconds + apiSeconds to be below ttlSeconds, got fenceSeconds (210, default) + killSeconds (15, default) + apiSeconds (30, default) = 255 and ttlSeconds (255)`,
    ]);
  });

  test("each that fails is named, with others at once", () => {
    const wrong = "limits: { renewSeconds: 100, apiSeconds: 400, slackSeconds: -1, renewSecond: 1 }";
    expect(problems({}, wrong)).toMatchInlineSnapshot(`
      [
        ".agent-dispatch.yml, limits: expected \`renewSeconds\`, perhaps, got the unknown key \`renewSecond\`",
        ".agent-dispatch.yml, limits.slackSeconds: expected a number from 0 to 86400, got \`-1\`",
        ".agent-dispatch.yml, limits: expected 3 · renewSeconds to be at most fenceSeconds, got 3 · renewSeconds (100) = 300 and fenceSeconds (210, default)",
        ".agent-dispatch.yml, limits: expected fenceSeconds + killSeconds + apiSeconds to be below ttlSeconds, got fenceSeconds (210, default) + killSeconds (15, default) + apiSeconds (400) = 625 and ttlSeconds (420, default)",
      ]
    `);
  });

  test("what is accepted leaves time for a whole life sign after one that hung, and for one after a publish", () => {
    const seconds = (max: number) => fc.integer({ min: 1, max: max * 10 }).map((n) => n / 10);
    const given = fc.record({
      ...{ renewSeconds: seconds(60), fenceSeconds: seconds(300), killSeconds: seconds(60) },
      ...{ apiSeconds: seconds(300), ttlSeconds: seconds(900) },
    });
    let accepted = 0;
    fc.assert(
      fc.property(given, (limits) => {
        if (problems({}, `limits: ${JSON.stringify(limits)}`).length > 0) return;
        accepted++;
        const { commandMs, deadlineMs } = usualBounds(limits);
        const { renewSeconds, fenceSeconds, killSeconds, apiSeconds, ttlSeconds } = limits;
        expect(commandMs).toBeGreaterThan(0);
        expect(commandMs).toBeLessThanOrEqual(apiSeconds * 1000);
        expect(renewSeconds * 1000 + deadlineMs + commandMs).toBeLessThanOrEqual(ttlSeconds * 1000 + 1);
        expect(fenceSeconds + killSeconds + apiSeconds).toBeLessThan(ttlSeconds);
      }),
      { numRuns: 120 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  test("they are a mapping", () => {
    expect(problems({}, "limits: [1]")).toEqual([`${path}, limits: expected a mapping of limits, got \`[1]\``]);
  });
});

describe("protected paths", () => {
  test("every bad pattern is named with what is expected instead", () => {
    const file = `protectedPaths: ["docs/", "{a,b}", "", 'a\\b', "!a", "/a", "src/**.ts", "ok/**"]`;
    expect(problems({}, file)).toMatchInlineSnapshot(`
      [
        ".agent-dispatch.yml, protectedPaths: expected \`docs/**\` for all of a folder, got \`docs/\`",
        ".agent-dispatch.yml, protectedPaths: expected a glob of \`*\`, \`**\`, \`?\` and \`[…]\`, and nothing else special, got \`{a,b}\`",
        ".agent-dispatch.yml, protectedPaths: expected a text of 1 to 200 characters on one line, got an empty text",
        ".agent-dispatch.yml, protectedPaths: expected a glob of \`*\`, \`**\`, \`?\` and \`[…]\`, and nothing else special, got \`a\\b\`",
        ".agent-dispatch.yml, protectedPaths: expected a glob of \`*\`, \`**\`, \`?\` and \`[…]\`, and nothing else special, got \`!a\`",
        ".agent-dispatch.yml, protectedPaths: expected a path from the repository's root, without \`/\` at its ends, \`//\`, \`.\` and \`..\`, got \`/a\`",
        ".agent-dispatch.yml, protectedPaths: expected \`**\` between two \`/\` or at an end, as in \`docs/**/*.md\`, got \`src/**.ts\`",
      ]
    `);
  });

  test("a list of other things, and one that is too long", () => {
    expect(problems({}, "protectedPaths: [1]")).toEqual([
      `${path}, protectedPaths: expected a list of texts, got \`[1]\``,
    ]);
    const list = (length: number) => `protectedPaths: [${Array(length).fill("a").join(", ")}]`;
    expect(problems({}, list(100))).toEqual([]);
    expect(problems({}, list(101))).toEqual([`${path}, protectedPaths: expected at most 100 patterns, got 101`]);
  });

  test("only the policy file has them", () => {
    expect(inputsOf({ INPUT_PROTECTEDPATHS: "a" }).warnings).toHaveLength(1);
  });
});

describe("a policy file that is no policy", () => {
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefgh"
    .split("")
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]`)
    .join("\n")}\nlabel: *h\n`;
  const expected = (file: string) => parsePolicyFile(file, path).problems.map((p) => `${p.expected}, got ${p.got}`);

  test.for([
    ["broken", "label: [", /^YAML, got /],
    ["a key twice", "label: a\nlabel: b", /^YAML, got Map keys must be unique/],
    ["two documents", "label: a\n---\nlabel: b", /^YAML, got /],
    ["a list", "- a", /^a mapping of settings, got `\["a"\]`/],
    ["a text", "hello", /^a mapping of settings, got `"hello"`/],
    ["aliases that multiply", bomb, /^YAML, got something that cannot be read \(Excessive alias count/],
    ["nested deeper than anybody reads", `${"[".repeat(20_000)}`, /^YAML, got /],
    ["an alias of nothing", "label: *x", /^YAML, got /],
    ["a key that every object has", "constructor: 1\n__proto__: 2", /unknown key `constructor`/],
  ] as const)("%s", ([, file, form]) => {
    expect(expected(file)[0]).toMatch(form);
  });

  test("a few aliases are fine", () => {
    expect(parsePolicyFile("checks: &c [npm test]\nprepare: *c", path).problems).toEqual([]);
  });

  test("no text makes it throw", () => {
    const piece = fc.constantFrom(
      "label: ",
      "limits:",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&a ",
      "*a",
      "!!binary x",
      "? ",
      ": ",
      "#",
      "|",
      "'",
      "\t",
      "<<: ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 20 }), (pieces) => {
        problems({}, pieces.join(""));
      }),
    );
  });
});

describe("inputs of the step", () => {
  test("names in any case, values trimmed, empty ones not given", () => {
    const { inputs, warnings } = inputsOf({
      ...{ "INPUT_MAX-ATTEMPTS": " 2 ", "INPUT_Timeout-Minutes": "5", INPUT_LABEL: "  ", INPUT_BASE: "", PATH: "/bin" },
      INPUT_ITEM: undefined,
    });
    expect([...inputs]).toEqual([
      ["max-attempts", "2"],
      ["timeout-minutes", "5"],
    ]);
    expect(warnings).toEqual([]);
  });

  test("unknown ones are warnings with the nearest name", () => {
    expect(
      inputsOf({ INPUT_MAX_ATTEMPTS: "2", INPUT_LABLE: "x", INPUT_WHATEVER_ELSE: "x", INPUT_CHECK: "x" }).warnings,
    ).toEqual([
      "`max_attempts` is no input of this action and is ignored; did you mean `max-attempts`?",
      "`lable` is no input of this action and is ignored; did you mean `label`?",
      "`whatever_else` is no input of this action and is ignored",
      "`check` is no input of this action and is ignored; did you mean `checks`?",
    ]);
  });

  test("the nearest name is near", () => {
    expect(nearest("lable", ["label", "base"])).toBe("label");
    expect(nearest("x", [])).toBe(null);
    expect(nearest("something", ["label"])).toBe(null);
  });

  test("values are shown short, on one line", () => {
    expect(show("a\n b")).toBe("`a b`");
    expect(show("x".repeat(100))).toBe(`\`${"x".repeat(80)}…\``);
    expect(showYaml(undefined)).toBe("nothing");
    expect([showYaml("3"), showYaml(3), showYaml(Number.NaN), showYaml(null)]).toEqual([
      '`"3"`',
      "`3`",
      "`NaN`",
      "`null`",
    ]);
    expect(show({ a: 1 })).toBe('`{"a":1}`');
    expect(show("")).toBe("an empty text");
  });
});

describe("the way to the forge", () => {
  const environment = {
    INPUT_TOKEN: "t0k3n",
    GITHUB_SERVER_URL: "https://forge.example",
    GITHUB_REPOSITORY: "acme/app",
  };

  test("from the environment, inputs first", () => {
    expect(connectionOf(environment)).toMatchObject({
      ...{
        token: "t0k3n",
        reviewerToken: null,
        serverUrl: "https://forge.example",
        owner: "acme",
        name: "app",
        base: null,
      },
      ...{ policyPath: path, policyGiven: false, warnings: [] },
    });
    const inputs = {
      "INPUT_SERVER-URL": "http://localhost:3000/git/",
      INPUT_REPOSITORY: "b/c",
      INPUT_POLICY: "x.yml",
      INPUT_BASE: "next",
    };
    expect(connectionOf({ ...environment, ...inputs })).toMatchObject({
      ...{
        serverUrl: "http://localhost:3000/git",
        owner: "b",
        name: "c",
        base: "next",
        policyPath: "x.yml",
        policyGiven: true,
      },
    });
  });

  test("all that is missing or wrong, with the rest of the inputs, and never the token", () => {
    expect(problemsOf(() => connectionOf({}))).toMatchInlineSnapshot(`
      [
        "input token: expected an access token of the bot account, got nothing; is the secret set in this repository?",
        "input server-url: expected an address that begins with http:// or https:// (default: the variable GITHUB_SERVER_URL), got an empty text",
        "input repository: expected OWNER/NAME (default: the variable GITHUB_REPOSITORY), got an empty text",
      ]
    `);
    const wrong = {
      "INPUT_SERVER-URL": "forge.example",
      INPUT_REPOSITORY: "app",
      INPUT_POLICY: "../x",
      INPUT_ITEM: "x",
      INPUT_BASE: "a..b",
    };
    const said = problemsOf(() => connectionOf({ ...environment, ...wrong }));
    expect(said).toMatchInlineSnapshot(`
      [
        "input server-url: expected an address that begins with http:// or https://, got \`forge.example\`",
        "input repository: expected OWNER/NAME, got \`app\`",
        "input base: expected the name of a branch, got \`a..b\`",
        "input policy: expected a path below the repository's root, got \`../x\`",
        "input item: expected a whole number from 1 to 2147483647, got \`x\`",
      ]
    `);
    expect(said.join("\n")).not.toContain("t0k3n");
  });

  test("the token of a second account, which is not the first one's", () => {
    expect(connectionOf({ ...environment, "INPUT_REVIEWER-TOKEN": " other \n" }).reviewerToken).toBe("other");
    const said = problemsOf(() => connectionOf({ ...environment, "INPUT_REVIEWER-TOKEN": "t0k3n", INPUT_ITEM: "x" }));
    expect(said).toEqual([
      "input reviewer-token: expected a token of a second account, got the same as `token`",
      "input item: expected a whole number from 1 to 2147483647, got `x`",
    ]);
    expect(problemsOf(() => connectionOf({ ...environment, INPUT_TOKEN: "", "INPUT_REVIEWER-TOKEN": "x" }))).toEqual([
      "input token: expected an access token of the bot account, got nothing; is the secret set in this repository?",
    ]);
  });

  test.for(["main", "release/1.x", "a#1", "feature_x+y"])("branch %s", (base) => {
    expect(connectionOf({ ...environment, INPUT_BASE: base }).base).toBe(base);
  });

  test.for([
    "-x",
    "/x",
    ".x",
    "a..b",
    "a//b",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a/",
    "a.",
    "a@{1}",
    "a b",
    "a~1",
    "a:b",
    "a\\b",
  ])("no branch: %s", (base) => {
    expect(problemsOf(() => connectionOf({ ...environment, INPUT_BASE: base }))).toHaveLength(1);
  });
});

describe("action.yml", () => {
  const Action = z.object({
    inputs: z.record(
      z.string(),
      z.object({ description: z.string(), default: z.string().optional(), required: z.never().optional() }),
    ),
    outputs: z.record(z.string(), z.object({ description: z.string() })),
    runs: z.object({ using: z.literal("node20"), main: z.literal("dist/index.js"), post: z.literal("dist/index.js") }),
  });
  const text = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  const action = Action.parse(parse(text("action.yml")));

  test("has exactly the inputs of the catalogue", () => {
    expect(Object.keys(action.inputs)).toEqual(inputNames);
  });

  test("gives no default to what the policy file may set: a runner passes defaults as if given", () => {
    for (const name of inputNames.filter((input) => catalogue[input].policy))
      expect(action.inputs[name]?.default, name).toBe(undefined);
    expect(
      Object.entries(action.inputs)
        .filter(([, input]) => input.default !== undefined)
        .map(([name]) => name),
    ).toEqual(["token"]);
  });

  test("tells every default of the catalogue, and what is not supported yet", () => {
    for (const name of inputNames) {
      const { default: value, served } = catalogue[name];
      const { description } = action.inputs[name] ?? { description: "" };
      const isWord = value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
      if (isWord && name !== "mode") expect(description, name).toContain(String(value));
      if (served !== null) expect(description.toLowerCase(), name).toMatch(/not (supported )?yet|until this version/);
    }
  });

  test("has exactly the outputs that the program sets", () => {
    const set = /const outputs: Record<string, string> = \{([\s\S]*?)\n {2}\};/.exec(text("src/main.ts"))?.[1] ?? "";
    const names = [...set.matchAll(/(?:"([a-z-]+)"|\b([a-z]+)):|^\s*(report),?$/gm)].map((m) => m[1] ?? m[2] ?? m[3]);
    expect(names.sort()).toEqual(Object.keys(action.outputs).sort());
  });

  test("no key of the policy file is an input in another case", () => {
    const keys = inputNames.map(camel);
    for (const key of [...policyOnly, ...limitNames]) expect(keys).not.toContain(key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
