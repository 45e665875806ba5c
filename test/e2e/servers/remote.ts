import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Api, apiOf } from "./api.ts";
import { byVersion, type Made, restHalf } from "./rest.ts";
import type { Account, Server } from "./server.ts";

/**
 * An existing Gitea with a runner of its own for the label `ubuntu-latest`, which need not be in host mode.
 *
 * Users, organisations and repositories get names with a suffix of this call; all of them, and only they, are deleted at the end. The
 * token must be a site administrator's with all scopes. Work is done by an administrator made for it, because git and the web page ask for a
 * password and nobody should hand over theirs.
 */
export async function useRemote(url: string, adminToken: string): Promise<Server> {
  const base = url.replace(/\/+$/, "");
  const api = apiOf(base, `token ${adminToken}`);
  const { version } = await api.get("/version", z.object({ version: z.string() }));
  const { login } = await api.get("/user", z.object({ login: z.string() }));
  const suffix = randomBytes(3).toString("hex");
  const nameOf = (wish: string) => `${wish}-${suffix}`;
  const owner: Account = { login, password: adminToken, token: adminToken };
  const first = restHalf(base, owner, nameOf);
  const admin = await first.server.createUser("stories-admin", { admin: true });
  const { server, made } = restHalf(base, admin, nameOf);
  return {
    name: `gitea ${version} at ${new URL(base).host}`,
    url: base,
    version,
    admin,
    capabilities: { triggers: true, schedule: false, cancel: true, ...byVersion(version) },
    ...server,
    power: null,
    diagnostics: async () => "The server's own log is where the server is.",
    close: async () => {
      const problems = [...(await removeAll(api, made)), ...(await removeAll(api, first.made))];
      if (problems.length > 0) throw new Error(`left on ${base}: ${problems.join("; ")}`);
    },
  };
}

/** Repositories first, then who owned them. Answers what could not be removed. */
async function removeAll(api: Api, made: Made): Promise<string[]> {
  const paths = [
    ...made.repos.map((repo) => `/repos/${repo.fullName}`),
    ...made.orgs.map((org) => `/orgs/${org}`),
    ...made.users.map((user) => `/admin/users/${user}?purge=true`),
  ];
  const problems: string[] = [];
  for (const path of paths) {
    const { status } = await api.request("DELETE", path);
    if (status > 299 && status !== 404) problems.push(`${path}: ${status}`);
  }
  return problems;
}
