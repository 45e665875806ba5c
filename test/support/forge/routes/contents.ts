import { type FileChange, writeFiles } from "../acts/files.ts";
import { bind, isRecord } from "../body.ts";
import type { Call } from "../call.ts";
import type { Commit, TreeEntry } from "../git/parse.ts";
import { json, type Reply, text } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { fileCommitView, verification } from "../views/commit.ts";
import { time } from "../views/time.ts";
import { fullName } from "../world.ts";

const base = "/repos/{owner}/{repo}";

/** Files, read and written through the interface. */
export const contentRoutes: Route[] = [
  route("GET", `${base}/contents`, "repository", getContents),
  route("GET", `${base}/contents/{path*}`, "repository", getContents),
  route("POST", `${base}/contents`, "repository", changeFiles),
  route("POST", `${base}/contents/{path*}`, "repository", (call) => changeFile(call, "create", 201)),
  route("PUT", `${base}/contents/{path*}`, "repository", (call) => changeFile(call, "update", 200)),
  route("DELETE", `${base}/contents/{path*}`, "repository", (call) => changeFile(call, "delete", 200)),
  route("GET", `${base}/raw/{path*}`, "repository", getRaw),
];

async function commitAt(call: Call): Promise<{ commit: Commit; ref: string }> {
  call.mustRead("code");
  const ref = call.query.get("ref") || call.repo.defaultBranch;
  const commit = await call.world.git(call.repo).commit(ref.replace(/^refs\/heads\//, ""));
  if (!commit) throw call.errors.notFound(`object does not exist [id: ${ref}, rel_path: ]`);
  return { commit, ref };
}

async function getContents(call: Call): Promise<Reply> {
  const { commit, ref } = await commitAt(call);
  const path = call.param("path").replace(/^\/|\/$/g, "");
  const git = call.world.git(call.repo);
  const found = await git.object(path === "" ? `${commit.sha}^{tree}` : `${commit.sha}:${path}`);
  if (found?.type === "tree") {
    const tree = await git.tree(path === "" ? commit.sha : `${commit.sha}:${path}`);
    const views: unknown[] = [];
    for (const entry of tree?.entries ?? []) {
      views.push(await entryView(call, commit, ref, path === "" ? entry.name : `${path}/${entry.name}`, entry, false));
    }
    return json(200, views);
  }
  const slash = path.lastIndexOf("/");
  const folder = await git.tree(slash < 0 ? commit.sha : `${commit.sha}:${path.slice(0, slash)}`);
  const entry = folder?.entries.find((candidate) => candidate.name === path.slice(slash + 1));
  if (!entry) throw call.errors.notFound(`object does not exist [id: , rel_path: ${path}]`, "GetContentsOrList");
  return json(200, await entryView(call, commit, ref, path, entry, true));
}

const entryTypes = { blob: "file", tree: "dir", commit: "submodule" } as const;

async function entryView(
  call: Call,
  commit: Commit,
  ref: string,
  path: string,
  entry: TreeEntry,
  withContent: boolean,
): Promise<Record<string, unknown>> {
  const git = call.world.git(call.repo);
  const isFile = entry.type === "blob";
  const isLink = entry.mode === "120000";
  const hasContent = withContent && isFile && !isLink;
  const blob = isFile ? await git.object(entry.sha) : undefined;
  const lastSha = (await git.history(commit.sha, path))[0] ?? commit.sha;
  const last = (await git.commit(lastSha)) ?? commit;
  const api = `${call.world.url}/api/v1/repos/${fullName(call.repo)}`;
  const kind = git.branch(ref) === undefined ? "commit" : "branch";
  const web = (what: string) => `${call.world.url}/${fullName(call.repo)}/${what}/${kind}/${ref}/${path}`;
  const self = `${api}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const object = `${api}/git/blobs/${entry.sha}`;
  return {
    name: entry.name,
    path,
    sha: entry.sha,
    last_commit_sha: last.sha,
    last_committer_date: time(last.committer.at),
    last_author_date: time(last.author.at),
    type: isLink ? "symlink" : entryTypes[entry.type],
    size: blob?.content.length ?? 0,
    encoding: hasContent ? "base64" : null,
    content: hasContent ? (blob?.content.toString("base64") ?? "") : null,
    target: isLink ? (blob?.content.toString() ?? "") : null,
    url: self,
    html_url: web("src"),
    git_url: object,
    download_url: isFile ? web("raw") : null,
    submodule_git_url: null,
    _links: { self, git: object, html: web("src") },
  };
}

async function getRaw(call: Call): Promise<Reply> {
  const { commit } = await commitAt(call);
  const path = call.param("path");
  const git = call.world.git(call.repo);
  const found = await git.object(`${commit.sha}:${path}`);
  if (found?.type !== "blob") throw call.errors.notFound();
  const last = await git.commit((await git.history(commit.sha, path))[0] ?? commit.sha);
  const name = path.split("/").at(-1) ?? "";
  return text(200, found.content, {
    etag: `"${found.oid}"`,
    "last-modified": new Date(last?.committer.at ?? 0).toUTCString(),
    "content-disposition": disposition(call, "inline", name),
  });
}

export function disposition(call: Call, kind: string, name: string): string {
  return call.from26 ? `${kind}; filename=${name}` : `${kind}; filename="${name}"; filename*=UTF-8''${name}`;
}

const fileFields = {
  content: "string",
  message: "string",
  branch: "string",
  new_branch: "string",
  sha: "string",
  files: "any",
} as const;

async function changeFile(call: Call, operation: FileChange["operation"], status: number): Promise<Reply> {
  call.mustWrite("code");
  call.mustNotBeArchived();
  const fields = bind(call, "CreateFileOptions", fileFields);
  const path = call.param("path");
  const change: FileChange = { operation, path, content: Buffer.from(fields.content ?? "", "base64") };
  const done = await commitFiles(call, [change], fields.branch, fields.new_branch, fields.message);
  const content = operation === "delete" ? null : await fileView(call, done.commit, done.branch, path);
  return json(status, { content, ...done.view });
}

async function changeFiles(call: Call): Promise<Reply> {
  call.mustWrite("code");
  call.mustNotBeArchived();
  const fields = bind(call, "ChangeFilesOptions", fileFields);
  const changes = (Array.isArray(fields.files) ? fields.files : []).filter(isRecord).map(readChange);
  const done = await commitFiles(call, changes, fields.branch, fields.new_branch, fields.message);
  const files: unknown[] = [];
  for (const change of changes) {
    files.push(change.operation === "delete" ? null : await fileView(call, done.commit, done.branch, change.path));
  }
  return json(201, { files, ...done.view });
}

function readChange(given: Record<string, unknown>): FileChange {
  const operation = given["operation"];
  return {
    operation: operation === "update" || operation === "delete" ? operation : "create",
    path: String(given["path"] ?? ""),
    content: Buffer.from(String(given["content"] ?? ""), "base64"),
  };
}

async function commitFiles(
  call: Call,
  changes: readonly FileChange[],
  branch = call.repo.defaultBranch,
  newBranch: string | undefined,
  message: string | undefined,
): Promise<{ commit: Commit; branch: string; view: Record<string, unknown> }> {
  const done = await writeFiles(call.world, call.repo, {
    changes,
    from: branch,
    to: newBranch ?? branch,
    message: message ?? "",
    author: call.user,
  });
  if (done.kind === "refused") throw call.errors.error(done.status, done.message);
  const view = { commit: fileCommitView(call.world, call.repo, done.commit), verification };
  return { commit: done.commit, branch: newBranch ?? branch, view };
}

async function fileView(call: Call, commit: Commit, branch: string, path: string): Promise<unknown> {
  const found = await call.world.git(call.repo).object(`${commit.sha}:${path}`);
  const entry: TreeEntry = {
    mode: "100644",
    type: "blob",
    name: path.split("/").at(-1) ?? "",
    sha: found?.oid ?? "",
  };
  return entryView(call, commit, branch, path, entry, true);
}
