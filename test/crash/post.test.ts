import { crashes } from "./crashes.ts";
import { tale } from "./tales.ts";

await crashes(tale("post"));
