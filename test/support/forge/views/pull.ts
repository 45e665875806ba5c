import type { Asker } from "../access.ts";
import { checkConflicts, headOf } from "../acts/mergeability.ts";
import type { Pull, Review, User } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { changesBetween, statsOf } from "./commit.ts";
import { isDraft, issueUrl, sortLabels } from "./issue.ts";
import { labelView, repositoryView } from "./repository.ts";
import { teamView } from "./team.ts";
import { time, timeOrNull } from "./time.ts";
import { userView } from "./user.ts";

/** A pull request on its own: `[]` for nobody assigned, with the size of its change. */
export async function pullView(world: World, pull: Pull, asker: Asker): Promise<Record<string, unknown>> {
  await checkConflicts(world, pull);
  const files = await changesBetween(world.git(pull.issue.repo), pull.mergeBase, headOf(world, pull));
  const size = statsOf(files);
  const more = { additions: size.additions, deletions: size.deletions, changed_files: files.length };
  return pullParts(world, pull, asker, [], more);
}

/** A pull request in a list: null for nobody assigned, no size. Also the form in events. */
export function pullListView(world: World, pull: Pull, asker: Asker): Record<string, unknown> {
  return pullParts(world, pull, asker, null, {});
}

function pullParts(
  world: World,
  pull: Pull,
  asker: Asker,
  nobody: [] | null,
  size: Record<string, number>,
): Record<string, unknown> {
  const { from26 } = world.features;
  const issue = pull.issue;
  const url = issueUrl(world, issue);
  const people = (users: readonly User[]) => users.map((user) => userView(world, user, undefined));
  const requested = requestedReviewers(pull);
  const teams = pull.reviews.flatMap((review) =>
    review.state === "REQUEST_REVIEW" && review.team ? [review.team] : [],
  );
  return {
    id: pull.id,
    url,
    number: issue.number,
    user: userView(world, issue.poster, asker.user),
    title: issue.title,
    body: issue.body,
    labels: sortLabels(issue.labels).map((label) => labelView(world, label)),
    milestone: null,
    assignee: people(issue.assignees)[0] ?? null,
    assignees: issue.assignees.length > 0 ? people(issue.assignees) : nobody,
    requested_reviewers: requested.length > 0 ? people(requested) : nobody,
    requested_reviewers_teams: teams.length > 0 ? teams.map((team) => teamView(world, team, true)) : nobody,
    state: issue.state,
    draft: isDraft(issue.title),
    is_locked: issue.locked,
    comments: issue.commentCount,
    ...(from26 || reviewCount(pull) > 0 ? { review_comments: reviewCount(pull) } : {}),
    ...size,
    html_url: url,
    diff_url: `${url}.diff`,
    patch_url: `${url}.patch`,
    mergeable: pull.mergeable && !isDraft(issue.title),
    merged: pull.merged,
    merged_at: timeOrNull(pull.mergedAt),
    merge_commit_sha: pull.mergeSha,
    merged_by: pull.mergedBy && nobody !== null ? userView(world, pull.mergedBy, undefined) : null,
    allow_maintainer_edit: pull.allowMaintainerEdit,
    base: sideView(world, pull, pull.baseBranch, asker),
    head: headView(world, pull, asker),
    merge_base: pull.mergeBase,
    due_date: null,
    created_at: time(issue.createdAt),
    updated_at: time(issue.updatedAt),
    closed_at: timeOrNull(issue.closedAt),
    pin_order: issue.pinOrder,
    ...(from26 ? { content_version: issue.contentVersion } : {}),
  };
}

/** Everybody who was asked or has given a review, as Gitea counts them. */
function requestedReviewers(pull: Pull): User[] {
  const users = new Set<User>();
  for (const review of pull.reviews) if (review.user && review.state !== "PENDING") users.add(review.user);
  return [...users].sort((one, other) => one.id - other.id);
}

function reviewCount(pull: Pull): number {
  return pull.issue.entries.filter((entry) => entry.type === "review").length;
}

function sideView(world: World, pull: Pull, branch: string, asker: Asker): Record<string, unknown> {
  const repo = pull.issue.repo;
  return {
    label: branch,
    ref: branch,
    sha: world.git(repo).branch(branch) ?? "",
    repo_id: repo.id,
    repo: repositoryView(world, repo, asker),
  };
}

/** Without its branch a pull request lives on in `refs/pull/N/head`. */
function headView(world: World, pull: Pull, asker: Asker): Record<string, unknown> {
  const side = sideView(world, pull, pull.headBranch, asker);
  const { fork } = pull;
  if (fork !== undefined)
    return { ...side, label: fork.branch, ref: fork.branch, repo_id: fork.repoId, sha: headOf(world, pull) };
  const gone = side["sha"] === "";
  return { ...side, ref: gone ? `refs/pull/${pull.issue.number}/head` : pull.headBranch, sha: headOf(world, pull) };
}

export function reviewView(world: World, review: Review, viewer: User | undefined): Record<string, unknown> {
  const url = `${world.url}/${fullName(review.pull.issue.repo)}/pulls/${review.pull.issue.number}`;
  return {
    id: review.id,
    user: review.user ? userView(world, review.user, viewer) : null,
    team: review.team ? teamView(world, review.team) : null,
    state: review.state,
    body: review.body,
    commit_id: review.sha,
    stale: review.stale,
    official: review.official,
    dismissed: review.dismissed,
    comments_count: review.comments.length,
    submitted_at: time(review.createdAt),
    updated_at: time(review.updatedAt),
    html_url: review.entryId === 0 ? "" : `${url}#issuecomment-${review.entryId}`,
    pull_request_url: url,
  };
}
