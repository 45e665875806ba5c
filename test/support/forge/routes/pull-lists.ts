import { checkConflicts } from "../acts/mergeability.ts";
import { allPulls } from "../acts/pulls.ts";
import type { Call } from "../call.ts";
import type { Pull } from "../model.ts";
import { json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { pullListView } from "../views/pull.ts";

export const pullListRoutes: Route[] = [route("GET", "/repos/{owner}/{repo}/pulls", "repository", listPulls)];

/** Without `state` all are listed, also closed ones; labels go by id. */
async function listPulls(call: Call): Promise<Reply> {
  if (!call.may("pulls", "read") || call.world.git(call.repo).isEmpty()) throw call.errors.notFound();
  const labels = call.query.getAll("labels").filter(Boolean).map(Number);
  if (labels.some(Number.isNaN)) throw call.errors.internal();
  const poster = call.query.get("poster") ?? "";
  const user = poster === "" ? undefined : call.world.findUser(poster);
  if (poster !== "" && !user) throw call.errors.error(400, call.errors.userUnknown(poster));
  const state = call.query.get("state");
  const base = call.query.get("base_branch") ?? "";
  const found = allPulls(call.repo).filter(
    (pull) =>
      (state !== "open" && state !== "closed" ? true : pull.issue.state === state) &&
      (!user || pull.issue.poster === user) &&
      (base === "" || pull.baseBranch === base) &&
      labels.every((id) => pull.issue.labels.some((label) => label.id === id)),
  );
  found.sort(order(call.query.get("sort") ?? ""));
  const page = call.slice(found);
  for (const pull of page) await checkConflicts(call.world, pull);
  const views = page.map((pull) => pullListView(call.world, pull, call.asker));
  return json(200, views, call.totalAndLink(found.length));
}

function order(sort: string): (one: Pull, other: Pull) => number {
  switch (sort) {
    case "oldest":
      return (one, other) => one.issue.number - other.issue.number;
    case "recentupdate":
      return (one, other) => other.issue.updatedAt - one.issue.updatedAt || other.id - one.id;
    case "leastupdate":
      return (one, other) => one.issue.updatedAt - other.issue.updatedAt || one.id - other.id;
    case "mostcomment":
      return (one, other) => other.issue.commentCount - one.issue.commentCount;
    default:
      return (one, other) => other.issue.number - one.issue.number;
  }
}
