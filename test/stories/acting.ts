// People at the embedded forge, as they act there: everything goes through its routes, as one of its accounts. After each deed a moment
// passes, since the forge keeps times by the second.

import { vi } from "vitest";
import type { Entry } from "../support/forge/forge.ts";
import { played } from "../support/plays.ts";
import { type End, type Stage, type Start, until } from "../support/run.ts";

// A story is a dozen whole runs: on a machine that does other things as well they take their time.
vi.setConfig({ testTimeout: 120_000 });

export interface Person {
  comment(number: number, body: string): Promise<number>;
  edit(comment: number, body: string): Promise<void>;
  label(number: number, name: string): Promise<void>;
  unlabel(number: number, name: string): Promise<void>;
  /** Assigned besides those who are. */
  assign(number: number, login: string): Promise<void>;
  unassign(number: number, login: string): Promise<void>;
  close(number: number): Promise<void>;
  reopen(number: number): Promise<void>;
  lock(number: number): Promise<void>;
  review(number: number, event: "REQUEST_CHANGES" | "APPROVED" | "COMMENT", body: string): Promise<void>;
  open(branch: string, title: string, body?: string): Promise<number>;
}

export function person(s: Stage, login: string): Person {
  const client = s.forge.as(login);
  const on = (number: number) => `/repos/${s.repo}/issues/${number}`;
  const done = <T extends { status: number; body: unknown }>(answer: T): T => {
    if (answer.status >= 300) throw new Error(`${login}: ${answer.status} ${JSON.stringify(answer.body)}`);
    s.pass(2);
    return answer;
  };
  const assignees = (number: number) => s.see(number).assignees;
  return {
    comment: async (number, body) => idOf(done(await client.post(`${on(number)}/comments`, { body })).body),
    edit: async (id, body) => void done(await client.patch(`/repos/${s.repo}/issues/comments/${id}`, { body })),
    async label(number, name) {
      if (!s.forge.repo(s.repo).labels.some((label) => label.name === name)) {
        const exclusive = name.startsWith("agent/");
        await s.forge.as("owner").post(`/repos/${s.repo}/labels`, { name, color: "#aaaaaa", exclusive });
      }
      if (!(await s.forge.addLabelAs(login, s.repo, number, name))) throw new Error(`${name} is not on`);
      s.pass(2);
    },
    async unlabel(number, name) {
      if (!(await s.forge.removeLabelAs(login, s.repo, number, name))) throw new Error(`${name} is still on`);
      s.pass(2);
    },
    assign: async (number, who) =>
      void done(await client.patch(on(number), { assignees: [...assignees(number), who] })),
    unassign: async (number, who) =>
      void done(await client.patch(on(number), { assignees: assignees(number).filter((name) => name !== who) })),
    close: async (number) => void done(await client.patch(on(number), { state: "closed" })),
    reopen: async (number) => void done(await client.patch(on(number), { state: "open" })),
    lock: async (number) => void done(await s.forge.as("owner").put(`${on(number)}/lock`, {})),
    review: async (number, event, body) =>
      void done(await client.post(`/repos/${s.repo}/pulls/${number}/reviews`, { event, body })),
    async open(branch, title, body = "") {
      const answer = done(await client.post(`/repos/${s.repo}/pulls`, { title, body, head: branch, base: "main" }));
      return (answer.body as { number: number }).number;
    },
  };
}

function idOf(body: unknown): number {
  return (body as { id: number }).id;
}

/** How a run learns of what a person did: by the newest event of the forge, or by a tick that was told nothing. */
export type Way = "event" | "tick";
/** `STORIES=short` leaves out what an event brings: a tick finds the same with less. */
export const ways: Way[] = process.env["STORIES"] === "short" ? ["tick"] : ["event", "tick"];

export async function learn(s: Stage, way: Way, inputs: Start["inputs"] = {}): Promise<End> {
  if (way === "tick") return tick(s, inputs);
  const last = s.forge.events.at(-1);
  if (last === undefined) throw new Error("nothing happened yet");
  return s.start({ event: last.event, payload: last.payload, inputs });
}

let ticks = 100;
export function tick(s: Stage, inputs: Start["inputs"] = {}): Promise<End> {
  s.pass(2);
  return s.start({ event: "schedule", inputs, seed: ticks++ });
}

/** Ticks until nothing is done any more, at most 8; then three more that must change nothing. The last lines of those that did something. */
export async function settled(s: Stage, inputs: Start["inputs"] = {}): Promise<string[]> {
  const lines: string[] = [];
  for (let run = 0; ; run++) {
    const end = await tick(s, inputs);
    if (end.exitCode !== 0) throw new Error(end.lastLine);
    if (end.outcome?.outcome === "idle") break;
    if (run > 8) throw new Error(`no end of it: ${lines.join("\n")}`);
    lines.push(end.lastLine);
  }
  const before = await s.photo();
  for (let run = 0; run < 3; run++) {
    const end = await tick(s, inputs);
    if (end.outcome?.outcome !== "idle") throw new Error(`not idle: ${end.lastLine}`);
  }
  const after = await s.photo();
  if (after !== before) throw new Error(`three idle runs changed something: ${difference(before, after)}`);
  return lines;
}

export function difference(before: string, after: string): string {
  const [a, b] = [before.split("\n"), after.split("\n")];
  return [
    ...a.filter((line) => !b.includes(line)).map((line) => `- ${line}`),
    ...b.filter((line) => !a.includes(line)).map((line) => `+ ${line}`),
  ].join("\n");
}

/** Starts a run and resolves, with its end still to come, when the agent of this kind is at work for the nth time. */
export async function atWork(s: Stage, kind: string, options: Start, nth = 1): Promise<{ end: Promise<End> }> {
  const end = s.start(options);
  const begun = async () => (await played(s.dir)).filter((line) => line.startsWith(`${kind} `)).length >= nth;
  await Promise.race([
    until(begun, `${kind} at work`),
    end.then((ended) => {
      throw new Error(`it ended before its agent began: ${ended.lastLine}\n${ended.log}`);
    }),
  ]);
  return { end };
}

/** Comments of the bot, in order. */
export function said(s: Stage, number: number): string[] {
  return s.see(number).comments.flatMap((text) => (text.startsWith("bot: ") ? [text.slice("bot: ".length)] : []));
}

export function reactions(s: Stage, comment: number): string[] {
  const entries: Entry[] = s.forge.repo(s.repo).issues.flatMap((issue) => issue.entries);
  return (entries.find((entry) => entry.id === comment)?.reactions ?? [])
    .map((r) => `${r.user.login} ${r.content}`)
    .sort();
}

/** `context state`, newest of each context on this commit. */
export function statuses(s: Stage, sha: string | null): string[] {
  const newest = new Map<string, string>();
  for (const status of s.forge.repo(s.repo).statuses)
    if (status.sha === sha) newest.set(status.context, `${status.context} ${status.state}`);
  return [...newest.values()].sort();
}
