import { type Asker, askerAccess, atLeast, canSee } from "./access.ts";
import { afterPush, openPulls } from "./acts/pushes.ts";
import { identify } from "./auth.ts";
import { serveGit } from "./git/http.ts";
import type { Repo } from "./model.ts";
import { type Reply, text } from "./reply.ts";
import { fullName, type World } from "./world.ts";

export interface GitRequest {
  method: string;
  owner: string;
  name: string;
  /** `/info/refs`, `/git-upload-pack`, `/git-receive-pack`. */
  path: string;
  query: string;
  headers: Record<string, string>;
  body: Buffer;
}

const gitPath = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/info\/refs|\/git-upload-pack|\/git-receive-pack)$/;

export function parseGitPath(path: string): { owner: string; name: string; path: string } | undefined {
  const found = gitPath.exec(path);
  return found ? { owner: found[1] ?? "", name: found[2] ?? "", path: found[3] ?? "" } : undefined;
}

/** Git over HTTP: who may come this far is decided here, what may be pushed by the hooks. */
export async function answerGit(world: World, request: GitRequest): Promise<Reply> {
  const pushing = `${request.path}?${request.query}`.includes("git-receive-pack");
  const identity = identify(world, request.headers["authorization"]);
  if (identity.kind === "bad") return mustLogIn();
  const asker: Asker = identity.kind === "known" ? identity.asker : { user: undefined, token: undefined };
  if (pushing && !asker.user) return mustLogIn();
  const repo = world.findRepo(request.owner, request.name);
  if (!repo) return noRepository(world, request, pushing, asker);
  if (!canSee(world, repo, asker)) return asker.user ? text(404, "Repository not found") : mustLogIn();
  if (pushing || repo.private) {
    if (!hasScope(asker, pushing)) return text(403, "Forbidden");
  }
  if (pushing && repo.archived) return text(403, archivedText);
  if (pushing && repo.mirror) return text(403, "mirror repository is read-only");
  return serve(world, repo, request, asker);
}

const archivedText =
  "This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.";

function mustLogIn(): Reply {
  return text(401, "Unauthorized", { "www-authenticate": 'Basic realm="Gitea"' });
}

function noRepository(world: World, request: GitRequest, pushing: boolean, asker: Asker): Reply {
  if (!asker.user) return mustLogIn();
  if (!pushing) return text(404, "Repository not found");
  const owner = world.findUser(request.owner);
  const whom = owner?.kind === "organisation" ? "organizations" : "users";
  return text(403, `Push to create is not enabled for ${whom}.`);
}

function hasScope(asker: Asker, pushing: boolean): boolean {
  const scopes = asker.token?.scopes ?? ["all"];
  if (scopes.includes("all") || scopes.includes("write:repository")) return true;
  return !pushing && scopes.includes("read:repository");
}

async function serve(world: World, repo: Repo, request: GitRequest, asker: Asker): Promise<Reply> {
  const login = asker.user?.login ?? "";
  const { reply, pushed } = await serveGit({
    dir: world.git(repo).dir,
    path: request.path,
    query: request.query,
    method: request.method,
    headers: request.headers,
    body: request.body,
    login,
    env: hookEnvironment(world, repo, asker),
  });
  if (asker.user && pushed.length > 0) await afterPush(world, repo, pushed, asker.user);
  return reply;
}

function hookEnvironment(world: World, repo: Repo, asker: Asker): Record<string, string> {
  const mayWrite = atLeast(askerAccess(world, repo, asker, "code"), "write");
  const closed = repo.protections.filter((rule) => !rule.enablePush).map((rule) => rule.rule);
  return {
    FORGE_MAY_WRITE: mayWrite ? "yes" : "no",
    FORGE_DEFAULT_BRANCH: repo.defaultBranch,
    FORGE_PROTECTED: closed.join(" "),
    FORGE_PULLS: openPulls(repo)
      .map((pull) => `${pull.issue.number}=${pull.headBranch}`)
      .join(" "),
    FORGE_WEB: `${world.url}/${fullName(repo)}`,
    FORGE_COUNTS: world.features.from27 ? "no" : "yes",
  };
}
