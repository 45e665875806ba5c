import path from "node:path";
import process from "node:process";
import type { MergeStyle } from "../../../src/forge/model.ts";
import { giteaBinaries, startGitea } from "../../e2e/servers/gitea.ts";
import { useRemote } from "../../e2e/servers/remote.ts";
import type { Repo, Server } from "../../e2e/servers/server.ts";
import { type Choice, checksFile, type Ground, type NewTeam, type RepoChange, type Unit } from "../ground.ts";
import { onlyNamed, withoutRunner } from "../settings.ts";

/** One for each path in `GITEA_BIN` (or the `gitea` on PATH), and the one named by `GITEA_URL` and `GITEA_ADMIN_TOKEN`. */
export function realServers(): Choice[] {
  const only = process.env[onlyNamed];
  const binaries = only === "url" ? [] : giteaBinaries();
  const choices: Choice[] = binaries.map((binary) => ({
    name: path.basename(binary),
    start: async () => groundOf(await startGitea(binary, { runners: 1 }), true),
  }));
  const [url, token] = [process.env["GITEA_URL"], process.env["GITEA_ADMIN_TOKEN"]];
  if (url && token && only !== "programs") {
    const start = async () => groundOf(await useRemote(url, token), !process.env[withoutRunner]);
    choices.push({ name: `gitea at ${new URL(url).host}`, start });
  }
  return choices;
}

function groundOf(server: Server, hasRunner: boolean): Ground {
  const { name, url, version, admin } = server;
  const api = server.as(admin);
  return {
    name,
    url,
    version,
    admin,
    hasRunner,
    createUser: (wish) => server.createUser(wish),
    createToken: server.createToken,
    createOrg: server.createOrg,
    createTeam: (org, team) => createTeam(server, org, team),
    createOrgLabel: async (org, label) => {
      await api.post(`/orgs/${org}/labels`, { name: label, color: "#111111" });
    },
    createRepo: server.createRepo,
    // Not among the server's repositories; it goes with its owner.
    createEmptyRepo: async (owner, wish) => {
      await api.post(`/admin/users/${owner}/repos`, { name: wish, private: false, default_branch: "main" });
      return { owner, name: wish, fullName: `${owner}/${wish}` };
    },
    changeRepo: (repo, change) => changeRepo(server, repo, change),
    pushFiles: server.pushFiles,
    addCollaborator: server.addCollaborator,
    startCi: async (repo) => {
      await server.pushFiles(repo, { "ci.txt": `${Date.now()}\n` });
    },
    startChecks: (repo) => server.pushFiles(repo, { ".gitea/workflows/checks.yml": `${checksFile}# ${Date.now()}\n` }),
    cancelRun: async (repo, number) => {
      const run = (await server.runs(repo)).find((one) => one.number === number);
      if (run === undefined) throw new Error(`${repo.fullName} has no run ${number}`);
      await server.cancelRun(repo, run);
    },
    as: server.as,
    diagnostics: server.diagnostics,
    close: server.close,
  };
}

/** By the names of the units, and with the least of their rights as the team's own, as the web form does. */
async function createTeam(server: Server, org: string, { name, units, members }: NewTeam): Promise<void> {
  const api = server.as(server.admin);
  const entries = Object.entries(units).map(([unit, right]) => [`repo.${unit}`, right]);
  const team = await api.post(`/orgs/${org}/teams`, {
    name,
    includes_all_repositories: true,
    permission: Object.values(units).includes("write") ? "write" : "read",
    units: entries.map(([unit]) => unit),
    units_map: Object.fromEntries(entries),
  });
  const id = typeof team === "object" && team !== null && "id" in team ? Number(team.id) : Number.NaN;
  for (const member of members) await api.put(`/teams/${id}/members/${member.login}`);
}

const switches: Record<Exclude<Unit, "code">, string> = {
  issues: "has_issues",
  pulls: "has_pull_requests",
  actions: "has_actions",
};

const mergeFlags: readonly [MergeStyle, string][] = [
  ["merge", "allow_merge_commits"],
  ["rebase", "allow_rebase"],
  ["rebase-merge", "allow_rebase_explicit"],
  ["squash", "allow_squash_merge"],
  ["fast-forward-only", "allow_fast_forward_only_merge"],
];

async function changeRepo(server: Server, repo: Repo, change: RepoChange): Promise<void> {
  const body: Record<string, boolean | string> = {};
  if (change.private !== undefined) body["private"] = change.private;
  if (change.archived !== undefined) body["archived"] = change.archived;
  for (const unit of ["issues", "pulls", "actions"] as const) {
    const on = change[unit];
    if (on !== undefined) body[switches[unit]] = on;
  }
  const styles = change.mergeStyles;
  if (styles !== undefined) {
    for (const [style, field] of mergeFlags) body[field] = styles.includes(style);
    body["default_merge_style"] = styles[0] ?? "merge";
  }
  await server.as(server.admin).patch(`/repos/${repo.fullName}`, body);
}
