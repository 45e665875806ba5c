// Answers lost or cut in half while a pull request is open: review, rework, hand over, merge, stop, answer, repair.

import { answersLost } from "../support/outage/answers.ts";
import { pullScenes } from "../support/outage/scenes.ts";

await answersLost(pullScenes);
