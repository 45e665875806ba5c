// Invariant 7, the money: runs that are parallel, or die, cannot spend more than the day's budget together.

import { costUsdPerRun } from "../plan.ts";
import type { World } from "../world.ts";
import type { Rule } from "./watch.ts";

export function moneyRule({ plan, agents, watch, schedule }: World): Rule {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return {
    agentStarted() {
      if (plan.dayBudget === 0) return;
      const today = agents.sessions.filter(({ startedAt }) => day(startedAt) === day(schedule.now));
      const spent = today.reduce((sum, { costUsd }) => sum + costUsd, 0);
      // No agent costs more than what is reserved for it.
      if (spent > plan.dayBudget + 1e-9)
        watch.fail(
          "money",
          `${spent.toFixed(2)} USD on one day, of ${plan.dayBudget} (a run reserves ${costUsdPerRun})`,
        );
    },
  };
}
