import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFiles } from "./acts/files.ts";
import { endRun, queueRun, startRun } from "./acts/runs.ts";
import { readWorkflow, workflowsAt } from "./acts/workflows.ts";
import type { Happenings } from "./bus.ts";
import { type Client, makeClient } from "./client.ts";
import type { ForgeEvent } from "./events.ts";
import type { Faults } from "./faults.ts";
import { GitRepository } from "./git/repository.ts";
import type { Access, Repo, Run, RunStatus, Team, Unit, User } from "./model.ts";
import { ForgeServer, type LoggedRequest } from "./server.ts";
import type { ForgeVersion } from "./versions.ts";
import { fullName, World } from "./world.ts";

export type { Answer, Client } from "./client.ts";
export type { ForgeEvent } from "./events.ts";
export type { Fault, FaultDeed, SeenRequest } from "./faults.ts";
export type * from "./model.ts";
export type { LoggedRequest } from "./server.ts";
export type { ForgeVersion } from "./versions.ts";

export interface ForgeOptions {
  /** Default 1.27.0. */
  version?: ForgeVersion;
  /** Default: any free one. */
  port?: number;
}

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

/** A run as `act` or a test harness gets it. */
export interface StartedRun {
  id: number;
  number: number;
  /** The automatic token; refused once the run has ended. */
  token: string;
}

/** Starts a forge on 127.0.0.1 with nothing in it. Close it: it holds a port, a folder and git processes. */
export async function startForge(options: ForgeOptions = {}): Promise<Forge> {
  const world = new World(options.version ?? "1.27.0");
  const server = new ForgeServer(world);
  world.url = await server.listen(options.port ?? 0);
  return new Forge(world, server);
}

/** A running forge: its address, its content, its misfortunes. */
export class Forge {
  /** Everything it remembers, for assertions. Change it through the methods or the routes. */
  readonly world: World;
  readonly #server: ForgeServer;
  readonly #folder: string;
  readonly #clients = new Map<string, Client>();

  constructor(world: World, server: ForgeServer) {
    this.world = world;
    this.#server = server;
    this.#folder = mkdtempSync(join(tmpdir(), "forge-"));
  }

  /** Without a slash at the end; also the prefix of clone addresses. */
  get url(): string {
    return this.world.url;
  }

  get version(): ForgeVersion {
    return this.world.features.version;
  }

  /** Every request that came in, also those that met a fault. */
  get requests(): LoggedRequest[] {
    return this.#server.requests;
  }

  /** Injects faults: `forge.faults.add({ when, times, do })`. */
  get faults(): Faults {
    return this.#server.faults;
  }

  /** Events for Actions in the order they happened, in the form of `event.json`. */
  get events(): ForgeEvent[] {
    return this.world.events;
  }

  get latencyMs(): number {
    return this.#server.latencyMs;
  }

  set latencyMs(value: number) {
    this.#server.latencyMs = value;
  }

  /** Added to the real time in the `Date` header and in everything the forge writes down. */
  get clockOffsetMs(): number {
    return this.world.clockOffsetMs;
  }

  set clockOffsetMs(value: number) {
    this.world.clockOffsetMs = value;
  }

  /** How long `mergeable` keeps its old value after a push; default 0. */
  get mergeCheckMs(): number {
    return this.world.mergeCheckMs;
  }

  set mergeCheckMs(value: number) {
    this.world.mergeCheckMs = value;
  }

  async close(): Promise<void> {
    await this.#server.close();
    for (const git of this.world.gits.values()) git.close();
    rmSync(this.#folder, { recursive: true, force: true });
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
      color: "00aabb",
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

  #seedAuthor(repo: Repo): User {
    return repo.owner.kind === "organisation"
      ? (this.world.users.find((user) => user.isAdmin) ?? repo.owner)
      : repo.owner;
  }

  /** Acts as this account through the routes; its requests are in the log like all others. */
  as(login: string): Client {
    const known = this.#clients.get(login);
    if (known) return known;
    const token = this.world.tokens.find((candidate) => candidate.user.login === login && !candidate.run)?.value;
    if (token === undefined) throw new Error(`${login} has no token: add the account with addUser.`);
    const client = makeClient(() => this.url, login, token);
    this.#clients.set(login, client);
    return client;
  }

  /** Puts a label on by name as this account; false if it did not stay on. */
  async addLabelAs(login: string, full: string, issue: number, label: string): Promise<boolean> {
    const answer = await this.as(login).post(`/repos/${full}/issues/${issue}/labels`, { labels: [label] });
    return answer.status === 200 && Array.isArray(answer.body) && JSON.stringify(answer.body).includes(`"${label}"`);
  }

  async removeLabelAs(login: string, full: string, issue: number, label: string): Promise<boolean> {
    const id = this.repo(full).labels.find((candidate) => candidate.name === label)?.id ?? 0;
    return (await this.as(login).delete(`/repos/${full}/issues/${issue}/labels/${id}`)).status === 204;
  }

  /** Registers a run that a runner works on now. The workflow file need not exist. */
  async startRun(fields: {
    repo: string;
    workflow: string;
    event: string;
    actor: string;
    ref?: string;
  }): Promise<StartedRun> {
    const repo = this.repo(fields.repo);
    const ref = fields.ref ?? `refs/heads/${repo.defaultBranch}`;
    const commit = await this.world.git(repo).commit(ref);
    const known = commit ? await workflowsAt(this.world, repo, commit) : [];
    const fallback = readWorkflow(fields.workflow, `.gitea/workflows/${fields.workflow}`, "jobs: { run: {} }");
    const run = queueRun(this.world, repo, {
      workflow: known.find((workflow) => workflow.file === fields.workflow) ?? fallback,
      event: fields.event,
      actor: this.world.user(fields.actor),
      sha: commit?.sha ?? "",
      ref,
      title: commit?.message.split("\n")[0] ?? "",
      inputs: {},
    });
    return this.pickUp(run.id);
  }

  /** A runner takes a waiting run, such as one made by a dispatch. */
  pickUp(id: number): StartedRun {
    const run = this.#run(id);
    return { id: run.id, number: run.number, token: startRun(this.world, run) };
  }

  /** The run ends; its token is refused from now on. */
  endRun(id: number, status: Exclude<RunStatus, "waiting" | "running">): void {
    endRun(this.world, this.#run(id), status);
  }

  /** What a job has printed so far. */
  setLog(id: number, log: string): void {
    for (const job of this.#run(id).jobs) job.log = log;
  }

  #run(id: number): Run {
    const run = this.world.findRun(id);
    if (!run) throw new Error(`The forge has no run ${id}.`);
    return run;
  }

  /** Calls back at each such happening; answers a function that ends it. */
  on<Name extends keyof Happenings>(name: Name, listener: (value: Happenings[Name]) => void): () => void {
    return this.world.bus.on(name, listener);
  }
}
