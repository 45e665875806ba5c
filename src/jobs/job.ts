// What every job works with once its claim is won.

import type { Item, Snapshot } from "../core/model.ts";
import type { RunLink } from "../core/report.ts";
import type { Claim } from "../ledger/claim.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import type { EffectPorts } from "./effects.ts";

export interface Job {
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

export function effectPorts(job: Pick<Job, "ports" | "who" | "claim">): EffectPorts {
  return {
    forge: job.ports.forge,
    program: job.who.program,
    fence: () => job.claim.fence(),
    automatic: job.who.me.id < 0,
    log: (line) => job.ports.log.line(line),
  };
}

/** The forge's clock, or the local one before the first answer. */
export function forgeNow(ports: Ports): number {
  return ports.forge.now() ?? Date.now();
}
