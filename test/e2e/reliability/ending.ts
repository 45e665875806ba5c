// How every story of reliability goes on, and how it must end: exactly one pull request per issue, handed over, and nothing stuck.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { Pull } from "../harness.ts";
import { look } from "../picture.ts";
import { until } from "../servers/until.ts";
import type { Ground, Stamp } from "./ground.ts";

/** Longest time until a story is at its end, in ms. */
const endMs = 240_000;
/** Between the end of a run and the start of the next, in ms: as ticks of a repository that is very much in use. */
const pauseMs = 200;
const idlePauseMs = 2_000;

const PullWithBody = Pull.extend({ body: z.string() });

/** Starts runs, `lanes` at a time, until everything is handed over. */
export function goOn(ground: Ground, lanes = 1): Promise<void> {
  return advance(ground, () => isHandedOver(ground), lanes);
}

/** Starts runs, one after the other in each lane, until the condition holds at the end of one. */
export async function advance(ground: Ground, isThere: () => Promise<boolean>, lanes = 1): Promise<void> {
  const deadline = Date.now() + endMs;
  let isOver = false;
  const lane = async () => {
    while (!isOver) {
      if (Date.now() > deadline) throw new Error(`not there after ${endMs / 1000} s:\n${await state(ground)}`);
      const run = await ground.start();
      await run.ended;
      isOver ||= await isThere();
      const isIdle = (await run.outputs()).get("outcome") === "idle";
      if (!isOver) await sleep(isIdle ? idlePauseMs : pauseMs);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}

export async function isHandedOver({ ledger, issues }: Ended): Promise<boolean> {
  for (const number of issues) {
    const record = await ledger.record(number);
    if (record?.state !== "done" || record.stage !== "merge-ready") return false;
  }
  return true;
}

/** What a story's end is judged by. */
export type Ended = Pick<Ground, "server" | "repo" | "issues" | "alice" | "bot" | "ledger">;

/** Nothing is doubled, nothing is lost, nothing is left. */
export async function expectHandedOver(ended: Ended): Promise<void> {
  const { server, repo, issues, alice, bot, ledger } = ended;
  const pulls = await server.as(server.admin).list(`/repos/${repo.fullName}/pulls?state=all`, PullWithBody);
  for (const number of issues) {
    const own = pulls.filter(({ body }) => new RegExp(`agent-dispatch:pull v1 issue=${number}\\b`).test(body));
    expect(own.map((pull) => [pull.state, pull.head.ref])).toEqual([["open", `agent/issue-${number}`]]);
    const { issue, pull, statuses } = await look(ended, number);
    expect({ labels: issue.labels, assignees: issue.assignees }).toEqual({ labels: [], assignees: [alice.login] });
    expect(pull).toMatchObject({ author: bot.login, labels: ["agent/merge-ready"], assignees: [alice.login] });
    expect(statuses["agent-dispatch/review"]).toBe("success");
    expect(issue.comments).toEqual({ status: 1 });
    expect(pull?.comments["handover"]).toBe(1);
    expect(pull?.head).toBe((await ledger.record(number))?.head);
  }
  expect(pulls).toHaveLength(issues.length);
  // A slot that a dead run left names a claim that is over: it holds nobody up, and the next to need that place replaces it.
  const kept = (await ledger.names()).filter((name) => !name.startsWith("slot/"));
  expect(kept).toEqual(issues.map((number) => `item/issue-${number}`).sort());
}

/** The same, and a further run finds nothing to do. */
export async function expectGoodEnd(ground: Ground): Promise<void> {
  await expectHandedOver(ground);
  const { issues, ledger } = ground;
  const before = await Promise.all(issues.map((number) => ledger.at(number)));
  const last = await ground.start();
  expect(await last.ended, last.lines.join("\n")).toBe(0);
  expect((await last.outputs()).get("outcome")).toBe("idle");
  expect(await Promise.all(issues.map((number) => ledger.at(number)))).toEqual(before);
}

/** The most agents that were at work at the same moment. Every one must have come to its end. */
export function agentsAtOnce(stamps: readonly Stamp[]): number {
  const alive = new Set<number>();
  let most = 0;
  for (const { what, pid } of [...stamps].sort((a, b) => a.at - b.at || (a.what === "end" ? -1 : 1))) {
    if (what === "start") alive.add(pid);
    else alive.delete(pid);
    most = Math.max(most, alive.size);
  }
  expect([...alive], "agents that did not end").toEqual([]);
  return most;
}

/** Begins to wait now for another run to claim the item; answers when that was seen, ms since 1970. */
export async function claimedAnew({ ledger, issues }: Ended): Promise<number> {
  const [number = 0] = issues;
  const epoch = async () => (await ledger.record(number))?.epoch ?? 0;
  const before = await epoch();
  await until(async () => (await epoch()) > before, endMs, `#${number} to be claimed anew`);
  return Date.now();
}

/** The same for any life sign. */
export async function movedAgain({ ledger, issues }: Ended): Promise<number> {
  const [number = 0] = issues;
  const before = await ledger.at(number);
  await until(async () => (await ledger.at(number)) !== before, endMs, `#${number} to move`);
  return Date.now();
}

/** Everything that tells how far the items are; for a failed story. */
export async function state(ground: Ground): Promise<string> {
  const records = await Promise.all(ground.issues.map((number) => ground.ledger.record(number).catch(String)));
  const logs = ground.runs.slice(-6).map((run) => `--- pid ${run.pid}\n${run.lines.join("\n")}`);
  return [...records.map((record) => JSON.stringify(record)), ...(await ground.ledger.names()), ...logs].join("\n");
}
