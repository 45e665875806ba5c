// All that is watched. A new invariant is one more entry here.

import type { World } from "../world.ts";
import { agentsRule } from "./agents.ts";
import { boundsRule } from "./bounds.ts";
import { doublesRule } from "./doubles.ts";
import { fenceRule } from "./fence.ts";
import { ledgerRule } from "./ledger.ts";
import { moneyRule } from "./money.ts";
import { ordersRule } from "./orders.ts";
import { peopleRule } from "./people.ts";
import { publishingRule } from "./publishing.ts";
import { restRule } from "./rest.ts";
import { verdictsRule } from "./verdicts.ts";
import type { Rule } from "./watch.ts";

export const rules: readonly ((world: World) => Rule)[] = [
  ledgerRule,
  agentsRule,
  publishingRule,
  verdictsRule,
  doublesRule,
  peopleRule,
  ordersRule,
  fenceRule,
  moneyRule,
  boundsRule,
  restRule,
];
