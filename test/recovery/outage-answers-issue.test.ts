// Answers lost or cut in half while an issue is worked on: implement, fail, ask, pause, start a run.

import { answersLost } from "../support/outage/answers.ts";
import { issueScenes } from "../support/outage/scenes.ts";

await answersLost(issueScenes);
