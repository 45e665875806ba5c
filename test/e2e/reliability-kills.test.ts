// KILL to the run, and KILL to the server, at the points of the story.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { type Choice, servers, useServer } from "./harness.ts";
import { advance, claimedAnew, expectGoodEnd, goOn, isHandedOver, movedAgain, state } from "./reliability/ending.ts";
import { figures } from "./reliability/figures.ts";
import { type Ground, makeGround } from "./reliability/ground.ts";
import {
  asManyAsFit,
  atRequest,
  atWork,
  claim,
  comments,
  finish,
  judges,
  labels,
  late,
  opensPull,
  type Point,
  playsTo,
  publish,
  upload,
} from "./reliability/points.ts";

/** `main`: the one process, whose agent lives on; `tree`: a machine that loses its power. */
interface RunKill {
  point: Point;
  whom: "main" | "tree";
}

const runKills: readonly RunKill[] = [
  { point: atRequest("the claim was applied, its answer not heard", "after", claim), whom: "tree" },
  { point: atWork("the author is at work", "implement"), whom: "main" },
  { point: atRequest("the work was uploaded, the answer not heard", "after", upload), whom: "tree" },
  { point: atRequest("all is checked, the publish not sent", "before", publish), whom: "tree" },
  { point: atRequest("the publish was applied, its answer not heard", "after", publish), whom: "tree" },
  { point: atRequest("the pull request was opened, its answer not heard", "after", opensPull), whom: "tree" },
  { point: atRequest("all effects are written, the record does not say so", "before", finish), whom: "tree" },
  { point: atRequest("the review has begun", "after", claim, { nth: 2 }), whom: "tree" },
  { point: atRequest("the verdict was written, its answer not heard", "after", judges), whom: "tree" },
  { point: atRequest("the hand-over is about to be said", "before", comments("handover")), whom: "tree" },
  { point: atRequest("the pull request is about to be opened", "before", opensPull), whom: "tree" },
  { point: atRequest("the stage label was written, its answer not heard", "after", labels), whom: "tree" },
  { point: atWork("the reviewer is at work", "review"), whom: "main" },
  { point: late(atWork("the author reworks", "rework")), whom: "main" },
  {
    point: late(atRequest("the rework was published, its answer not heard", "after", publish, { nth: 2 })),
    whom: "tree",
  },
];

const serverKills: readonly Point[] = [
  atRequest("with the claim under way", "during", claim, { delayMs: 5 }),
  atWork("while the author is at work", "implement"),
  atRequest("with the upload under way", "during", upload, { delayMs: 5 }),
  atRequest("with the publish just sent", "during", publish),
  atRequest("15 ms into the publish", "during", publish, { delayMs: 15 }),
  atRequest("right after the publish", "after", publish),
  atRequest("with the pull request under way", "during", opensPull),
  atRequest("with the claim of the review under way", "during", claim, { nth: 2, delayMs: 5 }),
  atRequest("with the verdict under way", "during", judges),
  atRequest("with the hand-over under way", "during", comments("handover")),
  atRequest("right after the claim", "after", claim),
  atRequest("before the publish", "before", publish),
  atRequest("40 ms into the publish", "during", publish, { delayMs: 40 }),
  atRequest("150 ms into the publish", "during", publish, { delayMs: 150 }),
  atRequest("with the stage label under way", "during", labels),
  atRequest("with the end of the claim under way", "during", finish, { delayMs: 5 }),
  late(atRequest("10 ms into the publish of the rework", "during", publish, { nth: 2, delayMs: 10 })),
];

/** How long a killed server is away, in ms. */
const awayMs = 700;

const note = figures("killed");

interface Misfortune {
  strike(): Promise<unknown>;
  /** Begins when it is over; answers when the item moved again, ms since 1970. */
  moved(): Promise<number>;
}

/** Goes on to the point, strikes, goes on to the end; answers for how many seconds the item did not move. */
async function through(ground: Ground, point: Point, { strike, moved }: Misfortune): Promise<number> {
  let struckAt = 0;
  const met = point.meet(ground, async () => {
    struckAt = Date.now();
    await strike();
  });
  const isStruck = async () => struckAt > 0 || (await isHandedOver(ground));
  const onward = advance(ground, isStruck);
  await Promise.race([onward, met]);
  if (struckAt === 0) throw new Error(`never came to: ${point.name}\n${await state(ground)}`);
  await met;
  const movedAt = moved();
  await onward;
  await goOn(ground);
  await expectGoodEnd(ground);
  return ((await movedAt) - struckAt) / 1000;
}

let places = 0;

function describeKills(choice: Choice): void {
  describe("KILL to a run", () => {
    const server = useServer(choice);
    it.concurrent.each(asManyAsFit(runKills, 10))("$whom: $point.name", async ({ point, whom }) => {
      const ground = await makeGround(server(), `killed-${++places}`, { plays: playsTo(point) });
      try {
        const strike = async () => ground.runs.at(-1)?.signal("SIGKILL", whom);
        const seconds = await through(ground, point, { strike, moved: () => claimedAnew(ground) });
        const story = `${whom === "main" ? "run" : "run and all it started"}: ${point.name}`;
        note({ story, server: server().name, seconds });
      } finally {
        await ground.close();
      }
    });
  });

  describe("KILL to the server, then started again", () => {
    it.concurrent.each(asManyAsFit(serverKills, 10))("$name", async (point) => {
      const server = await choice.start({ runners: 0 });
      let ground: Ground | null = null;
      try {
        const { power } = server;
        if (power === null) return;
        const struck = await makeGround(server, "struck", { plays: playsTo(point) });
        ground = struck;
        let back: Promise<unknown> = Promise.resolve();
        const strike = async () => {
          await power.cut();
          back = sleep(awayMs).then(() => power.restore());
          back.catch(() => undefined);
        };
        const seconds = await through(struck, point, { strike, moved: () => back.then(() => movedAgain(struck)) });
        note({ story: `server: ${point.name}`, server: server.name, seconds });
      } finally {
        await ground?.close();
        await server.close();
      }
    });
  });
}

for (const choice of servers()) {
  const title = choice.reason === null ? choice.name : `${choice.name} (${choice.reason})`;
  describe.skipIf(choice.reason !== null)(title, () => describeKills(choice));
}
