import { canBeAssigned } from "../access.ts";
import { editBody, editTitle, setAssignees } from "../acts/issues.ts";
import { replaceLabels, usableLabels } from "../acts/labels.ts";
import { headOf } from "../acts/mergeability.ts";
import { allPulls, changeBase, findOpenPull, findPullByBranches, openPull } from "../acts/pulls.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Pull, User } from "../model.ts";
import { empty, json, type Reply, text } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { changesBetween } from "../views/commit.ts";
import { pullView } from "../views/pull.ts";
import { fullName } from "../world.ts";
import { mayWrite, noPull, pullOf } from "./find.ts";
import { commitPage, pageHeaders } from "./git-data.ts";
import { changeState, mustHaveVersion } from "./issues.ts";

const base = "/repos/{owner}/{repo}";

/** Single pull requests; lists, merging and reviews have files of their own. */
export const pullRoutes: Route[] = [
  route("POST", `${base}/pulls`, "repository", createPull),
  route("GET", `${base}/pulls/{index}.diff`, "repository", (call) => diff(call, false)),
  route("GET", `${base}/pulls/{index}.patch`, "repository", (call) => diff(call, true)),
  route("GET", `${base}/pulls/{index}`, "repository", async (call) => shown(call, 200, pullOf(call))),
  route("PATCH", `${base}/pulls/{index}`, "repository", editPull),
  route("GET", `${base}/pulls/{index}/files`, "repository", listFiles),
  route("GET", `${base}/pulls/{index}/commits`, "repository", listCommits),
  route("GET", `${base}/commits/{sha}/pull`, "repository", pullOfCommit),
];

/** Last of all: its pattern swallows the other paths below `pulls`. */
export const pullByBranchesRoutes: Route[] = [
  route("GET", `${base}/pulls/{base}/{head*}`, "repository", pullByBranches),
];

async function shown(call: Call, status: number, pull: Pull): Promise<Reply> {
  return json(status, await pullView(call.world, pull, call.asker));
}

async function createPull(call: Call): Promise<Reply> {
  if (!call.may("pulls", "read")) throw call.errors.notFound();
  call.mustNotBeArchived();
  const fields = bind(
    call,
    "CreatePullRequestOption",
    {
      title: "string",
      head: "string",
      base: "string",
      body: "string",
      labels: "numbers",
      assignee: "string",
      assignees: "strings",
    },
    ["title", "head", "base"],
  );
  const head = (fields.head ?? "").replace(`${call.repo.owner.login}:`, "");
  const target = fields.base ?? "";
  const git = call.world.git(call.repo);
  if (head === target) {
    throw call.errors.error(422, "Invalid PullRequest: There are no changes between the head and the base");
  }
  for (const name of [target, head]) {
    if (git.branch(name) !== undefined) continue;
    throw call.from27 ? call.errors.error(404, `ref "${name}" does not exist`) : call.errors.notFound();
  }
  const open = findOpenPull(call.repo, target, head);
  if (open) throw call.errors.error(409, alreadyOpen(open));
  const names = [...(fields.assignees ?? []), ...(fields.assignee ? [fields.assignee] : [])];
  const assignees = names.map((name) => assigneeOrRefuse(call, name));
  if (!mayOpen(call)) throw call.errors.error(403, "user must be a collaborator");
  const labels = usableLabels(call.world, call.repo).filter((label) => fields.labels?.includes(label.id));
  const pull = await openPull(call.world, call.repo, call.user, {
    head,
    base: target,
    headSha: git.branch(head) ?? "",
    title: fields.title ?? "",
    body: fields.body ?? "",
    labels,
    assignees,
  });
  return shown(call, 201, pull);
}

/** Code writers only, since the head is a branch of the repository; the automatic token only from 1.26 on. */
function mayOpen(call: Call): boolean {
  if (call.asker.token?.run && !call.from26) return false;
  return call.may("code", "write");
}

function alreadyOpen(pull: Pull): string {
  const repo = pull.issue.repo.id;
  return `pull request already exists for these targets [id: ${pull.id}, issue_id: ${pull.issue.number}, head_repo_id: ${repo}, base_repo_id: ${repo}, head_branch: ${pull.headBranch}, base_branch: ${pull.baseBranch}]`;
}

function assigneeOrRefuse(call: Call, name: string): User {
  const user = call.world.findUser(name);
  if (user && canBeAssigned(call.world, call.repo, user)) return user;
  throw call.errors.error(422, `Assignee does not exist: [name: ${call.errors.userUnknown(name)}]`);
}

async function editPull(call: Call): Promise<Reply> {
  call.mustNotBeArchived();
  const fields = bind(call, "EditPullRequestOption", {
    title: "string",
    body: "string",
    base: "string",
    state: "string",
    assignee: "string",
    assignees: "strings",
    labels: "numbers",
    allow_maintainer_edit: "boolean",
    content_version: "number",
  });
  const pull = pullOf(call);
  const issue = pull.issue;
  if (issue.poster !== call.user && !mayWrite(call, issue)) return empty(403);
  if (fields.title !== undefined) editTitle(call.world, issue, fields.title, call.user);
  if (fields.body !== undefined) {
    mustHaveVersion(call, issue, fields.content_version);
    editBody(call.world, issue, fields.body, call.user);
  }
  const names = fields.assignees ?? (fields.assignee === undefined ? undefined : [fields.assignee]);
  if (names !== undefined && mayWrite(call, issue)) {
    const users = names.filter(Boolean).map((name) => assigneeOrRefuse(call, name));
    setAssignees(call.world, issue, users, call.user);
  }
  if (fields.labels !== undefined && mayWrite(call, issue)) {
    const labels = usableLabels(call.world, call.repo).filter((label) => fields.labels?.includes(label.id));
    replaceLabels(call.world, issue, labels, call.user);
  }
  if (fields.state !== undefined) changeState(call, issue, fields.state);
  if (fields.base !== undefined && fields.base !== "") {
    if (call.world.git(call.repo).branch(fields.base) === undefined) {
      throw call.errors.error(404, `new base '${fields.base}' not exist`);
    }
    changeBase(call.world, pull, fields.base, call.user);
  }
  if (fields.allow_maintainer_edit !== undefined) pull.allowMaintainerEdit = fields.allow_maintainer_edit;
  return shown(call, 201, pull);
}

async function diff(call: Call, asPatch: boolean): Promise<Reply> {
  const pull = pullOf(call);
  const git = call.world.git(call.repo);
  const head = headOf(call.world, pull);
  const args = asPatch ? ["format-patch", "--stdout", "--no-signature"] : ["diff"];
  const range = asPatch ? [`${pull.mergeBase}..${head}`] : [pull.mergeBase, head];
  const answer = await git.ask(...args.filter((arg) => arg !== "--no-signature"), ...range);
  return text(200, answer.stdout);
}

async function listFiles(call: Call): Promise<Reply> {
  const pull = pullOf(call);
  const git = call.world.git(call.repo);
  const head = headOf(call.world, pull);
  const changes = await changesBetween(git, pull.mergeBase, head);
  const web = `${call.world.url}/${fullName(call.repo)}`;
  const views = call.slice(changes).map((change) => ({
    filename: change.filename,
    status: change.status === "modified" ? "changed" : change.status === "removed" ? "deleted" : change.status,
    additions: change.additions,
    deletions: change.deletions,
    changes: change.additions + change.deletions,
    html_url: `${web}/src/commit/${head}/${change.filename}`,
    contents_url: `${call.world.url}/api/v1/repos/${fullName(call.repo)}/contents/${change.filename}?ref=${head}`,
    raw_url: `${web}/raw/commit/${head}/${change.filename}`,
  }));
  return json(200, views, pageHeaders(call, changes.length));
}

async function listCommits(call: Call): Promise<Reply> {
  const pull = pullOf(call);
  const head = headOf(call.world, pull);
  return commitPage(call, await call.world.git(call.repo).history(`${pull.mergeBase}..${head}`), true);
}

/** Only merged ones are found, by the commit that the merge made. */
async function pullOfCommit(call: Call): Promise<Reply> {
  const pull = allPulls(call.repo).find((candidate) => candidate.mergeSha === call.param("sha"));
  if (!pull) throw call.errors.error(404, noPull(call));
  return shown(call, 200, pull);
}

async function pullByBranches(call: Call): Promise<Reply> {
  const head = call.param("head").replace(`${call.repo.owner.login}:`, "");
  const pull = findPullByBranches(call.repo, call.param("base"), head);
  if (!pull) throw call.errors.notFound();
  return shown(call, 200, pull);
}
