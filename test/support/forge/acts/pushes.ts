import { emit } from "../events.ts";
import type { Pushed } from "../git/http.ts";
import type { Pull, Repo, Review, User } from "../model.ts";
import { payloadCommitView } from "../views/commit.ts";
import { userView } from "../views/user.ts";
import type { World } from "../world.ts";
import { findIssue, fullName } from "../world.ts";
import { setState } from "./issues.ts";
import { startCheck } from "./mergeability.ts";
import { protectionOf } from "./protection.ts";
import { subject } from "./subject.ts";
import { addEntry, closedNumbers } from "./timeline.ts";

const zero = "0".repeat(40);

/** What Gitea does after refs moved: pull requests follow, events go out. Custom refs are nobody's business. */
export async function afterPush(world: World, repo: Repo, pushed: readonly Pushed[], doer: User): Promise<void> {
  for (const one of pushed) {
    if (!one.ref.startsWith("refs/heads/")) continue;
    const branch = one.ref.slice("refs/heads/".length);
    if (one.after === zero) branchGone(world, repo, branch, doer);
    else await branchMoved(world, repo, branch, one, doer);
  }
}

async function branchMoved(world: World, repo: Repo, branch: string, one: Pushed, doer: User): Promise<void> {
  for (const pull of openPulls(repo)) {
    if (pull.headBranch === branch) await headMoved(world, pull, one, doer);
    else if (pull.baseBranch === branch) startCheck(world, pull);
  }
  const git = world.git(repo);
  const head = await git.commit(one.after);
  const commit = head ? payloadCommitView(world, repo, head) : null;
  if (one.before === zero) {
    emit(world, repo, "create", doer, { ref: branch, ref_type: "branch", sha: one.after });
  }
  emit(world, repo, "push", doer, {
    ref: one.ref,
    before: one.before,
    after: one.after,
    head_commit: commit,
    commits: commit ? [commit] : [],
    total_commits: commit ? 1 : 0,
    compare_url: `${world.url}/${fullName(repo)}/compare/${one.before}...${one.after}`,
    pusher: userView(world, doer, undefined),
  });
  if (branch === repo.defaultBranch) await closeByCommits(world, repo, one, doer);
}

async function headMoved(world: World, pull: Pull, one: Pushed, doer: User): Promise<void> {
  const git = world.git(pull.issue.repo);
  const before = pull.headSha;
  // Of two pushes at once the later may be told first: what counts is where the branch is now.
  pull.headSha = git.branch(pull.headBranch) ?? one.after;
  await git.moveRef(`refs/pull/${pull.issue.number}/head`, pull.headSha);
  startCheck(world, pull);
  const forced = one.before !== zero && !(await git.isAncestor(before, pull.headSha));
  if (forced) await noteForcedPush(world, pull, before, doer);
  else notePush(world, pull, false, await commitsSince(world, pull, before), doer);
  for (const review of pull.reviews) ageReview(pull, review);
  emit(world, pull.issue.repo, "pull_request", doer, { ...subject(world, pull.issue), action: "synchronized" });
}

/** From 1.26 the rows of former pushes give way to one with all commits of the new head. */
async function noteForcedPush(world: World, pull: Pull, before: string, doer: User): Promise<void> {
  if (world.features.from26) {
    const issue = pull.issue;
    issue.entries = issue.entries.filter((entry) => entry.type !== "pull_push" || entry.body.includes("true"));
    const git = world.git(issue.repo);
    const commits = await git.history(`${git.branch(pull.baseBranch) ?? before}..${pull.headSha}`);
    notePush(world, pull, false, commits.reverse(), doer);
  }
  // 1.24 lists old and new head, too, but does not call it forced.
  notePush(world, pull, world.features.from26, [before, pull.headSha], doer);
}

function notePush(world: World, pull: Pull, forced: boolean, commits: string[], doer: User): void {
  if (commits.length === 0) return;
  const body = JSON.stringify({ is_force_push: forced, commit_ids: commits });
  addEntry(world, pull.issue, "pull_push", doer, { body });
}

async function commitsSince(world: World, pull: Pull, before: string): Promise<string[]> {
  const base = world.git(pull.issue.repo).branch(pull.baseBranch) ?? before;
  const git = world.git(pull.issue.repo);
  return (await git.history(`${before}..${pull.headSha}`)).reverse().filter((sha) => sha !== base);
}

/** A protected base may ask that approvals die with the head they were given for. */
function ageReview(pull: Pull, review: Review): void {
  if (review.sha === pull.headSha) return;
  review.stale = true;
  const protection = protectionOf(pull.issue.repo, pull.baseBranch);
  if (protection?.dismissStaleApprovals && review.state === "APPROVED") review.dismissed = true;
}

function branchGone(world: World, repo: Repo, branch: string, doer: User): void {
  emit(world, repo, "delete", doer, { ref: branch, ref_type: "branch", pusher_type: "user" });
  for (const pull of openPulls(repo)) {
    if (pull.headBranch !== branch) continue;
    setState(world, pull.issue, "closed", doer);
    addEntry(world, pull.issue, "delete_branch", doer, { oldRef: branch });
  }
}

/** Commits that arrive on the default branch close the issues they name. */
async function closeByCommits(world: World, repo: Repo, one: Pushed, doer: User): Promise<void> {
  if (one.before === zero) return;
  const git = world.git(repo);
  for (const sha of await git.history(`${one.before}..${one.after}`)) {
    const commit = await git.commit(sha);
    for (const number of closedNumbers(commit?.message ?? "")) {
      const issue = findIssue(repo, number);
      if (issue && issue.state === "open") setState(world, issue, "closed", doer);
    }
  }
}

/** `#N` in commits that reach the default branch leaves a reference. */
export async function referenceCommit(world: World, repo: Repo, sha: string, doer: User): Promise<void> {
  const commit = await world.git(repo).commit(sha);
  const title = (commit?.message ?? "").split("\n")[0] ?? "";
  for (const found of title.matchAll(/#(\d+)\b/g)) {
    const issue = findIssue(repo, Number(found[1]));
    const body = `<a href="/${repo.owner.login}/${repo.name}/commit/${sha}">${title}</a>`;
    if (issue) addEntry(world, issue, "commit_ref", doer, { body, refSha: sha });
  }
}

export function openPulls(repo: Repo): Pull[] {
  return repo.issues.flatMap((issue) => (issue.pull && issue.state === "open" ? [issue.pull] : []));
}
