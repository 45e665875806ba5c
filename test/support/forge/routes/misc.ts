import { pageSizeDefault, pageSizeMax } from "../call.ts";
import { json } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { time } from "../views/time.ts";
import { userView } from "../views/user.ts";

/** Version, limits, accounts. */
export const miscRoutes: Route[] = [
  route("GET", "/version", "none", (call) => json(200, { version: call.world.features.version })),
  route("GET", "/settings/api", "none", () =>
    json(200, {
      max_response_items: pageSizeMax,
      default_paging_num: pageSizeDefault,
      default_git_trees_per_page: 1000,
      default_max_blob_size: 10_485_760,
      default_max_response_size: 104_857_600,
    }),
  ),
  route("GET", "/settings/repository", "none", () =>
    json(200, {
      mirrors_disabled: false,
      http_git_disabled: false,
      migrations_disabled: false,
      stars_disabled: false,
      time_tracking_disabled: false,
      lfs_disabled: true,
    }),
  ),
  route("GET", "/user", "user", (call) => json(200, userView(call.world, call.user, call.asker.user)), {
    needsToken: true,
  }),
  route(
    "GET",
    "/token",
    "none",
    (call) => {
      const token = call.asker.token;
      if (!token) throw call.errors.error(401, "token is required");
      const at = time(token.createdAt);
      const user = { id: token.user.id, login: token.user.login };
      return json(200, {
        id: token.id,
        name: token.name,
        scopes: token.scopes,
        created_at: at,
        last_used_at: time(call.world.now()),
        user,
      });
    },
    { needsToken: true, from: "1.27" },
  ),
  route("GET", "/users/{login}", "user", (call) => {
    const user = call.world.findUser(call.param("login"));
    if (!user) throw call.errors.error(404, `user redirect does not exist [name: ${call.param("login")}]`);
    return json(200, userView(call.world, user, call.asker.user));
  }),
  route("GET", "/orgs/{org}/members", "organization", (call) => {
    const org = call.world.findUser(call.param("org"));
    if (!org) throw call.errors.notFound();
    const members = call.world.teams.filter((team) => team.org === org).flatMap((team) => [...team.members]);
    const asker = call.asker.user;
    // Memberships are hidden from those who are not members themselves.
    const seen = asker && (members.includes(asker) || asker.isAdmin) ? [...new Set(members)] : [];
    const views = seen.map((user) => userView(call.world, user, asker));
    return json(200, views, call.total(seen.length));
  }),
];
