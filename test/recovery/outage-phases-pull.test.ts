// The forge goes away while a pull request is judged, handed over, reworked, merged, at each kind of write.

import { forgeAway } from "../support/outage/phases.ts";
import { pullScenes } from "../support/outage/scenes.ts";

const { land, rework, "a review that approves": approve } = pullScenes;
if (land === undefined || rework === undefined || approve === undefined) throw new Error("a scene is missing");
await forgeAway({ land, "review and hand-over": approve, rework });
