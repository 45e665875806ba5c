import type { Issue, Label, User } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { labelView, repositoryMeta } from "./repository.ts";
import { time, timeOrNull } from "./time.ts";
import { userView } from "./user.ts";

/** Issues and pull requests as `GET issues` shows them; `assignees` is null where nobody is assigned. */
export function issueView(world: World, issue: Issue, viewer: User | undefined): Record<string, unknown> {
  const { from26, from27 } = world.features;
  const assignees = issue.assignees.map((user) => userView(world, user, undefined));
  return {
    id: issue.id,
    url: `${world.url}/api/v1/repos/${fullName(issue.repo)}/issues/${issue.number}`,
    html_url: issueUrl(world, issue),
    number: issue.number,
    user: userView(world, issue.poster, viewer),
    original_author: "",
    original_author_id: 0,
    title: issue.title,
    body: issue.body,
    ref: "",
    assets: [],
    labels: sortLabels(issue.labels).map((label) => labelView(world, label)),
    milestone: null,
    ...(from27 ? { projects: null } : {}),
    assignee: assignees[0] ?? null,
    assignees: assignees.length > 0 ? assignees : null,
    state: issue.state,
    is_locked: issue.locked,
    comments: issue.commentCount,
    created_at: time(issue.createdAt),
    updated_at: time(issue.updatedAt),
    closed_at: timeOrNull(issue.closedAt),
    due_date: null,
    ...(from26 ? { time_estimate: 0 } : {}),
    pull_request: pullMeta(world, issue),
    repository: repositoryMeta(issue.repo),
    pin_order: issue.pinOrder,
    ...(from26 ? { content_version: issue.contentVersion } : {}),
  };
}

function pullMeta(world: World, issue: Issue): Record<string, unknown> | null {
  if (!issue.pull) return null;
  return {
    merged: issue.pull.merged,
    merged_at: timeOrNull(issue.pull.mergedAt),
    draft: isDraft(issue.title),
    html_url: issueUrl(world, issue),
  };
}

export function issueUrl(world: World, issue: Issue): string {
  return `${world.url}/${fullName(issue.repo)}/${issue.pull ? "pulls" : "issues"}/${issue.number}`;
}

/** The prefixes of a server that nobody configured. */
export function isDraft(title: string): boolean {
  const lower = title.toLowerCase();
  return lower.startsWith("wip:") || lower.startsWith("[wip]");
}

/** Labels go by name, then by id. */
export function sortLabels(labels: readonly Label[]): Label[] {
  return [...labels].sort((one, other) =>
    one.name === other.name ? one.id - other.id : one.name < other.name ? -1 : 1,
  );
}
