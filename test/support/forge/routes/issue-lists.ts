import { canSee } from "../access.ts";
import { usableLabels } from "../acts/labels.ts";
import type { Call } from "../call.ts";
import type { Issue, Label, User } from "../model.ts";
import { json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { issueView } from "../views/issue.ts";

/** Lists of issues, with the filters that Gitea has and those that it ignores. */
export const issueListRoutes: Route[] = [
  route("GET", "/repos/issues/search", "issue", searchIssues),
  route("GET", "/repos/{owner}/{repo}/issues", "issue", listIssues),
];

function listIssues(call: Call): Reply {
  mustHaveUnit(call);
  const labels = namedLabels(call, usableLabels(call.world, call.repo));
  const author = namedUser(call, "created_by");
  const assignee = namedUser(call, "assigned_by");
  const mentioned = namedUser(call, "mentioned_by");
  const inTime = timeFilter(call);
  const found = call.repo.issues.filter(
    (issue) =>
      ofType(call, issue) &&
      ofState(call, issue) &&
      inTime(issue) &&
      labels.every((group) => group.some((label) => issue.labels.includes(label))) &&
      (!author || issue.poster === author) &&
      (!assignee || issue.assignees.includes(assignee)) &&
      (!mentioned || issue.body.includes(`@${mentioned.login}`)),
  );
  return shownNewestFirst(call, found);
}

function mustHaveUnit(call: Call): void {
  const type = call.query.get("type");
  const issues = call.may("issues", "read");
  const pulls = call.may("pulls", "read");
  if (type === "issues" ? !issues : type === "pulls" ? !pulls : !issues && !pulls) throw call.errors.notFound();
}

/** Names nobody knows are dropped; with only such names there is no filter at all. */
function namedLabels(call: Call, usable: readonly Label[]): Label[][] {
  const names = (call.query.get("labels") ?? "").split(",");
  const known = usable.filter((label) => label.repo !== undefined);
  return [...new Set(names)]
    .map((name) => known.filter((label) => label.name === name))
    .filter((group) => group.length > 0);
}

function namedUser(call: Call, field: string): User | undefined {
  const name = call.query.get(field) ?? "";
  if (name === "") return undefined;
  const user = call.world.findUser(name);
  if (!user) throw call.errors.notFound(call.errors.userUnknown(name));
  return user;
}

function ofType(call: Call, issue: Issue): boolean {
  const type = call.query.get("type");
  if (!call.may(issue.pull ? "pulls" : "issues", "read")) return false;
  return type === "issues" ? !issue.pull : type === "pulls" ? issue.pull !== undefined : true;
}

/** Anything but `closed` and `all` is `open`. */
function ofState(call: Call, issue: Issue): boolean {
  const state = call.query.get("state");
  return state === "all" || issue.state === (state === "closed" ? "closed" : "open");
}

/** `since` and `before` look at the last change. */
function timeFilter(call: Call): (issue: Issue) => boolean {
  const since = readTime(call, "since");
  const before = readTime(call, "before");
  return (issue) => (since === null || issue.updatedAt >= since) && (before === null || issue.updatedAt <= before);
}

/** A time of the query in ms, or null; nonsense is a 422 in Go's words. */
export function readTime(call: Call, field: string): number | null {
  const value = call.query.get(field) ?? "";
  if (value === "") return null;
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value)) return Date.parse(value);
  throw call.errors.error(
    422,
    `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`,
  );
}

function shownNewestFirst(call: Call, found: Issue[]): Reply {
  found.sort((one, other) => other.createdAt - one.createdAt || other.id - one.id);
  return call.page(found, (issue) => issueView(call.world, issue, call.asker.user));
}

/** Over all repositories; labels are alternatives here. */
function searchIssues(call: Call): Reply {
  const owner = call.query.get("owner");
  const names = (call.query.get("labels") ?? "").split(",").filter(Boolean);
  const asker = call.asker.user;
  const mine = call.query.get("assigned") === "true";
  const created = call.query.get("created") === "true";
  const found: Issue[] = [];
  for (const repo of call.world.repos) {
    if (!canSee(call.world, repo, call.asker) || repo.archived) continue;
    if (owner !== null && repo.owner.login.toLowerCase() !== owner.toLowerCase()) continue;
    for (const issue of repo.issues) {
      const type = call.query.get("type");
      if (type === "issues" ? issue.pull : type === "pulls" ? !issue.pull : false) continue;
      if (!ofState(call, issue)) continue;
      if (names.length > 0 && !issue.labels.some((label) => names.includes(label.name))) continue;
      if (mine && !(asker && issue.assignees.includes(asker))) continue;
      if (created && issue.poster !== asker) continue;
      found.push(issue);
    }
  }
  found.sort((one, other) => other.createdAt - one.createdAt || other.id - one.id);
  const views = call.slice(found).map((issue) => issueView(call.world, issue, asker));
  return json(200, views, call.totalAndLink(found.length));
}
