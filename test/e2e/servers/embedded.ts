import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { processRunner } from "../../../demo/runner.ts";
import { act } from "../../support/executors/act.ts";
import type { ActionRepo, Conclusion, Executor } from "../../support/executors/executor.ts";
import { reactsTo, schedulesOf } from "../../support/executors/workflow.ts";
import { noteJob } from "../../support/forge/acts/checks.ts";
import { cancelFormer, queueRun } from "../../support/forge/acts/runs.ts";
import { readWorkflow } from "../../support/forge/acts/workflows.ts";
import { type Forge, type ForgeEvent, type ForgeVersion, startForge } from "../../support/forge/forge.ts";
import type { Run } from "../../support/forge/model.ts";
import { apiOf } from "./api.ts";
import { pushCheckout } from "./push.ts";
import { waitForRun } from "./rest.ts";
import type { Account, Repo, Server, WorkflowRun } from "./server.ts";
import { until } from "./until.ts";

/**
 * The embedded forge with the half of Gitea Actions that it has not: this turns its events into runs by the `on:` of the workflow files at
 * the right commit, and gives waiting runs to an executor, as many at once as there are runners.
 */
export interface EmbeddedOptions {
  version?: ForgeVersion;
  executor: Executor;
  /** Runs at once. Default 2. */
  runners?: number;
}

export interface EmbeddedServer extends Server {
  readonly forge: Forge;
  /** What runners have in their environment from now on. */
  readonly runnerEnvironment: Record<string, string>;
}

/** Wall clock for one run, in ms. */
const runMs = 300_000;

/** Longest wait for killed runners to be gone, in ms. */
const lossMs = 20_000;

/** How often schedules are looked at, in ms. */
const tickMs = 500;

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const reason = options.executor.available();
  if (reason !== null) throw new Error(reason);
  const forge = await startForge(options.version === undefined ? {} : { version: options.version });
  const admin = withToken(forge.addUser({ login: "root-admin", admin: true }));
  const fleet = new Fleet(forge, options.executor, options.runners ?? 2);
  const repos: Repo[] = [];
  const actions = fleet.actions;

  const createRepo = async (owner: string, name: string, files: Record<string, string> | null): Promise<Repo> => {
    await forge.addRepo({ owner, name, ...(files === null ? { empty: true } : { files }) });
    const repo = { owner, name, fullName: `${owner}/${name}` };
    repos.push(repo);
    return repo;
  };
  const runs = async (repo: Repo) =>
    forge
      .repo(repo.fullName)
      .runs.map(shown)
      .sort((a, b) => b.number - a.number);

  return {
    name: `embedded ${forge.version} with ${options.executor.name}`,
    url: forge.url,
    version: forge.version,
    admin,
    capabilities: {
      ...{ triggers: false, schedule: true, dispatch: true, dispatchInputs: true, cancel: true, forks: false },
      // act names no run of the server, so none of its runs starts another.
      chain: forge.version !== "1.24.7" && options.executor !== act,
      workflows: options.executor !== processRunner,
    },
    forge,
    runnerEnvironment: fleet.environment,
    repos,
    createUser: async (login, { admin: isAdmin = false } = {}) => withToken(forge.addUser({ login, admin: isAdmin })),
    createToken: async (account, scopes) => forge.addToken(account.login, [...scopes]),
    createOrg: async (name) => {
      forge.addOrg(name, [admin.login]);
      return name;
    },
    createRepo: (owner, name, files) => createRepo(owner, name, { ...files }),
    pushFiles: (repo, files, { branch = "main", message = "Change files" } = {}) =>
      forge.commitFiles(repo.fullName, { ...files }, { branch, message, author: admin.login }),
    pushAction: async (checkout, wanted, tag) => {
      const [owner = "", name = ""] = wanted.split("/");
      if (forge.world.findUser(owner) === undefined) forge.addOrg(owner, [admin.login]);
      const repo = repos.find((known) => known.fullName === wanted) ?? (await createRepo(owner, name, null));
      await pushCheckout(
        { url: `${forge.url}/${wanted}.git`, login: admin.login, password: admin.token },
        checkout,
        tag,
      );
      actions.set(`${wanted}@${tag}`, { name: wanted, ref: tag, checkout });
      return { repo, uses: `${wanted}@${tag}` };
    },
    addCollaborator: async (repo, account, permission) =>
      forge.addCollaborator(repo.fullName, account.login, permission),
    addTriager: async (repo, account) => {
      const units = { code: "read", issues: "write", pulls: "read" } as const;
      const members = [account.login];
      forge.addTeam({
        org: repo.owner,
        name: `triage-${account.login}`,
        units,
        members,
        repositories: [repo.fullName],
      });
    },
    setSecret: async (repo, name, value) => fleet.setSecret(repo.fullName, name, value),
    as: (account) => apiOf(forge.url, `token ${account.token}`),
    runs,
    waitForRun: (repo, what, predicate, timeoutMs) => waitForRun(runs, repo, what, predicate, timeoutMs),
    jobLog: async (repo, run) => forge.repo(repo.fullName).runs.find(({ id }) => id === run.id)?.jobs[0]?.log ?? "",
    cancelRun: async (_repo, run) => forge.endRun(run.id, "cancelled"),
    power: { cut: () => forge.crash(), restore: () => forge.restart(), loseRunners: () => fleet.lose() },
    diagnostics: async () => fleet.notes.join("\n"),
    close: async () => {
      await fleet.close();
      await forge.close();
    },
  };
}

/** The forge takes a token wherever Gitea takes a password. */
function withToken(account: { login: string; token: string }): Account {
  return { ...account, password: account.token };
}

function shown(run: Run): WorkflowRun {
  const { id, number, workflow, event, status, title, sha } = run;
  return { id, number, workflow, event, status, title, sha };
}

interface Waiting {
  run: Run;
  source: string;
  payload: Record<string, unknown>;
  /** Commit that the states of the jobs are noted on; null where events of this kind note none. */
  judged: string | null;
}

/** Turns events into runs and executes them. */
class Fleet {
  readonly notes: string[] = [];
  readonly actions = new Map<string, ActionRepo>();
  readonly environment: Record<string, string> = {};
  readonly #forge: Forge;
  readonly #executor: Executor;
  readonly #size: number;
  readonly #secrets = new Map<string, Record<string, string>>();
  readonly #queue: Waiting[] = [];
  /** Everything that ever ran, by run, for a run that is started again. */
  readonly #known = new Map<number, Waiting>();
  readonly #aborts = new Map<number, AbortController>();
  /** For the runners at work: the end of their power. */
  readonly #outages = new Set<AbortController>();
  readonly #busy = new Set<Promise<void>>();
  readonly #unlisten: (() => void)[];
  readonly #ticks: NodeJS.Timeout;
  readonly #ticked = new Map<string, number>();
  #isClosed = false;

  constructor(forge: Forge, executor: Executor, size: number) {
    this.#forge = forge;
    this.#executor = executor;
    this.#size = size;
    this.#unlisten = [
      forge.on("event", (event) => this.#track(this.#react(event))),
      forge.on("dispatch", (run) => this.#track(this.#dispatch(run))),
      forge.on("rerun", (run) => {
        const known = this.#known.get(run.id);
        if (known !== undefined) this.#enqueue(known);
      }),
      forge.on("run-ended", (run) => {
        if (run.status === "cancelled") this.#aborts.get(run.id)?.abort();
      }),
    ];
    this.#ticks = setInterval(() => this.#track(this.#tick()), tickMs);
    this.#ticks.unref();
  }

  setSecret(fullName: string, name: string, value: string): void {
    this.#secrets.set(fullName, { ...this.#secrets.get(fullName), [name]: value });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticks);
    for (const unlisten of this.#unlisten) unlisten();
    for (const abort of this.#aborts.values()) abort.abort();
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  /** Resolves when nothing of them is left. The forge is told nothing: their runs stay `running`. */
  async lose(): Promise<void> {
    for (const outage of this.#outages) outage.abort();
    await until(async () => this.#outages.size === 0, lossMs, "the runners to be gone");
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.notes.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      })
      .finally(() => {
        this.#busy.delete(tracked);
        this.#startNext();
      });
    this.#busy.add(tracked);
  }

  /** Events of the automatic token start nothing, as on Gitea. */
  async #react(event: ForgeEvent): Promise<void> {
    if (event.silent || this.#isClosed) return;
    const { repository, payload } = event;
    const sender = textAt(payload, "sender", "login");
    for (const { name, revision, ref, judged } of placesOf(event, this.#forge)) {
      const activities = activitiesOf(event, name, this.#forge.version);
      for (const { file, source } of await this.#workflows(repository, revision)) {
        if (!activities.some((activity) => reactsTo(source, name, activity))) continue;
        const run = await this.#queueRun(repository, file, source, name, sender, revision, ref);
        this.#enqueue({ run, source, payload, judged });
      }
    }
  }

  async #dispatch(run: Run): Promise<void> {
    const fullName = `${run.repo.owner.login}/${run.repo.name}`;
    const workflows = await this.#workflows(fullName, run.sha);
    const source = workflows.find(({ file }) => file === run.workflow)?.source ?? "";
    const payload = { inputs: run.inputs, ref: run.ref, repository: { full_name: fullName }, workflow: run.workflow };
    this.#enqueue({ run, source, payload: { ...payload, sender: { login: run.actor.login } }, judged: null });
  }

  /** `@every 10s` and `@every 5m` alone; a story has no time for more. The first tick is one interval after the file is seen. */
  async #tick(): Promise<void> {
    for (const repo of this.#forge.world.repos) {
      const fullName = `${repo.owner.login}/${repo.name}`;
      for (const { file, source } of await this.#workflows(fullName, repo.defaultBranch)) {
        for (const schedule of schedulesOf(source)) {
          const [, amount, unit] = /^@every (\d+)(s|m)$/.exec(schedule) ?? [];
          if (amount === undefined) continue;
          const key = `${fullName} ${file} ${schedule}`;
          const last = this.#ticked.get(key);
          const isDue = last !== undefined && Date.now() - last >= Number(amount) * (unit === "m" ? 60_000 : 1_000);
          if (last === undefined || isDue) this.#ticked.set(key, Date.now());
          if (!isDue || this.#isClosed) continue;
          const ref = `refs/heads/${repo.defaultBranch}`;
          const run = await this.#queueRun(
            fullName,
            file,
            source,
            "schedule",
            "gitea-actions",
            repo.defaultBranch,
            ref,
          );
          cancelFormer(this.#forge.world, repo, run);
          const payload = this.#forge.version === "1.24.7" ? {} : { schedule };
          this.#enqueue({ run, source, payload, judged: null });
        }
      }
    }
  }

  async #queueRun(
    fullName: string,
    file: string,
    source: string,
    event: string,
    actor: string,
    revision: string,
    ref: string,
  ): Promise<Run> {
    const { world } = this.#forge;
    const repo = world.repo(fullName);
    const commit = await world.git(repo).commit(revision);
    return queueRun(world, repo, {
      workflow: readWorkflow(file, `.gitea/workflows/${file}`, source),
      event,
      actor: world.user(actor),
      sha: commit?.sha ?? "",
      ref,
      title: commit?.message.split("\n")[0] ?? "",
      inputs: {},
    });
  }

  /** Text of the workflow files at a revision; none where the revision or the folder is not there. */
  async #workflows(fullName: string, revision: string): Promise<{ file: string; source: string }[]> {
    const git = this.#forge.world.git(this.#forge.repo(fullName));
    const tree = (await git.tree(`${revision}:.gitea/workflows`)) ?? (await git.tree(`${revision}:.github/workflows`));
    const files = (tree?.entries ?? []).filter(({ type, name }) => type === "blob" && /\.ya?ml$/.test(name));
    const found: { file: string; source: string }[] = [];
    for (const { name, sha } of files)
      found.push({ file: name, source: (await git.object(sha))?.content.toString() ?? "" });
    return found;
  }

  #enqueue(waiting: Waiting): void {
    this.#known.set(waiting.run.id, waiting);
    this.#note(waiting, "pending");
    this.#queue.push(waiting);
    this.#startNext();
  }

  #note({ run, source, judged }: Waiting, state: "pending" | "success" | "failure" | "skipped"): void {
    if (judged === null) return;
    const { name } = readWorkflow(run.workflow, "", source);
    for (const job of run.jobs) {
      const context = `${name} / ${job.name} (${run.event})`;
      noteJob(this.#forge.world, run, job, { sha: judged, state, context });
    }
  }

  #startNext(): void {
    while (!this.#isClosed && this.#aborts.size < this.#size) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next.run.status !== "waiting") continue;
      const abort = new AbortController();
      this.#aborts.set(next.run.id, abort);
      this.#track(this.#execute(next, abort.signal).finally(() => this.#aborts.delete(next.run.id)));
    }
  }

  async #execute(waiting: Waiting, signal: AbortSignal): Promise<void> {
    const { run, source, payload } = waiting;
    const fullName = `${run.repo.owner.login}/${run.repo.name}`;
    const { token } = this.#forge.pickUp(run.id);
    const folder = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-run-"));
    const lines: string[] = [];
    const outage = new AbortController();
    this.#outages.add(outage);
    let conclusion: Conclusion | "timeout" = "failure";
    try {
      const workflowFile = path.join(folder, run.workflow);
      await writeFile(workflowFile, source);
      const used = [...this.actions.keys()].find((uses) => source.includes(uses));
      const { result, survivors } = await this.#executor.run({
        workflowFile,
        event: { name: run.event, payload },
        inputs: run.inputs,
        secrets: this.#secrets.get(fullName) ?? {},
        env: this.environment,
        serverUrl: this.#forge.url,
        repository: fullName,
        actionRepo: this.actions.get(used ?? "") ?? { name: "nobody/nothing", ref: "v0", checkout: folder },
        token,
        identity: {
          id: run.id,
          number: run.number,
          attempt: run.attempt,
          actor: run.actor.login,
          ref: run.ref,
          sha: run.sha,
        },
        signal,
        outage: outage.signal,
        onLine: (line) => {
          lines.push(line);
          this.#forge.setLog(run.id, lines.join("\n"));
        },
        timeoutMs: runMs,
      });
      conclusion = result;
      if (survivors.length > 0 && !outage.signal.aborted)
        this.notes.push(`run #${run.number} of ${fullName} left: ${survivors.join("; ")}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
      this.#outages.delete(outage);
      if (!outage.signal.aborted) this.#conclude(waiting, conclusion);
    }
  }

  #conclude(waiting: Waiting, conclusion: Conclusion | "timeout"): void {
    const isGood = conclusion === "success" || conclusion === "skipped";
    const skipped = this.#forge.version === "1.24.7" ? "success" : "skipped";
    this.#note(waiting, !isGood ? "failure" : conclusion === "skipped" ? skipped : "success");
    this.#forge.endRun(waiting.run.id, isGood ? "success" : conclusion === "cancelled" ? "cancelled" : "failure");
  }
}

interface Place {
  /** `github.event_name`. */
  name: string;
  revision: string;
  ref: string;
  judged: string | null;
}

/** Where Gitea looks for the workflow files of an event, and what it calls that place. Reviews run the file of the head, and note a status from 1.26. */
function placesOf({ event, repository, payload }: ForgeEvent, forge: Forge): Place[] {
  const main = forge.repo(repository).defaultBranch;
  const head = textAt(payload, "pull_request", "head", "sha");
  const base = textAt(payload, "pull_request", "base", "ref");
  switch (event) {
    case "pull_request":
      return [
        { name: event, revision: head, ref: `refs/pull/${String(payload["number"])}/head`, judged: head },
        { name: "pull_request_target", revision: base, ref: `refs/heads/${base}`, judged: head },
      ];
    case "pull_request_review":
    case "pull_request_review_comment": {
      // One that only comments is told under both names.
      const names = [...new Set(["pull_request_review", event])];
      const judged = forge.version === "1.24.7" ? null : head;
      return names.map((name) => ({ name, revision: head, ref: head, judged }));
    }
    case "push": {
      const after = textAt(payload, "after");
      return [{ name: event, revision: after, ref: textAt(payload, "ref"), judged: after }];
    }
    default:
      return [{ name: event, revision: main, ref: `refs/heads/${main}`, judged: null }];
  }
}

/** The words under `types:` for what Gitea's payload calls an action. Up to 1.24 any change of labels is `labeled`, on pull requests always. */
function activitiesOf({ event, payload }: ForgeEvent, name: string, version: ForgeVersion): (string | null)[] {
  const action = payload["action"];
  switch (action) {
    case "label_updated": {
      if (event !== "issues" || version === "1.24.7") return ["labeled"];
      const changes = payload["changes"];
      const added =
        typeof changes === "object" && changes !== null && "added_labels" in changes ? changes.added_labels : [];
      const removed =
        typeof changes === "object" && changes !== null && "removed_labels" in changes ? changes.removed_labels : [];
      const isRemoval = Array.isArray(added) && added.length === 0 && Array.isArray(removed) && removed.length > 0;
      return [isRemoval ? "unlabeled" : "labeled"];
    }
    case "label_cleared":
      return ["unlabeled"];
    case "synchronized":
      return ["synchronize"];
    case "reviewed":
      if (event === "pull_request_review") return ["submitted", "edited"];
      return name === event ? ["created", "edited"] : ["edited"];
    default:
      return [typeof action === "string" ? action : null];
  }
}

/** Text at a path in a payload; empty when something on the way is not there. */
function textAt(value: unknown, ...keys: string[]): string {
  let at: unknown = value;
  for (const key of keys)
    at = typeof at === "object" && at !== null ? Object.entries(at).find(([name]) => name === key)?.[1] : undefined;
  return typeof at === "string" ? at : "";
}
