// What the program asks of a forge, in its own words. One adapter speaks to Gitea (gitea.ts); nothing outside src/forge knows a path or a
// field name of its REST interface. Reads answer facts or throw ForgeError; "not there" is a value (null), never an error. Writes are safe
// to repeat: each says what the forge looks like afterwards, so that a caller that got no answer reads and compares.

import type {
  Account,
  Branch,
  Comment,
  DispatchAnswer,
  ForgeRun,
  Issue,
  Label,
  LineComment,
  MergeAnswer,
  MergeStyle,
  NewPull,
  NewReview,
  NewStatus,
  PlacedComment,
  Pull,
  Ref,
  Repository,
  Review,
  StatusEntry,
  TimelineEntry,
  WriteAccess,
} from "./model.ts";

/** What allows writes that belong to a claim. */
export interface Permit {
  /** Asked right before each sending of a write, also of one that is repeated. */
  mayWrite(): boolean;
  /** Longest time of one sending, from the first byte out to the last byte in, redirects included, in ms. */
  writeMsMax: number;
}

export interface Forge {
  /** Address without `/api/v1` and without a slash at the end, as the runner knows it. */
  readonly url: string;
  /** The forge's clock, ms since 1970: the newest `Date` header plus what has passed since; null before the first answer. */
  now(): number | null;
  /** Requests made so far, retries included. */
  requests(): number;
  /** The same forge, whose writes are bound to a permit: without it they are not sent, and fail as a forge that is away. Reads stay free. */
  under(permit: Permit): Forge;

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
  /** Open issues and pull requests that are assigned to this account. */
  assigned(login: string): Promise<Issue[]>;
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
  /** The latest status of each context. */
  statuses(sha: string): Promise<StatusEntry[]>;
  /** Oldest first. */
  reviews(pull: number): Promise<Review[]>;
  lineComments(pull: number, review: number): Promise<LineComment[]>;
  /** Comments of the whole repository created or changed since then (ms since 1970): the newest `limit`, oldest first. At most two requests. */
  commentsSince(since: number, limit: number): Promise<PlacedComment[]>;
  /**
   * End of the log of the job behind a status (its `targetUrl`), at most `bytesMax`; null where the server does not give it: it has no such
   * call (before 1.24), the status is not by its Actions, or the job is not found.
   */
  jobLog(targetUrl: string, bytesMax: number): Promise<string | null>;

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
  /** Sent once. A review of one's own pull request can only be a comment. */
  createReview(pull: number, review: NewReview): Promise<Review>;
  /** The account's own, or any for an administrator; with its comments on lines. */
  deleteReview(pull: number, id: number): Promise<void>;
  /** Merges exactly this head. Sent once. */
  merge(pull: number, order: { style: MergeStyle; head: string }): Promise<MergeAnswer>;
  closeIssue(number: number): Promise<void>;
  /** Runs the failed jobs behind a status again (from 1.26). False where the server cannot, or has no such run. Sent once. */
  rerun(targetUrl: string): Promise<boolean>;

  /** Newest runs first, at most `limit`; null where the server has no such list. */
  recentRuns(limit: number): Promise<ForgeRun[] | null>;
  /** State of one run by its id; null where the server has no such run, or cannot say (before 1.25). */
  runById(id: number): Promise<ForgeRun | null>;
  /** Whether this server can start workflows by REST (from 1.24). */
  canDispatch(): Promise<boolean>;
  /** Whether a dispatch cancels the run of the same workflow that a former dispatch started and that is still going (before 1.26). */
  dispatchCancels(): Promise<boolean>;
  /**
   * Starts a workflow by hand. `refused` = the forge understood and said no. Sent once; 1.24 also starts a workflow
   * without `workflow_dispatch`.
   */
  dispatch(workflow: string, ref: string, inputs: Record<string, string>): Promise<DispatchAnswer>;
}
