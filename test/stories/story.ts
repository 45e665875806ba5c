// What the stories of this folder share: how a pull request looks to people, what others do to it from outside, and runs one after the other.

import { expect, vi } from "vitest";
import { approved, type Plays, playing } from "../support/plays.ts";
import { type End, type Stage, type StageOptions, type Start, stage } from "../support/run.ts";

// Stories are many runs, each with several processes.
vi.setConfig({ testTimeout: 120_000 });

/** A review as people see it. */
export interface SeenReview {
  by: string;
  state: string;
  sha: string;
  body: string;
  /** `path:line` and text, in order. */
  lines: { at: string; body: string }[];
  dismissed: boolean;
}

export function reviewsOf(s: Stage, number = 2): SeenReview[] {
  return (s.pulls().find((pull) => pull.number === number)?.pull?.reviews ?? []).map((review) => ({
    ...{ by: review.user?.login ?? "?", state: review.state, sha: review.sha, body: review.body },
    lines: review.comments.map(({ body, code }) => ({ at: `${code?.path}:${code?.position}`, body })),
    dismissed: review.dismissed,
  }));
}

/** Verdicts by the program: what reviewers said, without the author's answers. */
export function verdictsOf(s: Stage, number = 2): SeenReview[] {
  return reviewsOf(s, number).filter((review) => /\*\*(Approved|Changes wanted)/.test(review.body));
}

/** The author's answers after a rework. */
export function answersOf(s: Stage, number = 2): SeenReview[] {
  return reviewsOf(s, number).filter((review) => review.body.includes("**Answer of the author**"));
}

/** Newest state of a context on a commit; null when there is none. */
export function statusOf(s: Stage, sha: string | null, context = "agent-dispatch/review"): string | null {
  const all = s.forge.repo(s.repo).statuses.filter((status) => status.sha === sha && status.context === context);
  return all.at(-1)?.state ?? null;
}

export function head(s: Stage, branch = "agent/issue-1"): Promise<string | null> {
  return s.ref(`refs/heads/${branch}`);
}

/** What a commit's check says, set by alice. */
export async function setStatus(s: Stage, sha: string | null, context: string, state: string): Promise<void> {
  const answer = await s.forge
    .as("alice")
    .post(`/repos/${s.repo}/statuses/${sha}`, { context, state, description: context });
  expect(answer.status).toBe(201);
}

/** Somebody pushes; the forge keeps times by the second. */
export async function push(
  s: Stage,
  files: Record<string, string | null>,
  options: { branch?: string; author?: string; message?: string } = {},
): Promise<string> {
  s.pass(2);
  const sha = await s.forge.commitFiles(s.repo, files, { author: "alice", ...options });
  s.pass(2);
  return sha;
}

/** The base branch protected by the owner. */
export async function protect(s: Stage, rule: Record<string, unknown>): Promise<void> {
  const path = `/repos/${s.repo}/branch_protections`;
  const answer = await s.forge.as("owner").post(path, { rule_name: "main", enable_push: true, ...rule });
  expect(answer.status).toBe(201);
}

/** Runs as ticks come, two seconds apart; each is green. */
export async function runs(s: Stage, count: number, inputs: Start["inputs"] = {}): Promise<End[]> {
  const ends: End[] = [];
  for (let run = 0; run < count; run++) {
    s.pass(2);
    const end = await s.start({ inputs, seed: 50 + run });
    if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
    ends.push(end);
  }
  return ends;
}

/** Runs until nothing is left to do, at most 12; then one more must change nothing. Their last lines. */
export async function untilIdle(s: Stage, inputs: Start["inputs"] = {}): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const [end] = await runs(s, 1, inputs);
    if (end?.outcome?.outcome === "idle") break;
    lines.push(end?.lastLine ?? "");
    if (lines.length > 12) throw new Error(`no end of it:\n${lines.join("\n")}`);
  }
  const before = await s.photo();
  await runs(s, 2, inputs);
  expect(await s.photo()).toBe(before);
  return lines;
}

export const by = (agent: string): Record<string, string> => ({ "agent-command": agent });

/** A stage on which #1 has its pull request #2 open, with the agents that play from there on. */
export async function opened(
  plays: Plays = {},
  options: StageOptions = {},
): Promise<{ s: Stage; inputs: Record<string, string> }> {
  const s = await stage(options);
  const inputs = by(await playing(s.dir, plays));
  await s.issue("sum subtracts");
  const [end] = await runs(s, 1, inputs);
  expect(end?.outcome).toMatchObject({ kind: "implement", outcome: "done", pullRequest: 2 });
  return { s, inputs };
}

/** The same, approved and handed over. */
export async function handedOver(
  plays: Plays = {},
  options: StageOptions = {},
): Promise<{ s: Stage; inputs: Record<string, string> }> {
  const { s, inputs } = await opened({ review: [approved], ...plays }, options);
  await runs(s, 1, inputs);
  expectHandedOver(s);
  return { s, inputs };
}

export function expectHandedOver(s: Stage, to = "alice"): void {
  expect(s.see(1)).toMatchObject({ state: "open", labels: [], assignees: [to] });
  expect(s.see(2)).toMatchObject({ state: "open", labels: ["agent/merge-ready"], assignees: [to] });
}

/** A person has to decide: on the pull request stands what about. */
export function expectBlocked(s: Stage, says: string, to = "alice"): void {
  expect(s.see(1)).toMatchObject({ state: "open", labels: [], assignees: [to] });
  const seen = s.see(2);
  expect(seen).toMatchObject({ state: "open", labels: ["agent/blocked"], assignees: [to] });
  const told = seen.comments.filter((text) => text.includes("<!-- agent-dispatch:blocked v1"));
  expect(told.at(-1)).toContain(`@${to}`);
  expect(told.at(-1)).toContain(says);
}

/** It is the program's turn, with this stage next. */
export function expectOurs(s: Stage, stageName: "needs-review" | "needs-rework"): void {
  expect(s.see(1)).toMatchObject({ state: "open", labels: ["bot"], assignees: ["bot"] });
  expect(s.see(2)).toMatchObject({ state: "open", labels: [`agent/${stageName}`] });
}
