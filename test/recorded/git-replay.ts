import { readFileSync } from "node:fs";
import type { ForgeVersion } from "../support/forge/forge.ts";
import type { Difference } from "./compare.ts";
import { type Ended, GitWorld } from "./git-world.ts";
import type { Replayed } from "./replay.ts";

/** One recorded command. */
interface RecordedCommand {
  n: number;
  step: string;
  as: string;
  args: string[];
  exit: number;
  stdout: string;
  stderr: string;
}

export function readGitRecording(version: ForgeVersion): RecordedCommand[] {
  const path = new URL(`../fixtures/forge-facts/gitea-${version}-git.jsonl`, import.meta.url);
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line): RecordedCommand => JSON.parse(line));
}

const ref = "refs/agent-dispatch/v1/race";

/** What was prepared on the servers before the command of that name. */
const hiddenSteps: Record<string, (world: GitWorld) => Promise<unknown>> = {
  "atomic, a ref and a protected branch": async (world) => {
    await world.place("refs/heads/stable", "base-1");
    await world.world.forge.as("owner").post("/repos/acme/ledger/branch_protections", { rule_name: "stable" });
  },
  "race to move one ref: winner": (world) => world.place(`${ref}/move-one-N`, "rec-one"),
  "race to move two refs, atomic: winner": async (world) => {
    await world.place(`${ref}/move-two-N`, "rec-one");
    await world.place(`${ref}/move-slot-N`, "rec-one");
  },
};

/** Runs every recorded command again, in order; exit status, standard output and standard error must be the same. */
export async function replayGit(version: ForgeVersion): Promise<Replayed[]> {
  const world = await GitWorld.make(version);
  const results: Replayed[] = [];
  const commands = readGitRecording(version);
  let lost: Promise<Ended> | undefined;
  try {
    for (const [index, command] of commands.entries()) {
      await hiddenSteps[command.step]?.(world);
      const loser = commands[index + 1];
      let ended: Ended;
      if (command.step.endsWith(": winner") && loser) {
        const race = await runRace(world, command, loser);
        ended = race.winner;
        lost = race.loser;
      } else {
        ended = await (lost ?? world.run(command.as, command.args));
        lost = undefined;
      }
      results.push({ step: command.step, differences: compareEnds(world, command, ended) });
    }
  } finally {
    await world.close();
  }
  return results;
}

/** The loser has read the refs and sends its push; only then the winner begins, and the loser's is carried out last. */
async function runRace(
  world: GitWorld,
  winner: RecordedCommand,
  loser: RecordedCommand,
): Promise<{ winner: Ended; loser: Promise<Ended> }> {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const heldBack = new Promise<void>((resolve) => {
    world.world.forge.faults.add({
      when: (request) => request.method === "POST" && request.path.endsWith("/git-receive-pack"),
      times: 1,
      do: "pass",
      hold: () => {
        resolve();
        return gate;
      },
    });
  });
  const losing = world.run(loser.as, loser.args);
  // A loser that gives up before it sends its push must not stop the replay.
  await Promise.race([heldBack, losing]);
  const won = await world.run(winner.as, winner.args);
  letGo();
  return { winner: won, loser: losing };
}

function compareEnds(world: GitWorld, recorded: RecordedCommand, ended: Ended): Difference[] {
  const found: Difference[] = [];
  const differ = (at: string, was: string, is: string) => found.push({ at, kind: "shape", recorded: was, actual: is });
  if (recorded.exit !== ended.exit) differ("exit", String(recorded.exit), String(ended.exit));
  for (const at of ["stdout", "stderr"] as const) {
    const was = lines(recorded[at]);
    const is = lines(ended[at]);
    if (!world.world.names.matches(was, is)) differ(at, was, is);
  }
  return found;
}

/** Git pads lines of the remote with spaces. */
function lines(source: string): string {
  return source
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
