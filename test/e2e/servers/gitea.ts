import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { z } from "zod";
import { serviceEnvironment, toolPath } from "../../support/executors/executor.ts";
import { endTree } from "../../support/executors/processTree.ts";
import { apiOf } from "./api.ts";
import { byVersion, restHalf } from "./rest.ts";
import type { Account, Power, Server } from "./server.ts";
import { removeAtEnd, type Service, startService } from "./service.ts";
import { until } from "./until.ts";

/**
 * A real Gitea with real runners, from nothing, in a folder of its own: SQLite, loopback, free port, no mail, no ssh, no network.
 *
 * The server's job that starts scheduled runs ticks every second instead of every minute, so that a story about a schedule takes seconds.
 */
export interface GiteaOptions {
  /** Runner processes, each for one job at a time, with its own HOME. Default 2. */
  runners?: number;
  /** More lines for `app.ini`. */
  config?: string;
}

export interface GiteaServer extends Server {
  /** The runner processes, for stories in which one dies. */
  readonly runners: readonly Service[];
  addRunner(): Promise<Service>;
}

/** Longest wait for the server to answer and for a runner to register, in ms. */
const startMs = 60_000;

/** Executables named by `GITEA_BIN` (separated by `:` or `,`), else the `gitea` on PATH if there is one. */
export function giteaBinaries(): string[] {
  const named = (process.env["GITEA_BIN"] ?? "").split(/[:,]/).filter((file) => file !== "");
  if (named.length > 0) return named.map((file) => path.resolve(file));
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const found = folders.map((folder) => path.join(folder, "gitea")).find(isExecutable);
  return found === undefined ? [] : [found];
}

/** Throws when server or runner do not come up; what was started is ended first and the message holds what they wrote. */
export async function startGitea(binary: string, options: GiteaOptions = {}): Promise<GiteaServer> {
  const runnerBinary = toolPath("gitea-runner");
  if (runnerBinary === null) throw new Error("the Gitea runner is not built: npm run tools");
  const root = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-gitea-"));
  removeAtEnd(root);
  const services: Service[] = [];
  const diagnostics = async () => {
    const tails = await Promise.all(services.map(async (service) => `--- ${service.name}\n${await service.tail()}`));
    return tails.join("\n");
  };
  const close = async () => {
    await Promise.all(services.map((service) => service.stop()));
    await endTree(root);
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    return await start({ binary, runnerBinary, root, services, diagnostics, close }, options);
  } catch (error) {
    const words = await diagnostics();
    await close();
    throw new Error(`${binary} did not come up: ${String(error)}\n${words}`, { cause: error });
  }
}

interface Parts {
  binary: string;
  runnerBinary: string;
  root: string;
  services: Service[];
  diagnostics: () => Promise<string>;
  close: () => Promise<void>;
}

async function start(parts: Parts, options: GiteaOptions): Promise<GiteaServer> {
  const { binary, root, services, diagnostics, close } = parts;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folders = { home: path.join(root, "home"), temp: path.join(root, "tmp"), logs: path.join(root, "logs") };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const env = { ...serviceEnvironment(folders.home, folders.temp), GITEA_WORK_DIR: root };
  const config = path.join(root, "app.ini");
  await writeFile(config, `${appIni(root, port)}\n${options.config ?? ""}\n`);
  const gitea = async (...args: string[]): Promise<string> => {
    const common = ["--config", config, "--work-path", root];
    const { stdout } = await promisify(execFile)(binary, [...common, ...args], { cwd: root, env, timeout: startMs });
    return lastLine(stdout);
  };

  await gitea("migrate");
  const serve = ["--config", config, "--work-path", root, "web"];
  let web: Service;
  const startWeb = async () => {
    const started = startService("gitea", binary, serve, { cwd: root, env, logs: folders.logs });
    services.push(started);
    web = started;
    await until(() => isHealthy(url, started), startMs, "the server to be healthy");
  };
  await startWeb();
  const admin = await makeAdmin(gitea);
  // Made by another process: a busy server was seen to answer 401 at first.
  await until(() => isAccepted(url, admin.token), startMs, "the administrator's token to be accepted");
  const { version } = await apiOf(url, `token ${admin.token}`).get("/version", z.object({ version: z.string() }));

  const runners: Service[] = [];
  const runnerFolder = (name: string) => path.join(root, name);
  let runnersMade = 0;
  const addRunner = async (): Promise<Service> => {
    const token = await gitea("actions", "generate-runner-token");
    const folder = runnerFolder(`runner-${++runnersMade}`);
    const runner = await startRunner(parts.runnerBinary, url, token, folder, folders.logs);
    services.push(runner);
    runners.push(runner);
    await until(async () => /declare successfully/.test(await runner.tail()), startMs, "a runner to be declared");
    return runner;
  };
  for (let i = 0; i < (options.runners ?? 2); i++) await addRunner();
  const power: Power = {
    cut: async () => {
      web.kill();
      await until(async () => !web.isRunning(), startMs, "the server to be gone");
    },
    restore: startWeb,
    loseRunners: async () => {
      const lost = runners.splice(0);
      for (const runner of lost) {
        runner.kill();
        await endTree(runnerFolder(runner.name));
      }
      for (const _ of lost) await addRunner();
    },
  };

  return {
    name: `gitea ${version}`,
    url,
    version,
    admin,
    capabilities: { triggers: true, schedule: true, cancel: true, ...byVersion(version) },
    ...restHalf(url, admin, (wish) => wish).server,
    runners,
    addRunner,
    power,
    diagnostics,
    close,
  };
}

async function isAccepted(url: string, token: string): Promise<boolean> {
  return (await fetch(`${url}/api/v1/user`, { headers: { authorization: `token ${token}` } })).ok;
}

/** As root the command line prints a warning to standard output first. */
function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no free port"));
        else resolve(address.port);
      });
    });
  });
}

function appIni(root: string, port: number): string {
  const staticRoot = process.env["GITEA_STATIC_ROOT"];
  return `
APP_NAME = stories
RUN_MODE = prod
RUN_USER = ${os.userInfo().username}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = ${root}
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
DISABLE_SSH = true
OFFLINE_MODE = true
APP_DATA_PATH = ${path.join(root, "data")}
LFS_START_SERVER = false
${staticRoot ? `STATIC_ROOT_PATH = ${path.resolve(staticRoot)}` : ""}
[database]
DB_TYPE = sqlite3
PATH = ${path.join(root, "data", "gitea.db")}
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 5000
[repository]
ROOT = ${path.join(root, "repositories")}
DEFAULT_BRANCH = main
[queue]
TYPE = level
[log]
MODE = console
LEVEL = warn
[indexer]
ISSUE_INDEXER_TYPE = db
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2
[service]
DISABLE_REGISTRATION = true
[actions]
ENABLED = true
DEFAULT_ACTIONS_URL = self
[cron.start_schedule_tasks]
ENABLED = true
SCHEDULE = @every 1s
[cron.update_checker]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = loopback
`;
}

async function isHealthy(url: string, web: Service): Promise<boolean> {
  if (!web.isRunning()) throw new Error("the server has ended");
  return (await fetch(`${url}/api/healthz`, { signal: AbortSignal.timeout(2_000) })).ok;
}

async function makeAdmin(gitea: (...args: string[]) => Promise<string>): Promise<Account> {
  const login = "root-admin";
  const password = `Pw1-${randomBytes(12).toString("hex")}`;
  const user = ["admin", "user", "create", "--admin", "--username", login, "--password", password];
  await gitea(...user, "--email", "root-admin@localhost.localdomain", "--must-change-password=false");
  const names = ["--username", login, "--token-name", "stories", "--scopes", "all", "--raw"];
  const token = await gitea("admin", "user", "generate-access-token", ...names);
  return { login, password, token };
}

async function startRunner(binary: string, url: string, token: string, folder: string, logs: string): Promise<Service> {
  const name = path.basename(folder);
  const [home, temp] = [path.join(folder, "home"), path.join(folder, "tmp")];
  for (const made of [folder, home, temp]) mkdirSync(made);
  const config = path.join(folder, "config.yaml");
  const runner = {
    file: path.join(folder, "registration.json"),
    capacity: 1,
    fetch_interval: "1s",
    fetch_interval_max: "1s",
    log_report_interval: "1s",
    log_report_max_latency: "500ms",
    state_report_interval: "1s",
    labels: ["ubuntu-latest:host"],
  };
  await writeFile(config, stringify({ log: { level: "info" }, runner, cache: { enabled: false } }));
  const options = { cwd: folder, env: serviceEnvironment(home, temp) };
  const register = [
    "--config",
    config,
    "register",
    "--no-interactive",
    "--instance",
    url,
    "--token",
    token,
    "--name",
    name,
  ];
  await promisify(execFile)(binary, register, { ...options, timeout: startMs });
  return startService(name, binary, ["--config", config, "daemon"], { ...options, logs });
}
