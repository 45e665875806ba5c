import type { Effect } from "../../core/effects.ts";
import { isProgram, sameLogin } from "../../core/model.ts";
import { describe, ForgeError } from "../../errors.ts";
import type { Issue } from "../../forge/port.ts";
import { mayBeApplied, type Run, target } from "./run.ts";

/** Sets assignees as a whole, since older servers know nothing else, and puts back whoever came in between. */
export async function ensureAssigned(run: Run, effect: Extract<Effect, { do: "assign" }>): Promise<void> {
  const { forge, automatic } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const add = effect.add.filter((login) => !(automatic && isProgram(run.ports, login)));
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
    if (!mayBeApplied(error) || !(await isDone())) throw error;
  }
  await putBack(run, number, issue.assignees, readAt);
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
