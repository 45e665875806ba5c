import { emit } from "../events.ts";
import type { Entry, Issue, Label, Repo, User } from "../model.ts";
import { commentView } from "../views/entry.ts";
import { issueView } from "../views/issue.ts";
import type { World } from "../world.ts";
import { addLabels } from "./labels.ts";
import { subject } from "./subject.ts";
import { addEntry, addReferences } from "./timeline.ts";

export interface NewIssue {
  title: string;
  body: string;
  labels?: readonly Label[];
  assignees?: readonly User[];
}

/** Makes an issue without telling anybody; pull requests begin here too. */
export function makeIssue(world: World, repo: Repo, poster: User, fields: NewIssue): Issue {
  const at = world.now();
  const issue: Issue = {
    id: world.next("issue"),
    number: repo.nextNumber,
    repo,
    poster,
    title: cutTitle(fields.title.trim()),
    body: fields.body,
    labels: [],
    assignees: [],
    state: "open",
    createdAt: at,
    updatedAt: at,
    closedAt: null,
    locked: false,
    pinOrder: 0,
    contentVersion: 0,
    commentCount: 0,
    dependencies: [],
    reactions: [],
    entries: [],
  };
  repo.nextNumber += 1;
  repo.issues.push(issue);
  return issue;
}

export function openIssue(world: World, repo: Repo, poster: User, fields: NewIssue): Issue {
  const issue = makeIssue(world, repo, poster, fields);
  for (const label of fields.labels ?? []) {
    issue.labels.push(label);
    addEntry(world, issue, "label", poster, { body: "1", label });
  }
  addReferences(world, issue, poster, `${issue.title}\n${issue.body}`);
  emit(world, repo, "issues", poster, { ...subject(world, issue), action: "opened" });
  if (issue.labels.length > 0) addLabels(world, issue, issue.labels, poster);
  setAssignees(world, issue, fields.assignees ?? [], poster);
  return issue;
}

/** Titles are 255 columns wide, where all but ASCII counts two; longer ones end in an ellipsis that counts three. */
export function cutTitle(title: string): string {
  const columns = (text: string) => [...text].reduce((sum, letter) => sum + (letter < "\u0080" ? 1 : 2), 0);
  if (columns(title) <= 255) return title;
  const letters = [...title];
  while (columns(letters.join("")) > 252) letters.pop();
  return `${letters.join("")}…`;
}

export function editTitle(world: World, issue: Issue, title: string, doer: User): void {
  const next = cutTitle(title.trim());
  if (next === "" || next === issue.title) return;
  const oldTitle = issue.title;
  issue.title = next;
  addEntry(world, issue, "change_title", doer, { oldTitle, newTitle: next });
  addReferences(world, issue, doer, next);
  tellEdit(world, issue, doer, { title: { from: oldTitle } });
}

export function editBody(world: World, issue: Issue, body: string, doer: User): void {
  if (body === issue.body) return;
  const from = issue.body;
  issue.body = body;
  issue.contentVersion += 1;
  issue.updatedAt = world.now();
  addReferences(world, issue, doer, body);
  tellEdit(world, issue, doer, { body: { from } });
}

function tellEdit(world: World, issue: Issue, doer: User, changes: Record<string, unknown>): void {
  emit(world, issue.repo, eventOf(issue), doer, { ...subject(world, issue), action: "edited", changes });
}

export function setState(world: World, issue: Issue, state: "open" | "closed", doer: User): void {
  if (issue.state === state) return;
  issue.state = state;
  issue.closedAt = state === "closed" ? world.now() : null;
  addEntry(world, issue, state === "closed" ? "close" : "reopen", doer);
  const action = state === "closed" ? "closed" : "reopened";
  emit(world, issue.repo, eventOf(issue), doer, { ...subject(world, issue), action });
}

/** Brings the assignees to exactly these: first off who is not wanted, then on who is missing. */
export function setAssignees(world: World, issue: Issue, wanted: readonly User[], doer: User): void {
  for (const user of [...issue.assignees]) if (!wanted.includes(user)) toggleAssignee(world, issue, user, doer);
  for (const user of wanted) if (!issue.assignees.includes(user)) toggleAssignee(world, issue, user, doer);
}

export function toggleAssignee(world: World, issue: Issue, user: User, doer: User): void {
  const removed = issue.assignees.includes(user);
  issue.assignees = removed ? issue.assignees.filter((other) => other !== user) : [...issue.assignees, user];
  addEntry(world, issue, "assignees", doer, { assignee: user, removed });
  const action = removed ? "unassigned" : "assigned";
  emit(world, issue.repo, eventOf(issue), doer, { ...subject(world, issue), action });
}

export function addComment(world: World, issue: Issue, body: string, doer: User): Entry {
  const entry = addEntry(world, issue, "comment", doer, { body });
  recount(issue);
  addReferences(world, issue, doer, body);
  tellComment(world, entry, "created", doer);
  return entry;
}

export function editComment(world: World, entry: Entry, body: string, doer: User): void {
  const from = entry.body;
  entry.body = body;
  entry.updatedAt = world.now();
  entry.issue.updatedAt = world.now();
  tellComment(world, entry, "edited", doer, { changes: { body: { from } } });
}

export function deleteComment(world: World, entry: Entry, doer: User): void {
  const issue = entry.issue;
  issue.entries = issue.entries.filter((other) => other !== entry);
  recount(issue);
  tellComment(world, entry, "deleted", doer);
}

/** The counter is a column: it counts reviews too, but only a comment makes Gitea count again. */
function recount(issue: Issue): void {
  issue.commentCount = issue.entries.filter((entry) => entry.type === "comment" || entry.type === "review").length;
}

function tellComment(world: World, entry: Entry, action: string, doer: User, more: Record<string, unknown> = {}): void {
  const issue = entry.issue;
  emit(world, issue.repo, "issue_comment", doer, {
    action,
    issue: issueView(world, issue, undefined),
    comment: commentView(world, entry),
    is_pull: issue.pull !== undefined,
    ...(issue.pull ? { pull_request: subject(world, issue)["pull_request"] } : {}),
    ...more,
  });
}

function eventOf(issue: Issue): string {
  return issue.pull ? "pull_request" : "issues";
}
