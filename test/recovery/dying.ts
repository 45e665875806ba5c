// Runs that are killed at a call, and the forge's clock moved afterwards: what the tests of take-over have in common.

import type { StartedRun } from "../support/forge/forge.ts";
import { installGates } from "../support/gate/builtins.ts";
import { Passage, type Verdict } from "../support/gate/gate.ts";
import { unhurried } from "../support/gate/life.ts";
import { type Stage, type StageOptions, type Start, stage } from "../support/run.ts";

installGates();

/** Real time plays no part: no life sign comes by itself, and ages are made by `pass`. */
const limits = { ...unhurried, endedSeconds: 60 };
/** Past the wait for a run that ended, far from the end of any lease, in seconds. */
export const pastEnd = 65;

export const publish = "git push item/issue-1 agent/issue-1";
export const agentStarts = "agent implement";

/** A stage with one issue whose label is a moment old. */
export async function asked(options: StageOptions = {}): Promise<Stage> {
  const s = await stage({ limits, ...options });
  await s.issue("sum subtracts");
  s.pass(2);
  return s;
}

/** A run on the forge, as a runner has it. */
export async function runOn(s: Stage): Promise<StartedRun & { event: string; actor: string }> {
  const event = { event: "issues", actor: "alice" };
  return { ...(await s.forge.startRun({ repo: s.repo, workflow: "agent.yml", ...event })), ...event };
}

/** A run that is killed at the first call of this label. */
export async function killed(s: Stage, at: string, way: Exclude<Verdict, "pass">, start: Start = {}): Promise<void> {
  const passage = new Passage({ before: (call) => (call.label === at ? way : "pass") });
  const end = await Promise.race([passage.stopped, s.start({ ...start, passage })]);
  if (end !== undefined) throw new Error(`it came to its end before ${at}: ${end.lastLine}\n${end.log}`);
}

/** Killed while it held its claim, before its agent did anything; then the forge ends its run. */
export async function killedOn(s: Stage, how: "failure" | "cancelled"): Promise<StartedRun> {
  const run = await runOn(s);
  await killed(s, agentStarts, "stop", { run });
  s.forge.endRun(run.id, how);
  return run;
}
