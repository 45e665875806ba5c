import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import { emit } from "../events.ts";
import type { CommitStatus } from "../model.ts";
import { json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { repositoryView } from "../views/repository.ts";
import { statusView } from "../views/status.ts";
import { fullName } from "../world.ts";

const base = "/repos/{owner}/{repo}";

/** Commit statuses and what they add up to. */
export const statusRoutes: Route[] = [
  route("POST", `${base}/statuses/{sha}`, "repository", createStatus),
  route("GET", `${base}/statuses/{sha}`, "repository", listStatuses),
  route("GET", `${base}/commits/{sha}/statuses`, "repository", listStatuses),
  route("GET", `${base}/commits/{sha}/status`, "repository", combined),
];

async function createStatus(call: Call): Promise<Reply> {
  call.mustWrite("code");
  const fields = bind(call, "CreateStatusOption", {
    state: "string",
    context: "string",
    description: "string",
    target_url: "string",
  });
  const commit = await call.world.git(call.repo).commit(call.param("sha"));
  if (!commit) throw call.errors.internal();
  const status: CommitStatus = {
    index: 1 + call.repo.statuses.filter((other) => other.sha === commit.sha).length,
    sha: commit.sha,
    state: fields.state ?? "",
    context: fields.context ?? "",
    description: fields.description ?? "",
    targetUrl: fields.target_url ?? "",
    creator: call.user,
    createdAt: call.world.now(),
  };
  call.repo.statuses.push(status);
  const { context, state, description } = status;
  emit(call.world, call.repo, "status", call.user, { sha: commit.sha, context, state, description });
  return json(201, statusView(call.world, call.repo, status));
}

async function statusesOf(call: Call): Promise<{ sha: string; statuses: CommitStatus[] }> {
  call.mustRead("code");
  const name = call.param("sha");
  const commit = await call.world.git(call.repo).commit(name);
  if (!commit) throw call.errors.notFound(`object does not exist [id: ${name}, rel_path: ]`);
  return { sha: commit.sha, statuses: call.repo.statuses.filter((status) => status.sha === commit.sha) };
}

/** Gitea sorts by a time in whole seconds alone: within the newest second the oldest comes first, further back the newest. */
async function listStatuses(call: Call): Promise<Reply> {
  const state = call.query.get("state") ?? "";
  const all = (await statusesOf(call)).statuses.filter((status) => state === "" || status.state === state);
  const newest = Math.max(...all.map((status) => status.createdAt));
  if (call.query.get("sort") !== "oldest") {
    all.sort((one, other) => {
      const within = one.createdAt === newest ? one.index - other.index : other.index - one.index;
      return other.createdAt - one.createdAt || within;
    });
  }
  const views = call.sliceIfAsked(all).map((status) => statusView(call.world, call.repo, status));
  return json(200, views, call.totalAndLink(all.length));
}

/** The newest status of each context, pages from the newest on, oldest first in a page; `state` speaks of this page only. */
async function combined(call: Call): Promise<Reply> {
  const { sha, statuses } = await statusesOf(call);
  const latest = latestPerContext(statuses);
  const page = call.slice([...latest].reverse()).reverse();
  if (!call.from26 && page.length === 0) return json(200, nothing);
  const api = `${call.world.url}/api/v1/repos/${fullName(call.repo)}/commits/${sha}`;
  const view = {
    state: combine(page.map((status) => status.state)),
    sha,
    total_count: page.length,
    statuses: page.length > 0 ? page.map((status) => statusView(call.world, call.repo, status)) : null,
    repository: repositoryView(call.world, call.repo, call.asker),
    commit_url: call.from26 ? api : "",
    url: call.from26 ? `${api}/status` : "",
  };
  return json(200, view, call.from26 ? call.totalAndLink(latest.length) : call.total(latest.length));
}

const nothing = { state: "", sha: "", total_count: 0, statuses: null, repository: null, commit_url: "", url: "" };

/** In order of their ids. */
export function latestPerContext(statuses: readonly CommitStatus[]): CommitStatus[] {
  const latest = new Map<string, CommitStatus>();
  for (const status of statuses) latest.set(status.context, status);
  return [...latest.values()].sort((one, other) => one.index - other.index);
}

export function combine(states: readonly string[]): string {
  if (states.length === 0) return "pending";
  if (states.some((state) => state === "failure" || state === "error")) return "failure";
  return states.includes("pending") ? "pending" : "success";
}
