import type { MergeStyle } from "../../src/forge/model.ts";
import type { Api } from "../e2e/servers/api.ts";
import type { Account, Files, PushOptions, Repo } from "../e2e/servers/server.ts";

/**
 * A server that the contract is tried on: what a story's `Server` offers, without runs and logs, and with what no story needs: teams,
 * archives, units that are off. Everything that the contract is about goes through `src/forge` and `src/git`; this only sets the stage.
 */
export interface Ground {
  readonly name: string;
  readonly url: string;
  readonly version: string;
  readonly admin: Account;
  /** Whether a runner for `ubuntu-latest` takes runs. Without one no version lists a run in `actions/tasks`. */
  readonly hasRunner: boolean;

  createUser(wish: string): Promise<Account>;
  createToken(account: Account, scopes: readonly string[]): Promise<string>;
  /** An organisation owned by the administrator. */
  createOrg(wish: string): Promise<string>;
  /** A team for all repositories of the organisation, with these rights per unit and no others. */
  createTeam(org: string, team: NewTeam): Promise<void>;
  createOrgLabel(org: string, name: string): Promise<void>;
  createRepo(owner: string, name: string, files: Files): Promise<Repo>;
  /** Without a commit. The owner is a person. */
  createEmptyRepo(owner: string, name: string): Promise<Repo>;
  changeRepo(repo: Repo, change: RepoChange): Promise<void>;
  pushFiles(repo: Repo, files: Readonly<Record<string, string | null>>, options?: PushOptions): Promise<string>;
  addCollaborator(repo: Repo, account: Account, permission: "read" | "write" | "admin"): Promise<void>;
  /** Pushes to `main` so that the workflow `ci.yml`, which runs on every push, runs. Answers when it was pushed. */
  startCi(repo: Repo): Promise<void>;
  /** Pushes `checksFile` to `main`, whose jobs then run. Answers the commit. The repository has no other workflow that runs on a push. */
  startChecks(repo: Repo): Promise<string>;
  /** Ends the run of this number as a person does on its page. */
  cancelRun(repo: Repo, number: number): Promise<void>;
  as(account: Account | { token: string }): Api;

  diagnostics(): Promise<string>;
  close(): Promise<void>;
}

export type Unit = "code" | "issues" | "pulls" | "actions";

export interface NewTeam {
  name: string;
  units: Partial<Record<Unit, "read" | "write">>;
  members: readonly Account[];
}

export interface RepoChange {
  private?: boolean;
  archived?: boolean;
  issues?: boolean;
  pulls?: boolean;
  actions?: boolean;
  /** Ways to merge, the default first. */
  mergeStyles?: readonly MergeStyle[];
}

/** Jobs whose logs the contract reads: the first succeeds, the second prints many lines and fails. */
export const checksFile = `name: Checks
on: push
jobs:
  alpha:
    runs-on: ubuntu-latest
    steps: [{ run: "echo alpha says ü" }]
  beta:
    runs-on: ubuntu-latest
    steps: [{ run: "for n in 1 2 3 4 5 6 7 8 9; do echo beta says $n; done; exit 3" }]
`;

/** A server that can be had here, not yet started. */
export interface Choice {
  name: string;
  start(): Promise<Ground>;
}
