// `npm run demo`: the story in one command, on the embedded forge; with `--gitea` on a real Gitea with real runners.
//
// Nothing is left behind, however it ends: everything lies in one temporary folder, whose name every process of the story has in its environment.

import process from "node:process";
import { startEmbedded } from "../test/e2e/servers/embedded.ts";
import { giteaBinaries, startGitea } from "../test/e2e/servers/gitea.ts";
import type { Server } from "../test/e2e/servers/server.ts";
import { toolPath } from "../test/support/executors/executor.ts";
import { StoryError } from "./demand.ts";
import { inOwnFolder, type Stopped } from "./own-folder.ts";
import { processRunner } from "./runner.ts";
import { agentCommand, type Stage, setStage } from "./stage.ts";
import { tell } from "./story.ts";
import { teller, wantsColours } from "./terminal.ts";

const usage = `npm run demo                       on the embedded forge: no network, nothing to install
npm run demo -- --gitea            on the Gitea that GITEA_BIN names, kept open in the browser until Ctrl-C
npm run demo -- --gitea --once     the same, ending by itself`;

/** The story is over and people look around: from here on Ctrl-C is the expected end. */
let isTold = false;

// Not by `exitCode`: timers of what is ended already would keep the process for seconds.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => !["--gitea", "--once", "--help"].includes(arg));
  if (args.includes("--help") || unknown.length > 0) {
    (unknown.length > 0 ? console.error : console.log)(usage);
    return unknown.length > 0 ? 2 : 0;
  }
  const real = args.includes("--gitea");
  const missing = real ? whyNoGitea() : processRunner.available();
  if (missing !== null) {
    console.error(`demo: ${missing}`);
    return 2;
  }
  const ended = await inOwnFolder("demo", (stopped) => play(real, real && !args.includes("--once"), stopped));
  return isTold ? 0 : ended;
}

function whyNoGitea(): string | null {
  if (giteaBinaries().length === 0)
    return "--gitea needs a Gitea: GITEA_BIN=/path/to/gitea npm run demo -- --gitea (1.24 or later, one executable file)";
  return toolPath("gitea-runner") === null
    ? "--gitea needs the Gitea runner; build it: npm run tools"
    : processRunner.available();
}

async function play(real: boolean, staysOpen: boolean, stopped: Stopped): Promise<number> {
  const out = teller((text) => process.stdout.write(text), wantsColours());
  const startedAt = performance.now();
  out.say(real ? "Starting a Gitea and two runners …" : "agent-dispatch: one issue, from the label to the merge");
  const [binary = ""] = giteaBinaries();
  const server = real
    ? await startGitea(binary, { runners: 2 })
    : await startEmbedded({ executor: processRunner, version: "1.26.4" });
  let isOver = false;
  stopped.then(() => {
    isOver = true;
  });
  try {
    out.say(
      real
        ? `${server.name} at ${server.url}, with real runners`
        : `A forge in memory at ${server.url} that behaves like Gitea ${server.version}; no other host is asked.`,
    );
    out.say(
      "The agent is a script that plays author and reviewer (demo/agent.mjs); everything else is the program as it runs on your server.",
    );
    const stage = await setStage(server, await agentCommand());
    const { issue, pull } = await tell(stage, out);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    out.say(`
Seen in ${seconds} s: issue #${issue} became pull request #${pull}; a review found what the tests did not, the author mended it,
a second review approved, a person merged. Every step was a run of its own; the forge held all state.
Next: README.md sets it up on your server; ${real ? "docs/ has the details" : "`npm run demo -- --gitea` plays this on a real Gitea"}.`);
    if (staysOpen) {
      isTold = true;
      out.say(visit(stage, pull));
      await stopped;
    }
    return 0;
  } catch (error) {
    if (isOver) return 1;
    console.error(`\ndemo: the story came out otherwise. ${describe(error)}`);
    if (!(error instanceof StoryError)) console.error((await server.diagnostics().catch(() => "")).slice(-4_000));
    return 1;
  } finally {
    await close(server);
  }
}

function visit({ server, repo, alice, bot, critic }: Stage, pull: number): string {
  const people = [alice, bot, critic, server.admin].map(({ login, password }) => `  ${login.padEnd(12)} ${password}`);
  return `
Open until Ctrl-C, which removes it:
  ${server.url}/${repo.fullName}/pulls/${pull}
Sign in as (user name, password):
${people.join("\n")}`;
}

function describe(error: unknown): string {
  if (error instanceof StoryError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function close(server: Server): Promise<void> {
  await server.close().catch((error: unknown) => console.error(`demo: could not end the server: ${String(error)}`));
}
