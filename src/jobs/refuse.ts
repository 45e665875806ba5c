// Says once, where it was given, why an order is refused.

import type { Refusal } from "../core/decision.ts";
import { refusalComment } from "../core/report.ts";
import { describe } from "../errors.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import { applyEffects } from "./effects.ts";

/** Most refusals answered in one run. */
const refusalsMax = 5;

export async function refuse(ports: Ports, who: Who, refusals: readonly Refusal[]): Promise<void> {
  for (const { item, id, text, comment } of refusals.slice(0, refusalsMax)) {
    const said = {
      id: "refusal",
      do: "comment",
      on: "issue",
      purpose: "refusal",
      key: id,
      mode: "new",
      body: ports.redact(refusalComment(id, text)),
    } as const;
    const shown = comment === null ? [] : [{ id: "reaction", do: "react", comment, reaction: "confused" } as const];
    const effectPorts = {
      forge: ports.forge,
      program: who.program,
      fence: async () => {},
      automatic: who.me.id < 0,
      log: ports.log.line,
    };
    try {
      await applyEffects(effectPorts, { v: 1, issue: item, effects: [said, ...shown] }, null);
    } catch (error) {
      // A refusal that cannot be said is no reason for a red run; the next run says it.
      ports.log.warning(`could not answer on #${item}: ${describe(error)}`);
    }
  }
}
