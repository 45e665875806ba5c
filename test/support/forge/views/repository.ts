import { type Asker, askerAccess, atLeast, isRepoAdmin } from "../access.ts";
import type { Label, Repo } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { epochTime, time, zeroTime } from "./time.ts";
import { userView } from "./user.ts";

/** A repository with the asker's permissions; pass nobody for the places where Gitea computes none. */
export function repositoryView(world: World, repo: Repo, asker: Asker, known = true): Record<string, unknown> {
  const { from26, from27 } = world.features;
  const url = `${world.url}/${fullName(repo)}`;
  const api = `${world.url}/api/v1/repos/${fullName(repo)}`;
  const pulls = repo.units.has("pulls");
  const open = repo.issues.filter((issue) => issue.state === "open");
  const git = world.git(repo);
  return {
    id: repo.id,
    owner: userView(world, repo.owner, asker.user),
    name: repo.name,
    full_name: fullName(repo),
    description: repo.description,
    empty: git.isEmpty(),
    private: repo.private,
    fork: false,
    template: false,
    mirror: repo.mirror,
    size: 25,
    language: repo.language,
    languages_url: `${api}/languages`,
    html_url: url,
    url: api,
    link: "",
    ssh_url: `root@localhost:${fullName(repo)}.git`,
    clone_url: `${url}.git`,
    original_url: "",
    website: "",
    stars_count: 0,
    forks_count: 0,
    watchers_count: 4,
    ...(from26 ? { branch_count: git.refs("refs/heads/").size } : {}),
    open_issues_count: open.filter((issue) => !issue.pull).length,
    open_pr_counter: open.filter((issue) => issue.pull).length,
    release_counter: 0,
    default_branch: repo.defaultBranch,
    archived: repo.archived,
    created_at: time(repo.createdAt),
    updated_at: time(repo.createdAt),
    archived_at: repo.archived ? time(repo.archivedAt) : epochTime,
    permissions: permissions(world, repo, asker, known),
    ...(from26 ? { has_code: true } : {}),
    has_issues: repo.units.has("issues"),
    ...(repo.units.has("issues") ? { internal_tracker: tracker } : {}),
    has_wiki: repo.units.has("wiki"),
    has_pull_requests: pulls,
    has_projects: repo.units.has("projects"),
    projects_mode: "all",
    has_releases: repo.units.has("releases"),
    has_packages: repo.units.has("packages"),
    has_actions: repo.units.has("actions"),
    ignore_whitespace_conflicts: false,
    allow_merge_commits: pulls && repo.mergeStyles.has("merge"),
    allow_rebase: pulls && repo.mergeStyles.has("rebase"),
    allow_rebase_explicit: pulls && repo.mergeStyles.has("rebase-merge"),
    allow_squash_merge: pulls && repo.mergeStyles.has("squash"),
    allow_fast_forward_only_merge: pulls && repo.mergeStyles.has("fast-forward-only"),
    ...(from27 ? { allow_merge_update: pulls } : {}),
    allow_rebase_update: pulls,
    ...(from26 ? { allow_manual_merge: !pulls, autodetect_manual_merge: false } : {}),
    default_delete_branch_after_merge: false,
    default_merge_style: repo.defaultMergeStyle,
    ...(from27 ? { default_update_style: "merge" } : {}),
    default_allow_maintainer_edit: from26 && pulls,
    avatar_url: "",
    internal: false,
    mirror_interval: "",
    object_format_name: "sha1",
    mirror_updated: zeroTime,
    ...(from27 ? { mirror_last_sync_at: zeroTime } : {}),
    topics: [],
    licenses: [],
  };
}

const tracker = {
  enable_time_tracker: true,
  allow_only_contributors_to_track_time: true,
  enable_issue_dependencies: true,
};

function permissions(world: World, repo: Repo, asker: Asker, known: boolean): Record<string, boolean> {
  if (!known) return { admin: false, push: false, pull: false };
  return {
    admin: isRepoAdmin(world, repo, asker),
    push: atLeast(askerAccess(world, repo, asker, "code"), "write"),
    pull: atLeast(askerAccess(world, repo, asker, "code"), "read"),
  };
}

/** The short form inside of issues. */
export function repositoryMeta(repo: Repo): Record<string, unknown> {
  return { id: repo.id, name: repo.name, owner: repo.owner.login, full_name: fullName(repo) };
}

export function labelView(world: World, label: Label): Record<string, unknown> {
  const place = label.repo
    ? `repos/${fullName(label.repo)}/labels/${label.id}`
    : `orgs/${label.org?.login ?? ""}/labels/${label.id}`;
  return {
    id: label.id,
    name: label.name,
    exclusive: label.exclusive,
    is_archived: label.isArchived,
    color: label.color,
    description: label.description,
    url: `${world.url}/api/v1/${place}`,
  };
}
