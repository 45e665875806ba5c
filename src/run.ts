// One run, phase by phase: observe → repair → decide → claim → confirm → work → chain. The shell carries out and never chooses.

import { randomUUID } from "node:crypto";
import { setupOf, tellsCost } from "./agent/profile.ts";
import { isAgentWork, isFollowUp, leadsOn, type Work } from "./core/decision.ts";
import { isProgram, type Snapshot, type Trigger } from "./core/model.ts";
import { plain } from "./core/report.ts";
import { strays } from "./core/strays.ts";
import { type Decided, decided } from "./deciding.ts";
import { describe, RunError } from "./errors.ts";
import { chain, dispatchTick } from "./jobs/chain.ts";
import { claimWork, confirm, undo } from "./jobs/claiming.ts";
import { control, countFailure } from "./jobs/control.ts";
import { lossOf } from "./jobs/endings.ts";
import { explain, plan, warnOfUnknown } from "./jobs/explain.ts";
import { type Job, portsUnder } from "./jobs/job.ts";
import { note } from "./jobs/note.ts";
import { patiently } from "./jobs/patience.ts";
import { repair, repairLate } from "./jobs/repair.ts";
import { reply } from "./jobs/reply.ts";
import { endFormerHolder } from "./jobs/strays.ts";
import { sweep } from "./jobs/sweep.ts";
import { doWork } from "./jobs/work.ts";
import { ClaimLost } from "./ledger/claim.ts";
import { giveBack } from "./ledger/take.ts";
import { type Observed, observe, type Who } from "./observe.ts";
import { isOutage } from "./outage.ts";
import { kindOf, type Outcome, outcome } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import type { Reached } from "./preflight.ts";
import { withPrograms } from "./programs.ts";
import { saveClaim } from "./saved.ts";
import type { Settings } from "./settings/settings.ts";

/** How often a run that lost a race looks again. */
const racesMax = 5;

export async function run(ports: Ports, settings: Settings, trigger: Trigger, reached: Reached): Promise<Outcome> {
  const who = whoAmI(ports, settings, reached, randomUUID());
  const order = orderOf(trigger, who);
  if (settings.mode === "explain") return explain(ports, settings, who, order);
  if (settings.dryRun) return plan(ports, settings, who, order);
  // Listed before the ledger is read: what is started under a claim that is won meanwhile is not among them.
  const marked = ports.workshop.marked(ports);
  for (let race = 0; ; race++) {
    const first = await observe(ports, who, order, settings.policy);
    if (race === 0) await ports.workshop.endStrays(ports, strays(marked, first.snapshot, settings.policy));
    const observed = await repaired(ports, settings, who, order, first);
    if (race === 0) warnOfUnknown(ports, observed.snapshot);
    const { decision, snapshot } = await decided(ports, settings.policy, observed.snapshot);
    ports.log.line(said(decision));
    if (decision.kind === "control") return control(ports, settings, who, decision.order, observed);
    if (decision.kind === "dispatch") return dispatchTick(ports, decision, reached.repository.defaultBranch);
    await reply(ports, who, decision.replies ?? []);
    await repairLate(ports, settings, who, snapshot, decision.kind === "idle" ? null : decision.item.key);
    if (decision.kind === "idle") {
      await note(ports, settings, snapshot);
      await sweep(ports, settings, snapshot);
      const { reason, passed } = decision;
      const next = nextWhenIdle(order);
      return outcome({ kind: "idle", outcome: "idle", reason, next, item: snapshot.trigger.item, passed });
    }
    if (ports.stop.aborted) return notBegun(ports);
    const result = await claimAndWork(ports, settings, who, snapshot, decision, observed);
    if (result.kind === "ended" && ports.stop.aborted) return result.outcome;
    if (result.kind === "ended") {
      // What a dead run left is finished first; the order that this run was started with is carried out all the same.
      const isFinished = decision.kind === "resume" && result.outcome.outcome === "done";
      if (isFinished && order.byHand && race + 1 < racesMax) continue;
      await countFailure(ports, settings, observed, result.outcome);
      const done = await followed(ports, settings, who, decision, result.outcome);
      await sweep(ports, settings, snapshot);
      return chain(ports, settings, who, order, reached, done);
    }
    if (race + 1 >= racesMax) {
      const item = decision.item.issue.number;
      return outcome({ kind: "idle", outcome: "lost", reason: result.why, next: nextWhenIdle(order), item });
    }
    ports.log.line(`${result.why}; looking again`);
  }
}

async function repaired(
  ports: Ports,
  settings: Settings,
  who: Who,
  trigger: Trigger,
  observed: Observed,
): Promise<Observed> {
  const changed = await repair(ports, settings, who, observed.snapshot);
  return changed ? await observe(ports, who, trigger, settings.policy, observed.snapshot.ends) : observed;
}

type Worked = { kind: "ended"; outcome: Outcome } | { kind: "again"; why: string };

async function claimAndWork(
  ports: Ports,
  settings: Settings,
  who: Who,
  snapshot: Snapshot,
  work: Work,
  observed: Observed,
): Promise<Worked> {
  const ready = isAgentWork(work) ? await withPrograms(ports, settings, work) : settings;
  const effects = work.kind === "resume" ? (observed.effects.get(work.item.key) ?? null) : null;
  const number = work.item.issue.number;
  // Before it is tried: this process can be killed before it learns that it has won.
  saveClaim(ports.saveState, { place: ports.place, owner: who.owner }, number);
  const claimed = await claimWork(ports, ready, who, snapshot, work, effects);
  if (claimed.kind === "lost") return { kind: "again", why: `another run was faster with #${number}` };
  if (claimed.kind === "unknown")
    return { kind: "again", why: `the forge did not say whether #${number} is claimed (${claimed.cause})` };
  await endFormerHolder(ports, work.item.record.kind === "record" ? work.item.record.record : null, who.owner);
  const own = await ports.ownRun();
  const run = { number: own?.number ?? null, url: own?.url ?? null };
  const { claim } = claimed;
  const job: Job = { ports: portsUnder(ports, claim), settings: ready, who, claim, item: work.item, snapshot, run };
  let isBegun = work.kind === "resume" || work.kind === "give-up";
  try {
    if (work.kind === "resume" || work.kind === "give-up")
      return { kind: "ended", outcome: await doWork(job, work, effects) };
    const still = await patiently(ports, async () => ({ again: null, result: await confirm(job, work) }));
    if (still.kind === "no") return { kind: "again", why: still.why };
    isBegun = true;
    return { kind: "ended", outcome: await doWork({ ...job, item: still.work.item }, still.work, effects) };
  } catch (error) {
    if (error instanceof ClaimLost)
      return { kind: "ended", outcome: outcome({ kind: kindOf(work.kind), item: number, ...lossOf(job) }) };
    // Nothing was begun: also the orders that the claim counted as obeyed are as they were.
    const { attempt } = claim.record;
    if (isBegun) await giveBack(claim, isAgentWork(work) ? attempt - 1 : attempt);
    else await undo(job).catch(() => undefined);
    if (!isOutage(error)) throw error;
    return { kind: "ended", outcome: cutShort(job, work, error) };
  }
}

/** The forge was away for longer than it is waited for. What was done stands, or is found by the next run. */
function cutShort({ item }: Job, work: Work, error: unknown): Outcome {
  const number = item.issue.number;
  return outcome({
    ...{ kind: kindOf(work.kind), outcome: "failed", failure: "forge-error", item: number },
    reason: `#${number}: ${describe(error)}`,
    next: "The next run looks how far it came, and goes on.",
  });
}

/** Asked to end before anything was claimed. */
function notBegun({ stop }: Ports): Outcome {
  const next = "The next event or tick looks again.";
  return outcome({
    kind: "idle",
    outcome: "cancelled",
    reason: `${String(stop.reason)} before anything was begun`,
    next,
  });
}

/** What follows from a step and needs no agent is done by the same run: an approved pull request is handed over at once. */
async function followed(ports: Ports, settings: Settings, who: Who, work: Work, done: Outcome): Promise<Outcome> {
  if (done.outcome !== "done" || !leadsOn(work)) return done;
  const item = work.item.issue.number;
  const trigger: Trigger = { event: "other", item, message: "", actor: null, byHand: false, orderId: "" };
  try {
    const observed = await observe(ports, who, trigger, settings.policy);
    const { decision, snapshot } = await decided(ports, { ...settings.policy, force: null }, observed.snapshot);
    if (!isFollowUp(decision)) return done;
    ports.log.line(said(decision));
    const result = await claimAndWork(ports, settings, who, snapshot, decision, observed);
    if (result.kind === "again") return done;
    const { outcome: how, reason, next } = result.outcome;
    return { ...done, outcome: how, reason: `${done.reason}; ${reason}`, next };
  } catch (error) {
    // What was done stands, and is told; what follows from it the next run does as well.
    if (!(error instanceof RunError)) throw error;
    ports.log.warning(`what follows could not be done now: ${describe(error)}`);
    return done;
  }
}

/** `owner` is new for every process that claims; its last step, which is another process, goes by the same. */
export function whoAmI(ports: Ports, settings: Settings, { me, reviewer }: Reached, owner: string): Who {
  const names = [me.login, ...(reviewer === null ? [] : [reviewer.login]), "gitea-actions"];
  const all = [...settings.profiles, ...settings.reviewers];
  const profiles = {
    authors: settings.profiles.map((profile) => profile.name),
    reviewers: settings.reviewers.map((profile) => profile.name),
    tellCost: all.some(tellsCost),
    setups: Object.fromEntries(all.map((profile) => [profile.name, setupOf(profile)])),
  };
  return {
    ...{ me, owner, seed: ports.run.seed, workflow: ports.run.workflow, profiles },
    program: names.filter((name, at, all) => all.indexOf(name) === at),
  };
}

/** A run that the program itself dispatched names an item, but is no order. */
function orderOf(trigger: Trigger, who: Who): Trigger {
  const { actor } = trigger;
  const own = actor !== null && isProgram(who, actor);
  return own ? { ...trigger, byHand: false } : trigger;
}

function nextWhenIdle(trigger: Trigger): string {
  return trigger.event === "schedule" ? "The next tick looks again." : "The next event or tick looks again.";
}

function said(decision: Decided): string {
  switch (decision.kind) {
    case "idle":
      return [
        `nothing to do: ${decision.reason}`,
        ...decision.passed.map((p) => `  #${p.item} ${plain(p.title)}: ${p.reason}`),
      ].join("\n");
    case "control":
      return `chosen: ${decision.order.verb}, ordered by @${decision.order.by}`;
    case "dispatch":
      return `chosen: #${decision.item.issue.number} (${kindOf(decision.work)}), in a run of its own`;
    default:
      return `chosen: #${decision.item.issue.number} ${plain(decision.item.issue.title)} (${decision.kind})`;
  }
}
