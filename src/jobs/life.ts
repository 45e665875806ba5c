// The life of a claim that works with an agent, from its first word on the forge to the removal of its folders: the same for every kind of work.

import { truedUp } from "../core/budget.ts";
import { sameLogin } from "../core/model.ts";
import { describe, mayPass } from "../errors.ts";
import { type Claim, ClaimLost } from "../ledger/claim.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { giveBack } from "../ledger/take.ts";
import type { Outcome } from "../outcome.ts";
import type { Workspace } from "../workspace.ts";
import type { Failed } from "./agent-run.ts";
import type { Spent } from "./author.ts";
import { type AgentJob, lost } from "./endings.ts";
import { type Keepalive, keepAlive } from "./keepalive.ts";
import { patiently } from "./patience.ts";

/** What differs from kind to kind. */
export interface Life {
  /** What people see while it works. Repeated while the forge is away. */
  begin(): Promise<void>;
  /** The work itself. */
  work(workspace: Workspace, life: Keepalive, agents: Agents): Promise<Outcome>;
  /** Ends it with a failure, as long as nothing is published. `spend`: null while no agent has ended. `change`: what the record then says besides. */
  fail(failure: Failed, spend: Spent | null, change: Partial<LedgerRecord>): Promise<Outcome>;
}

/** Told how far the agents are, for what an error leaves. */
export interface Agents {
  /** Called right before the first of them may start: from then on what throws costs the attempt. */
  start(): void;
  /** All have ended: what they did is kept, and what they took is known, whatever happens from here on. */
  ended(spend: Spent): void;
}

export async function live(job: AgentJob, { begin, work, fail }: Life): Promise<Outcome> {
  const { ports, settings, claim, plan } = job;
  const workspace = await ports.workshop.open(ports, settings.workspace);
  let life: Keepalive | null = null;
  let mayHaveStarted = false;
  let spend: Spent | null = null;
  try {
    // First the label is put on where a command asked: its absence would else look like a person's.
    await patiently(ports, async () => ({ again: null, result: await begin() }));
    life = keepAlive(await afterBegin(job));
    const agents: Agents = {
      start() {
        mayHaveStarted = true;
      },
      ended(known) {
        spend = known;
      },
    };
    return await work(workspace, life, agents);
  } catch (error) {
    if (error instanceof ClaimLost) return lost(job);
    // Before anything is published: the claim is given back, so that nobody waits for it to age.
    if (claim.record.state === "held" && mayPass(error)) {
      const change = mayHaveStarted && spend === null ? unknownCost(claim) : {};
      return await fail(failedHere("forge-error", describe(error), ""), spend, change);
    }
    // What threw once may throw each time: from the agent's start on it counts as an attempt.
    await giveBack(claim, mayHaveStarted ? plan.attempt : plan.attempt - 1);
    throw error;
  } finally {
    await life?.stop();
    await workspace.remove();
  }
}

/** An agent may have worked, and what it cost went with what was thrown: the reservation counts, as for a run that died. */
function unknownCost({ record }: Claim): Partial<LedgerRecord> {
  return { spend: truedUp(record.spend, record.epoch, null, 0) };
}

/** The job with the people who are assigned now: whoever the program has just taken off and comes back takes the item back. */
async function afterBegin(job: AgentJob): Promise<AgentJob> {
  const { ports, item } = job;
  const { issue, pull } = item;
  const still = (before: readonly string[], now: readonly string[] = []) =>
    before.filter((login) => now.some((name) => sameLogin(name, login)));
  const assignees = still(issue.assignees, (await ports.forge.issue(issue.number))?.assignees);
  const known = { ...item, issue: { ...issue, assignees } };
  // Whom the program had asked stands on the pull request too.
  if (pull === null || pull.assignees.length === 0) return { ...job, item: known };
  const ofPull = still(pull.assignees, (await ports.forge.pull(pull.number))?.assignees);
  return { ...job, item: { ...known, pull: { ...pull, assignees: ofPull } } };
}

/** A failure of ours, not of an agent's making: all of one class count as the same. */
export function failedHere(kind: Failed["class"], text: string, output: string): Failed {
  return { kind: "failed", class: kind, text, fingerprint: kind, resetsAt: null, output };
}
