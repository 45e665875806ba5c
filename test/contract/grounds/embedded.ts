import { apiOf } from "../../e2e/servers/api.ts";
import type { Account, Repo } from "../../e2e/servers/server.ts";
import { type Forge, type ForgeVersion, startForge } from "../../support/forge/forge.ts";
import type { Unit as ForgeUnit } from "../../support/forge/model.ts";
import { type Choice, checksFile, type Ground, type RepoChange } from "../ground.ts";

/** The embedded forge with nothing that executes: its runner takes a run and ends it with success, unless one of its steps sleeps. */
export function embedded(version: ForgeVersion): Choice {
  return { name: `embedded forge as ${version}`, start: () => startEmbedded(version) };
}

async function startEmbedded(version: ForgeVersion): Promise<Ground> {
  const forge = await startForge({ version });
  const admin = withToken(forge.addUser({ login: "root-admin", admin: true }));
  const runner = forge.on("dispatch", (run) => {
    if (!run.jobs.every((job) => job.runsOn.includes("ubuntu-latest"))) return;
    forge.pickUp(run.id);
    const sleeps = run.jobs.some((job) => job.steps.some((step) => step.includes("sleep")));
    if (!sleeps) forge.endRun(run.id, "success");
  });
  return {
    name: `embedded forge as ${version}`,
    url: forge.url,
    version,
    admin,
    hasRunner: true,
    createUser: async (login) => withToken(forge.addUser({ login })),
    createToken: async (account, scopes) => forge.addToken(account.login, [...scopes]),
    createOrg: async (name) => {
      forge.addOrg(name, [admin.login]);
      return name;
    },
    createTeam: async (org, { name, units, members }) => {
      forge.addTeam({ org, name, units, members: members.map((account) => account.login) });
    },
    createOrgLabel: async (org, name) => forge.addOrgLabel(org, name),
    createRepo: async (owner, name, files) => {
      await forge.addRepo({ owner, name, files: { ...files } });
      return repoOf(owner, name);
    },
    createEmptyRepo: async (owner, name) => {
      await forge.addRepo({ owner, name, empty: true });
      return repoOf(owner, name);
    },
    changeRepo: async (repo, change) => changeRepo(forge, repo, change),
    pushFiles: (repo, files, { branch = "main", message = "Change files" } = {}) =>
      forge.commitFiles(repo.fullName, { ...files }, { branch, message, author: admin.login }),
    addCollaborator: async (repo, account, permission) =>
      forge.addCollaborator(repo.fullName, account.login, permission),
    startCi: async (repo) => {
      await forge.commitFiles(repo.fullName, { "ci.txt": `${Date.now()}\n` }, { author: admin.login });
      const run = await forge.startRun({ repo: repo.fullName, workflow: "ci.yml", event: "push", actor: admin.login });
      forge.endRun(run.id, "success");
    },
    startChecks: async (repo) => {
      const file = { ".gitea/workflows/checks.yml": `${checksFile}# ${Date.now()}\n` };
      const sha = await forge.commitFiles(repo.fullName, file, { author: admin.login });
      const says = (text: string) => `${new Date().toISOString().replace("Z", "0000Z")} ${text}\n`;
      const beta = Array.from({ length: 9 }, (_, index) => says(`beta says ${index + 1}`)).join("");
      forge.addChecks(repo.fullName, {
        sha,
        workflow: "checks.yml",
        name: "Checks",
        jobs: [
          { name: "alpha", state: "success", log: says("alpha says ü") + says("Job succeeded") },
          { name: "beta", state: "failure", log: beta + says("Job failed") },
        ],
      });
      return sha;
    },
    cancelRun: async ({ fullName }, number) => {
      const run = forge.repo(fullName).runs.find((one) => one.number === number);
      if (run === undefined) throw new Error(`${fullName} has no run ${number}`);
      forge.endRun(run.id, "cancelled");
    },
    as: (account) => apiOf(forge.url, `token ${account.token}`),
    diagnostics: async () =>
      forge.requests
        .slice(-20)
        .map((r) => `${r.method} ${r.path} ${r.status}`)
        .join("\n"),
    close: async () => {
      runner();
      await forge.close();
    },
  };
}

/** The forge takes a token wherever Gitea takes a password. */
function withToken(account: { login: string; token: string }): Account {
  return { ...account, password: account.token };
}

function repoOf(owner: string, name: string): Repo {
  return { owner, name, fullName: `${owner}/${name}` };
}

function changeRepo(forge: Forge, { fullName }: Repo, change: RepoChange): void {
  const repo = forge.repo(fullName);
  if (change.private !== undefined) repo.private = change.private;
  if (change.archived !== undefined) forge.setArchived(fullName, change.archived);
  if (change.mergeStyles !== undefined) {
    repo.mergeStyles = new Set(change.mergeStyles);
    repo.defaultMergeStyle = change.mergeStyles[0] ?? "merge";
  }
  const units: [ForgeUnit, boolean | undefined][] = [
    ["issues", change.issues],
    ["pulls", change.pulls],
    ["actions", change.actions],
  ];
  for (const [unit, on] of units) {
    if (on === true) repo.units.add(unit);
    if (on === false) repo.units.delete(unit);
  }
}
