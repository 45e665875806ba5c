// Says once, where somebody asked, why an order is refused or why an item does not move.

import type { Reply } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { describe } from "../errors.ts";
import type { Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import { applyEffects } from "./effects.ts";
import { looseEffectPorts } from "./job.ts";

/** Most replies of one run. */
const repliesMax = 5;

export async function reply(ports: Ports, who: Who, replies: readonly Reply[]): Promise<void> {
  for (const { purpose, on, id, body, comment } of replies.slice(0, repliesMax)) {
    const said: Effect = {
      ...({ id: "reply", do: "comment", on: "issue", purpose, key: id, mode: "new" } as const),
      body: ports.redact(body),
    };
    const reaction = purpose === "refusal" ? "confused" : "rocket";
    const shown: Effect[] = comment === null ? [] : [{ id: "reaction", do: "react", comment, reaction }];
    try {
      await applyEffects(looseEffectPorts(ports, who), { v: 1, issue: on, effects: [said, ...shown] }, null);
    } catch (error) {
      // What cannot be said is no reason for a red run; the next run says it.
      ports.log.warning(`could not answer on #${on}: ${describe(error)}`);
    }
  }
}
