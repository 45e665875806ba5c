// The program from the environment of its step to its outcome: inputs → forge → policy → ports → run. What is global (process.env, outputs,
// exit status) stays in main.ts, so that a test can start any number of these in one process.

import { connect, hideTokens, openPorts, type Step, secretInput } from "./connect.ts";
import { sentence } from "./core/report.ts";
import { describe, RunError } from "./errors.ts";
import type { Forge } from "./forge/port.ts";
import { type Outcome, outcome } from "./outcome.ts";
import type { Reached } from "./preflight.ts";
import { run } from "./run.ts";
import type { Connection, Settings } from "./settings/settings.ts";
import { mayLackSecrets, triggerOf } from "./trigger.ts";

export type { Step } from "./connect.ts";

/** Throws RunError when the run itself cannot work. */
export async function program(step: Step): Promise<Outcome> {
  const { environment, log } = step;
  hideTokens(step);
  if (secretInput(environment, "TOKEN") === "" && mayLackSecrets(step.executor)) return withoutSecrets();
  const connected = await connect(step);
  const { connection, forge, reached, settings } = connected;
  if (settings.sandbox === "none")
    log.line("sandbox: none was chosen; the agent can reach everything that this runner's user can");
  else log.line("this version has no sandbox yet: the agent can reach everything that this runner's user can");
  const trigger = triggerOf(step.executor, settings.item, settings.message);
  await mustExist(forge, connection, reached, settings);
  const { ports, close } = openPorts(step, connected);
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
