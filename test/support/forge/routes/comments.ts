import { addComment, deleteComment, editComment } from "../acts/issues.ts";
import { findEntry } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Entry } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { commentView, timelineView } from "../views/entry.ts";
import { issueOf, issueOrCrash, mayWrite } from "./find.ts";
import { readTime } from "./issue-lists.ts";

const issues = "/repos/{owner}/{repo}/issues";

/** Comments and the timeline they are part of. */
export const commentRoutes: Route[] = [
  route("GET", `${issues}/comments`, "issue", listAll),
  route("GET", `${issues}/comments/{id}`, "issue", getComment),
  route("PATCH", `${issues}/comments/{id}`, "issue", patchComment),
  route("DELETE", `${issues}/comments/{id}`, "issue", removeComment),
  route("GET", `${issues}/{index}/comments`, "issue", listOfIssue),
  route("POST", `${issues}/{index}/comments`, "issue", createComment),
  route("GET", `${issues}/{index}/timeline`, "issue", timeline),
];

function isComment(entry: Entry): boolean {
  return entry.type === "comment";
}

function later(call: Call): (entry: Entry) => boolean {
  const since = readTime(call, "since");
  const before = readTime(call, "before");
  return (entry) => (since === null || entry.updatedAt >= since) && (before === null || entry.updatedAt <= before);
}

/** The whole repository's comments come in pages; those of one issue never do. */
function listAll(call: Call): Reply {
  const all = call.repo.issues.flatMap((issue) => issue.entries.filter(isComment)).filter(later(call));
  all.sort((one, other) => one.id - other.id);
  const views = call.sliceIfAsked(all).map((entry) => commentView(call.world, entry));
  return json(200, views, call.total(all.length));
}

function listOfIssue(call: Call): Reply {
  const all = issueOf(call).entries.filter(isComment).filter(later(call));
  const views = all.map((entry) => commentView(call.world, entry));
  return json(200, views, call.total(all.length));
}

function createComment(call: Call): Reply {
  call.mustNotBeArchived();
  const fields = bind(call, "CreateIssueCommentOption", { body: "string" }, ["body"]);
  const issue = issueOrCrash(call);
  if (issue.locked && !mayWrite(call, issue) && !call.asker.user?.isAdmin) {
    throw call.errors.error(403, "You cannot comment on a locked issue.");
  }
  const entry = addComment(call.world, issue, fields.body ?? "", call.user);
  return json(201, commentView(call.world, entry));
}

function commentOf(call: Call): Entry {
  const entry = findEntry(call.repo, call.number("id"));
  if (entry) return entry;
  throw call.errors.notFound(`comment does not exist [id: ${call.param("id")}, issue_id: 0]`);
}

function getComment(call: Call): Reply {
  const entry = commentOf(call);
  if (!isComment(entry)) return empty(204);
  return json(200, commentView(call.world, entry));
}

/** An edit that changes nothing answers without the user, as Gitea does. */
function patchComment(call: Call): Reply {
  call.mustNotBeArchived();
  const fields = bind(call, "EditIssueCommentOption", { body: "string" }, ["body"]);
  const entry = commentOf(call);
  if (!mayTouch(call, entry)) return empty(403);
  if (!isComment(entry)) return empty(204);
  const body = fields.body ?? "";
  const same = entry.body === body;
  if (!same) editComment(call.world, entry, body, call.user);
  const view = commentView(call.world, entry);
  return json(200, same ? { ...view, user: null } : view);
}

function removeComment(call: Call): Reply {
  const entry = commentOf(call);
  if (!mayTouch(call, entry)) return empty(403);
  if (!isComment(entry)) return empty(204);
  deleteComment(call.world, entry, call.user);
  return empty(204);
}

function mayTouch(call: Call, entry: Entry): boolean {
  return entry.user === call.user || mayWrite(call, entry.issue);
}

/** `X-Total-Count` counts only this page, and the page behind the end is `null`. Pending reviews are their author's. */
function timeline(call: Call): Reply {
  const all = issueOrCrash(call).entries.filter(later(call));
  const page = call.sliceIfAsked(all).filter((entry) => isSeen(call, entry));
  const views = page.map((entry) => timelineView(call.world, entry, call.asker.user));
  return json(200, views.length > 0 ? views : null, call.total(views.length));
}

function isSeen(call: Call, entry: Entry): boolean {
  if (entry.hidden) return false;
  return entry.review?.state !== "PENDING" || entry.user === call.asker.user;
}
