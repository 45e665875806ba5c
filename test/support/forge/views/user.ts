import type { User } from "../model.ts";
import type { World } from "../world.ts";
import { time, zeroTime } from "./time.ts";

/**
 * A user as `viewer` sees it: the address for everybody who is logged in, flags for oneself and site admins.
 * Many places of Gitea pass nobody (comments, assignees, statuses, runs); then the address is a placeholder.
 */
export function userView(world: World, user: User, viewer: User | undefined): Record<string, unknown> {
  const inside = viewer === user || viewer?.isAdmin === true;
  return {
    id: user.id,
    login: user.login,
    login_name: "",
    source_id: 0,
    full_name: user.kind === "actions" ? "Gitea Actions" : "",
    email: emailFor(world, user, viewer),
    avatar_url: `${world.url}/avatars/${user.id}`,
    html_url: `${world.url}/${user.login}`,
    language: "",
    is_admin: inside && user.isAdmin,
    last_login: inside && user.kind !== "organisation" ? "1970-01-01T00:00:00Z" : zeroTime,
    created: time(user.createdAt),
    restricted: false,
    active: inside && user.kind !== "organisation",
    prohibit_login: false,
    location: "",
    website: "",
    description: "",
    visibility: "public",
    followers_count: 0,
    following_count: 0,
    starred_repos_count: 0,
    username: user.login,
  };
}

function emailFor(world: World, user: User, viewer: User | undefined): string {
  if (viewer) return user.email;
  const name = world.features.from26 ? `${user.id}+${user.login}` : user.login;
  return `${name}@noreply.localhost`;
}
