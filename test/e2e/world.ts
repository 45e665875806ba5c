import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { standIn } from "../support/agents/index.ts";
import type { Account, Files, Repo, Server } from "./servers/server.ts";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** What a story needs of a repository that the program serves. */
export interface World {
  server: Server;
  repo: Repo;
  bot: Account;
  /** A person who may write code. */
  alice: Account;
  /** A person who may only read. */
  mallory: Account;
  /** Changes what the stand-in agent does from now on. */
  plan(plan: AgentPlan): Promise<void>;
  /** The bot's access token, with the scopes that the README names. */
  token: string;
  /** Text of the workflow file in the repository. */
  workflow: string;
  /** Folder that agents of the story may use for traces. */
  traces: string;
  close(): Promise<void>;
}

/** A plan of the stand-in agent `good.mjs`. */
export interface AgentPlan {
  write?: Readonly<Record<string, string>>;
  delete?: readonly string[];
  commit?: string;
  result?: unknown;
  say?: string;
  waitMs?: number;
  exit?: number;
}

export interface WorldOptions {
  /** Shell command line of the agent; default the stand-in agent with `plan`. */
  agentCommand?: string;
  checks?: string;
  /** Further inputs of the action. */
  inputs?: Readonly<Record<string, string>>;
  /** Cron text; default one that never comes while a story runs. */
  cron?: string;
  /** Without the triggers `issues` and `issue_comment`: then only ticks and dispatches start runs. */
  eventless?: boolean;
  files?: Files;
}

/** A small program with a real bug and a test that shows it. */
export const sample: Files = {
  "README.md": "# sum\n\nAdds numbers.\n",
  "package.json": '{ "name": "sum", "type": "module", "scripts": { "test": "node --test" } }\n',
  "sum.js": "export function sum(numbers) {\n  return numbers.reduce((a, b) => a - b, 0);\n}\n",
  "sum.test.js":
    'import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { sum } from "./sum.js";\n\ntest("adds", () => assert.equal(sum([1, 2, 3]), 6));\n',
};

/** What mends the sample, as the stand-in agent's plan. */
export const mend: AgentPlan = {
  write: { "sum.js": "export function sum(numbers) {\n  return numbers.reduce((a, b) => a + b, 0);\n}\n" },
  result: {
    status: "implemented",
    title: "Add instead of subtract",
    summary: "`sum` subtracted; it adds now.",
    body: "The callback of `reduce` subtracted. It adds now; the test passes.",
  },
  say: "done",
};

/** A repository with the program set up as the README says, on any server. */
export async function makeWorld(server: Server, name: string, options: WorldOptions = {}): Promise<World> {
  const bot = await server.createUser("bot");
  const alice = await server.createUser("alice");
  const mallory = await server.createUser("mallory");
  const org = await server.createOrg("acme");
  const tools = await server.createOrg("tools");
  const action = await server.pushAction(root, `${tools}/agent-dispatch`, "v1");
  const traces = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-story-"));
  const planFile = path.join(traces, "plan.json");
  await writeFile(planFile, JSON.stringify(mend));
  const command = options.agentCommand ?? `node ${standIn("good")} ${planFile}`;
  const workflow = agentWorkflow(
    action.uses,
    { ...options, agentCommand: command },
    server.capabilities.dispatchInputs,
  );
  const files = { ...sample, ...options.files, ".gitea/workflows/agent.yml": workflow };
  const repo = await server.createRepo(org, name, files);
  await server.addCollaborator(repo, bot, "admin");
  await server.addCollaborator(repo, alice, "write");
  const token = await server.createToken(bot, ["write:repository", "write:issue", "read:user", "read:organization"]);
  await server.setSecret(repo, "AGENT_TOKEN", token);
  return {
    ...{ server, repo, bot, alice, mallory, traces, token, workflow },
    plan: (plan) => writeFile(planFile, JSON.stringify(plan)),
    close: () => rm(traces, { recursive: true, force: true }),
  };
}

/** The workflow file that people copy, with the agent, the checks and the action's address of a story; nothing else is changed. */
export function agentWorkflow(uses: string, options: WorldOptions, dispatchInputs = true): string {
  const document = parseDocument(readFileSync(path.join(root, "workflows", "agent.yml"), "utf8"));
  const step = ["jobs", "agent", "steps", 0];
  document.setIn([...step, "uses"], uses);
  document.deleteIn([...step, "with", "agents"]);
  document.deleteIn([...step, "env"]);
  document.setIn([...step, "with", "agent-command"], options.agentCommand ?? "true");
  document.setIn([...step, "with", "checks"], options.checks ?? "node --test");
  for (const [input, value] of Object.entries(options.inputs ?? {})) document.setIn([...step, "with", input], value);
  // Gitea 1.22 ignores a whole file whose `workflow_dispatch` has inputs; docs/setup.md says to take them out there.
  if (!dispatchInputs) document.deleteIn(["on", "workflow_dispatch"]);
  if (options.eventless === true) for (const trigger of ["issues", "issue_comment"]) document.deleteIn(["on", trigger]);
  document.setIn(["on", "schedule", 0, "cron"], options.cron ?? "0 0 29 2 *");
  return document.toString({ lineWidth: 0 });
}
