// What the forge's answers become: the values that the program knows, whatever the version of the server.

/** An account of the forge. `id` is -2 for the automatic token's user, which is no row of the database and can be neither assignee nor reviewer. */
export interface Account {
  id: number;
  login: string;
  /** Display name, may be empty. */
  fullName: string;
  /** The address the forge shows for it; commits with it are attributed to the account. */
  email: string;
}

export interface Repository {
  id: number;
  owner: string;
  name: string;
  defaultBranch: string;
  archived: boolean;
  empty: boolean;
  mirror: boolean;
  /** `sha1` or `sha256`. */
  objectFormat: string;
  private: boolean;
  hasIssues: boolean;
  hasPulls: boolean;
  hasActions: boolean;
  /** What the token may do here. */
  may: { admin: boolean; push: boolean; pull: boolean };
  /** Address of its page as the server knows itself; may differ from the address that the runner uses. */
  htmlUrl: string;
  /** Ways to merge that the repository allows, its default first. */
  mergeStyles: MergeStyle[];
}

export type MergeStyle = "merge" | "rebase" | "rebase-merge" | "squash" | "fast-forward-only";

export interface Label {
  id: number;
  name: string;
  exclusive: boolean;
}

export interface Issue {
  number: number;
  title: string;
  body: string;
  author: string;
  state: "open" | "closed";
  locked: boolean;
  labels: Label[];
  assignees: string[];
  isPull: boolean;
  htmlUrl: string;
  /** Times in ms since 1970, by the forge's clock. */
  createdAt: number;
  updatedAt: number;
  comments: number;
}

export interface Pull {
  number: number;
  title: string;
  body: string;
  author: string;
  state: "open" | "closed";
  merged: boolean;
  draft: boolean;
  locked: boolean;
  labels: Label[];
  assignees: string[];
  /** Branch name of the head; after the branch was deleted the forge shows `refs/pull/N/head`. */
  headRef: string;
  headSha: string;
  /** False when the head lies in another repository (a fork). */
  headIsHere: boolean;
  baseRef: string;
  mergeBase: string;
  /** A hint only: false also means "still checking", draft or a failed check. */
  mergeable: boolean;
  htmlUrl: string;
  createdAt: number;
  updatedAt: number;
  /** Null while open, and where the server does not say. */
  closedAt: number | null;
}

export interface Comment {
  id: number;
  author: string;
  body: string;
  createdAt: number;
  /** Later than createdAt when it was edited. */
  updatedAt: number;
  htmlUrl: string;
}

/** One entry of an issue's timeline that the program understands; all others are left out by the adapter. */
export type TimelineEntry = { id: number; by: string; at: number } & (
  | { kind: "label"; label: string; added: boolean }
  | { kind: "assignee"; login: string; added: boolean }
  | { kind: "close" }
  | { kind: "reopen" }
  | { kind: "push"; body: string }
);

export interface StatusEntry {
  context: string;
  state: "pending" | "success" | "error" | "failure" | "warning" | "skipped" | "unknown";
  description: string;
  creator: string;
  targetUrl: string;
  /** ms since 1970, by the forge's clock. */
  updatedAt: number;
}

/** A review of a pull request. Those that only their author sees (`PENDING`) are left out by the adapter. */
export interface Review {
  id: number;
  author: string;
  state: "approved" | "changes-requested" | "comment" | "review-requested" | "other";
  body: string;
  /** The head it was written on. `stale` of the forge is not reliable: compare this one. Empty where the forge does not say. */
  commit: string;
  /** Counts for the protection of the base branch. */
  official: boolean;
  dismissed: boolean;
  /** Number of its comments on lines. */
  comments: number;
  at: number;
  htmlUrl: string;
}

/** A comment on a line of a pull request. */
export interface LineComment {
  id: number;
  review: number;
  author: string;
  body: string;
  path: string;
  /** Line of the new file; null where the forge shows none (a comment on an old line, or outdated). */
  line: number | null;
  at: number;
}

export interface NewReview {
  event: "approve" | "request-changes" | "comment";
  body: string;
  /** Commit that it judges. */
  commit: string;
  /** Lines of the new file, which the caller has checked against the diff: one unknown line makes the server refuse the whole review from 1.26 on. */
  comments: readonly { path: string; line: number; body: string }[];
}

/** A comment with the issue or pull request it stands on. */
export type PlacedComment = Comment & { issue: number };

/** How the forge answered a merge. */
export type MergeAnswer =
  | { kind: "merged" }
  /** Not now: the forge is still checking, or required statuses or approvals are missing. Its words. */
  | { kind: "not-yet"; answer: string }
  /** The head is no longer the one that was named. */
  | { kind: "moved"; answer: string }
  | { kind: "conflict"; answer: string }
  /** Understood and refused for good: style not allowed, no permission, closed meanwhile. */
  | { kind: "refused"; answer: string };

export interface Branch {
  name: string;
  sha: string;
  protected: boolean;
  /** Patterns of required status contexts; empty when none are required. */
  requiredContexts: string[];
  requiredApprovals: number;
}

export interface Ref {
  /** Full name, `refs/…`. */
  name: string;
  sha: string;
}

/** What the forge says about a person's right to write code here. `unknown` is never an allowance. */
export type WriteAccess =
  | { kind: "yes"; evidence: string }
  | { kind: "no"; evidence: string }
  | { kind: "unknown"; why: string };

/** A run of a workflow as far as the forge shows it. */
export interface ForgeRun {
  /** Id of the run where the server shows it (from 1.25), else null. */
  id: number | null;
  number: number;
  /** File name of the workflow. */
  workflow: string;
  event: string;
  state: "waiting" | "running" | "ended" | "unknown";
  /** When it ended, ms since 1970 by the forge's clock; null while it has not, and where the forge does not say. */
  endedAt: number | null;
  /** How it ended, all its jobs together; null while it has not. */
  conclusion: Conclusion | null;
}

export type DispatchAnswer = { kind: "started" } | { kind: "refused"; answer: string };

export type Conclusion = "success" | "failure" | "cancelled" | "skipped" | "unknown";

export interface NewPull {
  head: string;
  base: string;
  title: string;
  body: string;
}

export interface NewStatus {
  context: string;
  state: "pending" | "success" | "error" | "failure";
  description: string;
  targetUrl: string;
}
