import { emit } from "../events.ts";
import type { Issue, Label, Pull, Repo, User } from "../model.ts";
import type { World } from "../world.ts";
import { makeIssue, setAssignees } from "./issues.ts";
import { startCheck } from "./mergeability.ts";
import { subject } from "./subject.ts";
import { addEntry, addReferences } from "./timeline.ts";

export interface NewPull {
  head: string;
  base: string;
  headSha: string;
  title: string;
  body: string;
  labels: readonly Label[];
  assignees: readonly User[];
}

/** Opens a pull request between two branches of one repository. */
export async function openPull(world: World, repo: Repo, poster: User, fields: NewPull): Promise<Pull> {
  const git = world.git(repo);
  const baseSha = git.branch(fields.base) ?? fields.headSha;
  const issue = makeIssue(world, repo, poster, { title: fields.title, body: fields.body });
  const pull: Pull = {
    id: world.next("pull"),
    issue,
    headBranch: fields.head,
    baseBranch: fields.base,
    headSha: fields.headSha,
    mergeBase: await git.mergeBase(baseSha, fields.headSha),
    mergeable: (await git.mergedTree(baseSha, fields.headSha)) !== undefined,
    checkingUntil: 0,
    merged: false,
    mergedAt: null,
    mergedBy: null,
    mergeSha: null,
    allowMaintainerEdit: world.features.from26,
    scheduled: false,
    reviews: [],
  };
  issue.pull = pull;
  await git.moveRef(`refs/pull/${issue.number}/head`, fields.headSha);
  for (const label of fields.labels) {
    issue.labels.push(label);
    addEntry(world, issue, "label", poster, { body: "1", label });
  }
  addReferences(world, issue, poster, `${issue.title}\n${issue.body}`);
  const commits = (await git.history(`${baseSha}..${fields.headSha}`)).reverse();
  if (commits.length > 0) {
    addEntry(world, issue, "pull_push", poster, {
      body: JSON.stringify({ is_force_push: false, commit_ids: commits }),
    });
  }
  emit(world, repo, "pull_request", poster, { ...subject(world, issue), action: "opened" });
  setAssignees(world, issue, fields.assignees, poster);
  return pull;
}

/** The first pull request ever made for these two branches, whatever became of it. */
export function findPullByBranches(repo: Repo, base: string, head: string): Pull | undefined {
  return allPulls(repo).find((pull) => pull.baseBranch === base && pull.headBranch === head);
}

export function findOpenPull(repo: Repo, base: string, head: string): Pull | undefined {
  return allPulls(repo).find(
    (pull) => pull.baseBranch === base && pull.headBranch === head && pull.issue.state === "open",
  );
}

export function allPulls(repo: Repo): Pull[] {
  return repo.issues.flatMap((issue: Issue) => (issue.pull ? [issue.pull] : []));
}

export function changeBase(world: World, pull: Pull, base: string, doer: User): void {
  if (base === pull.baseBranch) return;
  addEntry(world, pull.issue, "change_target_branch", doer, { oldRef: pull.baseBranch, newRef: base });
  pull.baseBranch = base;
  startCheck(world, pull);
}
