import { assignees, atLeast, repoAccess, teamsOfRepo } from "../access.ts";
import type { Call } from "../call.ts";
import type { User } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { repositoryView } from "../views/repository.ts";
import { teamView } from "../views/team.ts";
import { userView } from "../views/user.ts";

const base = "/repos/{owner}/{repo}";

/** The repository itself and who may do what in it. */
export const repositoryRoutes: Route[] = [
  route("GET", base, "repository", (call) => json(200, repositoryView(call.world, call.repo, call.asker))),
  route("GET", `${base}/assignees`, "repository", listPeople, { needsToken: true }),
  route("GET", `${base}/assignees/{login}`, "repository", isAssignable, { needsToken: true, from: "1.27" }),
  route("GET", `${base}/reviewers`, "repository", listPeople, { needsToken: true }),
  route("GET", `${base}/collaborators`, "repository", listCollaborators, { needsToken: true }),
  route("GET", `${base}/collaborators/{login}`, "repository", isCollaborator, { needsToken: true }),
  route("GET", `${base}/collaborators/{login}/permission`, "repository", permission, { needsToken: true }),
  route("GET", `${base}/teams`, "repository", listTeams, { needsToken: true }),
];

function listPeople(call: Call): Reply {
  const people = assignees(call.world, call.repo);
  return json(
    200,
    people.map((user) => userView(call.world, user, call.asker.user)),
  );
}

function isAssignable(call: Call): Reply {
  const user = call.world.findUser(call.param("login"));
  if (!user) throw call.errors.notFound(call.errors.userUnknown(call.param("login")));
  return empty(204);
}

function listCollaborators(call: Call): Reply {
  const people = [...call.repo.collaborators.keys()].sort((one, other) => one.id - other.id);
  const views = call.slice(people).map((user) => userView(call.world, user, call.asker.user));
  return json(200, views, call.totalAndLink(people.length));
}

function isCollaborator(call: Call): Reply {
  const user = call.world.findUser(call.param("login"));
  if (!user) throw call.errors.error(422, call.errors.userUnknown(call.param("login")));
  if (call.repo.collaborators.has(user)) return empty(204);
  throw call.errors.notFound();
}

function permission(call: Call): Reply {
  const login = call.param("login");
  const asker = call.asker.user;
  if (!call.isRepoAdmin() && asker?.login.toLowerCase() !== login.toLowerCase()) {
    throw call.errors.error(
      403,
      "Only admins can query all permissions, repo admins can query all repo permissions, collaborators can query only their own",
    );
  }
  const user = call.world.findUser(login);
  if (!user) throw call.errors.error(404, call.errors.userUnknown(login));
  const access = permissionOf(call, user);
  return json(200, { permission: access, role_name: access, user: userView(call.world, user, asker) });
}

/** Rights that come from a team per unit are not seen here. */
function permissionOf(call: Call, user: User): string {
  const access = repoAccess(call.world, call.repo, user);
  return atLeast(access, "owner") ? "owner" : access;
}

function listTeams(call: Call): Reply {
  if (call.repo.owner.kind !== "organisation") throw call.errors.error(405, "repo is not owned by an organization");
  const teams = teamsOfRepo(call.world, call.repo);
  return json(
    200,
    teams.map((team) => teamView(call.world, team)),
  );
}
