import { interrupted } from "./interrupt.ts";
import { sleepers } from "./rivals.ts";

for (const story of sleepers) await interrupted(story);
