import type { Team, Unit, User } from "../model.ts";
import type { World } from "../world.ts";

const ownerUnits = [
  "actions",
  "code",
  "ext_issues",
  "ext_wiki",
  "issues",
  "packages",
  "projects",
  "pulls",
  "releases",
  "wiki",
];

/** A team; `withOrganisation` where Gitea loads it (requested reviewers of a pull request). */
export function teamView(world: World, team: Team, withOrganisation = false): Record<string, unknown> {
  const units = unitsOf(team);
  return {
    id: team.id,
    name: team.name,
    description: "",
    organization: withOrganisation ? organisationView(world, team.org) : null,
    includes_all_repositories: team.repositories === "all",
    permission: team.permission,
    units: Object.keys(units),
    units_map: units,
    can_create_org_repo: team.permission === "owner",
    ...(world.features.from27 ? { visibility: team.permission === "owner" ? "limited" : "private" } : {}),
  };
}

function unitsOf(team: Team): Record<string, string> {
  if (team.permission === "owner") return Object.fromEntries(ownerUnits.map((unit) => [`repo.${unit}`, "owner"]));
  const names = (Object.keys(team.units) as Unit[]).sort();
  return Object.fromEntries(names.map((unit) => [`repo.${unit}`, team.units[unit] ?? "none"]));
}

export function organisationView(world: World, org: User): Record<string, unknown> {
  return {
    id: org.id,
    name: org.login,
    full_name: "",
    email: "",
    avatar_url: `${world.url}/avatars/${org.id}`,
    description: "",
    website: "",
    location: "",
    visibility: "public",
    repo_admin_change_team_access: false,
    username: org.login,
  };
}
