// What the program asks of a forge, in its own words. One adapter speaks to Gitea (gitea.ts); nothing outside src/forge knows a path or a
// field name of its REST interface. Reads answer facts or throw ForgeError; "not there" is a value (null), never an error. Writes are safe
// to repeat: each says what the forge looks like afterwards, so that a caller that got no answer reads and compares.

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
}

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
}

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
}

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

export interface Forge {
  /** Address without `/api/v1` and without a slash at the end, as the runner knows it. */
  readonly url: string;
  /** The forge's clock, ms since 1970: the newest `Date` header plus what has passed since; null before the first answer. */
  now(): number | null;
  /** Requests made so far, retries included. */
  requests(): number;

  /** The token's own account. */
  me(): Promise<Account>;
  version(): Promise<string>;
  /** Null when it does not exist or the token may not see it. */
  repository(): Promise<Repository | null>;
  /** Null when the branch does not exist. */
  branch(name: string): Promise<Branch | null>;
  /** Text of a file at a branch or commit; null when absent. Throws when it is larger than `bytesMax` or not a file. */
  file(path: string, ref: string, bytesMax: number): Promise<string | null>;

  /** Open issues and pull requests that carry the label. Empty when the repository has no such label (never "all issues"). Oldest first. */
  labelled(label: string): Promise<Issue[]>;
  /** Issue or pull request by number; null when absent. */
  issue(number: number): Promise<Issue | null>;
  openPulls(): Promise<Pull[]>;
  pull(number: number): Promise<Pull | null>;
  /**
   * Every pull request, in any state, for any base, whose head is this branch of this repository; newest first. In repositories of more
   * than 200 pull requests old closed ones may be missing: beside a newer one, or for another base than the default branch.
   */
  pullsOf(branch: string): Promise<Pull[]>;
  comments(issue: number): Promise<Comment[]>;
  timeline(issue: number): Promise<TimelineEntry[]>;
  /** Numbers of open issues that this one waits for; empty also where dependencies are off. */
  openDependencies(issue: number): Promise<{ repository: string; number: number }[]>;
  writeAccess(login: string): Promise<WriteAccess>;
  statuses(sha: string): Promise<StatusEntry[]>;

  /** Refs whose full name begins with `refs/<prefix>`; empty when none. */
  refs(prefix: string): Promise<Ref[]>;
  /** Message of a commit; null when absent. */
  commitMessage(sha: string): Promise<string | null>;

  createIssueComment(issue: number, body: string): Promise<Comment>;
  editComment(id: number, body: string): Promise<void>;
  deleteComment(id: number): Promise<void>;
  react(commentId: number, reaction: "eyes" | "rocket" | "confused"): Promise<void>;
  /** All labels of the repository and, where it has one, of its organisation. */
  labels(): Promise<Label[]>;
  createLabel(label: { name: string; color: string; description: string; exclusive: boolean }): Promise<Label>;
  /** Adds labels by id; labels that are there already are not sent again (a repeated label would start workflows again). */
  addLabels(issue: number, ids: number[]): Promise<void>;
  removeLabel(issue: number, id: number): Promise<void>;
  /** Replaces the assignees. Throws when a login may not be assigned. */
  assign(issue: number, logins: string[]): Promise<Issue>;
  /** `exists` = an open pull request for this head and base is there already; find it with pullsOf. */
  createPull(
    pull: NewPull,
  ): Promise<{ kind: "created"; pull: Pull } | { kind: "exists" } | { kind: "nothing-to-merge"; answer: string }>;
  editPull(number: number, change: { title?: string; body?: string }): Promise<void>;
  setStatus(sha: string, status: NewStatus): Promise<void>;
  deleteBranch(name: string): Promise<void>;

  /** Newest runs first, at most `limit`; null where the server has no such list. */
  recentRuns(limit: number): Promise<ForgeRun[] | null>;
  /** State of one run by its id; null where the server cannot say (before 1.25). */
  runById(id: number): Promise<ForgeRun | null>;
  /** Whether this server can start workflows by REST (from 1.24). */
  canDispatch(): Promise<boolean>;
  /** Whether a dispatch cancels the run of the same workflow that a former dispatch started and that is still going (before 1.26). */
  dispatchCancels(): Promise<boolean>;
  /**
   * Starts a workflow by hand. `refused` = the forge understood and said no. Sent once; 1.24 also starts a workflow
   * without `workflow_dispatch`.
   */
  dispatch(
    workflow: string,
    ref: string,
    inputs: Record<string, string>,
  ): Promise<{ kind: "started" } | { kind: "refused"; answer: string }>;
}
