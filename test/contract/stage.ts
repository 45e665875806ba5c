import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, afterEach, beforeAll } from "vitest";
import { z } from "zod";
import { ForgeError } from "../../src/errors.ts";
import { giteaForge } from "../../src/forge/gitea.ts";
import type { NewPull, Pull } from "../../src/forge/model.ts";
import type { Forge } from "../../src/forge/port.ts";
import { openHost } from "../../src/git/host.ts";
import type { Host } from "../../src/git/port.ts";
import type { Api } from "../e2e/servers/api.ts";
import type { Account, Files, Repo } from "../e2e/servers/server.ts";
import type { Choice, Ground } from "./ground.ts";

/** The people of the contract. In every repository of the stage: `bot` may write, `keeper` administrate, `reader` read. */
export interface Cast {
  owner: Account;
  bot: Account;
  keeper: Account;
  reader: Account;
  stranger: Account;
}

/** A started server with its people. */
export interface Stage {
  readonly ground: Ground;
  readonly cast: Cast;
  /** A public repository of `owner`, or of the organisation named, with one commit on `main` and the cast as collaborators. */
  repo(name: string, files?: Files, options?: { org?: string }): Promise<Repo>;
  /** The adapter under test, as an account or with any token. */
  forge(repo: Repo, as: Account | { token: string }): Forge;
  /** The host's git under test. */
  host(repo: Repo, as: Account | { token: string }): Promise<Host>;
  /** The REST interface itself below the repository, to set things up and to look. */
  rest(repo: Repo, as: Account): Api;
  folder(): Promise<string>;
}

export function useStage(choice: Choice): () => Stage {
  let stage: Stage | null = null;
  const folders: string[] = [];
  beforeAll(async () => {
    const ground = await choice.start();
    stage = await raise(ground, folders);
  }, 120_000);
  afterEach(async (context) => {
    if (context.task.result?.state === "fail" && process.env["CONTRACT_VERBOSE"] && stage !== null) {
      console.error(`===== ${choice.name}\n${await stage.ground.diagnostics()}`);
    }
  });
  afterAll(async () => {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 })));
    await stage?.ground.close();
  }, 120_000);
  return () => {
    if (stage === null) throw new Error(`${choice.name} is not started`);
    return stage;
  };
}

async function raise(ground: Ground, folders: string[]): Promise<Stage> {
  const cast: Cast = {
    owner: await ground.createUser("owner"),
    bot: await ground.createUser("bot"),
    keeper: await ground.createUser("keeper"),
    reader: await ground.createUser("reader"),
    stranger: await ground.createUser("stranger"),
  };
  const folder = async () => {
    const made = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-contract-"));
    folders.push(made);
    return made;
  };
  return {
    ground,
    cast,
    repo: async (name, files = { "README.md": `# ${name}\n` }, { org } = {}) => {
      const repo = await ground.createRepo(org ?? cast.owner.login, name, files);
      await ground.addCollaborator(repo, cast.bot, "write");
      await ground.addCollaborator(repo, cast.keeper, "admin");
      await ground.addCollaborator(repo, cast.reader, "read");
      return repo;
    },
    forge: (repo, as) =>
      giteaForge({
        serverUrl: ground.url,
        token: as.token,
        owner: repo.owner,
        name: repo.name,
        // A refusal that looks like a hiccup is asked for again, as in a run; the waits between are not the contract's.
        limits: { backoffMs: 20, backoffMsMax: 50 },
      }),
    host: async (repo, as) =>
      openHost({
        dir: path.join(await folder(), "host"),
        url: `${ground.url}/${repo.fullName}.git`,
        token: as.token,
        bot: { name: "contract", email: "contract@example.invalid" },
        env: { PATH: process.env["PATH"] },
      }),
    rest: (repo, as) => below(ground.as(as), `/repos/${repo.fullName}`),
    folder,
  };
}

/** The same calls with paths below a place. */
function below(api: Api, place: string): Api {
  return {
    request: (method, at, body) => api.request(method, place + at, body),
    get: (at, schema) => api.get(place + at, schema),
    list: (at, schema) => api.list(place + at, schema),
    post: (at, body) => api.post(place + at, body),
    patch: (at, body) => api.patch(place + at, body),
    put: (at, body) => api.put(place + at, body),
    delete: (at, body) => api.delete(place + at, body),
  };
}

/** The error of a call that must fail at the forge. */
export async function refusal(call: Promise<unknown>): Promise<ForgeError> {
  let done: unknown;
  try {
    done = await call;
  } catch (error) {
    if (error instanceof ForgeError) return error;
    throw error;
  }
  throw new Error(`was to be refused, but answered ${JSON.stringify(done)}`);
}

/** Calls a function for 0 to count - 1, a few at once: quicker on a server, and not too much for SQLite. */
export async function times<T>(count: number, call: (index: number) => Promise<T>, atOnce = 4): Promise<T[]> {
  const done: T[] = [];
  for (let start = 0; start < count; start += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - start) }, (_, offset) => call(start + offset));
    done.push(...(await Promise.all(batch)));
  }
  return done;
}

const Numbered = z.object({ number: z.number() });
const Identified = z.object({ id: z.number() });

export async function openIssue(api: Api, title: string, more: object = {}): Promise<number> {
  return Numbered.parse(await api.post("/issues", { title, body: "", ...more })).number;
}

/** Id of a new label. */
export async function makeLabel(api: Api, name: string): Promise<number> {
  return Identified.parse(
    await api.post("/labels", { name, color: "#aaaaaa", exclusive: name.includes("/"), description: "" }),
  ).id;
}

export async function openPull(forge: Forge, pull: NewPull): Promise<Pull> {
  const made = await forge.createPull(pull);
  if (made.kind === "created") return made.pull;
  throw new Error(`no pull request was made: ${JSON.stringify(made)}`);
}

export function aSha(): string {
  return randomBytes(20).toString("hex");
}
