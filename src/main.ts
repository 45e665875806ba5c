// Entry of the action, for the main step and for the post step: environment → ports → run → outputs. All that is global lives here.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { endSurvivors } from "./agent/tree.ts";
import { systemClock } from "./clock.ts";
import { type Redact, redaction } from "./core/redact.ts";
import { plain, sentence } from "./core/report.ts";
import { describe, RunError } from "./errors.ts";
import { giteaForge } from "./forge/gitea.ts";
import type { Forge } from "./forge/port.ts";
import { type Host, openHost } from "./git/host.ts";
import { actionLog } from "./log.ts";
import type { Outcome } from "./outcome.ts";
import type { Ports, RunFacts } from "./ports.ts";
import { type Reached, reach } from "./preflight.ts";
import { run } from "./run.ts";
import { type Connection, connectionOf, readSettings, type Settings } from "./settings/settings.ts";
import { summaryOf } from "./summary.ts";
import { type Executor, triggerOf } from "./trigger.ts";

const environment = { ...process.env };
let redact: Redact = redaction([]);

await (core.getState("started") === "" ? main() : post());

async function main(): Promise<void> {
  core.saveState("started", "true");
  try {
    const connection = connectionOf(environment);
    hideSecrets(connection, []);
    for (const warning of connection.warnings) core.warning(redact(warning));
    const forge = giteaForge({
      serverUrl: connection.serverUrl,
      token: connection.token,
      owner: connection.owner,
      name: connection.name,
    });
    const reached = await reach(forge, connection);
    const base = connection.base ?? reached.repository.defaultBranch;
    const settings = readSettings(environment, connection.inputs, reached.policy, connection.policyPath, base);
    hideSecrets(
      connection,
      settings.profiles.flatMap((profile) => Object.values(profile.env)),
    );
    const ports = portsOf(connection, forge, reached);
    if (settings.sandbox === "none")
      ports.log.line("sandbox: none was chosen; the agent can reach everything that this runner's user can");
    else ports.log.line("this version has no sandbox yet: the agent can reach everything that this runner's user can");
    const trigger = triggerOf(executorOf(), settings.item, settings.message);
    await mustExist(forge, connection, settings);
    await publishOutcome(await run(ports, settings, trigger, reached), ports.run.temp);
  } catch (error) {
    fail(error);
  }
}

/** Also runs when main was killed: a cancelled step gets SIGKILL while the agent's own session lives on. */
async function post(): Promise<void> {
  const state = core.getState("agent");
  if (state === "") return;
  const agent: unknown = JSON.parse(state);
  if (typeof agent !== "object" || agent === null || !("resultFile" in agent) || typeof agent.resultFile !== "string")
    return;
  const end = await endSurvivors(agent.resultFile, { graceMs: 0 });
  if (end.kind === "survivors") core.warning(`processes of the agent could not be ended: ${end.pids.join(", ")}`);
  else if (end.killed > 0)
    core.info(`ended ${end.killed} process${end.killed === 1 ? "" : "es"} that the agent had left behind`);
}

/** From here on the token is in this process's memory only: no child inherits it, no text that leaves contains it. */
function hideSecrets(connection: Connection, names: readonly string[]): void {
  const values = names.map((name) => environment[name] ?? "");
  for (const secret of [connection.token, ...values])
    if (secret !== "" && process.env["GITHUB_ACTIONS"] === "true") core.setSecret(secret);
  redact = redaction([connection.token, ...values]);
  delete process.env["INPUT_TOKEN"];
  delete process.env["INPUT_REVIEWER-TOKEN"];
}

/** An item named by the input must exist; one named by an event may be gone meanwhile. */
async function mustExist(forge: Forge, connection: Connection, settings: Settings): Promise<void> {
  if (settings.item === null || (await forge.issue(settings.item)) !== null) return;
  throw new RunError(`#${settings.item} does not exist in ${connection.owner}/${connection.name}.`, {
    remedy: "Give the number of an issue of this repository as the input `item`, or none.",
    mender: "workflow author",
    retry: false,
  });
}

function portsOf(connection: Connection, forge: Forge, { me, repository }: Reached): Ports {
  const clock = systemClock();
  const facts = runFacts(repository.htmlUrl);
  let host: Promise<Host> | null = null;
  let workflow: Promise<string | null> | null = null;
  const log = actionLog((text) => redact(text));
  return {
    forge,
    clock,
    log,
    redact: (text) => redact(text),
    run: facts,
    environment,
    saveState: core.saveState,
    host() {
      host ??= openHost({
        dir: join(facts.temp, `agent-dispatch-host-${randomUUID()}`),
        url: `${connection.serverUrl}/${connection.owner}/${connection.name}.git`,
        token: connection.token,
        bot: { name: me.fullName || me.login, email: me.email || `${me.login}@noreply.invalid` },
        env: environment,
        now: () => forge.now() ?? Date.now(),
      });
      return host;
    },
    ownWorkflow() {
      workflow ??= findWorkflow(forge, facts);
      return workflow;
    },
  };
}

/** `GITHUB_WORKFLOW` is only the display name; the file stands in the list of runs, under this run's number. */
async function findWorkflow(forge: Forge, facts: RunFacts): Promise<string | null> {
  if (facts.onServer === null) return null;
  const { number } = facts.onServer;
  const runs = (await forge.recentRuns(50)) ?? [];
  return runs.find((entry) => entry.number === number)?.workflow ?? null;
}

// A local `act` says run 1 of everything: only a server's own word makes a run one that others may look up.
function runFacts(repositoryUrl: string): RunFacts {
  const onServer = environment["GITEA_ACTIONS"] === "true" && context.runId > 0;
  const temp = environment["RUNNER_TEMP"] ?? tmpdir();
  const attempt = Number(environment["GITHUB_RUN_ATTEMPT"] ?? "0") || 0;
  return {
    onServer: onServer ? { id: context.runId, number: context.runNumber, attempt } : null,
    url: onServer ? `${repositoryUrl}/actions/runs/${context.runNumber}` : null,
    temp,
    workspace: environment["GITHUB_WORKSPACE"] ?? process.cwd(),
  };
}

function executorOf(): Executor {
  const onServer = environment["GITEA_ACTIONS"] === "true";
  return {
    event: context.eventName,
    payload: context.payload,
    actor: onServer && context.actor ? context.actor : null,
    runId: onServer ? `${context.runId}-${environment["GITHUB_RUN_ATTEMPT"] ?? "0"}` : randomUUID(),
  };
}

async function publishOutcome(outcome: Outcome, temp: string): Promise<void> {
  const text = (value: string | number | null) => (value === null ? "" : redact(String(value)));
  const report = join(temp, `agent-dispatch-report-${randomUUID()}.json`);
  await writeFile(report, redact(`${JSON.stringify({ ...outcome, passed: outcome.passed }, null, 2)}\n`));
  const outputs: Record<string, string> = {
    ...{
      kind: outcome.kind,
      outcome: outcome.outcome,
      reason: text(outcome.reason),
      failure: text(outcome.failure),
      item: text(outcome.item),
    },
    ...{
      "pull-request": text(outcome.pullRequest),
      branch: text(outcome.branch),
      head: text(outcome.head),
      verdict: text(outcome.verdict),
    },
    ...{
      profile: text(outcome.profile),
      attempt: text(outcome.attempt),
      round: text(outcome.round),
      "cost-usd": text(outcome.costUsd),
      report,
    },
  };
  if (process.env["GITHUB_OUTPUT"] !== undefined)
    for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
  if (process.env["GITHUB_STEP_SUMMARY"] !== undefined)
    await core.summary
      .addRaw(redact(summaryOf(outcome)))
      .write()
      .catch(() => undefined);
  core.info(redact(`${outcome.outcome}: ${sentence(outcome.reason)} ${sentence(outcome.next)}`));
}

/** Whatever was thrown makes the run red, with what to do as the last line. */
function fail(error: unknown): void {
  const known = error instanceof RunError;
  process.exitCode = 1;
  core.error(redact(describe(error)));
  if (!known && error instanceof Error && error.stack !== undefined) core.info(redact(error.stack));
  const remedy = known ? error.remedy : "This is a fault of agent-dispatch: please report it with this log.";
  const who = known ? ` (for the ${error.mender}${error.retry ? "; the next run tries again by itself" : ""})` : "";
  core.info(redact(`failed: ${plain(describe(error))} ${remedy}${who}`));
}
