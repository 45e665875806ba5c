// Entry of the action, for the main step and for the post step: environment → program → outputs. All that is global lives here.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { systemClock } from "./clock.ts";
import { detection, type Redact, redaction } from "./core/redact.ts";
import { describe, RunError } from "./errors.ts";
import { actionLog } from "./log.ts";
import type { Outcome } from "./outcome.ts";
import type { RunFacts } from "./ports.ts";
import { post } from "./post.ts";
import { lastLine, lastLineOfFailure, program } from "./program.ts";
import { readSaved, saveFinished } from "./saved.ts";
import { stopOnSignals } from "./signals.ts";
import { summaryOf } from "./summary.ts";
import type { Executor } from "./trigger.ts";

const environment = { ...process.env };
const secrets = new Set<string>();
let redact: Redact = redaction([]);
const log = actionLog((text) => redact(text));

await (core.getState("started") === "" ? main() : afterwards());

async function main(): Promise<void> {
  core.saveState("started", "true");
  // No child inherits the token. That a process of the same user can read where this one started from (/proc) only a sandbox will end.
  delete process.env["INPUT_TOKEN"];
  delete process.env["INPUT_REVIEWER-TOKEN"];
  const saved = new Map<string, string>();
  const saveState = (name: string, value: string) => {
    saved.set(name, value);
    core.saveState(name, value);
  };
  const stop = stopOnSignals({ log, claim: () => readSaved((name) => saved.get(name) ?? "").claim });
  try {
    requireNode(process.versions.node);
    const outcome = await program({ ...common(), executor: executorOf(), saveState, stop });
    await publishOutcome(outcome, runFacts().temp);
  } catch (error) {
    fail(error);
  }
  saveFinished(saveState);
}

async function afterwards(): Promise<void> {
  await post({ ...common(), state: core.getState });
  // Whatever is still under way has had its time.
  process.exit(0);
}

function common() {
  return {
    ...{ environment, facts: runFacts(), clock: systemClock(), log, hide: hideSecrets },
    redact: (text: string) => redact(text),
    holdsSecret: (text: string) => detection([...secrets])(text),
  };
}

/** Runners start whatever `node` is on the PATH, whatever action.yml asks for. */
function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= 20) return;
  throw new RunError(`This action needs node 20 or newer; this runner has ${version}.`, {
    remedy: "Install node 20 or newer on the runner, on the PATH of its jobs.",
    mender: "server operator",
    retry: false,
  });
}

function hideSecrets(values: readonly string[]): void {
  for (const value of values) {
    if (value === "" || secrets.has(value)) continue;
    secrets.add(value);
    if (environment["GITHUB_ACTIONS"] === "true") core.setSecret(value);
  }
  redact = redaction([...secrets]);
}

function runFacts(): RunFacts {
  return {
    seed: context.runNumber > 1 ? context.runNumber : Math.floor(Date.now() / 60_000),
    workflow: environment["GITHUB_WORKFLOW"] ?? "",
    temp: environment["RUNNER_TEMP"] ?? tmpdir(),
    workspace: environment["GITHUB_WORKSPACE"] ?? process.cwd(),
  };
}

function executorOf(): Executor {
  const onServer = environment["GITEA_ACTIONS"] === "true" && context.runId > 0;
  const attempt = Number(environment["GITHUB_RUN_ATTEMPT"] ?? "0") || 0;
  return {
    event: context.eventName,
    payload: context.payload,
    actor: onServer && context.actor ? context.actor : null,
    runId: onServer ? `${context.runId}-${attempt}` : randomUUID(),
    claimed: onServer ? { id: context.runId, number: context.runNumber, attempt, event: context.eventName } : null,
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
  core.info(redact(lastLine(outcome)));
}

/** Whatever was thrown makes the run red, with what to do as the last line. */
function fail(error: unknown): void {
  process.exitCode = 1;
  if (process.env["GITHUB_OUTPUT"] !== undefined) {
    core.setOutput("outcome", "failed");
    core.setOutput("reason", redact(describe(error)));
  }
  core.error(redact(describe(error)));
  if (!(error instanceof RunError) && error instanceof Error && error.stack !== undefined)
    core.info(redact(error.stack));
  core.info(redact(lastLineOfFailure(error)));
}
