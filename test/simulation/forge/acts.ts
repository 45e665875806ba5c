// What can happen on the simulated forge, whoever does it, with all that follows from it as on Gitea. Written after the embedded forge, and compared
// with it by ../forge.test.ts.

import type { Label } from "../../../src/forge/model.ts";
import type { Move } from "./commits.ts";
import type { Actor, Entry, ForgeState, IssueRow } from "./state.ts";

type About = Partial<Pick<Entry, "body" | "about" | "added" | "review">>;

export function addEntry(forge: ForgeState, issue: IssueRow, type: Entry["type"], by: Actor, about: About = {}): Entry {
  const at = forge.now();
  const row = { id: forge.id(), type, by: by.login, at, updatedAt: at };
  const entry: Entry = { ...row, body: "", about: "", added: false, review: null, ...about };
  issue.entries.push(entry);
  issue.updatedAt = at;
  return entry;
}

export function openIssue(forge: ForgeState, by: Actor, title: string, body: string): IssueRow {
  const at = forge.now();
  const issue: IssueRow = {
    ...{ number: forge.nextNumber(), title, body, author: by.login, state: "open", closedAt: null, locked: false },
    ...{ labels: [], assignees: [], createdAt: at, updatedAt: at, commentCount: 0, entries: [], dependencies: [] },
    pull: null,
  };
  forge.issues.set(issue.number, issue);
  addReferences(forge, issue, by, `${title}\n${body}`);
  forge.changed({ kind: "edited", by, issue: issue.number });
  return issue;
}

export function editBody(forge: ForgeState, issue: IssueRow, by: Actor, body: string): void {
  if (body === issue.body) return;
  issue.body = body;
  issue.updatedAt = forge.now();
  addReferences(forge, issue, by, body);
  forge.changed({ kind: "edited", by, issue: issue.number });
}

/** A new title or text that names an issue leaves a row there, once. */
export function addReferences(forge: ForgeState, from: IssueRow, by: Actor, text: string): void {
  const named = new Set([...text.matchAll(/(?<![\w/&])#(\d+)\b/g)].map((found) => Number(found[1])));
  for (const number of named) {
    const target = forge.issue(number);
    if (target === undefined || target === from) continue;
    const about = `reference ${from.number}`;
    if (target.entries.some((entry) => entry.about === about)) continue;
    addEntry(forge, target, "other", by, { about });
  }
}

export function setState(forge: ForgeState, issue: IssueRow, by: Actor, state: "open" | "closed"): void {
  if (issue.state === state) return;
  issue.state = state;
  issue.closedAt = state === "closed" ? forge.now() : null;
  addEntry(forge, issue, state === "closed" ? "close" : "reopen", by);
  forge.changed({ kind: "state", by, issue: issue.number, state });
}

export function setLocked(forge: ForgeState, issue: IssueRow, by: Actor, locked: boolean): void {
  if (issue.locked === locked) return;
  issue.locked = locked;
  addEntry(forge, issue, "other", by);
  forge.changed({ kind: "locked", by, issue: issue.number, locked });
}

export function createLabel(forge: ForgeState, name: string, exclusive: boolean): Label {
  const label = { id: forge.id(), name, exclusive };
  forge.labels.push(label);
  forge.version++;
  return label;
}

/** An exclusive label takes the others of its scope off. */
export function addLabel(forge: ForgeState, issue: IssueRow, by: Actor, id: number): void {
  const label = forge.labels.find((known) => known.id === id);
  if (label === undefined || issue.labels.includes(id)) return;
  const scope = scopeOf(label);
  const others = forge.labels.filter((other) => scope !== "" && scopeOf(other) === scope);
  for (const other of issue.labels.filter((on) => others.some((one) => one.id === on)))
    removeLabel(forge, issue, by, other);
  issue.labels.push(id);
  const entry = addEntry(forge, issue, "label", by, { about: label.name, added: true });
  forge.changed({ kind: "label", by, issue: issue.number, label: label.name, added: true, entry: entry.id });
}

export function removeLabel(forge: ForgeState, issue: IssueRow, by: Actor, id: number): void {
  const label = forge.labels.find((known) => known.id === id);
  if (label === undefined || !issue.labels.includes(id)) return;
  issue.labels = issue.labels.filter((other) => other !== id);
  const entry = addEntry(forge, issue, "label", by, { about: label.name, added: false });
  forge.changed({ kind: "label", by, issue: issue.number, label: label.name, added: false, entry: entry.id });
}

function scopeOf({ exclusive, name }: Label): string {
  return exclusive ? name.slice(0, name.lastIndexOf("/") + 1) : "";
}

/** Brings the assignees to exactly these. */
export function setAssignees(forge: ForgeState, issue: IssueRow, by: Actor, wanted: readonly string[]): void {
  for (const login of issue.assignees.filter((name) => !wanted.includes(name))) assign(forge, issue, by, login, false);
  for (const login of wanted.filter((name) => !issue.assignees.includes(name))) assign(forge, issue, by, login, true);
}

export function assign(forge: ForgeState, issue: IssueRow, by: Actor, login: string, added: boolean): void {
  if (issue.assignees.includes(login) === added) return;
  issue.assignees = added ? [...issue.assignees, login] : issue.assignees.filter((name) => name !== login);
  const entry = addEntry(forge, issue, "assignee", by, { about: login, added });
  forge.changed({ kind: "assignee", by, issue: issue.number, login, added, entry: entry.id });
}

export function addComment(forge: ForgeState, issue: IssueRow, by: Actor, body: string): Entry {
  const entry = addEntry(forge, issue, "comment", by, { body });
  recount(issue);
  addReferences(forge, issue, by, body);
  forge.changed({ kind: "comment", by, issue: issue.number, id: entry.id, body, act: "created" });
  return entry;
}

export function editComment(forge: ForgeState, issue: IssueRow, by: Actor, entry: Entry, body: string): void {
  if (entry.body === body) return;
  entry.body = body;
  entry.updatedAt = forge.now();
  issue.updatedAt = forge.now();
  forge.changed({ kind: "comment", by, issue: issue.number, id: entry.id, body, act: "edited" });
}

export function deleteComment(forge: ForgeState, issue: IssueRow, by: Actor, entry: Entry): void {
  issue.entries = issue.entries.filter((other) => other !== entry);
  recount(issue);
  forge.changed({ kind: "comment", by, issue: issue.number, id: entry.id, body: entry.body, act: "deleted" });
}

/** The counter is a column: it counts reviews too, but only a comment makes the server count again. */
function recount(issue: IssueRow): void {
  issue.commentCount = issue.entries.filter((entry) => entry.type === "comment" || entry.type === "review").length;
}

/** A transaction over refs, which somebody holds the lock for: it applies. What follows on the forge comes with it. */
export function applyMoves(forge: ForgeState, by: Actor, moves: readonly Move[]): void {
  if (moves.length === 0) return;
  for (const move of moves) {
    forge.refs.set(move.ref, move.new);
    forge.store.add(move.new);
  }
  forge.changed({ kind: "refs", by, moves });
  for (const move of moves) if (move.ref.startsWith("refs/heads/")) afterBranch(forge, by, move);
}

/** Where git shows the head of a pull request; of one that is over, its last. */
export function pullRef(number: number): string {
  return `refs/pull/${number}/head`;
}

function afterBranch(forge: ForgeState, by: Actor, move: Move): void {
  const branch = move.ref.slice("refs/heads/".length);
  const open = forge.pulls().filter((issue) => issue.state === "open" && issue.pull.head === branch);
  for (const issue of open) {
    if (move.new === null) {
      setState(forge, issue, by, "closed");
      addEntry(forge, issue, "other", by);
      continue;
    }
    const before = issue.pull.headSha;
    issue.pull.headSha = move.new;
    forge.refs.set(pullRef(issue.number), move.new);
    notePush(forge, issue, by, before, move);
    checkConflicts(forge, issue);
  }
}

/** Commits of the push; after a forced one the old and the new head, and, from 1.26 on, all commits anew. */
function notePush(forge: ForgeState, issue: IssueRow, by: Actor, before: string, { old, new: sha }: Move): void {
  const { commits } = forge;
  if (sha === null) return;
  const row = (forced: boolean, ids: string[]) => {
    const body = JSON.stringify({ is_force_push: forced, commit_ids: ids });
    if (ids.length > 0) addEntry(forge, issue, "push", by, { body });
  };
  const base = forge.branch(issue.pull?.base ?? "") ?? before;
  if (old === null || commits.isAncestor(before, sha)) {
    row(
      false,
      commits.range(before, sha).flatMap((commit) => (commit.sha === base ? [] : [commit.sha])),
    );
    return;
  }
  const isNew = !forge.release.version.startsWith("1.24");
  if (isNew) {
    issue.entries = issue.entries.filter((entry) => entry.type !== "push" || entry.body.includes("true"));
    row(
      false,
      commits.range(base, sha).map((commit) => commit.sha),
    );
  }
  row(isNew, [before, sha]);
}

/** Brings `mergeable` and the merge base up to date; frozen when closed. */
export function checkConflicts(forge: ForgeState, { state, pull }: IssueRow): void {
  if (pull === null || state === "closed") return;
  const [base, head] = [forge.branch(pull.base), forge.branch(pull.head)];
  if (base === null || head === null) return;
  pull.mergeBase = forge.commits.mergeBase(base, head) ?? base;
  pull.mergeable = !forge.commits.conflicts(base, head);
}
