import { asked, type Scene } from "../support/scenes.ts";
import { crowded } from "./crowd.ts";

/** So many issues, and two agents at once. */
async function issues(number: number): Promise<Scene> {
  const scene = await asked({}, { policy: "max-concurrent: 2" });
  for (let more = 1; more < number; more++) await scene.s.issue(`sum subtracts, said ${more + 1} times`);
  scene.s.pass(2);
  return scene;
}

await crowded({ name: "2 runs, one issue", runs: 2, scene: () => issues(1), placesMax: 2, seeds: 4 });
await crowded({ name: "3 runs, one issue", runs: 3, scene: () => issues(1), placesMax: 2, seeds: 4 });
await crowded({ name: "3 runs, two issues", runs: 3, scene: () => issues(2), placesMax: 2, seeds: 3 });
await crowded({ name: "8 runs, three issues", runs: 8, scene: () => issues(3), placesMax: 2, seeds: 2 });
