import type { Effect } from "../../core/effects.ts";
import { isProgram, sameLogin } from "../../core/model.ts";
import { describe, ForgeError } from "../../errors.ts";
import type { Issue } from "../../forge/model.ts";
import { mayBeApplied, type Run, target } from "./run.ts";

/** Sets assignees as a whole, since older servers know nothing else, and puts back whoever came in between. */
export async function ensureAssigned(run: Run, effect: Extract<Effect, { do: "assign" }>): Promise<void> {
  const { forge, automatic } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const add = effect.add.filter((login) => !(automatic && isProgram(run.ports, login)));
  const issue = await forge.issue(number);
  if (issue === null) return;
  const remove = await removable(run, number, issue.assignees, effect);
  const wanted = (issue: Issue) => wantedAssignees(issue.assignees, add, remove);
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
      const without = wantedAssignees(issue.assignees, [], remove);
      if (add.length > 0 && !sameNames(issue.assignees, without)) await forge.assign(number, without);
      return;
    }
    if (!mayBeApplied(error) || !(await isDone())) throw error;
  }
  await putBack(run, number, issue.assignees, readAt);
}

/** An effect that is carried out at once comes before anything that people do on seeing it, in ms. */
const atOnceMs = 10_000;

/** Whom it still takes off, when an outage or a death put it off: whom a person assigned since then stays. */
async function removable(
  { ports }: Run,
  number: number,
  present: readonly string[],
  { remove, since }: Extract<Effect, { do: "assign" }>,
): Promise<readonly string[]> {
  const there = remove.filter((login) => present.some((name) => sameLogin(name, login)));
  const sinceMs = Date.parse(since);
  if (there.length === 0 || !((ports.forge.now() ?? Date.now()) - sinceMs > atOnceMs)) return remove;
  const timeline = await ports.forge.timeline(number);
  const isPersons = (login: string) => {
    const last = timeline.findLast((e) => e.kind === "assignee" && e.added && sameLogin(e.login, login));
    return last !== undefined && last.at > sinceMs && !isProgram(ports, last.by);
  };
  return remove.filter((login) => !isPersons(login));
}

// The PATCH replaces all: whoever assigned themselves between our read and our write would be lost without this look.
async function putBack(run: Run, number: number, before: readonly string[], readAt: number): Promise<void> {
  const { forge } = run.ports;
  const byPeople = new Map<string, boolean>();
  for (const entry of await forge.timeline(number)) {
    // The Date header has whole seconds, hence the margin.
    const recent = entry.kind === "assignee" && entry.at >= readAt - 2000;
    if (recent && !isProgram(run.ports, entry.by)) byPeople.set(entry.login, entry.added);
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

function wantedAssignees(present: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
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
