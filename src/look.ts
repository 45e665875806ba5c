// Reads the costly facts that decide asked for and puts them into a new snapshot. Chooses nothing.

import { foreignChecks } from "./core/checks.ts";
import type { Decision } from "./core/decision.ts";
import type { Details, Item, PullDetails, Snapshot } from "./core/model.ts";
import type { EndOfRun } from "./core/takeover.ts";
import { readEnd } from "./ends.ts";
import { describe, RunError } from "./errors.ts";
import type { LineComment, Pull, Review, WriteAccess } from "./forge/model.ts";
import { readPast } from "./past.ts";
import type { Ports } from "./ports.ts";

type Look = Extract<Decision, { kind: "look" | "look-control" }>;

/** The facts that decide asked for, put into a new snapshot. */
export async function look(ports: Ports, snapshot: Snapshot, decision: Look): Promise<Snapshot> {
  if (decision.kind === "look-control") {
    const access = { ...snapshot.control.access, ...(await rights(ports, decision.logins)) };
    return { ...snapshot, control: { ...snapshot.control, access } };
  }
  const { item, wanted } = decision;
  switch (wanted.facts) {
    case "details":
      return withItem(snapshot, { ...item, ...(await readDetails(ports, snapshot, item, wanted.branch)) });
    case "access": {
      if (item.details === null) throw new Error("rights are asked for before the facts they belong to");
      const access = { ...item.details.access, ...(await rights(ports, wanted.logins)) };
      return withDetails(snapshot, item, { ...item.details, access });
    }
    case "merge": {
      const { details, pull } = item;
      if (details === null || details.pull === null || pull === null)
        throw new Error("a merge is asked for before the facts of its pull request");
      const merge = await ports.workshop.mergeOf(ports, pull);
      return withDetails(snapshot, item, { ...details, pull: { ...details.pull, merge } });
    }
    case "past": {
      if (item.details === null) throw new Error("what is left of an issue is asked for before its facts");
      const past = await readPast(ports, snapshot, item);
      return withDetails(snapshot, item, { ...item.details, past, branch: past.branch?.sha ?? null });
    }
    case "end":
      return { ...snapshot, ends: { ...snapshot.ends, [item.key]: await endOfHolder(ports, item) } };
    case "dispatch":
      return { ...snapshot, canDispatch: await mayDispatch(ports) };
    default:
      return wanted satisfies never;
  }
}

async function rights(ports: Ports, logins: readonly string[]): Promise<Record<string, WriteAccess>> {
  const asked = await Promise.all(
    logins.map(async (login) => [login.toLowerCase(), await ports.forge.writeAccess(login)] as const),
  );
  return Object.fromEntries(asked);
}

async function endOfHolder(ports: Ports, { record }: Item): Promise<EndOfRun | null> {
  const run = record.kind === "record" ? record.record.run : null;
  return run === null ? null : await readEnd(ports, run);
}

/** Runs that are searched for a dispatched one still at work. */
const runsSearched = 50;

/** Whether this run may start another one now without harm. */
export async function mayDispatch(ports: Ports): Promise<boolean | "busy"> {
  const own = await ports.ownRun();
  if (own === null || !(await ports.forge.canDispatch())) return false;
  if (!(await ports.forge.dispatchCancels())) return true;
  const runs = (await ports.forge.recentRuns(runsSearched)) ?? [];
  const isAtWork = runs.some(
    (run) => run.state === "running" && run.event === "workflow_dispatch" && run.workflow === own.workflow,
  );
  return isAtWork ? "busy" : true;
}

type Read = Pick<Item, "details" | "pull" | "unreadable">;

// What one stranger can make unreadable (megabytes of comments on an issue of theirs) must not stop the whole run: that item is left alone.
async function readDetails(ports: Ports, snapshot: Snapshot, item: Item, branch: string): Promise<Read> {
  const { number } = item.issue;
  try {
    const [timeline, comments, openDependencies, found, ofPull] = await Promise.all([
      ports.forge.timeline(number),
      ports.forge.comments(number),
      item.pull === null ? ports.forge.openDependencies(number) : [],
      branch === "" ? null : ports.forge.branch(branch),
      item.pull === null ? null : pullDetails(ports, snapshot, item, item.pull),
    ]);
    const details: Details = {
      ...{ timeline, comments, openDependencies, branch: found?.sha ?? null },
      ...{ access: item.details?.access ?? {}, pull: ofPull?.facts ?? null, past: null },
    };
    return { details, pull: ofPull?.pull ?? item.pull, unreadable: null };
  } catch (error) {
    if (!(error instanceof RunError) || error.retry) throw error;
    return { details: null, pull: item.pull, unreadable: describe(error) };
  }
}

/** Reviews whose line comments are read: the newest that ask for changes. */
const reviewsReadMax = 5;

async function pullDetails(
  ports: Ports,
  snapshot: Snapshot,
  item: Item,
  known: Pull,
): Promise<{ pull: Pull; facts: PullDetails }> {
  const { forge } = ports;
  const { number } = known;
  // A person's pull request is its own issue: its timeline and comments are read as those of the item.
  const [pull, timeline, comments, reviews, statuses, base] = await Promise.all([
    settled(ports, known),
    item.issue.isPull ? [] : forge.timeline(number),
    item.issue.isPull ? [] : forge.comments(number),
    forge.reviews(number),
    forge.statuses(known.headSha),
    forge.branch(known.baseRef),
  ]);
  const required = base?.requiredContexts ?? [];
  const isRed = foreignChecks(statuses, required, snapshot.workflow).red.length > 0;
  const baseStatuses = isRed && base !== null ? await forge.statuses(base.sha) : [];
  const record = item.record.kind === "record" ? item.record.record : null;
  const isKnownClean = record?.mergeClean?.head === pull.headSha && record.mergeClean.base === base?.sha;
  return {
    pull,
    facts: {
      ...{ timeline, comments, reviews, statuses, lineComments: await wordsOfReviews(ports, number, reviews) },
      base: {
        ...{ sha: base?.sha ?? null, required, requiredApprovals: base?.requiredApprovals ?? 0 },
        statuses: baseStatuses,
      },
      merge: pull.mergeable || pull.draft || isKnownClean ? "clean" : "hint",
    },
  };
}

async function wordsOfReviews(ports: Ports, pull: number, reviews: readonly Review[]): Promise<LineComment[]> {
  const asking = reviews.filter((r) => r.state === "changes-requested" && !r.dismissed && r.comments > 0);
  const read = asking.slice(-reviewsReadMax).map((review) => ports.forge.lineComments(pull, review.id));
  return (await Promise.all(read)).flat();
}

/** How often a pull request is read until the forge calls it mergeable: `false` also means "still checking". */
const mergeablePolls = 5;
const pollMs = 300;

async function settled(ports: Ports, known: Pull): Promise<Pull> {
  let pull = known;
  for (let polls = 0; polls < mergeablePolls && !pull.mergeable && !pull.draft; polls++) {
    if (polls > 0) await ports.clock.sleep(pollMs);
    pull = (await ports.forge.pull(known.number)) ?? pull;
    // Closed or moved meanwhile: the next look sees it whole.
    if (pull.state === "closed" || pull.headSha !== known.headSha) return known;
  }
  return pull;
}

function withDetails(snapshot: Snapshot, item: Item, details: Details): Snapshot {
  return withItem(snapshot, { ...item, details });
}

function withItem(snapshot: Snapshot, item: Item): Snapshot {
  return { ...snapshot, items: snapshot.items.map((other) => (other.key === item.key ? item : other)) };
}
