// From the environment of a step to what a run works with: inputs → forge → policy → settings, and the ports. The main step and the post step
// both begin here.

import { createHmac, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { placeOf } from "./agent/mark.ts";
import { missingVariables } from "./agent/profile.ts";
import type { Clock } from "./clock.ts";
import { ConfigurationError } from "./errors.ts";
import { giteaForge } from "./forge/gitea.ts";
import type { HttpLimits } from "./forge/http.ts";
import { openHost } from "./git/host.ts";
import type { Host, HostSetup } from "./git/port.ts";
import { localWorkshop } from "./jobs/workshop.ts";
import { findOwnRun } from "./own-run.ts";
import type { Log, OwnRun, Ports, RunFacts } from "./ports.ts";
import { type Reached, reach } from "./preflight.ts";
import { saveHost } from "./saved.ts";
import { type Connection, connectionOf, readSettings, type Settings } from "./settings/settings.ts";
import type { Executor } from "./trigger.ts";

/** One step of a job, as the program finds it. */
export interface Step {
  environment: Readonly<Record<string, string | undefined>>;
  executor: Executor;
  facts: RunFacts;
  clock: Clock;
  log: Log;
  /** Takes out whatever `hide` was told so far. */
  redact(text: string): string;
  /** Whether a text holds one of the values that `hide` was told. */
  holdsSecret(text: string): boolean;
  /** From now on none of these values leaves the program, nor of those it was told before. */
  hide(secrets: readonly string[]): void;
  saveState(name: string, value: string): void;
  /** Aborted when somebody asks this process to end; its reason is told to people. Default: nobody does. */
  stop?: AbortSignal;
  /** Bounds of the requests to the forge where they are not the usual ones. */
  http?: Partial<HttpLimits>;
  /** The same for git. */
  git?: Pick<HostSetup, "networkMs" | "signal">;
}

/** The forge as this step reaches it, and what the repository wants. */
export interface Connected {
  connection: Connection;
  forge: Ports["forge"];
  reviewer: Ports["reviewer"];
  reached: Reached;
  settings: Settings;
}

/** Throws RunError when the run itself cannot work. */
export async function connect(step: Step): Promise<Connected> {
  const { environment, log } = step;
  const connection = connectionOf(environment);
  for (const warning of connection.warnings) log.warning(warning);
  const { serverUrl, token, owner, name } = connection;
  const forge = giteaForge({ serverUrl, token, owner, name, limits: step.http ?? {} });
  const { reviewerToken } = connection;
  const reviewer =
    reviewerToken === null
      ? null
      : giteaForge({ serverUrl, token: reviewerToken, owner, name, limits: step.http ?? {} });
  const reached = await reach(forge, reviewer, connection);
  const base = connection.base ?? reached.repository.defaultBranch;
  const settings = readSettings(environment, connection.inputs, reached.policy, connection.policyPath, base);
  const profiles = [...new Map([...settings.profiles, ...settings.reviewers].map((p) => [p.name, p])).values()];
  const names = profiles.flatMap((profile) => Object.values(profile.env));
  keepTokensFromAgents(environment, names, [token, ...(reviewerToken === null ? [] : [reviewerToken])]);
  for (const profile of profiles) {
    const missing = missingVariables(profile, environment);
    if (missing.length > 0)
      log.warning(
        `profile ${profile.name} names ${missing.join(", ")}, which the step does not have; is the secret set?`,
      );
  }
  step.hide(names.map((variable) => environment[variable] ?? ""));
  return { connection, forge, reviewer, reached, settings };
}

/** From here on no token leaves the program; before anything is read: one in the wrong input would else stand in the error that says so. */
export function hideTokens({ environment, hide }: Step): void {
  hide([secretInput(environment, "TOKEN"), secretInput(environment, "REVIEWER-TOKEN")]);
}

export function secretInput(environment: Step["environment"], name: string): string {
  return environment[`INPUT_${name}`]?.trim() ?? "";
}

/** `act` leaves the secret AGENT_TOKEN in the environment: a profile that names it by mistake would hand the forge's token to an agent. */
function keepTokensFromAgents(
  environment: Step["environment"],
  names: readonly string[],
  tokens: readonly string[],
): void {
  const same = names.filter((name) => tokens.includes(environment[name]?.trim() ?? ""));
  if (same.length === 0) return;
  const problems = same.map((name) => ({
    where: `profiles, env ${name}`,
    expected: "a credential of the agent's model",
    got: "the forge's token, which no agent ever gets",
  }));
  throw new ConfigurationError(problems);
}

export interface OpenPorts {
  ports: Ports;
  /** Removes what the host kept on disk. */
  close(): Promise<void>;
}

/** The folder of the host's repository is made at its first use. */
export function openPorts(step: Step, { connection, forge, reviewer, reached }: Connected): OpenPorts {
  const { me, repository } = reached;
  const { environment, executor, facts, clock, log, saveState, stop, git } = step;
  let host: Promise<Host> | null = null;
  let own: Promise<OwnRun | null> | null = null;
  const hostDir = join(facts.temp, `agent-dispatch-host-${randomUUID()}`);
  const ports: Ports = {
    ...{
      forge,
      reviewer,
      clock,
      log,
      redact: step.redact,
      holdsSecret: step.holdsSecret,
      run: facts,
      environment,
      saveState,
      workshop: localWorkshop,
      stop: stop ?? new AbortController().signal,
      place: placeOf(connection.serverUrl, `${connection.owner}/${connection.name}`),
    },
    seal: (text) =>
      connection.reviewerToken === null
        ? null
        : createHmac("sha256", connection.reviewerToken).update(text).digest("hex"),
    host() {
      if (host === null) saveHost(saveState, hostDir);
      host ??= openHost({
        dir: hostDir,
        url: `${connection.serverUrl}/${connection.owner}/${connection.name}.git`,
        token: connection.token,
        bot: { name: me.fullName || me.login, email: me.email || `${me.login}@noreply.invalid` },
        env: environment,
        now: () => forge.now() ?? Date.now(),
        ...git,
      });
      return host;
    },
    ownRun() {
      own ??=
        executor.claimed === null ? Promise.resolve(null) : findOwnRun(forge, repository.htmlUrl, executor.claimed);
      return own;
    },
  };
  return { ports, close: () => rm(hostDir, { recursive: true, force: true, maxRetries: 3 }) };
}
