import type { Access, Repo, Run, Team, Token, Unit, User } from "./model.ts";
import type { World } from "./world.ts";

const order: readonly Access[] = ["none", "read", "write", "admin", "owner"];

export function atLeast(have: Access, want: Access): boolean {
  return order.indexOf(have) >= order.indexOf(want);
}

function higher(one: Access, other: Access): Access {
  return atLeast(one, other) ? one : other;
}

/** Who asks: nobody, a person, or a run with its automatic token. */
export interface Asker {
  user: User | undefined;
  token: Token | undefined;
}

/** What somebody may do with one unit of a repository; `none` where the unit is off. */
export function unitAccess(world: World, repo: Repo, user: User | undefined, unit: Unit): Access {
  if (!repo.units.has(unit)) return "none";
  let access = repoAccess(world, repo, user);
  if (user) for (const team of teamsOf(world, repo, user)) access = higher(access, team.units[unit] ?? "none");
  return access;
}

/**
 * Access to the repository as a whole, as `collaborators/{user}/permission` words it:
 * rights that a team gives per unit do not count.
 */
export function repoAccess(world: World, repo: Repo, user: User | undefined): Access {
  const everybody: Access = repo.private ? "none" : "read";
  if (!user) return everybody;
  if (user.isAdmin || repo.owner === user) return "owner";
  let access = higher(everybody, repo.collaborators.get(user) ?? "none");
  for (const team of teamsOf(world, repo, user)) access = higher(access, team.permission);
  return access;
}

export function canSee(world: World, repo: Repo, asker: Asker): boolean {
  if (asker.token?.run?.repo === repo) return true;
  if (atLeast(repoAccess(world, repo, asker.user), "read")) return true;
  const user = asker.user;
  return user !== undefined && teamsOf(world, repo, user).length > 0;
}

/** As `unitAccess`, and the automatic token may write on every unit of its own repository. */
export function askerAccess(world: World, repo: Repo, asker: Asker, unit: Unit): Access {
  if (asker.token?.run) return runAccess(asker.token.run, repo, unit);
  return unitAccess(world, repo, asker.user, unit);
}

function runAccess(run: Run, repo: Repo, unit: Unit): Access {
  if (!repo.units.has(unit)) return "none";
  if (run.repo === repo) return "write";
  return repo.private ? "none" : "read";
}

export function isRepoAdmin(world: World, repo: Repo, asker: Asker): boolean {
  if (asker.token?.run) return false;
  return atLeast(repoAccess(world, repo, asker.user), "admin");
}

/** Teams through which a person reaches a repository. */
export function teamsOf(world: World, repo: Repo, user: User): Team[] {
  return teamsOfRepo(world, repo).filter((team) => team.members.has(user));
}

/** Teams with a repository, by name, the owners first. */
export function teamsOfRepo(world: World, repo: Repo): Team[] {
  const teams = world.teams.filter(
    (team) => team.org === repo.owner && (team.repositories === "all" || team.repositories.has(repo)),
  );
  return teams.sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
}

function rank(team: Team): number {
  return team.permission === "owner" ? 0 : 1;
}

/**
 * Who is offered as assignee: everybody with write, and also members of teams that may write to any unit or
 * read pull requests. Wider than "may write code", as on Gitea.
 */
export function assignees(world: World, repo: Repo): User[] {
  const found = new Set<User>();
  for (const user of world.users) {
    if (user.kind === "organisation") continue;
    const viaTeam = teamsOf(world, repo, user).some(
      (team) => atLeast(team.permission, "write") || opensAssignment(team),
    );
    if (viaTeam || repo.owner === user || atLeast(repo.collaborators.get(user) ?? "none", "write")) found.add(user);
  }
  return [...found].sort((one, other) => one.login.localeCompare(other.login));
}

function opensAssignment(team: Team): boolean {
  return Object.entries(team.units).some(([unit, access]) => {
    return atLeast(access, "write") || (unit === "pulls" && atLeast(access, "read"));
  });
}

/** Any account with write on a unit or read on pull requests can be assigned; on a public repository that is anybody. */
export function canBeAssigned(world: World, repo: Repo, user: User): boolean {
  if (user.kind === "organisation" || user.kind === "actions") return false;
  return (
    atLeast(unitAccess(world, repo, user, "pulls"), "read") || atLeast(unitAccess(world, repo, user, "issues"), "write")
  );
}
