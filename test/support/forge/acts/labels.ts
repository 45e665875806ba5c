import { emit } from "../events.ts";
import type { Issue, Label, Repo, User } from "../model.ts";
import { sortLabels } from "../views/issue.ts";
import { labelView } from "../views/repository.ts";
import type { World } from "../world.ts";
import { subject } from "./subject.ts";
import { addEntry } from "./timeline.ts";

/** `agent/` of `agent/needs-review`: the scope ends at the last slash and counts only for exclusive labels. */
export function scopeOf(label: Label): string {
  return label.exclusive ? label.name.slice(0, label.name.lastIndexOf("/") + 1) : "";
}

/** Labels that an issue of the repository can carry: its own and its organisation's. */
export function usableLabels(world: World, repo: Repo): Label[] {
  return [...repo.labels, ...world.orgLabels.filter((label) => label.org === repo.owner)];
}

/** Adds labels in order; an exclusive one takes the others of its scope off. Tells Actions even if nothing changed. */
export function addLabels(world: World, issue: Issue, labels: readonly Label[], doer: User): void {
  const before = [...issue.labels];
  for (const label of labels) addLabel(world, issue, label, doer);
  tell(world, issue, before, labels, doer);
}

export function removeLabel(world: World, issue: Issue, label: Label, doer: User): void {
  const before = [...issue.labels];
  if (!issue.labels.includes(label)) return;
  takeOff(world, issue, label, doer);
  tell(world, issue, before, [], doer);
}

/** Adds what is missing, then takes off what is not wanted, by id. */
export function replaceLabels(world: World, issue: Issue, labels: readonly Label[], doer: User): void {
  const before = [...issue.labels];
  const wanted = labels.filter((label, index) => {
    const scope = scopeOf(label);
    return scope === "" || !labels.some((later, at) => at > index && scopeOf(later) === scope);
  });
  for (const label of sortLabels(wanted)) addLabel(world, issue, label, doer);
  const unwanted = issue.labels.filter((label) => !wanted.includes(label)).sort((one, other) => one.id - other.id);
  for (const label of unwanted) takeOff(world, issue, label, doer);
  tell(world, issue, before, labels, doer);
}

export function clearLabels(world: World, issue: Issue, doer: User): void {
  if (issue.labels.length === 0) return;
  const before = [...issue.labels];
  for (const label of sortLabels(issue.labels)) takeOff(world, issue, label, doer);
  const change = { changes: { removed_labels: before.map((label) => labelView(world, label)) } };
  emit(world, issue.repo, eventOf(issue), doer, { ...subject(world, issue), action: "label_cleared", ...change });
}

function addLabel(world: World, issue: Issue, label: Label, doer: User): void {
  if (issue.labels.includes(label)) return;
  const scope = scopeOf(label);
  if (scope !== "") {
    for (const other of [...issue.labels]) if (scopeOf(other) === scope) takeOff(world, issue, other, doer);
  }
  issue.labels.push(label);
  addEntry(world, issue, "label", doer, { body: "1", label });
}

function takeOff(world: World, issue: Issue, label: Label, doer: User): void {
  issue.labels = issue.labels.filter((other) => other !== label);
  addEntry(world, issue, "label", doer, { label });
}

function tell(world: World, issue: Issue, before: readonly Label[], asked: readonly Label[], doer: User): void {
  const added = issue.labels.filter((label) => !before.includes(label));
  const removed = before.filter((label) => !issue.labels.includes(label));
  const views = (labels: readonly Label[]) => labels.map((label) => labelView(world, label));
  if (asked.length === 0 && removed.length === 0) return;
  const changes = { added_labels: views(added), removed_labels: views(removed) };
  emit(world, issue.repo, eventOf(issue), doer, { ...subject(world, issue), action: "label_updated", changes });
}

function eventOf(issue: Issue): string {
  return issue.pull ? "pull_request" : "issues";
}
