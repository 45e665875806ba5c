// One run, phase by phase: observe → repair → decide → claim → confirm → work → chain. The shell carries out and never chooses.

import { randomUUID } from "node:crypto";
import type { Work } from "./core/decision.ts";
import type { Effects } from "./core/effects.ts";
import { type Snapshot, sameLogin, type Trigger } from "./core/model.ts";
import { type Decided, decided } from "./deciding.ts";
import { chain, dispatchTick } from "./jobs/chain.ts";
import { claimWork, confirm } from "./jobs/claiming.ts";
import { giveUpDead } from "./jobs/give-up.ts";
import { implement } from "./jobs/implement.ts";
import type { Job } from "./jobs/job.ts";
import { refuse } from "./jobs/refuse.ts";
import { repair } from "./jobs/repair.ts";
import { resume } from "./jobs/resume.ts";
import { giveBack } from "./ledger/claim.ts";
import { type Observed, observe, type Who } from "./observe.ts";
import { type Outcome, outcome } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { presentProfiles, type Reached } from "./preflight.ts";
import type { Settings } from "./settings/settings.ts";

/** How often a run that lost a race looks again. */
const racesMax = 5;

export async function run(ports: Ports, settings: Settings, trigger: Trigger, reached: Reached): Promise<Outcome> {
  const who = whoAmI(ports, reached);
  const order = orderOf(trigger, who);
  for (let race = 0; ; race++) {
    const observed = await repaired(ports, settings, who, order, await observe(ports, who, order, settings.policy));
    const { decision, snapshot } = await decided(ports, settings.policy, observed.snapshot);
    ports.log.line(said(decision));
    switch (decision.kind) {
      case "idle":
        await refuse(ports, who, decision.refusals);
        return outcome({
          kind: "idle",
          outcome: "idle",
          reason: decision.reason,
          next: nextWhenIdle(order),
          item: order.item,
          passed: decision.passed,
        });
      case "dispatch":
        return dispatchTick(ports, decision, reached.repository.defaultBranch);
      case "implement":
      case "resume":
      case "give-up": {
        const result = await claimAndWork(ports, settings, who, snapshot, decision, observed);
        if (result.kind === "ended") return chain(ports, settings, who, order, reached, result.outcome);
        if (race + 1 >= racesMax)
          return outcome({
            kind: "idle",
            outcome: "lost",
            reason: result.why,
            next: nextWhenIdle(order),
            item: decision.item.issue.number,
          });
        ports.log.line(`${result.why}; looking again`);
        break;
      }
      default:
        return decision satisfies never;
    }
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
  return changed ? await observe(ports, who, trigger, settings.policy) : observed;
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
  const ready =
    work.kind === "implement"
      ? {
          ...settings,
          profiles: presentProfiles(settings.profiles, ports.environment["PATH"] ?? "", ports.log.warning),
        }
      : settings;
  await refuse(ports, who, work.refusals ?? []);
  const effects = work.kind === "resume" ? (observed.effects.get(work.item.key) ?? null) : null;
  const claimed = await claimWork(ports, ready, who, snapshot, work, effects);
  const number = work.item.issue.number;
  if (claimed.kind === "lost") return { kind: "again", why: `another run was faster with #${number}` };
  if (claimed.kind === "unknown")
    return { kind: "again", why: `the forge did not say whether #${number} is claimed (${claimed.cause})` };
  const own = await ports.ownRun();
  const run = { number: own?.number ?? null, url: own?.url ?? null };
  const job: Job = { ports, settings: ready, who, claim: claimed.claim, item: work.item, snapshot, run };
  try {
    return await doWork(job, work, effects);
  } catch (error) {
    const { attempt } = claimed.claim.record;
    await giveBack(claimed.claim, work.kind === "implement" ? attempt - 1 : attempt);
    throw error;
  }
}

async function doWork(job: Job, work: Work, effects: Effects | null): Promise<Worked> {
  switch (work.kind) {
    case "resume":
      // Row 1 leaves a record alone whose effects cannot be read: writing it anew would lose them.
      if (effects === null) throw new Error("a resume was decided without effects that can be read");
      return { kind: "ended", outcome: await resume(job, effects) };
    case "give-up":
      return { kind: "ended", outcome: await giveUpDead(job, work) };
    case "implement": {
      const still = await confirm(job, work);
      return still.kind === "no"
        ? { kind: "again", why: still.why }
        : { kind: "ended", outcome: await implement({ ...job, item: still.item }, work) };
    }
    default:
      return work satisfies never;
  }
}

function whoAmI(ports: Ports, { me }: Reached): Who {
  const program = [me.login, "gitea-actions"].filter((name, at, all) => all.indexOf(name) === at);
  return {
    me,
    owner: randomUUID(),
    program,
    seed: ports.run.seed,
  };
}

/** A run that the program itself dispatched names an item, but is no order. */
function orderOf(trigger: Trigger, who: Who): Trigger {
  const { actor } = trigger;
  const own = actor !== null && who.program.some((name) => sameLogin(name, actor));
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
        ...decision.passed.map((p) => `  #${p.item} ${p.title}: ${p.reason}`),
      ].join("\n");
    case "dispatch":
      return `chosen: #${decision.item.issue.number} (${decision.work}), in a run of its own`;
    default:
      return `chosen: #${decision.item.issue.number} ${decision.item.issue.title} (${decision.kind})`;
  }
}
