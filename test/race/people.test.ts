import { interrupted } from "./interrupt.ts";
import { people } from "./rivals.ts";

for (const story of people) await interrupted(story);
