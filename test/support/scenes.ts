// Worlds in which the next run has something to do, for suites that play it many times.

import { installGates } from "./gate/builtins.ts";
import { type Machine, Passage } from "./gate/gate.ts";
import { oneBeat, pastLease, unhurried } from "./gate/life.ts";
import { type Plays, playing } from "./plays.ts";
import { openStage, type Stage, type StageOptions, type Start } from "./run.ts";

export interface Scene {
  s: Stage & { close(): Promise<void> };
  /** The options of the next run. */
  next(): Promise<Start>;
}

/** An issue that nobody has begun. */
export async function asked(plays: Plays = {}, options: StageOptions = {}): Promise<Scene> {
  const s = await openStage({ ...options, limits: { ...unhurried, ...options.limits } });
  const inputs = { "agent-command": await playing(s.dir, plays) };
  await s.issue("sum subtracts");
  s.pass(2);
  return { s, next: async () => ({ event: "schedule", inputs }) };
}

/** The same, worked on by runs of the server's own. */
export async function onServer(scene: Scene): Promise<Scene> {
  const { s, next } = scene;
  const fields = { repo: s.repo, workflow: "agent.yml", event: "issues", actor: "alice" };
  return { s, next: async () => ({ ...(await next()), run: { ...fields, ...(await s.forge.startRun(fields)) } }) };
}

/** Whole runs before the tale. */
export async function after(scene: Scene, runs: number): Promise<Scene> {
  for (let run = 0; run < runs; run++) {
    const end = await scene.s.start({ ...(await scene.next()), seed: run });
    if (end.outcome?.outcome !== "done") throw new Error(`${end.lastLine}\n${end.log}`);
    scene.s.pass(2);
  }
  return scene;
}

/** A run before the tale that died right after its call of this name; its claim is nobody's any more. */
export async function afterDeath(scene: Scene, label: string): Promise<Scene> {
  await dying(scene, await scene.next(), label);
  scene.s.pass(pastLease);
  return scene;
}

/** A run that dies right after its call of this name; what it leaves on its machine. */
export async function dying({ s }: Scene, start: Start, label: string): Promise<Machine> {
  installGates();
  const { clock, guard } = oneBeat({ before: (call) => (call.label === label ? "stop-after" : "pass") });
  const passage = new Passage(guard);
  const ended = await Promise.race([passage.stopped, s.start({ ...start, passage, clock })]);
  if (ended !== undefined || passage.machine === null)
    throw new Error(`it did not die at ${label}: ${ended?.lastLine ?? "it never began"}`);
  return passage.machine;
}

/** The commit point of new code. */
export const publish = "git push item/issue-1 agent/issue-1";

export async function approvedBy(scene: Scene, login: string): Promise<Scene> {
  const { s } = scene;
  const path = `/repos/${s.repo}/pulls/2/reviews`;
  const answer = await s.forge.as(login).post(path, { event: "APPROVED", body: "Good." });
  if (answer.status !== 200) throw new Error(`the review was answered ${answer.status}`);
  s.pass(2);
  return scene;
}

export async function said(scene: Scene, number: number, body: string): Promise<Scene> {
  const { s } = scene;
  const answer = await s.forge.as("alice").post(`/repos/${s.repo}/issues/${number}/comments`, { body });
  if (answer.status !== 201) throw new Error(`the comment was answered ${answer.status}`);
  s.pass(2);
  return scene;
}
