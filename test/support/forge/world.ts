import { Bus } from "./bus.ts";
import type { ForgeEvent } from "./events.ts";
import type { GitRepository } from "./git/repository.ts";
import type { Issue, Repo, Run, Team, Token, User } from "./model.ts";
import { Errors } from "./reply.ts";
import { type Features, type ForgeVersion, featuresOf } from "./versions.ts";

/** All that a forge remembers besides its repositories' objects, as values; `refs` by the folder of the repository. */
export interface Memory {
  readonly world: Pick<World, "users" | "teams" | "tokens" | "repos" | "orgLabels" | "events" | "actionsUser">;
  readonly counters: Map<string, number>;
  readonly clockOffsetMs: number;
  readonly refs: Map<string, Map<string, string>>;
}

/** Everything one forge remembers, and its clock. */
export class World {
  readonly features: Features;
  readonly errors: Errors;
  users: User[] = [];
  teams: Team[] = [];
  tokens: Token[] = [];
  repos: Repo[] = [];
  orgLabels: Repo["labels"] = [];
  events: ForgeEvent[] = [];
  readonly bus = new Bus();
  readonly gits = new Map<Repo, GitRepository>();
  /** The bot user behind automatic tokens; no row, so never assignee or reviewer. */
  actionsUser: User;
  url = "";
  clockOffsetMs = 0;
  /** The clock that the offset is added to. */
  realMs: () => number = Date.now;
  /** How long the conflict check "runs" after a head or base moved. */
  mergeCheckMs = 0;
  #counters = new Map<string, number>();

  constructor(version: ForgeVersion) {
    this.features = featuresOf(version);
    this.errors = new Errors(this.features, () => this.url);
    this.actionsUser = {
      id: -2,
      login: "gitea-actions",
      kind: "actions",
      isAdmin: false,
      email: "teabot@gitea.io",
      createdAt: 0,
    };
  }

  /** The forge's time in whole seconds, as its tables keep it. */
  now(): number {
    return Math.floor(this.nowMs() / 1000) * 1000;
  }

  nowMs(): number {
    return this.realMs() + this.clockOffsetMs;
  }

  next(counter: string): number {
    const value = (this.#counters.get(counter) ?? 0) + 1;
    this.#counters.set(counter, value);
    return value;
  }

  /** For `recall`: as it is now, also when it goes on. */
  remember(): Memory {
    const { users, teams, tokens, repos, orgLabels, events, actionsUser } = this;
    const refs = new Map(repos.map((repo) => [repo.gitDir, this.git(repo).refs()]));
    const world = { users, teams, tokens, repos, orgLabels, events, actionsUser };
    return structuredClone({ world, counters: this.#counters, clockOffsetMs: this.clockOffsetMs, refs });
  }

  /** Becomes again what it was then. Objects that came since stay, as they do on a server until it cleans up; no request may be under way. */
  recall(memory: Memory): void {
    const { world, counters, clockOffsetMs, refs } = structuredClone(memory);
    const gits = new Map([...this.gits.values()].map((git) => [git.dir, git]));
    Object.assign(this, world);
    this.#counters = counters;
    this.clockOffsetMs = clockOffsetMs;
    this.gits.clear();
    for (const repo of this.repos) {
      const git = gits.get(repo.gitDir);
      if (git === undefined) throw new Error(`${fullName(repo)} has no git directory`);
      git.setRefs(refs.get(repo.gitDir) ?? new Map());
      this.gits.set(repo, git);
    }
  }

  findUser(login: string): User | undefined {
    const wanted = login.toLowerCase();
    if (wanted === this.actionsUser.login) return this.actionsUser;
    return this.users.find((user) => user.login.toLowerCase() === wanted);
  }

  user(login: string): User {
    const found = this.findUser(login);
    if (!found) throw new Error(`The forge has no user ${login}: add it with addUser or addOrg.`);
    return found;
  }

  findRepo(owner: string, name: string): Repo | undefined {
    const wanted = `${owner}/${name}`.toLowerCase();
    return this.repos.find((repo) => fullName(repo).toLowerCase() === wanted);
  }

  repo(full: string): Repo {
    const [owner = "", name = ""] = full.split("/");
    const found = this.findRepo(owner, name);
    if (!found) throw new Error(`The forge has no repository ${full}: add it with addRepo.`);
    return found;
  }

  git(repo: Repo): GitRepository {
    const found = this.gits.get(repo);
    if (!found) throw new Error(`${fullName(repo)} has no git directory`);
    return found;
  }

  findRun(id: number): Run | undefined {
    for (const repo of this.repos) {
      const run = repo.runs.find((candidate) => candidate.id === id);
      if (run) return run;
    }
    return undefined;
  }
}

export function fullName(repo: Repo): string {
  return `${repo.owner.login}/${repo.name}`;
}

export function findIssue(repo: Repo, number: number): Issue | undefined {
  return repo.issues.find((issue) => issue.number === number);
}
