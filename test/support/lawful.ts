// What holds of every world at rest, whatever happened in it.

import { expect } from "vitest";
import { findMarker, purposes } from "../../src/core/marker.ts";
import { type LedgerRecord, parseRecord } from "../../src/ledger/record.ts";
import type { Issue } from "./forge/forge.ts";
import { slotsTaken } from "./picture.ts";
import type { Stage } from "./run.ts";

const items = "refs/agent-dispatch/v1/item/";

/** Nothing is doubled, nothing is held, nothing waits for a dead run. */
export async function expectLawful(s: Stage): Promise<void> {
  const { issues, statuses } = s.forge.repo(s.repo);
  for (const issue of issues) expect(doubled(issue), `doubled on #${issue.number}`).toEqual([]);
  expect(doubledPulls(issues), "more than one pull request").toEqual([]);
  const newest = new Map(statuses.map((status) => [`${status.context} of ${status.sha}`, status.state]));
  const pending = [...newest].filter(([name, state]) => name.startsWith("agent-dispatch/") && state === "pending");
  expect(pending, "left pending").toEqual([]);
  for (const issue of issues.filter((one) => isOver(one, issues))) {
    expect(issue.labels.map(({ name }) => name).filter(isOurs), `left on closed #${issue.number}`).toEqual([]);
    expect(issue.assignees.map(({ login }) => login)).not.toContain("bot");
  }
  await soundAttempts(s);
  const records = await Promise.all((await itemRefs(s)).map(async (ref) => (await recordsOf(s, ref)).at(-1)));
  for (const record of records) {
    expect(["held", "published"], `${record?.key} is claimed`).not.toContain(record?.state);
    expect(record?.slot, `${record?.key} has a place`).toBeNull();
  }
  expect(await slotsTaken(s), "places taken").toEqual([]);
}

/** Closed, and nothing of it open: an issue whose pull request is open still waits for what people do with that, and stays as it is. */
function isOver({ number, state }: Issue, all: readonly Issue[]): boolean {
  const isOpen = ({ state, pull }: Issue) => state === "open" && pull?.headBranch === `agent/issue-${number}`;
  return state === "closed" && !all.some(isOpen);
}

function isOurs(label: string): boolean {
  return label === "bot" || label.startsWith("agent/");
}

/** Marks that more than one comment or review of the bot has, and heads that were judged twice. */
function doubled(issue: Issue): string[] {
  const comments = issue.entries.filter(({ type, user }) => type === "comment" && user.login === "bot");
  const reviews = (issue.pull?.reviews ?? []).filter(({ user }) => user?.login === "bot");
  const marks = [...comments, ...reviews].flatMap(({ body }) => purposes.flatMap((of) => findMarker(body, of) ?? []));
  const judged = reviews.filter(({ body }) => /\*\*(Approved|Changes wanted)/.test(body)).map(({ sha }) => sha);
  const all = [...marks.map((mark) => JSON.stringify(mark)), ...judged.map((sha) => `verdict on ${sha}`)];
  return all.filter((mark, at) => all.indexOf(mark) !== at);
}

/** Branches from which the bot opened several. */
function doubledPulls(issues: readonly Issue[]): string[] {
  const heads = issues.flatMap(({ poster, pull }) => (poster.login === "bot" && pull ? [pull.headBranch] : []));
  return heads.filter((head, at) => heads.indexOf(head) !== at);
}

async function itemRefs(s: Stage): Promise<string[]> {
  return (await s.git("for-each-ref", "--format=%(refname)", items)).split("\n").filter((ref) => ref !== "");
}

/** Every record can be read and claims count up; answers the most attempts that any of them counted. */
export async function soundAttempts(s: Stage): Promise<number> {
  let most = 0;
  for (const ref of await itemRefs(s)) {
    const history = await recordsOf(s, ref);
    const epochs = history.map((record) => record.epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    most = Math.max(most, ...history.map((record) => record.attempt));
  }
  return most;
}

/** Claims of agent work that are held, by item and number of the claim: each of them has counted an attempt. */
export async function attemptsHeld(s: Stage): Promise<string[]> {
  const histories = await Promise.all((await itemRefs(s)).map((ref) => recordsOf(s, ref)));
  const held = histories.flatMap((history) => history.slice(-1)).filter(({ state }) => state === "held");
  return held.filter(({ slot }) => slot !== null).map(({ key, epoch }) => `${key} e${epoch}`);
}

/** Oldest first. */
async function recordsOf(s: Stage, ref: string): Promise<LedgerRecord[]> {
  const text = await s.git("log", "--reverse", "--format=%B%x00", ref);
  const messages = text.split("\0").map((message) => message.trim());
  return messages.filter(Boolean).map((message) => {
    const parsed = parseRecord(`${message}\n`);
    if (parsed.kind === "unreadable") throw new Error(`${ref}: ${parsed.why}`);
    return parsed.record;
  });
}
