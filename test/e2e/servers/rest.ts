import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Api, ApiError, apiOf, basic } from "./api.ts";
import { readRunsPage } from "./oldRuns.ts";
import { pushCheckout, pushCommit, type Remote } from "./push.ts";
import { type Account, type Capabilities, type Repo, runWaitMs, type Server, type WorkflowRun } from "./server.ts";
import { until } from "./until.ts";

export type RestHalf = Pick<
  Server,
  | "repos"
  | "createUser"
  | "createToken"
  | "createOrg"
  | "createRepo"
  | "pushFiles"
  | "pushAction"
  | "addCollaborator"
  | "addTriager"
  | "setSecret"
  | "as"
  | "runs"
  | "waitForRun"
  | "jobLog"
  | "cancelRun"
>;

export interface Made {
  users: string[];
  orgs: string[];
  repos: Repo[];
}

/** The part of a server that is the same wherever Gitea's REST API is spoken. `made` collects what it made, in order. */
export function restHalf(
  url: string,
  admin: Account,
  nameOf: (wish: string) => string,
): { server: RestHalf; made: Made } {
  const made: Made = { users: [], orgs: [], repos: [] };
  const api = apiOf(url, `token ${admin.token}`);
  const remoteOf = (repo: Repo): Remote => ({
    url: `${url}/${repo.fullName}.git`,
    login: admin.login,
    password: admin.token,
  });

  const createRepo = async (owner: string, name: string): Promise<Repo> => {
    const isOrg = (await api.request("GET", `/orgs/${owner}`)).status === 200;
    const body = { name, private: false, auto_init: false, default_branch: "main" };
    await api.post(isOrg ? `/orgs/${owner}/repos` : `/admin/users/${owner}/repos`, body);
    const repo: Repo = { owner, name, fullName: `${owner}/${name}` };
    made.repos.push(repo);
    await api.patch(`/repos/${repo.fullName}`, { has_actions: true, has_issues: true, has_pull_requests: true });
    return repo;
  };

  const createToken = async (account: Account, scopes: readonly string[]): Promise<string> => {
    const own = apiOf(url, basic(account.login, account.password));
    const name = `story-${randomBytes(6).toString("hex")}`;
    return Token.parse(await own.post(`/users/${account.login}/tokens`, { name, scopes })).sha1;
  };

  const runs = (repo: Repo) => listRuns(url, api, repo);

  const server: RestHalf = {
    repos: made.repos,
    createUser: async (wish, options = {}) => {
      const account: Account = { login: nameOf(wish), password: `Pw1-${randomBytes(12).toString("hex")}`, token: "" };
      await api.post("/admin/users", {
        username: account.login,
        email: `${account.login}@localhost.localdomain`,
        password: account.password,
        must_change_password: false,
      });
      made.users.push(account.login);
      if (options.admin)
        await api.patch(`/admin/users/${account.login}`, { login_name: account.login, source_id: 0, admin: true });
      return { ...account, token: await createToken(account, ["all"]) };
    },
    createToken,
    createOrg: async (wish) => {
      const name = nameOf(wish);
      await api.post("/orgs", { username: name, visibility: "public" });
      made.orgs.push(name);
      return name;
    },
    createRepo: async (owner, name, files) => {
      const repo = await createRepo(owner, name);
      await pushCommit(remoteOf(repo), "main", "Begin", files);
      // The server works through a push after it has answered it; until then the repository counts as empty and events start nothing.
      const isFilled = async () => !(await api.get(`/repos/${repo.fullName}`, RepoState)).empty;
      await until(isFilled, pushSeenMs, `${repo.fullName} to be filled`);
      return repo;
    },
    pushFiles: (repo, files, options = {}) =>
      pushCommit(remoteOf(repo), options.branch ?? "main", options.message ?? "Change files", files),
    pushAction: async (checkout, wanted, tag) => {
      const [owner = "", name = ""] = wanted.split("/");
      const known = made.repos.find((repo) => repo.fullName === wanted);
      const repo = known ?? (await createRepo(await ownerOf(api, owner, server), name));
      await pushCheckout(remoteOf(repo), checkout, tag);
      return { repo, uses: `${repo.fullName}@${tag}` };
    },
    addCollaborator: async (repo, account, permission) => {
      await api.put(`/repos/${repo.fullName}/collaborators/${account.login}`, { permission });
    },
    addTriager: async (repo, account) => {
      const units_map = { "repo.code": "read", "repo.issues": "write", "repo.pulls": "read" };
      const team = { name: `triage-${account.login}`, permission: "read", includes_all_repositories: false, units_map };
      const { id } = Team.parse(await api.post(`/orgs/${repo.owner}/teams`, team));
      await api.put(`/teams/${id}/members/${account.login}`);
      await api.put(`/teams/${id}/repos/${repo.fullName}`);
    },
    setSecret: async (repo, name, value) => {
      await api.put(`/repos/${repo.fullName}/actions/secrets/${name}`, { data: value });
    },
    as: (account) => apiOf(url, `token ${account.token}`),
    runs,
    waitForRun: (repo, what, predicate, timeoutMs) => waitForRun(runs, repo, what, predicate, timeoutMs),
    jobLog: (repo, run) => jobLog(url, api, repo, run),
    cancelRun: (repo, run) => cancelRun(url, admin, repo, run),
  };
  return { server, made };
}

async function ownerOf(api: Api, owner: string, server: RestHalf): Promise<string> {
  for (const kind of ["orgs", "users"])
    if ((await api.request("GET", `/${kind}/${owner}`)).status === 200) return owner;
  return await server.createOrg(owner);
}

export function byVersion(
  version: string,
): Pick<Capabilities, "dispatch" | "dispatchInputs" | "chain" | "workflows" | "forks"> {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const from = (first: number) => major > 1 || minor >= first;
  return { dispatch: from(24), dispatchInputs: from(23), chain: from(26), workflows: true, forks: true };
}

export async function waitForRun(
  list: (repo: Repo) => Promise<WorkflowRun[]>,
  repo: Repo,
  what: string,
  predicate: (run: WorkflowRun) => boolean,
  timeoutMs = runWaitMs,
): Promise<WorkflowRun> {
  let seen: WorkflowRun[] = [];
  return await until(
    async () => {
      seen = await list(repo);
      return seen.find(predicate) ?? null;
    },
    timeoutMs,
    () => `${what}; runs of ${repo.fullName}: ${seen.map(describeRun).join("; ") || "none"}`,
  );
}

export function describeRun(run: WorkflowRun): string {
  return `#${run.number} ${run.workflow} (${run.event}) ${run.status}`;
}

/** Longest wait for the server to have seen a push, in ms. */
const pushSeenMs = 20_000;

const RepoState = z.object({ empty: z.boolean() });

const Token = z.object({ sha1: z.string() });

const Team = z.object({ id: z.number() });

const RunList = z.object({
  workflow_runs: z.array(
    z.object({
      id: z.number(),
      run_number: z.number(),
      path: z.string(),
      event: z.string(),
      status: z.string(),
      conclusion: z.string().nullish(),
      display_title: z.string(),
      head_sha: z.string(),
    }),
  ),
});

const TaskList = z.object({
  workflow_runs: z
    .array(
      z.object({
        id: z.number(),
        run_number: z.number(),
        workflow_id: z.string(),
        event: z.string(),
        status: z.string(),
        display_title: z.string(),
        head_sha: z.string(),
      }),
    )
    .nullish(),
});

/** From `actions/runs` (1.25), whose `status` is GitHub's; from `actions/tasks` (1.23), which has one entry per job that a runner took; else from the page. */
async function listRuns(url: string, api: Api, repo: Repo): Promise<WorkflowRun[]> {
  const answer = await api.request("GET", `/repos/${repo.fullName}/actions/runs?limit=50`);
  if (answer.status === 200) {
    return RunList.parse(answer.body).workflow_runs.map((run) => ({
      id: run.id,
      number: run.run_number,
      workflow: run.path.replace(/@.*$/, "").replace(/^.*\//, ""),
      event: run.event,
      status: run.conclusion || run.status,
      title: run.display_title,
      sha: run.head_sha,
    }));
  }
  const listed = await api.request("GET", `/repos/${repo.fullName}/actions/tasks?limit=50`);
  if (listed.status === 404) return await readRunsPage(url, repo);
  if (listed.status > 299) throw new ApiError("GET", "actions/tasks", listed);
  const tasks = TaskList.parse(listed.body);
  const runs = new Map<number, WorkflowRun>();
  for (const task of tasks.workflow_runs ?? []) {
    if (runs.has(task.run_number)) continue;
    runs.set(task.run_number, {
      id: task.id,
      number: task.run_number,
      workflow: task.workflow_id,
      event: task.event,
      status: task.status,
      title: task.display_title,
      sha: task.head_sha,
    });
  }
  return [...runs.values()].sort((a, b) => b.number - a.number);
}

const JobList = z.object({ jobs: z.array(z.object({ id: z.number(), name: z.string() })) });

/** By REST where the server lists jobs (1.25), else from the run's page, which for a public repository needs no session. */
async function jobLog(url: string, api: Api, repo: Repo, run: WorkflowRun): Promise<string> {
  const answer = await api.request("GET", `/repos/${repo.fullName}/actions/runs/${run.id}/jobs`);
  if (answer.status === 200) {
    const logs: string[] = [];
    for (const job of JobList.parse(answer.body).jobs) {
      const log = await api.request("GET", `/repos/${repo.fullName}/actions/jobs/${job.id}/logs`);
      logs.push(log.status === 200 ? String(log.body ?? "") : `[no log of job ${job.name}: ${log.status}]`);
    }
    return logs.map(withoutTimes).join("\n");
  }
  const page = await fetch(`${url}/${repo.fullName}/actions/runs/${run.number}/jobs/0/logs`, {
    signal: AbortSignal.timeout(30_000),
  });
  return page.ok ? withoutTimes(await page.text()) : `[no log of run ${run.number}: ${page.status}]`;
}

/** Each line of a stored log begins with its time. */
function withoutTimes(log: string): string {
  return log.replaceAll(/^\d{4}-\d\d-\d\dT[\d:.]+Z /gm, "");
}

/** No released version cancels by REST, so this presses the button: a session, and the page's token against forgery where it has one. */
async function cancelRun(url: string, admin: Account, repo: Repo, run: WorkflowRun): Promise<void> {
  const session = await signIn(url, admin);
  for (const key of [run.id, run.number]) {
    const answer = await session.post(`/${repo.fullName}/actions/runs/${key}/cancel`);
    if (answer.ok) return;
  }
  throw new Error(`could not cancel ${describeRun(run)}`);
}

interface Session {
  post(path: string, form?: Record<string, string>): Promise<Response>;
}

async function signIn(url: string, account: Account): Promise<Session> {
  const cookies = new Map<string, string>();
  const send = async (path: string, form?: Record<string, string>): Promise<Response> => {
    const headers = {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      origin: url,
      "sec-fetch-site": "same-origin",
      "x-csrf-token": decodeURIComponent(cookies.get("_csrf") ?? ""),
    };
    const method = form === undefined ? "GET" : "POST";
    const body = form === undefined ? null : new URLSearchParams({ ...form, _csrf: headers["x-csrf-token"] });
    const response = await fetch(url + path, {
      method,
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(30_000),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) cookies.set(name, value);
    }
    return response;
  };
  await send("/user/login");
  await send("/user/login", { user_name: account.login, password: account.password });
  await send("/");
  return { post: (path, form = {}) => send(path, form) };
}
