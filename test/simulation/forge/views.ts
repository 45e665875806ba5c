// The simulated forge's rows in the words of the port: every answer is made anew, so that nobody holds a piece of the server.

import type {
  Comment,
  ForgeRun,
  Issue,
  Label,
  Pull,
  Review,
  StatusEntry,
  TimelineEntry,
} from "../../../src/forge/model.ts";
import { checkConflicts } from "./acts.ts";
import type { PullIssue } from "./pull-acts.ts";
import type { Entry, ForgeState, IssueRow, ReviewRow, RunRow, StatusRow } from "./state.ts";

export const serverUrl = "http://forge.invalid";
const pages = `${serverUrl}/acme/app`;

function labelsOf(forge: ForgeState, { labels }: IssueRow): Label[] {
  const on = forge.labels.filter((label) => labels.includes(label.id)).map((label) => ({ ...label }));
  return on.sort((a, b) => (a.name === b.name ? a.id - b.id : a.name < b.name ? -1 : 1));
}

function pageOf(issue: IssueRow): string {
  return `${pages}/${issue.pull === null ? "issues" : "pulls"}/${issue.number}`;
}

export function issueView(forge: ForgeState, issue: IssueRow): Issue {
  const { number, title, body, author, state, locked, assignees, createdAt, updatedAt, commentCount, pull } = issue;
  return {
    ...{ number, title, body, author, state, locked, labels: labelsOf(forge, issue), assignees: [...assignees] },
    ...{ isPull: pull !== null, htmlUrl: pageOf(issue), createdAt, updatedAt, comments: commentCount },
  };
}

/** Without its branch a pull request lives on in `refs/pull/N/head`. */
export function pullView(forge: ForgeState, issue: PullIssue): Pull {
  checkConflicts(forge, issue);
  const { number, title, body, author, state, locked, assignees, createdAt, updatedAt, closedAt, pull } = issue;
  const tip = forge.branch(pull.head);
  const draft = /^(wip:|\[wip\])/i.test(title);
  return {
    ...{ number, title, body, author, state, merged: pull.merged, draft, locked, labels: labelsOf(forge, issue) },
    ...{ assignees: [...assignees], headRef: tip === null ? `refs/pull/${number}/head` : pull.head },
    ...{ headSha: tip ?? pull.headSha, headIsHere: true, baseRef: pull.base, mergeBase: pull.mergeBase },
    ...{ mergeable: pull.mergeable && !draft, htmlUrl: pageOf(issue), createdAt, updatedAt, closedAt },
  };
}

export function commentView(issue: IssueRow, entry: Entry): Comment {
  const { id, by: author, body, at: createdAt, updatedAt } = entry;
  return { id, author, body, createdAt, updatedAt, htmlUrl: `${pageOf(issue)}#issuecomment-${id}` };
}

export function timelineView(entry: Entry): TimelineEntry[] {
  const { id, by, at, about, added, body } = entry;
  switch (entry.type) {
    case "label":
      return [{ id, by, at, kind: "label", label: about, added }];
    case "assignee":
      return [{ id, by, at, kind: "assignee", login: about, added }];
    case "close":
    case "reopen":
      return [{ id, by, at, kind: entry.type }];
    case "push":
      return [{ id, by, at, kind: "push", body }];
    default:
      return [];
  }
}

export function reviewView(issue: IssueRow, row: ReviewRow): Review {
  const { id, by: author, state, body, commit, official, dismissed, at, lines } = row;
  const entry = issue.entries.find((other) => other.review === id);
  const htmlUrl = entry === undefined ? "" : `${pageOf(issue)}#issuecomment-${entry.id}`;
  return { id, author, state, body, commit, official, dismissed, comments: lines.length, at, htmlUrl };
}

export function statusView({
  context,
  state,
  description,
  by: creator,
  targetUrl,
  at: updatedAt,
}: StatusRow): StatusEntry {
  return { context, state, description, creator, targetUrl, updatedAt };
}

export function runView(forge: ForgeState, run: RunRow): ForgeRun {
  const { number, workflow, event, state, endedAt, conclusion } = run;
  return { id: forge.release.hasRunById ? run.id : null, number, workflow, event, state, endedAt, conclusion };
}
