import type { Call } from "../call.ts";
import type { Issue, Pull } from "../model.ts";
import { findIssue } from "../world.ts";

/** The issue a path names; behind units that are off there is none. */
export function issueOf(call: Call): Issue {
  const issue = findIssue(call.repo, call.number("index"));
  if (!issue || !call.may(issue.pull ? "pulls" : "issues", "read")) throw call.errors.notFound();
  return issue;
}

/** As `issueOf`, for the paths where Gitea answers an unknown number with a 500. */
export function issueOrCrash(call: Call): Issue {
  const issue = findIssue(call.repo, call.number("index"));
  if (!issue) throw call.errors.internal();
  return issue;
}

export function pullOf(call: Call): Pull {
  const pull = findPull(call);
  if (!pull) throw call.errors.notFound();
  return pull;
}

/** As `pullOf`, for the paths that name the look-up. */
export function pullNamed(call: Call): Pull {
  const pull = findPull(call);
  if (!pull) throw call.errors.notFound(noPull(call), "GetPullRequestByIndex");
  return pull;
}

export function noPull(call: Call): string {
  return `pull request does not exist [id: 0, issue_id: 0, head_repo_id: 0, base_repo_id: ${call.repo.id}, head_branch: , base_branch: ]`;
}

function findPull(call: Call): Pull | undefined {
  if (!call.may("pulls", "read")) throw call.errors.notFound();
  return findIssue(call.repo, call.number("index"))?.pull;
}

/** Who may change an issue beyond its poster's rights. */
export function mayWrite(call: Call, issue: Issue): boolean {
  return call.may(issue.pull ? "pulls" : "issues", "write");
}
