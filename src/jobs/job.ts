// What every job works with once its claim is won.

import type { Item, Snapshot } from "../core/model.ts";
import type { RunLink } from "../core/report.ts";
import type { Claim } from "../ledger/claim.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import type { EffectPorts } from "./effects.ts";

export interface Job {
  /** Bound to the claim: `portsUnder`. */
  ports: Ports;
  settings: Settings;
  who: Who;
  claim: Claim;
  item: Item;
  /** What was known when the work was chosen. */
  snapshot: Snapshot;
  /** This run, for texts. */
  run: RunLink;
}

/** Ports of a job: whatever it writes on the forge, by whichever way, stops with the life signs of its claim. */
export function portsUnder(ports: Ports, { permit }: Claim): Ports {
  const { forge, reviewer } = ports;
  return { ...ports, forge: forge.under(permit), reviewer: reviewer?.under(permit) ?? null };
}

export function effectPorts(job: Pick<Job, "ports" | "who" | "claim">): EffectPorts {
  return { ...looseEffectPorts(job.ports, job.who), fence: () => job.claim.fence() };
}

/** For what is written without a claim: replies and repairs, each safe to be written by two runs. */
export function looseEffectPorts(ports: Ports, who: Who, fence: () => Promise<void> = async () => {}): EffectPorts {
  const { forge, reviewer, host } = ports;
  return {
    ...{ forge, reviewer, host, program: who.program, fence, automatic: who.me.id < 0 },
    log: (line) => ports.log.line(line),
  };
}

/** The forge's clock, or the local one before the first answer. */
export function forgeNow(ports: Ports): number {
  return ports.forge.now() ?? Date.now();
}
