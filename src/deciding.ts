// Decides, and reads what decide asks for until it has what it needs. Bounded there: a number of items a run, a few facts an item.

import { decide } from "./core/decide.ts";
import type { Decision } from "./core/decision.ts";
import type { Snapshot } from "./core/model.ts";
import type { Policy } from "./core/policy.ts";
import { look } from "./look.ts";
import type { Ports } from "./ports.ts";

export type Decided = Exclude<Decision, { kind: "look" | "look-control" }>;

export async function decided(
  ports: Ports,
  policy: Policy,
  first: Snapshot,
): Promise<{ decision: Decided; snapshot: Snapshot }> {
  let snapshot = first;
  for (;;) {
    const decision = decide(snapshot, policy);
    if (decision.kind !== "look" && decision.kind !== "look-control") return { decision, snapshot };
    snapshot = await look(ports, snapshot, decision);
  }
}
