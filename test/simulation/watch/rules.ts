// All that is watched. A new invariant is one more entry here.

import type { World } from "../world.ts";
import { agentsRule } from "./agents.ts";
import { boundsRule } from "./bounds.ts";
import { doublesRule } from "./doubles.ts";
import { ledgerRule } from "./ledger.ts";
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
  boundsRule,
  restRule,
];
