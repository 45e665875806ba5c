import type { Call } from "../call.ts";
import type { TreeEntry } from "../git/parse.ts";
import { json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { type CommitExtras, commitView } from "../views/commit.ts";
import { fullName } from "../world.ts";

const base = "/repos/{owner}/{repo}";

/** Refs, commits, trees and blobs as git has them. */
export const gitDataRoutes: Route[] = [
  route("GET", `${base}/git/refs`, "repository", listRefs),
  route("GET", `${base}/git/refs/{ref*}`, "repository", listRefs),
  route("GET", `${base}/git/commits/{sha*}`, "repository", getCommit),
  route("GET", `${base}/git/trees/{sha}`, "repository", getTree),
  route("GET", `${base}/git/blobs/{sha}`, "repository", getBlob),
  route("GET", `${base}/commits`, "repository", listCommits),
  route("GET", `${base}/compare/{range*}`, "repository", compare),
];

/** Always a list: every ref whose name begins so; a slash at the end does not matter. Never in pages. */
async function listRefs(call: Call): Promise<Reply> {
  call.mustRead("code");
  const git = call.world.git(call.repo);
  const prefix = `refs/${call.param("ref").replace(/\/$/, "")}`;
  const views: unknown[] = [];
  for (const [ref, sha] of git.refs(prefix)) {
    const type = (await git.object(sha))?.type ?? "commit";
    const api = `${call.world.url}/api/v1/repos/${fullName(call.repo)}/git`;
    views.push({ ref, url: `${api}/${ref}`, object: { type, sha, url: `${api}/${type}s/${sha}` } });
  }
  if (views.length === 0) throw call.errors.notFound();
  return json(200, views);
}

export function extrasOf(call: Call): CommitExtras {
  const on = (name: string) => call.query.get(name) !== "false";
  return { stat: on("stat"), verification: on("verification"), files: on("files") };
}

async function getCommit(call: Call): Promise<Reply> {
  call.mustRead("code");
  const name = call.param("sha");
  const commit = await call.world.git(call.repo).commit(name);
  if (!commit) throw call.errors.notFoundText(`commit doesn't exist: ${name}`);
  return json(200, await commitView(call.world, call.repo, commit, extrasOf(call), call.asker.user));
}

const treePageSize = 1000;

async function getTree(call: Call): Promise<Reply> {
  call.mustRead("code");
  const git = call.world.git(call.repo);
  const name = call.param("sha");
  const commit = await git.commit(name);
  const tree = await git.tree(commit?.sha ?? name);
  if (!tree) throw call.errors.error(400, `sha not found [${name}]`);
  const entries = await flatten(call, tree.entries, "", call.query.get("recursive") === "true");
  const page = Math.max(1, Number(call.query.get("page")) || 1);
  const perPage = Number(call.query.get("per_page")) || treePageSize;
  const shown = entries.slice((page - 1) * perPage, page * perPage);
  const sha = commit?.sha ?? tree.sha;
  const view = {
    sha,
    url: `${call.world.url}/api/v1/repos/${fullName(call.repo)}/git/trees/${sha}`,
    tree: shown.length > 0 ? shown : null,
    truncated: page * perPage < entries.length,
    page,
    total_count: entries.length,
  };
  return json(200, view, call.total(entries.length));
}

async function flatten(call: Call, entries: TreeEntry[], folder: string, deep: boolean): Promise<unknown[]> {
  const git = call.world.git(call.repo);
  const rows: unknown[] = [];
  for (const entry of entries) {
    const { mode, type, sha } = entry;
    const size = type === "blob" ? ((await git.object(sha))?.content.length ?? 0) : 0;
    const url = `${call.world.url}/api/v1/repos/${fullName(call.repo)}/git/${type}s/${sha}`;
    rows.push({ path: `${folder}${entry.name}`, mode, type, size, sha, url });
    if (!deep || type !== "tree") continue;
    const below = await git.tree(sha);
    rows.push(...(await flatten(call, below?.entries ?? [], `${folder}${entry.name}/`, deep)));
  }
  return rows;
}

async function getBlob(call: Call): Promise<Reply> {
  call.mustRead("code");
  const sha = call.param("sha");
  const blob = await call.world.git(call.repo).object(sha);
  if (blob?.type !== "blob") throw call.errors.error(400, `object does not exist [id: ${sha}, rel_path: ]`);
  return json(200, {
    content: blob.content.toString("base64"),
    encoding: "base64",
    url: `${call.world.url}/api/v1/repos/${fullName(call.repo)}/git/blobs/${blob.oid}`,
    sha: blob.oid,
    size: blob.content.length,
  });
}

async function listCommits(call: Call): Promise<Reply> {
  call.mustRead("code");
  const git = call.world.git(call.repo);
  if (git.isEmpty()) throw call.errors.error(409, "Git Repository is empty.");
  const name = call.query.get("sha") || call.repo.defaultBranch;
  const tip = await git.commit(name);
  if (!tip) {
    if (!call.from27) return json(404, null);
    throw call.errors.notFound(`object does not exist [id: ${name}, rel_path: ]`);
  }
  const path = call.query.get("path");
  return commitPage(call, await git.history(tip.sha, ...(path ? [path] : [])), true);
}

/** Lists of commits tell their pages in four headers of their own. */
export async function commitPage(call: Call, shas: readonly string[], withLink: boolean): Promise<Reply> {
  const git = call.world.git(call.repo);
  const views: unknown[] = [];
  for (const sha of call.slice(shas)) {
    const commit = await git.commit(sha);
    if (commit) views.push(await commitView(call.world, call.repo, commit, extrasOf(call), call.asker.user));
  }
  return json(200, views, { ...pageHeaders(call, shas.length), ...(withLink ? linkOnly(call, shas.length) : {}) });
}

function linkOnly(call: Call, count: number): Record<string, string> {
  const link = call.link(count);
  return link === undefined ? {} : { link };
}

export function pageHeaders(call: Call, count: number): Record<string, string> {
  const { page, limit } = call.paging();
  const pages = Math.ceil(count / limit);
  return {
    ...call.total(count),
    "x-page": String(page),
    "x-perpage": String(limit),
    "x-pagecount": String(pages),
    "x-hasmore": String(page < pages),
  };
}

async function compare(call: Call): Promise<Reply> {
  call.mustRead("code");
  const git = call.world.git(call.repo);
  const range = call.param("range");
  const [baseName = "", headName = ""] = range.split(/\.{2,3}/);
  const known: string[] = [];
  for (const name of [baseName, headName]) {
    const commit = await git.commit(name);
    if (!commit) throw call.from27 ? call.errors.error(404, `ref "${name}" does not exist`) : call.errors.notFound();
    known.push(commit.sha);
  }
  const views: unknown[] = [];
  for (const sha of await git.history(`${known[0]}..${known[1]}`)) {
    const commit = await git.commit(sha);
    if (commit) views.push(await commitView(call.world, call.repo, commit, extrasOf(call), call.asker.user));
  }
  return json(200, { total_commits: views.length, commits: views });
}
