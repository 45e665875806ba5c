import { canBeAssigned } from "../access.ts";
import { editBody, editTitle, openIssue, setAssignees, setState, toggleAssignee } from "../acts/issues.ts";
import { usableLabels } from "../acts/labels.ts";
import { addEntry } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Issue, User } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { issueView } from "../views/issue.ts";
import { issueOf, mayWrite } from "./find.ts";

const one = "/repos/{owner}/{repo}/issues/{index}";

/** Single issues: make, read, edit, assign, lock, pin, delete. Lists are in `issue-lists.ts`. */
export const issueRoutes: Route[] = [
  route("POST", "/repos/{owner}/{repo}/issues", "issue", createIssue),
  route("GET", one, "issue", (call) => json(200, issueView(call.world, issueOf(call), call.asker.user))),
  route("PATCH", one, "issue", editIssue),
  route("DELETE", one, "issue", deleteIssue),
  route("PUT", `${one}/lock`, "issue", lockIssue),
  route("DELETE", `${one}/lock`, "issue", unlockIssue),
  route("POST", `${one}/pin`, "issue", pinIssue),
  route("DELETE", `${one}/pin`, "issue", unpinIssue),
  route("POST", `${one}/assignees`, "issue", addAssignees, { from: "1.27" }),
  route("DELETE", `${one}/assignees`, "issue", removeAssignees, { from: "1.27" }),
  route("GET", `${one}/assignees/{login}`, "issue", isAssignable, { from: "1.27", needsToken: true }),
];

function createIssue(call: Call): Reply {
  call.mustRead("issues");
  call.mustNotBeArchived();
  const fields = bind(
    call,
    "CreateIssueOption",
    {
      title: "string",
      body: "string",
      assignee: "string",
      assignees: "strings",
      labels: "numbers",
      closed: "boolean",
    },
    ["title"],
  );
  const writer = call.may("issues", "write");
  const wanted = usableLabels(call.world, call.repo).filter((label) => fields.labels?.includes(label.id));
  const names = [...(fields.assignees ?? []), ...(fields.assignee ? [fields.assignee] : [])];
  const assignees = writer ? names.map((name) => assigneeOrRefuse(call, name)) : [];
  const issue = openIssue(call.world, call.repo, call.user, {
    title: fields.title ?? "",
    body: fields.body ?? "",
    labels: writer ? wanted : [],
    assignees,
  });
  if (fields.closed) setState(call.world, issue, "closed", call.user);
  return json(201, issueView(call.world, issue, call.user));
}

function assigneeOrRefuse(call: Call, name: string): User {
  const user = call.world.findUser(name);
  if (user) return user;
  throw call.errors.error(422, `Assignee does not exist: [name: ${call.errors.userUnknown(name)}]`);
}

function editIssue(call: Call): Reply {
  const fields = bind(call, "EditIssueOption", {
    title: "string",
    body: "string",
    assignee: "string",
    assignees: "strings",
    state: "string",
    content_version: "number",
  });
  const issue = issueOf(call);
  const writer = mayWrite(call, issue);
  if (issue.poster !== call.user && !writer) return empty(403);
  if (fields.title !== undefined) editTitle(call.world, issue, fields.title, call.user);
  if (fields.body !== undefined) {
    mustHaveVersion(call, issue, fields.content_version);
    editBody(call.world, issue, fields.body, call.user);
  }
  const names = fields.assignees ?? (fields.assignee === undefined ? undefined : [fields.assignee].filter(Boolean));
  if (writer && names !== undefined) assign(call, issue, names);
  if (fields.state !== undefined) changeState(call, issue, fields.state);
  return json(201, issueView(call.world, issue, call.user));
}

/** Optimistic locking of title and body (1.26). */
export function mustHaveVersion(call: Call, issue: Issue, version: number | undefined): void {
  if (!call.from26 || version === undefined || version === issue.contentVersion) return;
  throw call.errors.error(409, `the ${issue.pull ? "pull request" : "issue"} is already changed`);
}

function assign(call: Call, issue: Issue, names: readonly string[]): void {
  const users: User[] = [];
  for (const name of new Set(names)) {
    const user = call.world.findUser(name);
    if (!user || !canBeAssigned(call.world, call.repo, user)) throw call.errors.internal();
    users.push(user);
  }
  setAssignees(call.world, issue, users, call.user);
}

export function changeState(call: Call, issue: Issue, state: string): void {
  if (issue.pull?.merged) {
    throw call.errors.error(412, "cannot change state of this pull request, it was already merged");
  }
  if (state !== "open" && state !== "closed") throw call.errors.error(412, `unknown state: ${state}`);
  if (state === "closed" && issue.dependencies.some((other) => other.state === "open")) {
    throw call.errors.error(412, "cannot close this issue or pull request because it still has open dependencies");
  }
  setState(call.world, issue, state, call.user);
}

function deleteIssue(call: Call): Reply {
  call.mustBeAdmin();
  const issue = issueOf(call);
  call.repo.issues = call.repo.issues.filter((other) => other !== issue);
  return empty(204);
}

/** The row names the organisation, not who locked. */
function lockIssue(call: Call): Reply {
  call.mustBeAdmin();
  const fields = bind(call, "LockIssueOption", { lock_reason: "string" });
  const issue = issueOf(call);
  if (!issue.locked) {
    issue.locked = true;
    addEntry(call.world, issue, "lock", call.repo.owner, { body: fields.lock_reason ?? "" });
  }
  return empty(204);
}

function unlockIssue(call: Call): Reply {
  call.mustBeAdmin();
  const issue = issueOf(call);
  if (issue.locked) {
    issue.locked = false;
    addEntry(call.world, issue, "unlock", call.repo.owner);
  }
  return empty(204);
}

function pinIssue(call: Call): Reply {
  call.mustBeAdmin();
  const issue = issueOf(call);
  issue.pinOrder = 1 + Math.max(...call.repo.issues.map((other) => other.pinOrder));
  addEntry(call.world, issue, "pin", call.user);
  return empty(204);
}

function unpinIssue(call: Call): Reply {
  call.mustBeAdmin();
  const issue = issueOf(call);
  issue.pinOrder = 0;
  addEntry(call.world, issue, "unpin", call.user);
  return empty(204);
}

function namedUsers(call: Call, issue: Issue): User[] {
  const names = bind(call, "IssueAssigneesOption", { assignees: "strings" }).assignees ?? [];
  if (!mayWrite(call, issue)) throw call.errors.error(403, "write permission is required");
  return names.map((name) => {
    const user = call.world.findUser(name);
    if (!user) throw call.errors.error(422, call.errors.userUnknown(name));
    if (!canBeAssigned(call.world, call.repo, user)) throw call.errors.error(422, `user cannot be assigned: ${name}`);
    return user;
  });
}

function addAssignees(call: Call): Reply {
  const issue = issueOf(call);
  for (const user of namedUsers(call, issue)) {
    if (!issue.assignees.includes(user)) toggleAssignee(call.world, issue, user, call.user);
  }
  return json(201, issueView(call.world, issue, call.user));
}

function removeAssignees(call: Call): Reply {
  const issue = issueOf(call);
  for (const user of namedUsers(call, issue)) {
    if (issue.assignees.includes(user)) toggleAssignee(call.world, issue, user, call.user);
  }
  return json(200, issueView(call.world, issue, call.user));
}

function isAssignable(call: Call): Reply {
  const issue = issueOf(call);
  const user = call.world.findUser(call.param("login"));
  if (!user || !canBeAssigned(call.world, issue.repo, user)) throw call.errors.notFound();
  return empty(204);
}
