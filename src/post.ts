// The post step. It runs whenever main was started, also when main was killed: a cancelled step gets SIGKILL while the agent's own session lives on.
// It ends what main left on this machine, gives the claim back and removes the folders. What it cannot do, the next run does or the claim's age,
// so it never fails: each thing that goes wrong is one line.

import { basename } from "node:path";
import { markEntry } from "./agent/mark.ts";
import { readTrace } from "./agent/trace.ts";
import { endTree, type Folder } from "./agent/tree.ts";
import type { Clock } from "./clock.ts";
import { connect, hideTokens, openPorts, type Step } from "./connect.ts";
import { describe } from "./errors.ts";
import { gitHome } from "./git/environment.ts";
import { release } from "./jobs/release.ts";
import { endedText } from "./jobs/strays.ts";
import { whoAmI } from "./run.ts";
import { readSaved, type Saved, type SavedClaim, type SavedFolders } from "./saved.ts";
import { removeAll } from "./workspace.ts";

/** `state` answers what main kept under a name, or the empty text. */
export type PostStep = Omit<Step, "executor" | "saveState" | "stop"> & { state(name: string): string };

/** Longest time for the claim, in ms; with the survivors before and the folders after it the step ends within a minute. */
const releaseMs = 40_000;
/** Longest time for the folders, in ms: the runner removes what is left. */
const foldersMs = 10_000;
/** How long the run's processes are tried to be ended, in ms: longer than while the run lives, for nobody waits here with work. */
const endMs = 8_000;

/** Never throws. */
export async function post(step: PostStep): Promise<void> {
  const saved = readSaved(step.state);
  await told(step, "what the run left on this machine could not be looked for", () => endLeftovers(step, saved));
  if (!saved.isFinished && saved.claim !== null) await giveBack(step, saved, saved.claim);
  const left = "not all folders of the run could be removed";
  await told(step, left, () => within(step.clock, foldersMs, () => removeFolders(saved)));
}

async function told(step: PostStep, what: string, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    step.log.line(`${what}: ${describe(error)}`);
  }
}

async function endLeftovers({ log }: PostStep, { claim, folders, host }: Saved): Promise<void> {
  if (claim === null) return;
  // A push of main's that is under way must not arrive after the look at the record.
  const gits = host !== null && isOurs(host) ? [`HOME=${gitHome(host)}`] : [];
  const tree = { marks: [markEntry(claim), ...gits], folder: folderOf(folders), leader: () => null };
  const end = await endTree(
    { ...tree, seen: folders === null ? new Map() : readTrace(folders.kept) },
    { graceMs: 0, forMs: endMs },
  );
  if (end.kind === "survivors") log.warning(`${endedText(end)} that the run had left behind`);
  else if (end.killed > 0) log.line(`${endedText(end)} that the run had left behind`);
}

function folderOf(folders: SavedFolders | null): Folder | null {
  if (folders === null || folders.sinceTicks === null || !isOurs(folders.root)) return null;
  return { path: folders.root, sinceTicks: folders.sinceTicks };
}

async function giveBack(step: PostStep, saved: Saved, claim: SavedClaim): Promise<void> {
  await told(step, `#${claim.item} could not be given back here, the next run sees to it`, () =>
    within(step.clock, releaseMs, async (late) => step.log.line(await releaseClaim(step, saved, claim, late))),
  );
}

/** Throws at the deadline; what is under way then is told by the signal, and not waited for. */
async function within(clock: Clock, ms: number, task: (late: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(ms, done.signal).then(() => {
    if (done.signal.aborted) return;
    late.abort();
    throw new Error(`no end after ${ms / 1000} s`);
  });
  const work = task(late.signal);
  work.catch(() => undefined);
  try {
    await Promise.race([work, timer]);
  } finally {
    done.abort();
  }
}

async function releaseClaim(
  step: PostStep,
  saved: Saved,
  { owner, item }: SavedClaim,
  stop: AbortSignal,
): Promise<string> {
  // Nobody waits for a forge that does not answer: it may well be that the token is refused already, as that of a cancelled run is.
  const quick: Step = {
    ...step,
    // What is wrong with inputs and settings main has told already.
    log: { ...step.log, warning: () => undefined },
    executor: { event: "", payload: {}, actor: null, runId: "", claimed: null },
    saveState: () => undefined,
    stop,
    http: { timeoutMs: 10_000, triesMax: 2, retryMsMax: 10_000, ...step.http },
    git: { networkMs: 15_000, signal: stop },
  };
  hideTokens(quick);
  const connected = await connect(quick);
  const { ports, close } = openPorts(quick, connected);
  try {
    const { settings, reached } = connected;
    const { policy } = settings;
    const limits = { ...policy.limits, apiSeconds: Math.min(policy.limits.apiSeconds, 10) };
    const who = whoAmI(ports, settings, reached, owner);
    return await release(ports, { ...settings, policy: { ...policy, limits } }, who, item, saved.agent);
  } finally {
    await close();
  }
}

/** Main removes them itself where it comes to its end. */
async function removeFolders({ folders, host }: Saved): Promise<void> {
  const all = [folders?.root, folders?.kept, host].filter((folder) => typeof folder === "string" && isOurs(folder));
  for (const folder of all) if (folder) await removeAll(folder);
}

/** Only folders of the names that this program gives: what main kept passes through a file of the runner that others may write. */
function isOurs(folder: string): boolean {
  return /^agent-dispatch-(host-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-kept)?$/.test(basename(folder));
}
