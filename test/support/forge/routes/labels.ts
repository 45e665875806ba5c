import { addLabels, clearLabels, removeLabel, replaceLabels, usableLabels } from "../acts/labels.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Issue, Label } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { sortLabels } from "../views/issue.ts";
import { labelView } from "../views/repository.ts";
import { issueOf, mayWrite } from "./find.ts";

const base = "/repos/{owner}/{repo}";
const ofIssue = `${base}/issues/{index}/labels`;

/** Labels of the repository, of its organisation and of issues. */
export const labelRoutes: Route[] = [
  route("GET", "/orgs/{org}/labels", "organization", listOrgLabels),
  route("GET", `${base}/labels`, "issue", listLabels),
  route("POST", `${base}/labels`, "issue", createLabel),
  route("GET", `${base}/labels/{id}`, "issue", getLabel),
  route("PATCH", `${base}/labels/{id}`, "issue", editLabel),
  route("DELETE", `${base}/labels/{id}`, "issue", deleteLabel),
  route("GET", ofIssue, "issue", (call) => shown(call, issueOf(call))),
  route("POST", ofIssue, "issue", addToIssue),
  route("PUT", ofIssue, "issue", replaceOnIssue),
  route("DELETE", ofIssue, "issue", clearIssue),
  route("DELETE", `${ofIssue}/{id}`, "issue", removeFromIssue),
];

function listLabels(call: Call): Reply {
  const labels = sortLabels(call.repo.labels);
  const views = call.sliceIfAsked(labels).map((label) => labelView(call.world, label));
  return json(200, views, call.total(labels.length));
}

function listOrgLabels(call: Call): Reply {
  const org = call.world.findUser(call.param("org"));
  if (org?.kind !== "organisation") throw call.errors.notFound();
  const labels = sortLabels(call.world.orgLabels.filter((label) => label.org === org));
  const views = call.sliceIfAsked(labels).map((label) => labelView(call.world, label));
  return json(200, views, call.total(labels.length));
}

const labelFields = {
  name: "string",
  color: "string",
  description: "string",
  exclusive: "boolean",
  is_archived: "boolean",
} as const;

function createLabel(call: Call): Reply {
  call.mustWrite("issues", "pulls");
  const fields = bind(call, "CreateLabelOption", labelFields, ["name", "color"]);
  const color = readColor(call, fields.color ?? "");
  const label: Label = {
    id: call.world.next("label"),
    name: fields.name ?? "",
    color,
    description: fields.description ?? "",
    exclusive: fields.exclusive ?? false,
    isArchived: fields.is_archived ?? false,
    repo: call.repo,
  };
  call.repo.labels.push(label);
  return json(201, labelView(call.world, label));
}

/** `#rgb` and `#rrggbb`, with or without the mark; kept as six digits. */
function readColor(call: Call, given: string): string {
  const color = given.startsWith("#") ? given : `#${given}`;
  if (!/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(color)) {
    throw call.errors.error(422, `${call.from26 ? "invalid color" : "bad color code"}: ${color}`);
  }
  const digits = color.slice(1).toLowerCase();
  return digits.length === 6 ? digits : [...digits].map((digit) => digit + digit).join("");
}

function labelOf(call: Call): Label {
  const label = call.repo.labels.find((candidate) => candidate.id === call.number("id"));
  if (label) return label;
  const cause = `label does not exist [label_id: ${call.number("id")}, repo_id: ${call.repo.id}]`;
  throw call.from27 ? call.errors.notFound(cause) : call.errors.notFound();
}

function getLabel(call: Call): Reply {
  return json(200, labelView(call.world, labelOf(call)));
}

function editLabel(call: Call): Reply {
  call.mustWrite("issues", "pulls");
  const fields = bind(call, "EditLabelOption", labelFields);
  const label = labelOf(call);
  if (fields.name !== undefined) label.name = fields.name;
  if (fields.color !== undefined) label.color = readColor(call, fields.color);
  if (fields.description !== undefined) label.description = fields.description;
  if (fields.exclusive !== undefined) label.exclusive = fields.exclusive;
  if (fields.is_archived !== undefined) label.isArchived = fields.is_archived;
  return json(200, labelView(call.world, label));
}

/** Deleting what is not there succeeds; a label takes its rows of every timeline along. */
function deleteLabel(call: Call): Reply {
  call.mustWrite("issues", "pulls");
  const label = call.repo.labels.find((candidate) => candidate.id === call.number("id"));
  if (!label) return empty(204);
  call.repo.labels = call.repo.labels.filter((other) => other !== label);
  for (const issue of call.repo.issues) {
    issue.labels = issue.labels.filter((other) => other !== label);
    issue.entries = issue.entries.filter((entry) => entry.label !== label);
  }
  return empty(204);
}

function shown(call: Call, issue: Issue): Reply {
  return json(
    200,
    sortLabels(issue.labels).map((label) => labelView(call.world, label)),
  );
}

/** Ids or names, not mixed; what nobody knows is dropped without a word, a name picks every label that has it. */
function pickLabels(call: Call): Label[] {
  const given = bind(call, "IssueLabelsOption", { labels: "any" }).labels ?? [];
  const list: unknown[] = Array.isArray(given) ? given : [];
  const known = sortLabels(usableLabels(call.world, call.repo));
  if (list.every((item) => typeof item === "number")) return known.filter((label) => list.includes(label.id));
  if (!list.every((item) => typeof item === "string")) {
    throw call.errors.error(400, "labels should be an array of strings or integers");
  }
  return known.filter((label) => list.includes(label.name));
}

function writableIssue(call: Call): Issue {
  const issue = issueOf(call);
  if (!mayWrite(call, issue)) throw call.errors.error(403, "write permission is required");
  return issue;
}

function addToIssue(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = issueOf(call);
  const labels = pickLabels(call);
  if (!mayWrite(call, issue)) throw call.errors.error(403, "write permission is required");
  addLabels(call.world, issue, labels, call.user);
  return shown(call, issue);
}

function replaceOnIssue(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = writableIssue(call);
  replaceLabels(call.world, issue, pickLabels(call), call.user);
  return shown(call, issue);
}

function clearIssue(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = issueOf(call);
  if (!mayWrite(call, issue)) return empty(403);
  clearLabels(call.world, issue, call.user);
  return empty(204);
}

function removeFromIssue(call: Call): Reply {
  call.mustNotBeArchived();
  const issue = issueOf(call);
  if (!mayWrite(call, issue)) return empty(403);
  const label = usableLabels(call.world, call.repo).find((candidate) => candidate.id === call.number("id"));
  if (!label) throw unknownLabel(call);
  // The automatic token could not take a single label off before 1.26 (go-gitea/gitea#37013).
  if (call.asker.token?.run && !call.from26) throw call.errors.internal();
  removeLabel(call.world, issue, label, call.user);
  return empty(204);
}

function unknownLabel(call: Call): Error {
  if (!call.from27) return call.errors.error(422, "label does not exist [label_id: 0]");
  const cause = `label does not exist [label_id: ${call.number("id")}, org_id: ${call.repo.owner.id}]`;
  return call.errors.notFound(cause);
}
