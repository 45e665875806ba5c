// The forge goes away while an issue is implemented, at each kind of write.

import { forgeAway } from "../support/outage/phases.ts";
import { asked } from "../support/scenes.ts";

await forgeAway({ implement: () => asked() });
