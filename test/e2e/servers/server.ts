import type { Api } from "./api.ts";

/**
 * A forge that the end-to-end stories run on. The embedded forge, a real Gitea started for the story and an existing one are the same to a
 * story, which uses nothing but this interface and the forge's REST API.
 *
 * Names given to `create…` are wishes: on a server that others use they get a suffix, so a story goes on with the names it is answered.
 */
export interface Server {
  /** For the titles of tests: `embedded`, `gitea 1.26.4`, … */
  readonly name: string;
  /** Base URL, no slash at its end. */
  readonly url: string;
  readonly version: string;
  readonly admin: Account;
  readonly capabilities: Capabilities;
  /** The repositories made so far, oldest first. */
  readonly repos: readonly Repo[];

  createUser(login: string, options?: { admin?: boolean }): Promise<Account>;
  /** A further token; `scopes` by Gitea's names, such as `write:repository`. */
  createToken(account: Account, scopes: readonly string[]): Promise<string>;
  createOrg(name: string): Promise<string>;
  /** A public repository with one commit of these files on `main`, Actions on. */
  createRepo(owner: string, name: string, files: Files): Promise<Repo>;
  /** A further commit on a branch, by the administrator; `null` deletes a file. Answers the new commit's id. */
  pushFiles(repo: Repo, files: Readonly<Record<string, string | null>>, options?: PushOptions): Promise<string>;
  /** Publishes `action.yml`, `dist` and `package.json` of a checkout as `owner/name` with a tag; again moves the tag. */
  pushAction(checkout: string, wanted: string, tag: string): Promise<ActionOnServer>;
  addCollaborator(repo: Repo, account: Account, permission: "read" | "write" | "admin"): Promise<void>;
  /** May label issues of an organisation's repository, but not write its code. */
  addTriager(repo: Repo, account: Account): Promise<void>;
  setSecret(repo: Repo, name: string, value: string): Promise<void>;

  as(account: Account | { token: string }): Api;
  /** Newest first. A run that no runner took yet shows from 1.25 on. */
  runs(repo: Repo): Promise<WorkflowRun[]>;
  /** The first run, newest first, for which the predicate holds; throws with a list of what there is after the time. */
  waitForRun(
    repo: Repo,
    what: string,
    predicate: (run: WorkflowRun) => boolean,
    timeoutMs?: number,
  ): Promise<WorkflowRun>;
  /** What the run's jobs wrote so far, all jobs one after the other. */
  jobLog(repo: Repo, run: WorkflowRun): Promise<string>;
  /** As the button on the run's page does. */
  cancelRun(repo: Repo, run: WorkflowRun): Promise<void>;

  /** Null where the server is others' too. */
  readonly power: Power | null;

  /** What the server and its runners wrote themselves; for the output of a failed story. */
  diagnostics(): Promise<string>;
  /** Ends everything that was started and removes everything that was made. */
  close(): Promise<void>;
}

/** What a story may take away. */
export interface Power {
  /** KILL to the server; resolves when nothing answers any more. */
  cut(): Promise<void>;
  /** The server again, with its data, at its address; resolves when it answers. */
  restore(): Promise<void>;
  /** KILL to all runners and to everything they started, as machines that lose their power. Others take their places. */
  loseRunners(): Promise<void>;
}

export interface Capabilities {
  /** A real runner reacts to events by itself; else the harness turns events into executions. Either way a story only waits. */
  triggers: boolean;
  /** Any workflow file runs, not only the program's own. */
  workflows: boolean;
  /** A repository can be forked. */
  forks: boolean;
  /** A dispatched run may dispatch the next one: from 1.26 the server does not cancel the former for it. */
  chain: boolean;
  /** A `schedule` of `@every 10s` starts runs while the story waits. */
  schedule: boolean;
  /** `POST actions/workflows/{file}/dispatches` exists (1.24). */
  dispatch: boolean;
  /** A workflow file may declare `inputs` of `workflow_dispatch` (1.23); 1.22 ignores the whole file. */
  dispatchInputs: boolean;
  /** `cancelRun` works. */
  cancel: boolean;
}

export interface Account {
  login: string;
  password: string;
  /** A token with all scopes that the account may have. */
  token: string;
}

export interface Repo {
  owner: string;
  name: string;
  /** `owner/name`. */
  fullName: string;
}

export interface ActionOnServer {
  repo: Repo;
  /** For the workflow: `owner/name@tag`. */
  uses: string;
}

export type Files = Readonly<Record<string, string>>;

export interface PushOptions {
  /** Default `main`; a branch that is not there starts at `main`. */
  branch?: string;
  message?: string;
}

export interface WorkflowRun {
  /** The id in the REST API; on 1.24, which has none, the task's. */
  id: number;
  /** Counts per repository. */
  number: number;
  /** File name of the workflow. */
  workflow: string;
  event: string;
  /** Gitea's words; `isOver` reads them. */
  status: string;
  title: string;
  sha: string;
}

const over = new Set(["success", "failure", "cancelled", "skipped"]);

export function isOver(run: WorkflowRun): boolean {
  return over.has(run.status);
}

/** How long a story waits for a run by default, in ms. */
export const runWaitMs = 120_000;
