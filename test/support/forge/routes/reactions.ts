import { findEntry } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Issue, Reaction } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { reactionView } from "../views/entry.ts";
import { issueOf, mayWrite } from "./find.ts";

const issues = "/repos/{owner}/{repo}/issues";
const known = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];

/** Reactions to issues and comments. */
export const reactionRoutes: Route[] = [
  ...["GET", "POST", "DELETE"].map((method) =>
    route(method, `${issues}/comments/{id}/reactions`, "issue", (call) => answer(call, ofComment(call))),
  ),
  ...["GET", "POST", "DELETE"].map((method) =>
    route(method, `${issues}/{index}/reactions`, "issue", (call) => answer(call, ofIssue(call))),
  ),
];

interface Target {
  issue: Issue;
  reactions: Reaction[];
  isComment: boolean;
}

function ofComment(call: Call): Target {
  const entry = findEntry(call.repo, call.number("id"));
  if (!entry) throw call.errors.notFound(`comment does not exist [id: ${call.param("id")}, issue_id: 0]`);
  return { issue: entry.issue, reactions: entry.reactions, isComment: true };
}

function ofIssue(call: Call): Target {
  const issue = issueOf(call);
  return { issue, reactions: issue.reactions, isComment: false };
}

function answer(call: Call, target: Target): Reply {
  switch (call.method) {
    case "POST":
      return add(call, target);
    case "DELETE":
      return remove(call, target);
    default:
      return list(call, target);
  }
}

function list(call: Call, target: Target): Reply {
  const views = target.reactions.map((reaction) => reactionView(call.world, reaction, call.asker.user));
  return json(200, views, target.isComment ? {} : call.total(views.length));
}

function content(call: Call, target: Target): string {
  const given = bind(call, "EditReactionOption", { content: "string" }).content ?? "";
  if (target.issue.locked && !mayWrite(call, target.issue)) {
    throw call.errors.error(403, "no permission to change reaction");
  }
  return given;
}

function add(call: Call, target: Target): Reply {
  const wanted = content(call, target);
  if (!known.includes(wanted)) throw call.errors.error(403, `'${wanted}' is not an allowed reaction`);
  const present = target.reactions.find((one) => one.user === call.user && one.content === wanted);
  if (present) return json(200, reactionView(call.world, present, call.user));
  const reaction: Reaction = { user: call.user, content: wanted, createdAt: call.world.now() };
  target.reactions.push(reaction);
  return json(201, reactionView(call.world, reaction, call.user));
}

function remove(call: Call, target: Target): Reply {
  const wanted = content(call, target);
  const at = target.reactions.findIndex((one) => one.user === call.user && one.content === wanted);
  if (at >= 0) target.reactions.splice(at, 1);
  return empty(call.from26 ? 204 : 200);
}
