// Runs that are cancelled or sleep for longer than their lease, and a server that is away for longer than that.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { implemented, type Plays } from "../support/plays.ts";
import { type Choice, readComments, servers, storyWaitMs, useServer } from "./harness.ts";
import { advance, claimedAnew, expectGoodEnd, goOn, isHandedOver, movedAgain, state } from "./reliability/ending.ts";
import { figures } from "./reliability/figures.ts";
import { type Ground, type GroundOptions, holdFile, leaseOn, makeGround } from "./reliability/ground.ts";
import {
  asManyAsFit,
  atChecks,
  atRequest,
  atWork,
  claim,
  comments,
  finish,
  late,
  looks,
  opensPull,
  type Point,
  playsTo,
  publish,
  upload,
} from "./reliability/points.ts";
import type { Server } from "./servers/server.ts";
import { until } from "./servers/until.ts";

/** Longer than the lease, so that another run may take over, in ms. */
function tooLong(server: Server): number {
  const { ttlSeconds, slackSeconds } = leaseOn(server);
  return (ttlSeconds + slackSeconds + 1.5) * 1000;
}

const note = figures("story");

/** Longer than any story waits for it: such an agent ends only by being killed. */
const endless: Plays = { implement: [{ ...implemented, waitMs: 60_000 }, implemented] };

interface Nap {
  point: Point;
  /** `tree`: a machine that sleeps; `main`: the agent goes on. */
  whom: "main" | "tree";
  /** It wakes as soon as another run has the item, or when that is at its end. */
  wakes: "taken over" | "handed over";
  /** Checks of the repository, where the usual ones are too short to be met. */
  checks?: string;
}

const naps: readonly Nap[] = [
  { point: atWork("while the author is at work", "implement"), whom: "main", wakes: "taken over" },
  { point: atRequest("with the publish under way", "late", publish), whom: "tree", wakes: "handed over" },
  { point: atRequest("with the pull request under way", "late", opensPull), whom: "tree", wakes: "handed over" },
  {
    point: atRequest("right after the claim of the review", "after", claim, { nth: 2 }),
    whom: "tree",
    wakes: "taken over",
  },
  { point: atRequest("with the hand-over under way", "late", comments("handover")), whom: "tree", wakes: "taken over" },
  { point: atRequest("with the end of the claim under way", "late", finish), whom: "tree", wakes: "handed over" },
  {
    ...({ point: atChecks("during the checks", "implement"), whom: "tree", wakes: "handed over" } as const),
    checks: "sleep 2; grep -q 'a + b' sum.js",
  },
  { point: atRequest("while it looks at the repository", "late", looks), whom: "tree", wakes: "handed over" },
  { point: atRequest("with the claim under way", "late", claim), whom: "tree", wakes: "handed over" },
  { point: atWork("while the author is at work", "implement"), whom: "tree", wakes: "handed over" },
  { point: atRequest("with the upload under way", "late", upload), whom: "tree", wakes: "taken over" },
  { point: atRequest("with the publish under way", "late", publish), whom: "tree", wakes: "taken over" },
  {
    point: late(atRequest("with the publish of the rework under way", "late", publish, { nth: 2 })),
    whom: "tree",
    wakes: "handed over",
  },
];

/** Stops the run at the point, lets others go on, wakes it; answers after how many seconds another run had the item. */
async function nap(ground: Ground, { point, whom, wakes }: Nap): Promise<number> {
  let stoppedAt = 0;
  let wake = (): void => undefined;
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const met = point.meet(ground, async () => {
    ground.runs.at(-1)?.signal("SIGSTOP", whom);
    stoppedAt = Date.now();
    await woken;
  });
  const onward = advance(ground, async () => stoppedAt > 0 || (await isHandedOver(ground)));
  await Promise.race([onward, until(async () => stoppedAt > 0, storyWaitMs, point.name)]);
  if (stoppedAt === 0) throw new Error(`never came to: ${point.name}\n${await state(ground)}`);
  const sleeper = ground.runs.at(-1);
  if (sleeper === undefined) throw new Error("nobody was at work");
  const moved = claimedAnew(ground);
  const others = goOn(ground);
  await (wakes === "taken over" ? moved : others);
  const before = ground.wire.changes.length;
  sleeper.signal("SIGCONT", whom);
  wake();
  await Promise.all([met, onward, others]);
  expect(await sleeper.ended, sleeper.lines.join("\n")).toBe(0);
  expect(["lost", "idle"], sleeper.lines.join("\n")).toContain((await sleeper.outputs()).get("outcome"));
  // Only where the others are at their end is what was written since all its own.
  if (wakes === "handed over") expect(ground.wire.changes.slice(before), sleeper.lines.join("\n")).toEqual([]);
  // What was on its way when it fell asleep lands now, beside what was written in its place; the next look puts that right.
  await (await ground.start()).ended;
  return ((await moved) - stoppedAt) / 1000;
}

function optionsFor({ point, checks }: Nap): Pick<GroundOptions, "plays" | "checks"> {
  return { plays: playsTo(point), ...(checks === undefined ? {} : { checks }) };
}

let grounds = 0;

async function onGround(
  server: Server,
  options: Pick<GroundOptions, "plays" | "checks">,
  tell: (ground: Ground) => Promise<void>,
): Promise<void> {
  const ground = await makeGround(server, `pause-${++grounds}`, options);
  try {
    await tell(ground);
  } finally {
    await ground.close();
  }
}

function describePauses(choice: Choice): void {
  describe("a run that sleeps for longer than its lease", () => {
    const server = useServer(choice);
    it.concurrent.each(asManyAsFit(naps, 5))("$point.name ($whom), until it is $wakes", (asleep) =>
      onGround(server(), optionsFor(asleep), async (ground) => {
        const seconds = await nap(ground, asleep);
        await expectGoodEnd(ground);
        const story = `asleep ${asleep.point.name} (${asleep.whom}), until it is ${asleep.wakes}`;
        note({ story, server: server().name, seconds });
      }),
    );
  });

  describe("a run that is cancelled", () => {
    const server = useServer(choice);

    /** As the runner does it: KILL to the one process, then `post`. */
    async function cancelled(ground: Ground): Promise<void> {
      const before = (await ground.stamps()).length;
      const run = await ground.start();
      await until(async () => (await ground.stamps()).length > before, storyWaitMs, "an agent");
      run.signal("SIGKILL", "main");
      await run.ended;
      expect(run.left()).not.toEqual([]);
      await run.post();
      expect(run.left()).toEqual([]);
    }

    it.concurrent("leaves nothing running, and the next run begins anew at once", () =>
      onGround(server(), { plays: endless }, async (ground) => {
        const [number = 0] = ground.issues;
        await cancelled(ground);
        const at = Date.now();
        expect(await ground.ledger.record(number)).toMatchObject({ state: "released", attempt: 0, cancelled: 1 });
        const moved = claimedAnew(ground);
        await goOn(ground);
        await expectGoodEnd(ground);
        note({
          story: "cancelled while the author is at work",
          server: server().name,
          seconds: ((await moved) - at) / 1000,
        });
      }));

    it.concurrent("goes to a person when that happens twice in a row", () =>
      onGround(server(), { plays: { implement: [{ ...implemented, waitMs: 60_000 }] } }, async (ground) => {
        const [number = 0] = ground.issues;
        await cancelled(ground);
        await cancelled(ground);
        await advance(ground, async () => (await ground.ledger.record(number))?.state === "blocked");
        const words = (await readComments(server(), ground.repo, number)).map(({ body }) => body).join("\n");
        expect(words).toContain(`@${ground.alice.login}`);
        expect(await ground.ledger.names()).toEqual([`item/issue-${number}`]);
      }));
  });

  describe("a server that is away for longer than the lease", () => {
    it.concurrent.each(["back before the author ends", "back after the author has ended"])(
      "%s: published once",
      async (when) => {
        const server = await choice.start({ runners: 0 });
        try {
          const { power } = server;
          if (power === null) return;
          await onGround(server, {}, async (ground) => {
            const agent = await holdFile(ground.traces, "hold");
            await ground.play({ implement: [{ ...implemented, hold: agent.file }] });
            const run = await ground.start();
            await until(async () => (await ground.stamps()).length > 0, storyWaitMs, "an agent");
            const awayMs = tooLong(server);
            await power.cut();
            const cutAt = Date.now();
            if (when === "back after the author has ended") await agent.release();
            await sleep(awayMs);
            await power.restore();
            const moved = movedAgain(ground);
            await agent.release();
            expect(await run.ended, run.lines.join("\n")).toBe(0);
            expect((await run.outputs()).get("outcome")).toBe("done");
            await goOn(ground);
            await expectGoodEnd(ground);
            expect((await ground.stamps()).map(({ kind, what }) => `${kind} ${what}`)).toEqual([
              ...["implement start", "implement end"],
              ...["review start", "review end"],
            ]);
            note({
              story: `away for ${awayMs / 1000} s, ${when}`,
              server: server.name,
              seconds: ((await moved) - cutAt) / 1000,
            });
          });
        } finally {
          await server.close();
        }
      },
    );
  });
}

for (const choice of servers()) {
  const title = choice.reason === null ? choice.name : `${choice.name} (${choice.reason})`;
  describe.skipIf(choice.reason !== null)(title, () => describePauses(choice));
}
