/** The forge's memory as plain values. Times are milliseconds since 1970, whole seconds as in Gitea's tables. */

export type Access = "none" | "read" | "write" | "admin" | "owner";
export type Unit = "code" | "issues" | "pulls" | "actions" | "releases" | "wiki" | "projects" | "packages";

export interface User {
  id: number;
  login: string;
  kind: "person" | "bot" | "organisation" | "actions";
  isAdmin: boolean;
  email: string;
  createdAt: number;
}

export interface Token {
  id: number;
  name: string;
  value: string;
  user: User;
  /** `all`, or names such as `write:issue`. */
  scopes: string[];
  createdAt: number;
  /** Set for the automatic token of a run; it works only while that run runs. */
  run?: Run;
}

export interface Team {
  id: number;
  org: User;
  name: string;
  permission: Access;
  units: Partial<Record<Unit, Access>>;
  members: Set<User>;
  /** `all`, or the repositories the team may see. */
  repositories: "all" | Set<Repo>;
}

export interface Label {
  id: number;
  name: string;
  color: string;
  description: string;
  exclusive: boolean;
  isArchived: boolean;
  /** Absent for a label of an organisation. */
  repo?: Repo;
  org?: User;
}

export type MergeStyle = "merge" | "rebase" | "rebase-merge" | "squash" | "fast-forward-only";

export interface Protection {
  rule: string;
  priority: number;
  enablePush: boolean;
  requiredApprovals: number;
  enableStatusCheck: boolean;
  statusContexts: string[];
  blockOnRejectedReviews: boolean;
  dismissStaleApprovals: boolean;
  createdAt: number;
}

export interface Reaction {
  user: User;
  content: string;
  createdAt: number;
}

/** One row of the timeline; comments and events share one sequence of ids, over all repositories. */
export interface Entry {
  id: number;
  issue: Issue;
  type: string;
  user: User;
  body: string;
  createdAt: number;
  updatedAt: number;
  label?: Label;
  assignee?: User;
  assigneeTeam?: Team;
  removed?: boolean;
  oldTitle?: string;
  newTitle?: string;
  oldRef?: string;
  newRef?: string;
  refIssue?: Issue;
  refAction?: string;
  refSha?: string;
  dependency?: Issue;
  review?: Review;
  reactions: Reaction[];
  /** Line comments of reviews: never in the timeline, they only take an id. */
  hidden?: boolean;
  code?: { path: string; position: number; oldPosition: number; hunk: string; sha: string };
}

export interface Issue {
  id: number;
  number: number;
  repo: Repo;
  poster: User;
  title: string;
  body: string;
  labels: Label[];
  assignees: User[];
  state: "open" | "closed";
  createdAt: number;
  updatedAt: number;
  closedAt: number | null;
  locked: boolean;
  pinOrder: number;
  contentVersion: number;
  /** What Gitea shows as `comments`: kept up to date by comments only. */
  commentCount: number;
  dependencies: Issue[];
  reactions: Reaction[];
  entries: Entry[];
  pull?: Pull;
}

export interface Pull {
  id: number;
  issue: Issue;
  headBranch: string;
  /** Set where the head lies in a fork: that repository's id, and the branch there. Here it is only `refs/pull/N/head`. */
  fork?: { repoId: number; branch: string };
  baseBranch: string;
  headSha: string;
  mergeBase: string;
  /** Last result of the conflict check; frozen when the pull request closes. */
  mergeable: boolean;
  /** Until then the conflict check "runs": `mergeable` keeps its old value and a merge is 405. */
  checkingUntil: number;
  merged: boolean;
  mergedAt: number | null;
  mergedBy: User | null;
  mergeSha: string | null;
  allowMaintainerEdit: boolean;
  scheduled: boolean;
  reviews: Review[];
}

export interface Review {
  id: number;
  pull: Pull;
  user: User | null;
  team: Team | null;
  state: "PENDING" | "COMMENT" | "APPROVED" | "REQUEST_CHANGES" | "REQUEST_REVIEW";
  body: string;
  sha: string;
  official: boolean;
  stale: boolean;
  dismissed: boolean;
  createdAt: number;
  updatedAt: number;
  entryId: number;
  comments: Entry[];
}

export interface CommitStatus {
  /** Counts from 1 for each commit, as Gitea shows it. */
  index: number;
  sha: string;
  state: string;
  context: string;
  description: string;
  targetUrl: string;
  creator: User;
  createdAt: number;
}

export type RunStatus = "waiting" | "running" | "success" | "failure" | "cancelled";

export interface Job {
  id: number;
  name: string;
  runsOn: string[];
  steps: string[];
  /** Runs that nothing picked up have no task and do not show in `actions/tasks`. */
  taskId: number | null;
  log: string;
}

export interface Run {
  id: number;
  number: number;
  repo: Repo;
  /** File name, such as `agent.yml`. */
  workflow: string;
  title: string;
  event: string;
  actor: User;
  sha: string;
  /** Full ref, such as `refs/heads/main`. */
  ref: string;
  status: RunStatus;
  attempt: number;
  inputs: Record<string, string>;
  jobs: Job[];
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}

export interface Repo {
  id: number;
  owner: User;
  name: string;
  description: string;
  defaultBranch: string;
  /** Ways to merge that are allowed. */
  mergeStyles: Set<MergeStyle>;
  defaultMergeStyle: MergeStyle;
  private: boolean;
  archived: boolean;
  archivedAt: number;
  mirror: boolean;
  units: Set<Unit>;
  collaborators: Map<User, Access>;
  labels: Label[];
  issues: Issue[];
  nextNumber: number;
  protections: Protection[];
  statuses: CommitStatus[];
  runs: Run[];
  disabledWorkflows: Set<string>;
  gitDir: string;
  language: string;
  createdAt: number;
}
