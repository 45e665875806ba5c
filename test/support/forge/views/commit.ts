import type { Commit, Signature } from "../git/parse.ts";
import type { GitRepository } from "../git/repository.ts";
import type { Repo, User } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { time, zeroTime } from "./time.ts";
import { userView } from "./user.ts";

export interface CommitExtras {
  stat: boolean;
  verification: boolean;
  files: boolean;
}

export const allExtras: CommitExtras = { stat: true, verification: true, files: true };

/** A commit as `git/commits/{sha}` shows it; fields that are switched off are null. */
export async function commitView(
  world: World,
  repo: Repo,
  commit: Commit,
  extras: CommitExtras,
  viewer: User | undefined,
): Promise<Record<string, unknown>> {
  const url = `${world.url}/api/v1/repos/${fullName(repo)}/git/commits/${commit.sha}`;
  const changes = extras.files || extras.stat ? await changesOf(world.git(repo), commit) : [];
  return {
    url,
    sha: commit.sha,
    created: time(commit.committer.at),
    html_url: `${world.url}/${fullName(repo)}/commit/${commit.sha}`,
    commit: {
      url,
      author: signatureView(commit.author),
      committer: signatureView(commit.committer),
      message: commit.message,
      tree: {
        url: `${world.url}/api/v1/repos/${fullName(repo)}/git/trees/${commit.sha}`,
        sha: commit.sha,
        created: time(commit.committer.at),
      },
      verification: extras.verification ? verification : null,
    },
    author: accountOf(world, commit.author, viewer),
    committer: accountOf(world, commit.committer, viewer),
    parents: parentsView(world, repo, commit),
    files: extras.files ? changes.map(({ filename, status }) => ({ filename, status })) : null,
    stats: extras.stat ? statsOf(changes) : null,
  };
}

/** The short form in branches and payloads. */
export function payloadCommitView(world: World, repo: Repo, commit: Commit): Record<string, unknown> {
  return {
    id: commit.sha,
    message: commit.message,
    url: `${world.url}/${fullName(repo)}/commit/${commit.sha}`,
    author: { name: commit.author.name, email: commit.author.email, username: loginOf(world, commit.author) },
    committer: {
      name: commit.committer.name,
      email: commit.committer.email,
      username: loginOf(world, commit.committer),
    },
    verification,
    timestamp: time(commit.committer.at),
    added: null,
    removed: null,
    modified: null,
  };
}

/** The form in answers to writes of files. */
export function fileCommitView(world: World, repo: Repo, commit: Commit): Record<string, unknown> {
  const api = `${world.url}/api/v1/repos/${fullName(repo)}/git`;
  return {
    url: `${api}/commits/${commit.sha}`,
    sha: commit.sha,
    created: zeroTime,
    html_url: `${world.url}/${fullName(repo)}/commit/${commit.sha}`,
    author: signatureView(commit.author),
    committer: signatureView(commit.committer),
    parents: parentsView(world, repo, commit),
    message: commit.message,
    tree: { url: `${api}/trees/${commit.tree}`, sha: commit.tree, created: zeroTime },
  };
}

export const verification = {
  verified: false,
  reason: "gpg.error.not_signed_commit",
  signature: "",
  signer: null,
  payload: "",
};

function signatureView(signature: Signature): Record<string, string> {
  return { name: signature.name, email: signature.email, date: time(signature.at) };
}

function parentsView(world: World, repo: Repo, commit: Commit): Record<string, string>[] {
  return commit.parents.map((sha) => ({
    url: `${world.url}/api/v1/repos/${fullName(repo)}/git/commits/${sha}`,
    sha,
    created: zeroTime,
  }));
}

function findAccount(world: World, signature: Signature): User | undefined {
  return world.users.find((user) => user.email !== "" && user.email === signature.email);
}

function accountOf(world: World, signature: Signature, viewer: User | undefined): Record<string, unknown> | null {
  const user = findAccount(world, signature);
  return user ? userView(world, user, viewer) : null;
}

function loginOf(world: World, signature: Signature): string {
  return findAccount(world, signature)?.login ?? "";
}

export interface Change {
  filename: string;
  status: string;
  additions: number;
  deletions: number;
}

async function changesOf(git: GitRepository, commit: Commit): Promise<Change[]> {
  const from = commit.parents[0] ?? emptyTree;
  return changesBetween(git, from, commit.sha);
}

/** Git's id of the tree without entries. */
export const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

export async function changesBetween(git: GitRepository, from: string, to: string): Promise<Change[]> {
  if (from === to) return [];
  const answer = await git.ask("diff-tree", "-r", "--raw", "--numstat", "--no-renames", "--no-commit-id", from, to);
  const kinds = new Map<string, string>();
  const changes: Change[] = [];
  for (const line of answer.stdout.toString().split("\n")) {
    const [head = "", second = "", third = ""] = line.split("\t");
    if (head.startsWith(":")) kinds.set(second, head.slice(-1));
    else if (third !== "") {
      const status = { A: "added", D: "removed" }[kinds.get(third) ?? ""] ?? "modified";
      changes.push({ filename: third, status, additions: Number(head) || 0, deletions: Number(second) || 0 });
    }
  }
  return changes;
}

export function statsOf(changes: readonly Change[]): { total: number; additions: number; deletions: number } {
  const additions = changes.reduce((sum, change) => sum + change.additions, 0);
  const deletions = changes.reduce((sum, change) => sum + change.deletions, 0);
  return { total: additions + deletions, additions, deletions };
}
