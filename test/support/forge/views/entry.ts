import type { Entry, Reaction, User } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { issueUrl, issueView } from "./issue.ts";
import { labelView } from "./repository.ts";
import { teamView } from "./team.ts";
import { time } from "./time.ts";
import { userView } from "./user.ts";

/** A comment as `issues/N/comments` shows it. */
export function commentView(world: World, entry: Entry): Record<string, unknown> {
  return {
    id: entry.id,
    ...places(world, entry),
    user: userView(world, entry.user, undefined),
    original_author: "",
    original_author_id: 0,
    body: entry.body,
    assets: [],
    created_at: time(entry.createdAt),
    updated_at: time(entry.updatedAt),
  };
}

/** One row of `issues/N/timeline`. */
export function timelineView(world: World, entry: Entry, viewer: User | undefined): Record<string, unknown> {
  return {
    id: entry.id,
    type: entry.type,
    ...places(world, entry),
    user: userView(world, entry.user, viewer),
    body: entry.body,
    created_at: time(entry.createdAt),
    updated_at: time(entry.updatedAt),
    old_project_id: 0,
    project_id: 0,
    old_milestone: null,
    milestone: null,
    tracked_time: null,
    old_title: entry.oldTitle ?? "",
    new_title: entry.newTitle ?? "",
    old_ref: entry.oldRef ?? "",
    new_ref: entry.newRef ?? "",
    ref_issue: entry.refIssue ? issueView(world, entry.refIssue, viewer) : null,
    ref_comment: null,
    ref_action: entry.refAction ?? "none",
    ref_commit_sha: entry.refSha ?? "",
    review_id: entry.review?.id ?? 0,
    label: entry.label ? labelView(world, entry.label) : null,
    assignee: entry.assignee ? userView(world, entry.assignee, viewer) : null,
    assignee_team: entry.assigneeTeam ? teamView(world, entry.assigneeTeam) : null,
    removed_assignee: entry.removed ?? false,
    resolve_doer: null,
    dependent_issue: entry.dependency ? issueView(world, entry.dependency, viewer) : null,
  };
}

function places(world: World, entry: Entry): Record<string, string> {
  const url = issueUrl(world, entry.issue);
  const isPull = entry.issue.pull !== undefined;
  return {
    html_url: `${url}#issuecomment-${entry.id}`,
    pull_request_url: isPull ? url : "",
    issue_url: isPull ? "" : url,
  };
}

export function reactionView(world: World, reaction: Reaction, viewer: User | undefined): Record<string, unknown> {
  return {
    user: userView(world, reaction.user, viewer),
    content: reaction.content,
    created_at: time(reaction.createdAt),
  };
}

/** A line comment of a review. */
export function lineCommentView(world: World, entry: Entry, viewer: User | undefined): Record<string, unknown> {
  const url = issueUrl(world, entry.issue);
  return {
    id: entry.id,
    body: entry.body,
    user: userView(world, entry.user, viewer),
    resolver: null,
    pull_request_review_id: entry.review?.id ?? 0,
    created_at: time(entry.createdAt),
    updated_at: time(entry.updatedAt),
    path: entry.code?.path ?? "",
    commit_id: entry.code?.sha ?? "",
    original_commit_id: "",
    diff_hunk: entry.code?.hunk ?? "",
    position: entry.code?.position ?? 0,
    original_position: entry.code?.oldPosition ?? 0,
    html_url: `${url}#issuecomment-${entry.id}`,
    pull_request_url: `${world.url}/${fullName(entry.issue.repo)}/pulls/${entry.issue.number}`,
  };
}
