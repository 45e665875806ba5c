import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFiles } from "./acts/files.ts";
import { openPull } from "./acts/pulls.ts";
import { GitRepository } from "./git/repository.ts";
import type { Access, Repo, Team, Unit, User } from "./model.ts";
import { fullName, type World } from "./world.ts";

export interface NewRepo {
  owner: string;
  name: string;
  description?: string;
  private?: boolean;
  /** Committed to `main` as one commit; default is a README. */
  files?: Record<string, string>;
  archived?: boolean;
  mirror?: boolean;
  /** No commit at all. */
  empty?: boolean;
  units?: { issues?: boolean; pulls?: boolean; actions?: boolean };
}

/** Fills a forge from outside the routes: accounts, teams, repositories, commits. */
export class Seeds {
  /** Everything the forge remembers, for assertions. Change it through the methods or the routes. */
  readonly world: World;
  readonly #folder = mkdtempSync(join(tmpdir(), "forge-"));

  constructor(world: World) {
    this.world = world;
  }

  /** An account with a token for everything. */
  addUser(fields: { login: string; admin?: boolean; bot?: boolean }): { login: string; token: string } {
    this.world.users.push({
      id: this.world.next("user"),
      login: fields.login,
      kind: fields.bot ? "bot" : "person",
      isAdmin: fields.admin ?? false,
      email: `${fields.login}@example.invalid`,
      createdAt: this.world.now(),
    });
    return { login: fields.login, token: this.addToken(fields.login, ["all"], "t") };
  }

  /** Another token; `all` or scopes such as `read:repository`. */
  addToken(login: string, scopes: string[], name = scopes.join(",")): string {
    const value = randomBytes(20).toString("hex");
    const user = this.world.user(login);
    const id = this.world.next("token");
    this.world.tokens.push({ id, name, value, user, scopes, createdAt: this.world.now() });
    return value;
  }

  /** From now on the token is 401. */
  deleteToken(value: string): void {
    const at = this.world.tokens.findIndex((token) => token.value === value);
    if (at >= 0) this.world.tokens.splice(at, 1);
  }

  /** An organisation with its team of owners. */
  addOrg(login: string, owners: string[] = []): User {
    const org: User = {
      id: this.world.next("user"),
      login,
      kind: "organisation",
      isAdmin: false,
      email: "",
      createdAt: this.world.now(),
    };
    this.world.users.push(org);
    this.addTeam({ org: login, name: "Owners", permission: "owner", units: {}, members: owners });
    return org;
  }

  /** A team that sees all repositories of its organisation unless some are named; rights go by unit. */
  addTeam(fields: {
    org: string;
    name: string;
    units: Partial<Record<Unit, Access>>;
    members: string[];
    permission?: Access;
    repositories?: string[];
  }): Team {
    const team: Team = {
      id: this.world.next("team"),
      org: this.world.user(fields.org),
      name: fields.name,
      permission: fields.permission ?? "none",
      units: fields.units,
      members: new Set(fields.members.map((login) => this.world.user(login))),
      repositories: fields.repositories ? new Set(fields.repositories.map((full) => this.world.repo(full))) : "all",
    };
    this.world.teams.push(team);
    return team;
  }

  /** A label of an organisation: usable on issues, not listed with the repository's. */
  addOrgLabel(login: string, name: string): void {
    this.world.orgLabels.push({
      id: this.world.next("label"),
      name,
      color: "111111",
      description: "",
      exclusive: false,
      isArchived: false,
      org: this.world.user(login),
    });
  }

  async addRepo(fields: NewRepo): Promise<Repo> {
    const id = this.world.next("repository");
    const units: Unit[] = ["code", "releases", "wiki", "projects", "packages"];
    for (const unit of ["issues", "pulls", "actions"] as const) if (fields.units?.[unit] ?? true) units.push(unit);
    const repo: Repo = {
      id,
      owner: this.world.user(fields.owner),
      name: fields.name,
      description: fields.description ?? "",
      defaultBranch: "main",
      mergeStyles: new Set(["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"]),
      defaultMergeStyle: "merge",
      private: fields.private ?? false,
      archived: false,
      archivedAt: 0,
      mirror: false,
      units: new Set(units),
      collaborators: new Map(),
      labels: [],
      issues: [],
      nextNumber: 1,
      protections: [],
      statuses: [],
      runs: [],
      disabledWorkflows: new Set(),
      gitDir: join(this.#folder, fields.owner, `${fields.name}.git`),
      language: "",
      createdAt: this.world.now(),
    };
    this.world.gits.set(repo, GitRepository.create(repo.gitDir, repo.defaultBranch));
    this.world.repos.push(repo);
    const files = fields.files ?? { "README.md": `# ${fields.name}\n` };
    if (!fields.empty) await this.commitFiles(fullName(repo), files, { message: "start" });
    repo.archived = fields.archived ?? false;
    repo.archivedAt = repo.archived ? this.world.now() : 0;
    repo.mirror = fields.mirror ?? false;
    return repo;
  }

  /** Archives a repository, or takes it back. */
  setArchived(full: string, archived: boolean): void {
    const repo = this.repo(full);
    repo.archived = archived;
    repo.archivedAt = archived ? this.world.now() : 0;
  }

  addCollaborator(full: string, login: string, permission: "read" | "write" | "admin"): void {
    this.repo(full).collaborators.set(this.world.user(login), permission);
  }

  /** The live repository: issues, labels, runs, statuses. */
  repo(full: string): Repo {
    return this.world.repo(full);
  }

  /** Path of the bare repository. */
  gitDir(full: string): string {
    return this.repo(full).gitDir;
  }

  /** A commit made by somebody on a branch (default: the default branch), with all that a push brings. */
  async commitFiles(
    full: string,
    files: Record<string, string | null>,
    options: { branch?: string; from?: string; message?: string; author?: string } = {},
  ): Promise<string> {
    const repo = this.repo(full);
    const git = this.world.git(repo);
    const branch = options.branch ?? repo.defaultBranch;
    const from = git.branch(branch) === undefined ? (options.from ?? repo.defaultBranch) : branch;
    const present = git.branch(from);
    const changes = Object.entries(files).map(([path, content]) => ({
      operation: content === null ? ("delete" as const) : ("update" as const),
      path,
      content: Buffer.from(content ?? ""),
    }));
    for (const change of changes) {
      const known = present !== undefined && (await git.object(`${present}:${change.path}`));
      if (!known && change.operation === "update") Object.assign(change, { operation: "create" });
    }
    const author = options.author === undefined ? this.#seedAuthor(repo) : this.world.user(options.author);
    const message = options.message ?? `change ${Object.keys(files).join(", ")}`;
    const done = await writeFiles(this.world, repo, { changes, from, to: branch, message, author });
    if (done.kind === "refused") throw new Error(`${full}: ${done.message}`);
    return done.commit.sha;
  }

  /** A pull request from somebody's fork, its head as a branch of that name there; its number. Nothing of the fork but this is modelled. */
  async addForkPull(
    full: string,
    fields: { by: string; branch: string; files: Record<string, string | null>; title: string; body?: string },
  ): Promise<number> {
    const repo = this.repo(full);
    const { by, branch, files, title, body = "" } = fields;
    // Pushed here for a moment and without a word, so that the commit is there; no branch of this repository is left of it.
    const head = `fork-${this.world.next("repository")}`;
    const headSha = await this.commitFiles(full, files, { branch: head, author: by, message: title });
    const poster = this.world.user(by);
    const pull = await openPull(this.world, repo, poster, {
      ...{ head, base: repo.defaultBranch, headSha, title, body, labels: [], assignees: [] },
    });
    pull.fork = { repoId: this.world.next("repository"), branch };
    await this.world.git(repo).deleteRef(`refs/heads/${head}`);
    return pull.issue.number;
  }

  #seedAuthor(repo: Repo): User {
    return repo.owner.kind === "organisation"
      ? (this.world.users.find((user) => user.isAdmin) ?? repo.owner)
      : repo.owner;
  }

  protected closeRepositories(): void {
    for (const git of this.world.gits.values()) git.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
