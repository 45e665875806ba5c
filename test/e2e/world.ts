import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { checkout } from "../../demo/step.ts";
import { standIn } from "../support/agents/index.ts";
import { type Plays, played, playing, promptOf } from "../support/plays.ts";
import type { Account, Files, Repo, Server } from "./servers/server.ts";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** What a story needs of a repository that the program serves. */
export interface World {
  server: Server;
  repo: Repo;
  bot: Account;
  /** The second account of the program; it judges where the world has a `reviewer`. */
  reviewer: Account;
  /** A person who may write code. */
  alice: Account;
  /** A person who may only read. */
  mallory: Account;
  /** Changes what the stand-in agent does from now on. */
  plan(plan: AgentPlan): Promise<void>;
  /** The starts of agents so far, in order: `implement 1 round 0`. Of a world with `plays`. */
  played(): Promise<string[]>;
  /** What the nth agent of a kind was told, from 1. */
  promptOf(kind: keyof Plays, nth: number): Promise<string>;
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
  /** Agents that play these parts, instead of the one with `plan`. */
  plays?: Plays;
  /** The second account judges. */
  reviewer?: boolean;
  checks?: string;
  /** Further inputs of the action. */
  inputs?: Readonly<Record<string, string>>;
  /** Cron text; default one that never comes while a story runs. */
  cron?: string;
  /** Without the triggers of people's acts: then only ticks and dispatches start runs. */
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

/** Who and what the stories of one server share. */
interface Cast {
  bot: Account;
  reviewer: Account;
  alice: Account;
  mallory: Account;
  org: string;
  /** The action's address for a workflow file. */
  uses: string;
}

const casts = new WeakMap<Server, Promise<Cast>>();

function castOf(server: Server): Promise<Cast> {
  const known = casts.get(server);
  if (known !== undefined) return known;
  const made = makeCast(server);
  casts.set(server, made);
  return made;
}

async function makeCast(server: Server): Promise<Cast> {
  const bot = await server.createUser("bot");
  const reviewer = await server.createUser("reviewer");
  const alice = await server.createUser("alice");
  const mallory = await server.createUser("mallory");
  const org = await server.createOrg("acme");
  const tools = await server.createOrg("tools");
  const { uses } = await server.pushAction(checkout, `${tools}/agent-dispatch`, "v1");
  return { bot, reviewer, alice, mallory, org, uses };
}

const tokenScopes = ["write:repository", "write:issue", "read:user", "read:organization"];

/** A repository with the program set up as the README says, on any server. */
export async function makeWorld(server: Server, name: string, options: WorldOptions = {}): Promise<World> {
  const { bot, reviewer, alice, mallory, org, uses } = await castOf(server);
  const traces = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-story-"));
  const planFile = path.join(traces, "plan.json");
  await writeFile(planFile, JSON.stringify(mend));
  const plays = options.plays === undefined ? null : await playing(traces, options.plays);
  const agentCommand = plays ?? options.agentCommand ?? `node ${standIn("good")} ${planFile}`;
  const secret = (name: string) => `\${{ secrets.${name} }}`;
  const second = options.reviewer === true ? { "reviewer-token": secret("REVIEWER_TOKEN") } : {};
  const inputs = { ...second, ...options.inputs };
  const workflow = agentWorkflow(uses, { ...options, agentCommand, inputs }, server.capabilities.dispatchInputs);
  const files = { ...sample, ...options.files, ".gitea/workflows/agent.yml": workflow };
  const repo = await server.createRepo(org, name, files);
  await server.addCollaborator(repo, bot, "admin");
  await server.addCollaborator(repo, alice, "write");
  const token = await server.createToken(bot, tokenScopes);
  await server.setSecret(repo, "AGENT_TOKEN", token);
  if (options.reviewer === true) {
    await server.addCollaborator(repo, reviewer, "write");
    await server.setSecret(repo, "REVIEWER_TOKEN", await server.createToken(reviewer, tokenScopes));
  }
  return {
    ...{ server, repo, bot, reviewer, alice, mallory, traces, token, workflow },
    plan: (plan) => writeFile(planFile, JSON.stringify(plan)),
    played: () => played(traces),
    promptOf: (kind, nth) => promptOf(traces, kind, nth),
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
  if (options.eventless === true) {
    const events = ["issues", "pull_request_target", "pull_request_review", "issue_comment"];
    for (const trigger of events) document.deleteIn(["on", trigger]);
  }
  document.setIn(["on", "schedule", 0, "cron"], options.cron ?? "0 0 29 2 *");
  return document.toString({ lineWidth: 0 });
}
