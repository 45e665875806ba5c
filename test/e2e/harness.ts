import path from "node:path";
import process from "node:process";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { z } from "zod";
import { processRunner } from "../../demo/runner.ts";
import { act } from "../support/executors/act.ts";
import { giteaRunner } from "../support/executors/giteaRunner.ts";
import { ApiError } from "./servers/api.ts";
import { startEmbedded } from "./servers/embedded.ts";
import { giteaBinaries, startGitea } from "./servers/gitea.ts";
import { useRemote } from "./servers/remote.ts";
import { describeRun } from "./servers/rest.ts";
import type { Account, Repo, Server } from "./servers/server.ts";
import { until } from "./servers/until.ts";

export { isOver } from "./servers/server.ts";
export { until };

/** A server that stories can run on, not yet started. */
export interface Choice {
  name: string;
  /** Why it cannot be used here, or null. */
  reason: string | null;
  start(options?: { runners?: number }): Promise<Server>;
}

/**
 * The embedded forge always, with the executors named in `AGENT_DISPATCH_EXECUTORS` (default `gitea-runner`; or `act`, or both with a comma);
 * one real Gitea for each path in `GITEA_BIN` (or the `gitea` on PATH); an existing one where `GITEA_URL` and `GITEA_ADMIN_TOKEN` are set.
 */
export function servers(): Choice[] {
  const runner = giteaRunner.available();
  // Without Go there is no runner: then a process with the environment of a step stands in, and the stories are played all the same.
  const usual = runner === null ? giteaRunner.name : processRunner.name;
  const named = (process.env["AGENT_DISPATCH_EXECUTORS"] || usual).split(",");
  const executors = [giteaRunner, act, processRunner].filter((executor) => named.includes(executor.name));
  const choices = executors.map(
    (executor): Choice => ({
      name: `embedded with ${executor.name}`,
      reason: executor.available(),
      start: (options) => startEmbedded({ executor, ...options }),
    }),
  );
  choices.push(
    ...giteaBinaries().map(
      (binary): Choice => ({
        name: path.basename(binary),
        reason: runner,
        start: (options) => startGitea(binary, options),
      }),
    ),
  );
  const [url, token] = [process.env["GITEA_URL"], process.env["GITEA_ADMIN_TOKEN"]];
  if (url && token) {
    choices.push({ name: `gitea at ${new URL(url).host}`, reason: null, start: () => useRemote(url, token) });
  }
  return choices;
}

/** Declares the stories once for each server; a server that cannot be used here shows as skipped, with the reason in its title. */
export function onEachServer(stories: (server: () => Server) => void): void {
  for (const choice of servers()) {
    const title = choice.reason === null ? choice.name : `${choice.name} (${choice.reason})`;
    describe.skipIf(choice.reason !== null)(title, () => stories(useServer(choice)));
  }
}

/**
 * Starts the server before the stories of the `describe` at hand and ends it after them. When a story fails, the runs of all its
 * repositories are printed with their logs, then what server and runners wrote.
 */
export function useServer(choice: Choice): () => Server {
  let server: Server | null = null;
  beforeAll(async () => {
    server = await choice.start();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === "fail" && server !== null) console.error(await aftermath(server));
  });
  afterAll(async () => {
    await server?.close();
  });
  return () => {
    if (server === null) throw new Error(`${choice.name} is not started`);
    return server;
  };
}

/** Runs per repository and characters per log that a failure prints. */
const runsShown = 14;
const logShown = 6_000;

async function aftermath(server: Server): Promise<string> {
  const parts = [`===== ${server.name}, ${server.url}`];
  for (const repo of server.repos.slice(-1)) {
    const runs = await server.runs(repo).catch(() => []);
    for (const run of runs.slice(0, runsShown).reverse()) {
      const log = await server.jobLog(repo, run).catch((error: unknown) => `[${String(error)}]`);
      parts.push(`===== ${repo.fullName} ${describeRun(run)}`, log.slice(-logShown));
    }
  }
  parts.push("===== server and runners", await server.diagnostics());
  return parts.join("\n");
}

const Person = z.object({ login: z.string() });

export const Label = z.object({ id: z.number(), name: z.string() });

export const Issue = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string(),
  state: z.string(),
  user: Person,
  labels: z.array(Label),
  assignees: z.array(Person).nullable(),
});
export type Issue = z.infer<typeof Issue>;

export const Pull = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string(),
  state: z.string(),
  merged: z.boolean(),
  user: Person,
  labels: z.array(Label),
  assignees: z.array(Person).nullable(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string(), sha: z.string() }),
});
export type Pull = z.infer<typeof Pull>;

export const Comment = z.object({ id: z.number(), body: z.string(), user: Person });
export type Comment = z.infer<typeof Comment>;

export const Status = z.object({
  context: z.string(),
  status: z.string(),
  description: z.string(),
  creator: Person.nullable(),
});
export type Status = z.infer<typeof Status>;

/** Names of the labels, sorted. */
export function labelNames(item: { labels: readonly { name: string }[] }): string[] {
  return item.labels.map((label) => label.name).sort();
}

export function assigneeLogins(item: { assignees: readonly { login: string }[] | null }): string[] {
  return (item.assignees ?? []).map((person) => person.login).sort();
}

export async function openIssue(server: Server, by: Account, repo: Repo, title: string, body = ""): Promise<Issue> {
  return Issue.parse(await server.as(by).post(`/repos/${repo.fullName}/issues`, { title, body }));
}

/** Puts a label on an issue or pull request, making it first where the repository has none of that name. Names after `/` are exclusive in their scope. */
export async function labelIssue(server: Server, by: Account, repo: Repo, number: number, name: string): Promise<void> {
  const admin = server.as(server.admin);
  const labels = await admin.list(`/repos/${repo.fullName}/labels`, Label);
  const known = labels.find((label) => label.name === name);
  const wanted = { name, color: "#aaaaaa", exclusive: name.includes("/") };
  const label = known ?? Label.parse(await admin.post(`/repos/${repo.fullName}/labels`, wanted));
  await server.as(by).post(`/repos/${repo.fullName}/issues/${number}/labels`, { labels: [label.id] });
}

export async function comment(server: Server, by: Account, repo: Repo, number: number, body: string): Promise<Comment> {
  return Comment.parse(await server.as(by).post(`/repos/${repo.fullName}/issues/${number}/comments`, { body }));
}

export async function readIssue(server: Server, repo: Repo, number: number): Promise<Issue> {
  return await server.as(server.admin).get(`/repos/${repo.fullName}/issues/${number}`, Issue);
}

export async function readPull(server: Server, repo: Repo, number: number): Promise<Pull> {
  return await server.as(server.admin).get(`/repos/${repo.fullName}/pulls/${number}`, Pull);
}

export async function readComments(server: Server, repo: Repo, number: number): Promise<Comment[]> {
  return z
    .array(Comment)
    .parse(await server.as(server.admin).get(`/repos/${repo.fullName}/issues/${number}/comments`, z.unknown()));
}

export async function readStatuses(server: Server, repo: Repo, sha: string): Promise<Status[]> {
  return await server.as(server.admin).list(`/repos/${repo.fullName}/commits/${sha}/statuses`, Status);
}

/** A file on a branch as text, or null when it is not there. */
export async function readFileOn(server: Server, repo: Repo, branch: string, file: string): Promise<string | null> {
  const Contents = z.object({ content: z.string() });
  try {
    const place = `/repos/${repo.fullName}/contents/${file}?ref=${encodeURIComponent(branch)}`;
    return Buffer.from((await server.as(server.admin).get(place, Contents)).content, "base64").toString("utf8");
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** How long a story waits for something that a run does, in ms. */
export const storyWaitMs = 180_000;

/** The first pull request, open or closed, newest first, for which the predicate holds. */
export async function waitForPull(
  server: Server,
  repo: Repo,
  what: string,
  predicate: (pull: Pull) => boolean,
  timeoutMs = storyWaitMs,
): Promise<Pull> {
  let seen: Pull[] = [];
  return await until(
    async () => {
      seen = await server.as(server.admin).list(`/repos/${repo.fullName}/pulls?state=all`, Pull);
      return seen.find(predicate) ?? null;
    },
    timeoutMs,
    () =>
      `${what}; pull requests: ${seen.map((pull) => `#${pull.number} ${pull.state} [${labelNames(pull).join(", ")}]`).join("; ") || "none"}`,
  );
}

export async function waitForIssue(
  server: Server,
  repo: Repo,
  number: number,
  what: string,
  predicate: (issue: Issue) => boolean,
  timeoutMs = storyWaitMs,
): Promise<Issue> {
  let seen: Issue | null = null;
  return await until(
    async () => {
      seen = await readIssue(server, repo, number);
      return predicate(seen) ? seen : null;
    },
    timeoutMs,
    () => `${what}; issue #${number}: ${seen === null ? "unread" : `${seen.state} [${labelNames(seen).join(", ")}]`}`,
  );
}
