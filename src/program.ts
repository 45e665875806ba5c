// The program from the environment of its step to its outcome: inputs → forge → policy → ports → run. What is global (process.env, outputs,
// exit status) stays in main.ts, so that a test can start any number of these in one process.

import { createHmac, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { missingVariables } from "./agent/profile.ts";
import type { Clock } from "./clock.ts";
import { sentence } from "./core/report.ts";
import { ConfigurationError, describe, RunError } from "./errors.ts";
import { giteaForge } from "./forge/gitea.ts";
import type { HttpLimits } from "./forge/http.ts";
import type { Forge } from "./forge/port.ts";
import { type Host, openHost } from "./git/host.ts";
import { type Outcome, outcome } from "./outcome.ts";
import { findOwnRun } from "./own-run.ts";
import type { Log, OwnRun, Ports, RunFacts } from "./ports.ts";
import { type Reached, reach } from "./preflight.ts";
import { run } from "./run.ts";
import { type Connection, connectionOf, readSettings, type Settings } from "./settings/settings.ts";
import { type Executor, mayLackSecrets, triggerOf } from "./trigger.ts";

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
  /** Bounds of the requests to the forge where they are not the usual ones. */
  http?: Partial<HttpLimits>;
}

/** Throws RunError when the run itself cannot work. */
export async function program(step: Step): Promise<Outcome> {
  const { environment, log } = step;
  // Before anything is read: a token in the wrong input would else stand in the error that says so.
  step.hide([secretInput(environment, "TOKEN"), secretInput(environment, "REVIEWER-TOKEN")]);
  if (secretInput(environment, "TOKEN") === "" && mayLackSecrets(step.executor)) return withoutSecrets();
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
  if (settings.sandbox === "none")
    log.line("sandbox: none was chosen; the agent can reach everything that this runner's user can");
  else log.line("this version has no sandbox yet: the agent can reach everything that this runner's user can");
  const trigger = triggerOf(step.executor, settings.item, settings.message);
  await mustExist(forge, connection, reached, settings);
  const { ports, close } = portsOf(step, connection, { forge, reviewer }, reached);
  try {
    return await run(ports, settings, trigger, reached);
  } finally {
    await close();
  }
}

function withoutSecrets(): Outcome {
  return outcome({
    ...{ kind: "idle", outcome: "idle" },
    reason: "the run got no token: the forge gives no secrets to a comment on the pull request of a fork",
    next: "The next tick looks at what was said. On another pull request: is the secret set?",
  });
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

function secretInput(environment: Step["environment"], name: string): string {
  return environment[`INPUT_${name}`]?.trim() ?? "";
}

/** The last line of the log. */
export function lastLine(outcome: Outcome): string {
  return `${outcome.outcome}: ${sentence(outcome.reason)} ${sentence(outcome.next)}`;
}

/** The same for a run that could not work: what is wrong, what to do, whose turn it is. */
export function lastLineOfFailure(error: unknown): string {
  const known = error instanceof RunError;
  const remedy = known ? error.remedy : "This is a fault of agent-dispatch: please report it with this log.";
  const who = known ? ` (for the ${error.mender}${error.retry ? "; the next run tries again by itself" : ""})` : "";
  // What a RunError was caused by stands in the lines above; its own words are enough for people.
  return `failed: ${sentence(known ? error.message : describe(error))} ${remedy}${who}`;
}

/** A base branch that was chosen must exist, and an item named by the input; one named by an event may be gone meanwhile. */
async function mustExist(
  forge: Forge,
  connection: Connection,
  { repository }: Reached,
  settings: Settings,
): Promise<void> {
  const { base } = settings.policy;
  if (base !== repository.defaultBranch && (await forge.branch(base)) === null) {
    throw new RunError(`The base branch ${base} does not exist in ${connection.owner}/${connection.name}.`, {
      remedy: `Make it, or leave \`base\` out: the default branch is ${repository.defaultBranch}.`,
      mender: "workflow author",
      retry: false,
    });
  }
  if (settings.item === null || (await forge.issue(settings.item)) !== null) return;
  throw new RunError(`#${settings.item} does not exist in ${connection.owner}/${connection.name}.`, {
    remedy: "Give the number of an issue of this repository as the input `item`, or none.",
    mender: "workflow author",
    retry: false,
  });
}

interface OpenPorts {
  ports: Ports;
  /** Removes what the host kept on disk. */
  close(): Promise<void>;
}

function portsOf(
  step: Step,
  connection: Connection,
  { forge, reviewer }: Pick<Ports, "forge" | "reviewer">,
  { me, repository }: Reached,
): OpenPorts {
  const { environment, executor, facts, clock, log, saveState } = step;
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
    },
    seal: (text) =>
      connection.reviewerToken === null
        ? null
        : createHmac("sha256", connection.reviewerToken).update(text).digest("hex"),
    host() {
      host ??= openHost({
        dir: hostDir,
        url: `${connection.serverUrl}/${connection.owner}/${connection.name}.git`,
        token: connection.token,
        bot: { name: me.fullName || me.login, email: me.email || `${me.login}@noreply.invalid` },
        env: environment,
        now: () => forge.now() ?? Date.now(),
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
