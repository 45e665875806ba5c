// Carries out effects: read, compare, write, and after an unclear answer read again. Any run may do any of them again at any time.

import type { Effect, Effects } from "../core/effects.ts";
import { findMarker, type Purpose } from "../core/marker.ts";
import { sameLogin } from "../core/model.ts";
import { stageOf } from "../core/policy.ts";
import { describe, ForgeError } from "../errors.ts";
import type { Comment, Forge, Issue, Label, Pull } from "../forge/port.ts";

export interface EffectPorts {
  forge: Forge;
  /** Logins that are the program. Only their comments and pull requests count as ours. */
  program: readonly string[];
  /** Resolves when a write is allowed; throws when the claim is lost. */
  fence(): Promise<void>;
  /** Whether the automatic token is used: it can be neither assigned nor unassigned. */
  automatic: boolean;
  log(line: string): void;
}

export type EffectsOutcome =
  | { kind: "done"; pull: number | null }
  /** A person closed or merged the pull request: what was still to be written about it is dropped. */
  | { kind: "dropped"; pull: number; why: string };

/** What goes on while effects are carried out. */
interface Run {
  ports: EffectPorts;
  issue: number;
  pull: number | null;
  labels: Label[] | null;
}

/** `pull` is the number the record knows already. Throws ForgeError when the forge does not do one of them: the record keeps them all. */
export async function applyEffects(ports: EffectPorts, effects: Effects, pull: number | null): Promise<EffectsOutcome> {
  const run: Run = { ports, issue: effects.issue, pull, labels: null };
  for (const effect of effects.effects) {
    if (effect.do === "pull") {
      const found = await ensurePull(run, effect);
      run.pull = found.number;
      if (found.state === "closed") {
        return {
          kind: "dropped",
          pull: found.number,
          why: `pull request #${found.number} was ${found.merged ? "merged" : "closed"} by a person`,
        };
      }
    } else await apply(run, effect);
  }
  return { kind: "done", pull: run.pull };
}

async function apply(run: Run, effect: Exclude<Effect, { do: "pull" }>): Promise<void> {
  switch (effect.do) {
    case "status":
      return ensureStatus(run, effect);
    case "labels":
      return ensureLabels(run, effect);
    case "assign":
      return ensureAssigned(run, effect);
    case "comment":
      return ensureComment(run, effect);
    case "react":
      return ignoreGone(run, () => run.ports.forge.react(effect.comment, effect.reaction));
    case "delete-branch":
      return deleteBranch(run, effect);
    default:
      return effect satisfies never;
  }
}

/** A write whose answer may be lost although it was applied: `isDone` is asked before, and after an unclear failure. */
async function ensure(run: Run, isDone: () => Promise<boolean>, write: () => Promise<unknown>): Promise<void> {
  if (await isDone()) return;
  await run.ports.fence();
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ForgeError) || !error.mayBeApplied || !(await isDone())) throw error;
  }
}

async function ensurePull(run: Run, effect: Extract<Effect, { do: "pull" }>): Promise<Pull> {
  const { forge } = run.ports;
  const find = async () => {
    const known = run.pull === null ? null : await forge.pull(run.pull);
    const all = known === null ? await forge.pullsOf(effect.head) : [known];
    return all.find((pull) => isOurs(pull, effect, run.ports.program)) ?? null;
  };
  let found = await find();
  if (found === null) {
    await run.ports.fence();
    try {
      const made = await forge.createPull({
        head: effect.head,
        base: effect.base,
        title: effect.title,
        body: effect.body,
      });
      if (made.kind === "created") {
        run.ports.log(`opened pull request #${made.pull.number}`);
        return made.pull;
      }
      if (made.kind === "nothing-to-merge")
        throw new Error(`the forge finds nothing to merge in ${effect.head}: ${made.answer}`);
      found = await find();
    } catch (error) {
      if (!(error instanceof ForgeError) || !error.mayBeApplied) throw error;
      found = await find();
      if (found === null) throw error;
    }
  }
  if (found === null) throw new Error(`an open pull request for ${effect.head} exists that is not the program's`);
  return found;
}

/** Ours: by the program, with the marker of this item and generation. A person who edits the text may take the marker out; then the head decides. */
function isOurs(pull: Pull, effect: Extract<Effect, { do: "pull" }>, program: readonly string[]): boolean {
  if (!program.some((name) => sameLogin(name, pull.author))) return false;
  const marker = findMarker(pull.body, "pull");
  if (marker === null) return pull.headRef === effect.head && pull.headIsHere;
  return marker.values["issue"] === String(effect.issue) && marker.values["generation"] === String(effect.generation);
}

async function ensureStatus(run: Run, effect: Extract<Effect, { do: "status" }>): Promise<void> {
  const { forge } = run.ports;
  const isDone = async () => {
    const statuses = await forge.statuses(effect.sha);
    return statuses.some(
      (s) => s.context === effect.context && s.state === effect.state && s.description === effect.description,
    );
  };
  const { sha, context, state, description, target } = effect;
  await ensure(run, isDone, () => forge.setStatus(sha, { context, state, description, targetUrl: target }));
}

async function ensureLabels(run: Run, effect: Extract<Effect, { do: "labels" }>): Promise<void> {
  const { forge } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const present = async () => (await forge.issue(number))?.labels ?? [];
  const now = await present();
  const missing = effect.add.filter((name) => !now.some((label) => label.name === name));
  if (missing.length > 0) {
    const ids: number[] = [];
    for (const name of missing) ids.push((await ensureLabel(run, name)).id);
    const isDone = async () =>
      (await present()).filter((label) => missing.includes(label.name)).length >= missing.length;
    await run.ports.fence();
    await ensure(run, isDone, () => forge.addLabels(number, ids));
  }
  for (const label of (missing.length > 0 ? await present() : now).filter((l) => effect.remove.includes(l.name))) {
    const isGone = async () => !(await present()).some((l) => l.id === label.id);
    await run.ports.fence();
    try {
      await forge.removeLabel(number, label.id);
    } catch (error) {
      if (!(error instanceof ForgeError) || !error.mayBeApplied || !(await isGone())) throw error;
    }
  }
}

const labelLooks: Readonly<Record<string, { color: string; description: string }>> = {
  "needs-review": { color: "#1d76db", description: "agent-dispatch: waits for review" },
  "needs-rework": { color: "#d97706", description: "agent-dispatch: changes are wanted" },
  "merge-ready": { color: "#0e8a16", description: "agent-dispatch: good; a person merges" },
  "needs-info": { color: "#8b5cf6", description: "agent-dispatch: a question for a person" },
  blocked: { color: "#b91c1c", description: "agent-dispatch: gave up; a person decides" },
};

/** Labels are not unique on the forge: listed first, made only when missing, the lowest id counts. */
async function ensureLabel(run: Run, name: string): Promise<Label> {
  const { forge } = run.ports;
  const find = async () => (await forge.labels()).filter((label) => label.name === name).sort((a, b) => a.id - b.id)[0];
  run.labels ??= await forge.labels();
  const known = run.labels.filter((label) => label.name === name).sort((a, b) => a.id - b.id)[0];
  if (known !== undefined) return known;
  const stage = stageOf(name);
  const look = labelLooks[stage ?? ""] ?? { color: "#0891b2", description: "agent-dispatch: the program's turn" };
  await run.ports.fence();
  try {
    const made = await forge.createLabel({ name, ...look, exclusive: stage !== null });
    run.labels.push(made);
    return made;
  } catch (error) {
    const found = error instanceof ForgeError && error.mayBeApplied ? await find() : undefined;
    if (found === undefined) throw error;
    run.labels.push(found);
    return found;
  }
}

/** Sets assignees as a whole, since older servers know nothing else, and puts back whoever came in between. */
async function ensureAssigned(run: Run, effect: Extract<Effect, { do: "assign" }>): Promise<void> {
  const { forge, automatic, program } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const isProgram = (login: string) => program.some((name) => sameLogin(name, login));
  const add = effect.add.filter((login) => !(automatic && isProgram(login)));
  const wanted = (issue: Issue) => wantedAssignees(issue.assignees, add, effect.remove);
  const issue = await forge.issue(number);
  if (issue === null) return;
  const isDone = async () => {
    const now = await forge.issue(number);
    return now === null || sameNames(now.assignees, wanted(now));
  };
  if (sameNames(issue.assignees, wanted(issue))) return;
  const readAt = forge.now() ?? 0;
  await run.ports.fence();
  try {
    await forge.assign(number, wanted(issue));
  } catch (error) {
    // Somebody who may not be assigned any more: the item goes on without them. A 500 without words is Gitea's "no such assignee".
    const { status, answer } = error instanceof ForgeError ? error.failure : { status: -1, answer: "" };
    if (status === 422 || (status === 500 && answer === "" && !(await isDone()))) {
      run.ports.log(`could not assign ${add.join(", ") || "nobody"}: ${describe(error)}`);
      const without = wantedAssignees(issue.assignees, [], effect.remove);
      if (add.length > 0 && !sameNames(issue.assignees, without)) await forge.assign(number, without);
      return;
    }
    if (!(error instanceof ForgeError) || !error.mayBeApplied || !(await isDone())) throw error;
  }
  await putBack(run, number, issue.assignees, readAt);
}

// The PATCH replaces all: whoever assigned themselves between our read and our write would be lost without this look.
async function putBack(run: Run, number: number, before: readonly string[], readAt: number): Promise<void> {
  const { forge, program } = run.ports;
  const byPeople = new Map<string, boolean>();
  for (const entry of await forge.timeline(number)) {
    // The Date header has whole seconds, hence the margin.
    const recent = entry.kind === "assignee" && entry.at >= readAt - 2000;
    if (recent && !program.some((name) => sameLogin(name, entry.by))) byPeople.set(entry.login, entry.added);
  }
  const now = await forge.issue(number);
  const lost = [...byPeople].flatMap(([login, added]) => {
    const known = [...before, ...(now?.assignees ?? [])];
    return added && !known.some((name) => sameLogin(name, login)) ? [login] : [];
  });
  if (now === null || lost.length === 0) return;
  await run.ports.fence();
  await forge.assign(number, [...now.assignees, ...lost]);
}

export function wantedAssignees(
  present: readonly string[],
  add: readonly string[],
  remove: readonly string[],
): string[] {
  const kept = present.filter((login) => !remove.some((name) => sameLogin(name, login)));
  return [...kept, ...add.filter((login) => !kept.some((name) => sameLogin(name, login)))];
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  const norm = (list: readonly string[]) =>
    [...list]
      .map((name) => name.toLowerCase())
      .sort()
      .join("\n");
  return norm(a) === norm(b);
}

async function ensureComment(run: Run, effect: Extract<Effect, { do: "comment" }>): Promise<void> {
  const { forge } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const body = effect.body.replaceAll("{{pull}}", run.pull === null ? "?" : String(run.pull));
  const find = async () => ours(await forge.comments(number), effect.purpose, effect.key, run.ports.program);
  const found = await find();
  if (found !== undefined && (effect.mode === "new" || found.body === body)) return;
  await run.ports.fence();
  try {
    if (found === undefined) await forge.createIssueComment(number, body);
    else await forge.editComment(found.id, body);
  } catch (error) {
    const now = error instanceof ForgeError && error.mayBeApplied ? await find() : undefined;
    if (now === undefined || (effect.mode === "edit" && now.body !== body)) throw error;
  }
}

/** The program's comment of a purpose; the lowest id where there are several. Somebody else's text with our marker is not ours. */
function ours(
  comments: readonly Comment[],
  purpose: Purpose,
  key: string,
  program: readonly string[],
): Comment | undefined {
  return comments
    .filter((comment) => program.some((name) => sameLogin(name, comment.author)))
    .filter((comment) => {
      const marker = findMarker(comment.body, purpose);
      return marker !== null && (key === "" || marker.values["key"] === key || marker.values["for"] === key);
    })
    .sort((a, b) => a.id - b.id)[0];
}

async function deleteBranch(run: Run, effect: Extract<Effect, { do: "delete-branch" }>): Promise<void> {
  const { forge } = run.ports;
  const branch = await forge.branch(effect.branch);
  // Somebody pushed to it after the merge: theirs to delete.
  if (branch === null || branch.sha !== effect.sha) return;
  await run.ports.fence();
  await ignoreGone(run, () => forge.deleteBranch(effect.branch));
}

async function ignoreGone(run: Run, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ForgeError) || ![403, 404].includes(error.failure.status)) throw error;
    run.ports.log(`left as it is: ${error.message}`);
  }
}

function target(run: Run, on: "issue" | "pull"): number | null {
  return on === "issue" ? run.issue : run.pull;
}
