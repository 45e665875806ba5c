// The real runner: KILL to it and to all that it started, at the points of the story; and the forge's cancel button, with a runner that obeys it
// and with one that is gone.

import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { implemented, type Plays } from "../support/plays.ts";
import { type Choice, isOver, labelIssue, openIssue, servers, storyWaitMs, until, useServer } from "./harness.ts";
import { claimedAnew, type Ended, expectHandedOver, isHandedOver } from "./reliability/ending.ts";
import { figures } from "./reliability/figures.ts";
import { leaseOn, readStamps, type Stamp } from "./reliability/ground.ts";
import { ledgerOf } from "./reliability/ledger.ts";
import {
  asManyAsFit,
  atRequest,
  atWork,
  claim,
  comments,
  finish,
  judges,
  late,
  opensPull,
  type Point,
  playsTo,
  publish,
} from "./reliability/points.ts";
import { openWire, type Wire } from "./reliability/wire.ts";
import type { Server, WorkflowRun } from "./servers/server.ts";
import { nudge } from "./story.ts";
import { makeWorld, type World } from "./world.ts";

const all: readonly Point[] = [
  atWork("the author is at work", "implement"),
  atRequest("the publish was applied, its answer not heard", "after", publish),
  atRequest("the verdict was written, its answer not heard", "after", judges),
  atRequest("the claim was applied, its answer not heard", "after", claim),
  atRequest("all is checked, the publish not sent", "before", publish),
  atRequest("the pull request was opened, its answer not heard", "after", opensPull),
  atRequest("all effects are written, the record does not say so", "before", finish),
  atWork("the reviewer is at work", "review"),
  late(atWork("the author reworks", "rework")),
  atRequest("the hand-over is about to be said", "before", comments("handover")),
];
/** Each takes three or four runs of the real runner. */
const points = asManyAsFit(all, 3);

const note = figures("runner");

interface Place extends Ended {
  world: World;
  wire: Wire;
  stamps(): Promise<Stamp[]>;
  /** A person puts the label on. */
  begin(): Promise<void>;
}

let places = 0;

/** A repository with the workflow file, an issue, and a line between its runs and the server. */
async function onPlace(
  server: Server,
  options: { plays: Plays; limits?: Readonly<Record<string, number>> },
  tell: (place: Place) => Promise<void>,
): Promise<void> {
  const wire = await openWire(server.url);
  const limits = { ...leaseOn(server), endedSeconds: 0.5, killSeconds: 0.3, cooldownSeconds: [0], ...options.limits };
  const world = await makeWorld(server, `runner-${++places}`, {
    plays: options.plays,
    checks: "grep -q 'a + b' sum.js",
    inputs: { "server-url": wire.url },
    files: { ".agent-dispatch.yml": JSON.stringify({ limits, maxAttempts: 20 }) },
    // Where one run must not start the next, ticks go on.
    ...(server.capabilities.chain ? {} : { cron: "@every 10s" }),
  });
  try {
    const { repo, alice, bot } = world;
    const { number } = await openIssue(server, alice, repo, "sum subtracts", "It should add.");
    await tell({
      ...{ world, wire, server, repo, alice, bot, issues: [number], ledger: ledgerOf(world) },
      stamps: () => readStamps(world.traces),
      begin: () => labelIssue(server, alice, repo, number, "bot"),
    });
  } finally {
    await world.close();
    await wire.close();
  }
}

/** Starts a look at the whole repository again and again, as ticks do, until everything is handed over. */
async function goOn(place: Place): Promise<void> {
  const pauseMs = 1000 * (leaseOn(place.server).ttlSeconds + 1);
  for (const deadline = Date.now() + 2 * storyWaitMs; Date.now() < deadline; ) {
    await nudge(place.world);
    const nextAt = Date.now() + pauseMs;
    while (Date.now() < nextAt) {
      if (await isHandedOver(place)) return;
      await sleep(300);
    }
  }
  throw new Error("not handed over in time");
}

async function isAgentAlive({ world }: Place): Promise<boolean> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes("plays.mjs") && command.includes(world.traces)) return true;
  }
  return false;
}

/** For the whole story; only KILL ends it earlier. */
const endless: Plays = { implement: [{ ...implemented, waitMs: 60_000 }, implemented] };

const longLease = { renewSeconds: 60, fenceSeconds: 210, ttlSeconds: 420, slackSeconds: 30 };

function describeRunners(choice: Choice): void {
  const server = useServer(choice);

  async function untilAtWork(place: Place): Promise<void> {
    await until(async () => (await place.stamps()).length > 0, storyWaitMs, "an agent");
  }

  /** The run that holds the claim: the bot's assignment of itself starts another one, which is newer. */
  async function cancelRunning({ world, ledger, issues }: Place): Promise<void> {
    const [number = 0] = issues;
    const holder = (await ledger.record(number))?.run?.number;
    const isHolder = (one: WorkflowRun) => one.number === holder && !isOver(one);
    const run = await server().waitForRun(world.repo, `run ${holder}, which holds the claim`, isHolder);
    await server().cancelRun(world.repo, run);
  }

  it.each(points)("KILL to the runner: $name", async (point) => {
    await onPlace(server(), { plays: playsTo(point) }, async (place) => {
      const { power } = server();
      if (power === null) return;
      let killedAt = 0;
      const met = point.meet(place, async () => {
        killedAt = Date.now();
        await power.loseRunners();
      });
      await place.begin();
      await met;
      const moved = claimedAnew(place);
      await goOn(place);
      await expectHandedOver(place);
      note({ story: `killed: ${point.name}`, server: server().name, seconds: ((await moved) - killedAt) / 1000 });
    });
  });

  it("KILL to the runner, and a person cancels its dead run: the next one does not wait for the lease", async () => {
    await onPlace(server(), { plays: endless, limits: longLease }, async (place) => {
      const { power } = server();
      if (power === null) return;
      await place.begin();
      await untilAtWork(place);
      await power.loseRunners();
      await cancelRunning(place);
      const at = Date.now();
      const moved = claimedAnew(place);
      await goOn(place);
      await expectHandedOver(place);
      const seconds = ((await moved) - at) / 1000;
      expect(seconds).toBeLessThan(longLease.ttlSeconds / 4);
      note({ story: "killed, its run cancelled; lease of 420 s", server: server().name, seconds });
    });
  });

  it("the cancel button while the author is at work: nothing runs on, and the item is free at once", async () => {
    await onPlace(server(), { plays: endless, limits: longLease }, async (place) => {
      await place.begin();
      await untilAtWork(place);
      await cancelRunning(place);
      const at = Date.now();
      const [number = 0] = place.issues;
      const isFree = async () => (await place.ledger.record(number))?.state === "released";
      await until(isFree, storyWaitMs, `#${number} to be released`);
      expect(await place.ledger.record(number)).toMatchObject({ state: "released", attempt: 0, cancelled: 1 });
      expect(await isAgentAlive(place)).toBe(false);
      const moved = claimedAnew(place);
      await goOn(place);
      await expectHandedOver(place);
      note({
        story: "cancelled while the author is at work",
        server: server().name,
        seconds: ((await moved) - at) / 1000,
      });
    });
  });
}

for (const choice of servers()) {
  const title = choice.reason === null ? choice.name : `${choice.name} (${choice.reason})`;
  describe.skipIf(choice.reason !== null)(title, () => describeRunners(choice));
}
