// A repository for stories about runs that die, stop and race: no workflow file, so nothing starts but what the story starts itself, as processes.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { type Plays, playing } from "../../support/plays.ts";
import { labelIssue, openIssue } from "../harness.ts";
import type { Account, Repo, Server } from "../servers/server.ts";
import { sample } from "../world.ts";
import { type Ledger, ledgerOf } from "./ledger.ts";
import { type Run, startRun } from "./run.ts";
import { openWire, type Wire } from "./wire.ts";

/** Seconds of the lease in these stories: three renewals fit before the fence; fence, kill and one answer fit before others may take over. */
export function leaseOn(server: Server): {
  renewSeconds: number;
  fenceSeconds: number;
  ttlSeconds: number;
  slackSeconds: number;
  apiSeconds: number;
} {
  // A real server starts a program for every push, and shares the machine with all runs of a story.
  return server.capabilities.triggers
    ? { renewSeconds: 1, fenceSeconds: 3, ttlSeconds: 10, slackSeconds: 1, apiSeconds: 5 }
    : { renewSeconds: 0.5, fenceSeconds: 1.5, ttlSeconds: 4, slackSeconds: 0.5, apiSeconds: 2 };
}

export interface GroundOptions {
  issues?: number;
  plays?: Plays;
  maxConcurrent?: number;
  limits?: Readonly<Record<string, number>>;
  /** Default: what only the mended program passes. */
  checks?: string;
}

export interface Ground {
  server: Server;
  repo: Repo;
  bot: Account;
  alice: Account;
  issues: readonly number[];
  wire: Wire;
  /** For files of the story; a play may `hold` on one. */
  traces: string;
  /** What agents do from now on. */
  play(plays: Plays): Promise<unknown>;
  /** Starts a run: a look at the whole repository, as by hand. */
  start(): Promise<Run>;
  /** All that were started. */
  runs: readonly Run[];
  stamps(): Promise<Stamp[]>;
  ledger: Ledger;
  /** Ends what is left of all runs and says what there was. */
  close(): Promise<string[]>;
}

/** When an agent began and ended its part. */
export type Stamp = z.infer<typeof Stamp>;
const Stamp = z.object({
  what: z.enum(["start", "end"]),
  kind: z.string(),
  item: z.number(),
  pid: z.number(),
  at: z.number(),
});

const casts = new WeakMap<Server, Promise<{ bot: Account; alice: Account; org: string }>>();

async function makeCast(server: Server): Promise<{ bot: Account; alice: Account; org: string }> {
  const bot = await server.createUser("steady-bot");
  const alice = await server.createUser("steady-alice");
  return { bot, alice, org: await server.createOrg("steady") };
}

export async function makeGround(server: Server, name: string, options: GroundOptions = {}): Promise<Ground> {
  const cast = casts.get(server) ?? makeCast(server);
  casts.set(server, cast);
  const { bot, alice, org } = await cast;
  const traces = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-ground-"));
  const policy = {
    limits: { ...leaseOn(server), endedSeconds: 0.5, killSeconds: 0.3, cooldownSeconds: [0], ...options.limits },
    checks: options.checks ?? "grep -q 'a + b' sum.js",
    maxConcurrent: options.maxConcurrent ?? 3,
    maxAttempts: 20,
    maxOpenPulls: 1000,
    chain: false,
  };
  const repo = await server.createRepo(org, name, { ...sample, ".agent-dispatch.yml": JSON.stringify(policy) });
  await server.addCollaborator(repo, bot, "admin");
  await server.addCollaborator(repo, alice, "write");
  const token = await server.createToken(bot, ["write:repository", "write:issue", "read:user", "read:organization"]);
  const agent = await playing(traces, options.plays ?? {});
  const wire = await openWire(server.url);
  const issues: number[] = [];
  for (let n = 1; n <= (options.issues ?? 1); n++) {
    const { number } = await openIssue(server, alice, repo, `sum subtracts, ${n}`, "It should add.");
    await labelIssue(server, alice, repo, number, "bot");
    issues.push(number);
  }
  const runs: Run[] = [];
  return {
    ...{ server, repo, bot, alice, issues, wire, traces, runs },
    ledger: ledgerOf({ server, repo }),
    play: (plays) => playing(traces, plays),
    start: async () => {
      const run = await startRun({
        ...{ serverUrl: wire.url, repository: repo.fullName, workflowName: "agent", token: "" },
        event: { name: "workflow_dispatch", payload: { inputs: {} } },
        inputs: { token, "agent-command": agent },
        // Numbers of its own, which no server knows: what cannot be looked up is judged by its age.
        identity: { id: 1, number: runs.length + 1, attempt: 1, actor: alice.login, ref: "refs/heads/main", sha: "" },
      });
      runs.push(run);
      return run;
    },
    stamps: () => readStamps(traces),
    close: async () => {
      const left = await Promise.all(runs.map((run) => run.close()));
      await wire.close();
      await rm(traces, { recursive: true, force: true });
      return left.flat();
    },
  };
}

/** What the agents that play in a folder left there. */
export async function readStamps(traces: string): Promise<Stamp[]> {
  const text = await readFile(path.join(traces, "plays.json.stamps"), "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => Stamp.parse(JSON.parse(line)));
}

/** A file that holds agents until it is removed. */
export async function holdFile(folder: string, name: string): Promise<{ file: string; release(): Promise<void> }> {
  const file = path.join(folder, name);
  await writeFile(file, "");
  return { file, release: () => rm(file, { force: true }) };
}
