import { addEntry } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Issue } from "../model.ts";
import { json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { issueView } from "../views/issue.ts";
import { findIssue } from "../world.ts";
import { issueOf, mayWrite } from "./find.ts";

const one = "/repos/{owner}/{repo}/issues/{index}";

/** What blocks an issue, and what it blocks. */
export const dependencyRoutes: Route[] = [
  route("GET", `${one}/dependencies`, "issue", listDependencies),
  route("POST", `${one}/dependencies`, "issue", addDependency),
  route("DELETE", `${one}/dependencies`, "issue", removeDependency),
  route("GET", `${one}/blocks`, "issue", listBlocks),
];

function listDependencies(call: Call): Reply {
  const all = issueOf(call).dependencies;
  const views = call.slice(all).map((issue) => issueView(call.world, issue, call.asker.user));
  return json(200, views, call.from26 ? call.total(all.length) : {});
}

function listBlocks(call: Call): Reply {
  const issue = issueOf(call);
  const blocked = call.repo.issues.filter((other) => other.dependencies.includes(issue));
  return json(
    200,
    call.slice(blocked).map((other) => issueView(call.world, other, call.asker.user)),
  );
}

function named(call: Call, issue: Issue): Issue {
  const fields = bind(call, "IssueMeta", { owner: "string", repo: "string", index: "number" });
  const repo = call.world.findRepo(fields.owner ?? "", fields.repo ?? "") ?? issue.repo;
  const other = findIssue(repo, fields.index ?? 0);
  if (!other) {
    const cause = `issue does not exist [id: 0, repo_id: ${repo.id}, index: ${fields.index ?? 0}]`;
    throw call.errors.notFound(cause, "IsErrIssueNotExist");
  }
  if (!mayWrite(call, issue)) throw call.errors.notFound();
  return other;
}

function addDependency(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = issueOf(call);
  const other = named(call, issue);
  if (issue.dependencies.includes(other) || (other !== issue && other.dependencies.includes(issue))) {
    throw call.errors.internal();
  }
  issue.dependencies.push(other);
  addEntry(call.world, issue, "add_dependency", call.user, { dependency: other });
  addEntry(call.world, other, "add_dependency", call.user, { dependency: issue });
  return json(201, issueView(call.world, issue, call.user));
}

function removeDependency(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = issueOf(call);
  const other = named(call, issue);
  if (!issue.dependencies.includes(other)) throw call.errors.internal();
  issue.dependencies = issue.dependencies.filter((one) => one !== other);
  addEntry(call.world, issue, "remove_dependency", call.user, { dependency: other });
  addEntry(call.world, other, "remove_dependency", call.user, { dependency: issue });
  return json(201, issueView(call.world, issue, call.user));
}
