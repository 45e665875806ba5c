// The way in without a server's runner: `act` on somebody's machine, with the command line that the documentation gives, word for word.

import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serviceEnvironment, toolPath } from "../support/executors/executor.ts";
import { labelNames, onEachServer, openIssue, readIssue, waitForPull } from "./harness.ts";
import { makeWorld, type World } from "./world.ts";

const checkout = path.dirname(path.dirname(import.meta.dirname));

onEachServer((server) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(server(), "by-act", { eventless: true });
  });
  afterAll(() => world?.close());

  it("`act workflow_dispatch --input item=N` does the work of one issue on the server", async (context) => {
    const act = toolPath("act");
    if (act === null) return context.skip("act is not built: npm run tools");
    if (!server().capabilities.dispatchInputs)
      return context.skip("this server ignores workflow files with dispatch inputs");
    const { repo, alice, token, traces, workflow } = world;
    const issue = await openIssue(server(), alice, repo, "sum subtracts, from a laptop");
    const clone = path.join(traces, "clone");
    await mkdir(path.join(clone, ".gitea", "workflows"), { recursive: true });
    await writeFile(path.join(clone, ".gitea", "workflows", "agent.yml"), workflow);
    const uses = /uses: (\S+)/.exec(workflow)?.[1] ?? "";
    const args = [
      ...["workflow_dispatch", "-P", "ubuntu-latest=-self-hosted", "-W", ".gitea/workflows/agent.yml"],
      ...["--local-repository", `${uses.replace(/^https?:\/\/[^/]+\//, "")}=${checkout}`, "-s", "AGENT_TOKEN"],
      ...["--container-daemon-socket", "-", "--no-cache-server", "--env", `GITHUB_SERVER_URL=${server().url}`],
      ...["--env", `GITHUB_API_URL=${server().url}/api/v1`, "--env", `GITHUB_REPOSITORY=${repo.fullName}`],
      ...["--input", `item=${issue.number}`],
    ];
    const env = { ...serviceEnvironment(path.join(traces, "home"), path.join(traces, "tmp")), AGENT_TOKEN: token };
    await mkdir(path.join(traces, "home"));
    await mkdir(path.join(traces, "tmp"));
    const { stdout } = await promisify(execFile)(act, args, { cwd: clone, env, timeout: 120_000 });
    expect(stdout).toContain("done: #");
    expect(stdout).not.toContain(token);
    const pull = await waitForPull(
      server(),
      repo,
      "the pull request",
      (p) => p.head.ref === `agent/issue-${issue.number}`,
    );
    expect(labelNames(pull)).toEqual(["agent/needs-review"]);
    expect(labelNames(await readIssue(server(), repo, issue.number))).toEqual(["bot"]);
  });
});
