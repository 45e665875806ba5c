// What people get wrong around the program: each ends with one line that says what to do, and nothing is written anywhere.

import { describe, expect, it } from "vitest";
import { startForge } from "../support/forge/forge.ts";
import { type Stage, type StageOptions, type Start, stage } from "../support/run.ts";

/** Starts a run on a repository with one labelled issue; answers its exit status and last line, and fails when it wrote anything. */
async function refused(
  options: StageOptions,
  start: Start | ((s: Stage) => Start | Promise<Start>) = {},
): Promise<string> {
  const s = await stage(options);
  const repo = s.forge.repo(s.repo);
  const [archived, units] = [repo.archived, [...repo.units]];
  // A person's work stands there, whatever was switched off later.
  repo.archived = false;
  for (const unit of ["issues", "pulls", "actions"] as const) repo.units.add(unit);
  await s.issue("sum subtracts");
  s.forge.setArchived(s.repo, archived);
  repo.units = new Set(units);
  const given = typeof start === "function" ? await start(s) : start;
  const before = await s.photo();
  const { exitCode, lastLine, log, left } = await s.start(given);
  expect(left).toEqual([]);
  expect(await s.photo()).toBe(before);
  expect(log).not.toContain("[Agent");
  expect(`${log}\n${lastLine}`).not.toContain(s.token);
  return `${exitCode} ${lastLine.replaceAll(s.forge.url, "https://forge")}`;
}

describe("the token", () => {
  it("is missing", async () => {
    expect(await refused({}, { token: "" })).toMatchInlineSnapshot(
      `"1 failed: 1 problem in the configuration: - input token: expected an access token of the bot account, got nothing; is the secret set in this repository? Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("is missing for a comment on a pull request, which may be a fork's", async () => {
    const payload = { action: "created", is_pull: true, issue: { number: 1 } };
    expect(await refused({}, { token: "", event: "issue_comment", payload })).toMatchInlineSnapshot(
      `"0 idle: the run got no token: the forge gives no secrets to a comment on the pull request of a fork. The next tick looks at what was said. On another pull request: is the secret set?"`,
    );
  });

  it("is wrong", async () => {
    expect(await refused({}, { token: "0".repeat(40) })).toMatchInlineSnapshot(
      `"1 failed: Could not read the token's account: GET user answered 401 (invalid username, password or token). The token is wrong, expired or revoked, or it belongs to another server. Put a token of the bot account on https://forge into the workflow's secret. (A job's own token ends with its job.) (for the workflow author)"`,
    );
  });

  it("is no token at all", async () => {
    expect(await refused({}, { token: "my token" })).toMatchInlineSnapshot(
      `"1 failed: The forge token is not a token: it has blanks, line breaks or other characters that no token has. Put the bot account's token into the workflow's secret, and the secret into the action's input. (for the workflow author)"`,
    );
  });

  it("belongs to another server", async () => {
    const other = await startForge();
    const { token } = other.addUser({ login: "bot" });
    await other.close();
    expect(await refused({}, { token })).toMatchInlineSnapshot(
      `"1 failed: Could not read the token's account: GET user answered 401 (invalid username, password or token). The token is wrong, expired or revoked, or it belongs to another server. Put a token of the bot account on https://forge into the workflow's secret. (A job's own token ends with its job.) (for the workflow author)"`,
    );
  });

  it("may only read", async () => {
    const botScopes = ["read:repository", "read:issue", "read:user"];
    expect(await refused({ botScopes })).toMatchInlineSnapshot(
      `"1 failed: The forge does not let this token write refs below \`refs/agent-dispatch/\`: Forbidden fatal: unable to access 'https://forge/acme/app.git/': The requested URL returned error: 403. Give the bot account write access to the code of this repository and its token the scope \`write:repository\`. (for the workflow author)"`,
    );
  });

  it("may not say whose it is", async () => {
    expect(await refused({ botScopes: ["write:repository", "write:issue"] })).toMatchInlineSnapshot(
      `"1 failed: Could not read the token's account: GET user answered 403 (token does not have at least one of required scope(s), required=[read:user], token scope=write:repository,write:issue). The token lacks the scope read:user; it has write:repository,write:issue. Give the token the scopes write:repository, write:issue and read:user. (for the workflow author)"`,
    );
  });

  it("may write code but no issues: the claim is given back, and the next token goes on", async () => {
    const s = await stage({ botScopes: ["write:repository", "read:issue", "read:user"] });
    await s.issue("sum subtracts");
    const before = s.see(1);
    const end = await s.start();
    expect([end.exitCode, end.lastLine]).toMatchInlineSnapshot(`
      [
        1,
        "failed: Could not assign @bot to #1: PATCH repos/acme/app/issues/1 answered 403 (token does not have at least one of required scope(s), required=[write:issue], token scope=write:repository,read:issue,read:user). The token lacks the scope write:issue; it has write:repository,read:issue,read:user. Give the token the scopes write:repository, write:issue and read:user. (for the workflow author)",
      ]
    `);
    expect(s.see(1)).toEqual(before);
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0, slot: null });
    expect(await s.branches()).toEqual(["main"]);
    expect((await s.start({ token: s.forge.as("bot").token })).outcome).toMatchObject({ outcome: "done", attempt: 1 });
  });

  it("is that of an account that may only read here", async () => {
    expect(await refused({}, (s) => ({ token: s.forge.as("mallory").token }))).toMatchInlineSnapshot(
      `"1 failed: @mallory may not write code in acme/app. Make the bot account a collaborator with write access; its token needs \`write:repository\` and \`write:issue\`. (for the workflow author)"`,
    );
  });

  it("stands in the wrong input: it is not printed", async () => {
    expect(
      await refused({}, (s) => ({ inputs: { repository: s.token, "max-attempts": s.token } })),
    ).toMatchInlineSnapshot(
      `"1 failed: 2 problems in the configuration: - input repository: expected OWNER/NAME, got \`***\` - input max-attempts: expected a whole number from 1 to 20, got \`***\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });
});

describe("the repository", () => {
  it("does not exist", async () => {
    expect(await refused({}, { env: { GITHUB_REPOSITORY: "acme/nope" } })).toMatchInlineSnapshot(
      `"1 failed: acme/nope does not exist on https://forge, or @bot may not see it. Check the name, and give the bot account access to the repository. (for the workflow author)"`,
    );
  });

  it("is archived", async () => {
    expect(await refused({ repo: { archived: true } })).toMatchInlineSnapshot(
      `"1 failed: acme/app is archived. Unarchive it, or remove the workflow. (for the workflow author)"`,
    );
  });

  it("is a mirror", async () => {
    expect(await refused({ repo: { mirror: true } })).toMatchInlineSnapshot(
      `"1 failed: acme/app is a mirror; nothing can be pushed to it. Run the action in the repository that it mirrors. (for the workflow author)"`,
    );
  });

  it("is empty", async () => {
    expect(await refused({ repo: { empty: true } })).toMatchInlineSnapshot(
      `"1 failed: acme/app is empty. Push a first commit to its default branch. (for the workflow author)"`,
    );
  });

  it("has no issues", async () => {
    expect(await refused({ repo: { units: { issues: false } } })).toMatchInlineSnapshot(
      `"1 failed: Issues are turned off in acme/app. Turn them on in the repository's settings. (for the workflow author)"`,
    );
  });

  it("has no pull requests", async () => {
    expect(await refused({ repo: { units: { pulls: false } } })).toMatchInlineSnapshot(
      `"1 failed: Pull requests are turned off in acme/app. Turn them on in the repository's settings. (for the workflow author)"`,
    );
  });

  it("has no Actions: works all the same where another executor starts the program", async () => {
    const s = await stage({ repo: { units: { actions: false } } });
    await s.issue("sum subtracts");
    expect((await s.start()).outcome).toMatchObject({ outcome: "done" });
  });

  it("does not know the trigger label: that is no reason to take every issue", async () => {
    expect(await refused({}, { inputs: { label: "robot" } })).toMatchInlineSnapshot(
      `"0 idle: no open issue carries the label \`robot\`. The next event or tick looks again."`,
    );
  });
});

describe("the forge", () => {
  const http = { timeoutMs: 150 };

  it("is not there", async () => {
    const other = await startForge();
    await other.close();
    const answer = await refused({}, { env: { GITHUB_SERVER_URL: other.url } });
    expect(answer).toMatch(/^1 failed: Could not read (the token's account|acme\/app): /);
    expect(answer).toContain(`Nothing listens at ${other.url.slice("http://".length)}. Start the server, or correct`);
  });

  const answers = [
    ["html", "It answered text/html, not JSON: is `server-url` the address of a Gitea server?", "workflow author"],
    ["garbage", "The answer broke off", "server operator"],
    ["500", "The server failed without saying why", "server operator"],
    ["503", "The server, or a proxy before it, is down or overloaded", "server operator"],
    ["hang", "did not answer in time (150 ms)", "server operator"],
    ["reset", "closed the connection", "server operator"],
    ["cut", "The answer broke off", "server operator"],
  ] as const;
  it.each(answers)("answers only %s", async (deed, says, mender) => {
    const answer = await refused({}, (s) => {
      s.forge.faults.add({ when: (request) => request.login === "bot", times: Number.POSITIVE_INFINITY, do: deed });
      return { http };
    });
    expect(answer).toMatch(/^1 failed: Could not read (the token's account|acme\/app): /);
    expect(answer).toContain(says);
    expect(answer).toContain(`(for the ${mender}`);
  });

  it("has a bad address", async () => {
    expect(await refused({}, { env: { GITHUB_SERVER_URL: "forge.example" } })).toMatchInlineSnapshot(
      `"1 failed: 1 problem in the configuration: - input server-url: expected an address that begins with http:// or https:// (default: the variable GITHUB_SERVER_URL), got \`forge.example\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });
});

describe("the inputs", () => {
  it("have an unknown name: a warning names the nearest", async () => {
    const s = await stage();
    const end = await s.start({ inputs: { "max-atempts": "2" } });
    expect(end.exitCode).toBe(0);
    expect(end.log).toContain(
      "warning: `max-atempts` is no input of this action and is ignored; did you mean `max-attempts`?",
    );
  });

  it("are of the wrong kind: all are named at once", async () => {
    const inputs = { "max-attempts": "many", item: "-1", chain: "perhaps", mode: "fly", base: "../x" };
    expect(await refused({}, { inputs })).toMatchInlineSnapshot(
      `"1 failed: 5 problems in the configuration: - input base: expected the name of a branch, got \`../x\` - input mode: expected \`auto\` or \`implement\` or \`review\` or \`rework\` or \`land\` or \`setup\` or \`doctor\` or \`explain\` or \`stats\` or \`remove\`, got \`fly\` - input max-attempts: expected a whole number from 1 to 20, … Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("contradict one another", async () => {
    expect(await refused({}, { inputs: { agents: "claude", checks: "statuses\nnpm test" } })).toMatchInlineSnapshot(
      `"1 failed: 2 problems in the configuration: - input agent-command: expected \`command\` among \`agents\`, or no \`agents\` at all, got agents \`claude\` - checks: expected either shell commands or the one word \`statuses\`, got both. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("ask for what this version does not do yet", async () => {
    expect(await refused({}, { inputs: { mode: "setup", sandbox: "required" } })).toMatchInlineSnapshot(
      `"1 failed: 2 problems in the configuration: - input mode: expected auto or implement or review or rework or land or explain: the rest is not supported yet, got \`setup\` - input sandbox: expected auto or none: the rest is not supported yet, got \`required\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("name an unknown agent", async () => {
    expect(await refused({}, { inputs: { "agent-command": "", agents: "claud" } })).toMatchInlineSnapshot(
      `"1 failed: 1 problem in the configuration: - agents: expected \`claude\`, perhaps, got the unknown profile \`claud\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("name an agent whose program is not on this runner", async () => {
    const inputs = { "agent-command": "", agents: "claude" };
    expect(await refused({}, { inputs, env: { PATH: "/usr/bin:/bin" } })).toMatchInlineSnapshot(
      `"1 failed: The agent's program \`claude\` is not installed on this runner (nothing of that name is on PATH). Install it on the runner, for example by the step \`run: npm install -g @anthropic-ai/claude-code@2.1.329\` before it, let the program do it with \`agent-install: if-missing\`, or choose another agent with \`agents\` or \`agent-command\`. (for the workflow author)"`,
    );
  });

  it("name a base branch that does not exist", async () => {
    expect(await refused({}, { inputs: { base: "nope" } })).toMatchInlineSnapshot(
      `"1 failed: The base branch nope does not exist in acme/app. Make it, or leave \`base\` out: the default branch is main. (for the workflow author)"`,
    );
  });

  it("name an item that does not exist", async () => {
    expect(await refused({}, { inputs: { item: "77" } })).toMatchInlineSnapshot(
      `"1 failed: #77 does not exist in acme/app. Give the number of an issue of this repository as the input \`item\`, or none. (for the workflow author)"`,
    );
  });

  it("name an item that is closed", async () => {
    const answer = await refused({}, async (s) => {
      await s.forge.as("alice").patch(`/repos/${s.repo}/issues/1`, { state: "closed" });
      return { inputs: { item: "1" } };
    });
    expect(answer).toMatchInlineSnapshot(`"0 idle: #1: it is closed. The next event or tick looks again."`);
  });
});

describe("the policy file", () => {
  const path = ".agent-dispatch.yml";

  it("has an unknown key", async () => {
    expect(await refused({ files: { [path]: "maxConcurent: 2\nlimits: { renewSecond: 1 }\n" } })).toMatchInlineSnapshot(
      `"1 failed: 2 problems in the configuration: - .agent-dispatch.yml: expected \`maxConcurrent\`, perhaps, got the unknown key \`maxConcurent\` - .agent-dispatch.yml, limits: expected \`renewSeconds\`, perhaps, got the unknown key \`renewSecond\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("is no YAML", async () => {
    expect(await refused({ files: { [path]: "checks: [unclosed\n" } })).toMatchInlineSnapshot(
      `"1 failed: 1 problem in the configuration: - .agent-dispatch.yml: expected YAML, got Flow sequence in block collection must be sufficiently indented and end with a ] at line 2, column 1. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("is a list", async () => {
    expect(await refused({ files: { [path]: "- a\n" } })).toMatchInlineSnapshot(
      `"1 failed: 1 problem in the configuration: - .agent-dispatch.yml: expected a mapping of settings, got \`["a"]\`. Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("is too large", async () => {
    expect(await refused({ files: { [path]: `# ${"x".repeat(70_000)}\n` } })).toMatchInlineSnapshot(
      `"1 failed: Could not read .agent-dispatch.yml at main: it has 70003 bytes, more than the 65536 that are read. Put a file of ordinary length there, or name another path. (for the workflow author)"`,
    );
  });

  it("has times that do not fit together", async () => {
    expect(
      await refused({ files: { [path]: "limits: { renewSeconds: 100, ttlSeconds: 60 }\n" } }),
    ).toMatchInlineSnapshot(
      `"1 failed: 2 problems in the configuration: - .agent-dispatch.yml, limits: expected 3 · renewSeconds to be at most fenceSeconds, got 3 · renewSeconds (100) = 300 and fenceSeconds (210, default) - .agent-dispatch.yml, limits: expected fenceSeconds + killSeconds + apiSeconds to be below ttlSeconds, got … Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them. (for the workflow author)"`,
    );
  });

  it("has a profile that is wrong", async () => {
    const answer = await refused({ files: { [path]: "profiles: { x: { cli: nothing } }\n" } });
    expect(answer).toMatch(
      /^1 failed: 1 problem in the configuration: - \.agent-dispatch\.yml, profiles\.x\.cli: expected /,
    );
  });

  it("would give the forge's token to an agent", async () => {
    const profile = "profiles: { mine: { cli: command, command: 'true', env: [AGENT_TOKEN] } }\n";
    const answer = await refused({ files: { [path]: profile } }, (s) => ({
      inputs: { "agent-command": "", agents: "mine" },
      env: { AGENT_TOKEN: s.token },
    }));
    expect(answer).toContain("the forge's token, which no agent ever gets");
  });

  it("was named and is not there", async () => {
    expect(await refused({}, { inputs: { policy: "other.yml" } })).toMatchInlineSnapshot(
      `"1 failed: The policy file other.yml is not on the branch main. Add it, or leave the input \`policy\` out. (for the workflow author)"`,
    );
  });
});
