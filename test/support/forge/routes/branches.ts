import { protectionOf } from "../acts/protection.ts";
import { openPulls } from "../acts/pushes.ts";
import { moveByServer } from "../acts/refs.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Commit } from "../git/parse.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { payloadCommitView } from "../views/commit.ts";

const base = "/repos/{owner}/{repo}/branches";

export const branchRoutes: Route[] = [
  route("GET", base, "repository", listBranches),
  route("POST", base, "repository", createBranch),
  route("GET", `${base}/{branch*}`, "repository", getBranch),
  route("PUT", `${base}/{branch*}`, "repository", moveBranch, { from: "1.26" }),
  route("PATCH", `${base}/{branch*}`, "repository", renameBranch),
  route("DELETE", `${base}/{branch*}`, "repository", deleteBranch),
];

/** A branch with what its protection lets the asker do. */
function branchView(call: Call, name: string, commit: Commit): Record<string, unknown> {
  const rule = protectionOf(call.repo, name);
  const writer = call.may("code", "write");
  return {
    name,
    commit: payloadCommitView(call.world, call.repo, commit),
    protected: rule !== undefined,
    required_approvals: rule?.requiredApprovals ?? 0,
    enable_status_check: rule?.enableStatusCheck ?? false,
    status_check_contexts: rule?.statusContexts ?? [],
    user_can_push: writer && (rule === undefined || rule.enablePush),
    user_can_merge: writer,
    effective_branch_protection_name: call.isRepoAdmin() ? (rule?.rule ?? "") : "",
  };
}

/** Newest commit first. */
async function listBranches(call: Call): Promise<Reply> {
  call.mustRead("code");
  const git = call.world.git(call.repo);
  const found: { name: string; commit: Commit }[] = [];
  for (const [ref, sha] of git.refs("refs/heads/")) {
    const commit = await git.commit(sha);
    if (commit) found.push({ name: ref.slice("refs/heads/".length), commit });
  }
  if (found.length === 0) return json(200, null, call.total(0));
  found.sort((one, other) => other.commit.committer.at - one.commit.committer.at);
  return call.page(found, ({ name, commit }) => branchView(call, name, commit));
}

async function getBranch(call: Call): Promise<Reply> {
  call.mustRead("code");
  const name = call.param("branch");
  const git = call.world.git(call.repo);
  const sha = git.branch(name);
  const commit = sha === undefined ? undefined : await git.commit(sha);
  if (!commit) throw call.errors.notFound();
  return json(200, branchView(call, name, commit));
}

async function createBranch(call: Call): Promise<Reply> {
  call.mustWrite("code");
  call.mustNotBeArchived();
  const fields = bind(call, "CreateBranchRepoOption", {
    new_branch_name: "string",
    old_branch_name: "string",
    old_ref_name: "string",
  });
  const name = fields.new_branch_name ?? "";
  if (name === "") throw call.errors.error(422, "[BranchName]: Required");
  if (!isRefName(name)) throw call.errors.error(422, "[BranchName]: GitRefName");
  const git = call.world.git(call.repo);
  const commit = await git.commit(fields.old_ref_name ?? fields.old_branch_name ?? call.repo.defaultBranch);
  if (!commit) throw call.errors.error(404, "The old branch does not exist");
  for (const ref of git.refs("refs/heads/").keys()) {
    const other = ref.slice("refs/heads/".length);
    if (other === name) throw call.errors.error(409, "The branch already exists.");
    if (other.startsWith(`${name}/`) || name.startsWith(`${other}/`)) {
      throw call.errors.error(409, "The branch with the same name already exists.");
    }
  }
  await moveByServer(call.world, call.repo, name, commit.sha, call.user);
  return json(201, branchView(call, name, commit));
}

function isRefName(name: string): boolean {
  return !/\.\.|[\s~^:?*[\\]|@\{|\/\/|^\/|\/$|\.$|\.lock$|^-/.test(name);
}

async function moveBranch(call: Call): Promise<Reply> {
  call.mustWrite("code");
  call.mustNotBeArchived();
  const fields = bind(
    call,
    "UpdateBranchRepoOption",
    { new_commit_id: "string", old_commit_id: "string", force: "boolean" },
    ["new_commit_id"],
  );
  const name = call.param("branch");
  const git = call.world.git(call.repo);
  const present = git.branch(name);
  if (present === undefined) throw branchGone(call, `branch does not exist [repo_id: ${call.repo.id} name: ${name}]`);
  if (protectionOf(call.repo, name)?.enablePush === false) {
    throw call.errors.error(403, `Not allowed to push to protected branch ${name}`);
  }
  const next = await git.commit(fields.new_commit_id ?? "");
  if (!next) throw call.errors.internal();
  if (fields.old_commit_id !== undefined && fields.old_commit_id !== present) {
    const text = `branch commit does not match [expected: ${fields.old_commit_id}, given: ${present}]`;
    throw call.errors.error(422, text);
  }
  if (!fields.force && !(await git.isAncestor(present, next.sha))) {
    throw call.errors.error(422, `Force push ${name} need a confirm force parameter`);
  }
  await moveByServer(call.world, call.repo, name, next.sha, call.user);
  return empty(204);
}

/** 1.27 keeps the cause to itself here. */
function branchGone(call: Call, cause: string): Error {
  return call.from27 ? call.errors.notFound() : call.errors.notFound(cause);
}

async function renameBranch(call: Call): Promise<Reply> {
  call.mustWrite("code");
  const fields = bind(call, "RenameBranchRepoOption", { name: "string" }, ["name"]);
  const git = call.world.git(call.repo);
  const sha = git.branch(call.param("branch"));
  if (sha === undefined) throw call.errors.notFound();
  await moveByServer(call.world, call.repo, fields.name ?? "", sha, call.user);
  await moveByServer(call.world, call.repo, call.param("branch"), null, call.user);
  return empty(204);
}

async function deleteBranch(call: Call): Promise<Reply> {
  call.mustWrite("code");
  call.mustNotBeArchived();
  const name = call.param("branch");
  const git = call.world.git(call.repo);
  if (name === call.repo.defaultBranch || openPulls(call.repo).some((pull) => pull.baseBranch === name)) {
    const more = call.from26 ? " or pull request target" : "";
    if (name === call.repo.defaultBranch || call.from26) {
      if (protectionOf(call.repo, name)) throw call.errors.error(403, "branch protected");
      throw call.errors.error(403, `can not delete default${more} branch`);
    }
  }
  if (git.branch(name) === undefined) {
    throw call.from26 ? branchGone(call, `branch does not exist [name: ${name}]`) : call.errors.internal();
  }
  if (protectionOf(call.repo, name)) throw call.errors.error(403, "branch protected");
  await moveByServer(call.world, call.repo, name, null, call.user);
  return empty(204);
}
