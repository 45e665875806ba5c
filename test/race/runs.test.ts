import { interrupted } from "./interrupt.ts";
import { runs } from "./rivals.ts";

for (const story of runs) await interrupted(story);
