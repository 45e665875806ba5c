import { type Checks, runChecks } from "./acts/checks.ts";
import { endRun, queueRun, startRun } from "./acts/runs.ts";
import { readWorkflow, workflowsAt } from "./acts/workflows.ts";
import type { Happenings } from "./bus.ts";
import { type Client, makeClient } from "./client.ts";
import type { ForgeEvent } from "./events.ts";
import type { Faults } from "./faults.ts";
import type { Run, RunStatus } from "./model.ts";
import { Seeds } from "./seeds.ts";
import { ForgeServer, type LoggedRequest } from "./server.ts";
import type { ForgeVersion } from "./versions.ts";
import { type Memory, World } from "./world.ts";

export type { Answer, Client } from "./client.ts";
export type { ForgeEvent } from "./events.ts";
export type { Fault, FaultDeed, SeenRequest } from "./faults.ts";
export type * from "./model.ts";
export type { NewRepo } from "./seeds.ts";
export type { LoggedRequest } from "./server.ts";
export type { ForgeVersion } from "./versions.ts";
export type { Memory } from "./world.ts";

export interface ForgeOptions {
  /** Default 1.27.0. */
  version?: ForgeVersion;
  /** Default: any free one. */
  port?: number;
}

/** A run as `act` or a test harness gets it. */
export interface StartedRun {
  id: number;
  number: number;
  /** The automatic token; refused once the run has ended. */
  token: string;
}

/** Starts a forge on 127.0.0.1 with nothing in it. Close it: it holds a port, a folder and git processes. */
export async function startForge(options: ForgeOptions = {}): Promise<Forge> {
  const world = new World(options.version ?? "1.27.0");
  const server = new ForgeServer(world);
  world.url = await server.listen(options.port ?? 0);
  return new Forge(world, server);
}

/** A running forge: its address, its misfortunes, its runs; what is in it comes from `Seeds` and the routes. */
export class Forge extends Seeds {
  readonly #server: ForgeServer;
  readonly #clients = new Map<string, Client>();

  constructor(world: World, server: ForgeServer) {
    super(world);
    this.#server = server;
  }

  /** Without a slash at the end; also the prefix of clone addresses. */
  get url(): string {
    return this.world.url;
  }

  get version(): ForgeVersion {
    return this.world.features.version;
  }

  /** Every request that came in, also those that met a fault. */
  get requests(): LoggedRequest[] {
    return this.#server.requests;
  }

  /** Injects faults: `forge.faults.add({ when, times, do })`. */
  get faults(): Faults {
    return this.#server.faults;
  }

  /** Events for Actions in the order they happened, in the form of `event.json`. */
  get events(): ForgeEvent[] {
    return this.world.events;
  }

  get latencyMs(): number {
    return this.#server.latencyMs;
  }

  set latencyMs(value: number) {
    this.#server.latencyMs = value;
  }

  /** How fast pushes are read, as over a slow line; 0 = as they come. */
  get pushBytesPerSecond(): number {
    return this.#server.pushBytesPerSecond;
  }

  set pushBytesPerSecond(value: number) {
    this.#server.pushBytesPerSecond = value;
  }

  /** Added to the real time in the `Date` header and in everything the forge writes down. */
  get clockOffsetMs(): number {
    return this.world.clockOffsetMs;
  }

  set clockOffsetMs(value: number) {
    this.world.clockOffsetMs = value;
  }

  /** Stops the clock where it is; from now on only `clockOffsetMs` moves it. */
  freezeClock(): void {
    const at = this.world.realMs();
    this.world.realMs = () => at;
  }

  /** How long `mergeable` keeps its old value after a push; default 0. */
  get mergeCheckMs(): number {
    return this.world.mergeCheckMs;
  }

  set mergeCheckMs(value: number) {
    this.world.mergeCheckMs = value;
  }

  /** For `recall`. */
  remember(): Memory {
    return this.world.remember();
  }

  /** Becomes again what it was then, under the same address; no request may be under way. */
  recall(memory: Memory): void {
    this.world.recall(memory);
    this.#server.requests.length = 0;
    this.faults.clear();
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.closeRepositories();
  }

  /** As a KILL: all connections end at once, and nothing is answered until `restart`. What it knows stays, as on a disk. */
  async crash(): Promise<void> {
    await this.#server.crash();
  }

  /** Goes on at the same address after a crash. */
  async restart(): Promise<void> {
    await this.#server.listen(Number(new URL(this.url).port));
  }

  /** Acts as this account through the routes; its requests are in the log like all others. */
  as(login: string): Client {
    const known = this.#clients.get(login);
    if (known) return known;
    const token = this.world.tokens.find((candidate) => candidate.user.login === login && !candidate.run)?.value;
    if (token === undefined) throw new Error(`${login} has no token: add the account with addUser.`);
    const client = makeClient(() => this.url, login, token);
    this.#clients.set(login, client);
    return client;
  }

  /** Puts a label on by name as this account; false if it did not stay on. */
  async addLabelAs(login: string, full: string, issue: number, label: string): Promise<boolean> {
    const answer = await this.as(login).post(`/repos/${full}/issues/${issue}/labels`, { labels: [label] });
    return answer.status === 200 && Array.isArray(answer.body) && JSON.stringify(answer.body).includes(`"${label}"`);
  }

  async removeLabelAs(login: string, full: string, issue: number, label: string): Promise<boolean> {
    const id = this.repo(full).labels.find((candidate) => candidate.name === label)?.id ?? 0;
    return (await this.as(login).delete(`/repos/${full}/issues/${issue}/labels/${id}`)).status === 204;
  }

  /** Registers a run that a runner works on now. The workflow file need not exist. */
  async startRun(fields: {
    repo: string;
    workflow: string;
    event: string;
    actor: string;
    ref?: string;
  }): Promise<StartedRun> {
    const repo = this.repo(fields.repo);
    const ref = fields.ref ?? `refs/heads/${repo.defaultBranch}`;
    const commit = await this.world.git(repo).commit(ref);
    const known = commit ? await workflowsAt(this.world, repo, commit) : [];
    const fallback = readWorkflow(fields.workflow, `.gitea/workflows/${fields.workflow}`, "jobs: { run: {} }");
    const run = queueRun(this.world, repo, {
      workflow: known.find((workflow) => workflow.file === fields.workflow) ?? fallback,
      event: fields.event,
      actor: this.world.user(fields.actor),
      sha: commit?.sha ?? "",
      ref,
      title: commit?.message.split("\n")[0] ?? "",
      inputs: {},
    });
    return this.pickUp(run.id);
  }

  /** A runner takes a waiting run, such as one made by a dispatch. */
  pickUp(id: number): StartedRun {
    const run = this.#run(id);
    return { id: run.id, number: run.number, token: startRun(this.world, run) };
  }

  /** The run ends; its token is refused from now on. */
  endRun(id: number, status: Exclude<RunStatus, "waiting" | "running">): void {
    endRun(this.world, this.#run(id), status);
  }

  /**
   * A run of CI that has ended, as it leaves itself on a commit: for each job a log, and a status that leads to the job. Answers these
   * statuses' addresses in the order of the jobs.
   */
  addChecks(full: string, checks: Checks): { id: number; number: number; targetUrls: string[] } {
    return runChecks(this.world, this.repo(full), checks);
  }

  /** What a job has printed so far. */
  setLog(id: number, log: string): void {
    for (const job of this.#run(id).jobs) job.log = log;
  }

  #run(id: number): Run {
    const run = this.world.findRun(id);
    if (!run) throw new Error(`The forge has no run ${id}.`);
    return run;
  }

  /** Calls back at each such happening; answers a function that ends it. */
  on<Name extends keyof Happenings>(name: Name, listener: (value: Happenings[Name]) => void): () => void {
    return this.world.bus.on(name, listener);
  }
}
