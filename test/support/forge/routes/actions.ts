import { cancelFormer, queueRun } from "../acts/runs.ts";
import { type Workflow, workflowsAt } from "../acts/workflows.ts";
import { bind, isRecord } from "../body.ts";
import type { Call } from "../call.ts";
import type { Commit } from "../git/parse.ts";
import { empty, json, Refusal, type Reply, text } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { runPage } from "../views/run.ts";
import { time, zeroTime } from "../views/time.ts";
import { fullName } from "../world.ts";

const base = "/repos/{owner}/{repo}/actions";

/** Workflow files and their dispatch; runs are in `runs.ts`. */
export const actionRoutes: Route[] = [
  route("GET", `${base}/workflows`, "repository", listWorkflows),
  route("GET", `${base}/workflows/{file}`, "repository", getWorkflow),
  route("POST", `${base}/workflows/{file}/dispatches`, "repository", dispatch),
  route("PUT", `${base}/workflows/{file}/disable`, "repository", (call) => enable(call, false)),
  route("PUT", `${base}/workflows/{file}/enable`, "repository", (call) => enable(call, true)),
  ...["variables", "secrets", "runners", "runners/registration-token"].map((path) =>
    route("GET", `${base}/${path}`, "repository", ownerOnly, { needsToken: true }),
  ),
];

async function head(call: Call): Promise<Commit> {
  const commit = await call.world.git(call.repo).commit(call.repo.defaultBranch);
  if (commit) return commit;
  const page =
    '\n<!DOCTYPE html>\n<html lang="en-US" data-theme="gitea-auto">\n<body>Internal Server Error</body>\n</html>\n';
  const html = { status: 500, headers: { "content-type": "text/html; charset=utf-8" }, body: page };
  throw new Refusal(call.from26 ? text(500, "Internal Server Error") : html);
}

async function listWorkflows(call: Call): Promise<Reply> {
  call.mustRead("actions");
  const commit = await head(call);
  const workflows = await workflowsAt(call.world, call.repo, commit);
  const views = workflows.map((workflow) => view(call, workflow, commit));
  return json(200, { workflows: views, total_count: views.length });
}

async function getWorkflow(call: Call): Promise<Reply> {
  call.mustRead("actions");
  const commit = await head(call);
  const file = call.param("file");
  const workflow = (await workflowsAt(call.world, call.repo, commit)).find((candidate) => candidate.file === file);
  if (!workflow) throw call.errors.error(404, `workflow "${file}" not found`);
  return json(200, view(call, workflow, commit));
}

/** Up to 1.25 the name is the file's. */
function view(call: Call, workflow: Workflow, commit: Commit): Record<string, unknown> {
  const web = `${call.world.url}/${fullName(call.repo)}`;
  const at = time(commit.committer.at);
  const disabled = call.repo.disabledWorkflows.has(workflow.file);
  return {
    id: workflow.file,
    name: call.from26 ? workflow.name : workflow.file,
    path: workflow.path,
    state: disabled ? "disabled_manually" : "active",
    created_at: at,
    updated_at: at,
    url: `${call.world.url}/api/v1/repos/${fullName(call.repo)}/actions/workflows/${workflow.file}`,
    html_url: `${web}/src/branch/${call.repo.defaultBranch}/${workflow.path}`,
    badge_url: `${web}/actions/workflows/${workflow.file}/badge.svg?branch=${call.repo.defaultBranch}`,
    deleted_at: zeroTime,
  };
}

async function dispatch(call: Call): Promise<Reply> {
  call.mustRead("actions");
  call.mustWrite("actions");
  const fields = bind(call, "CreateActionWorkflowDispatch", { ref: "string", inputs: "any" }, ["ref"]);
  const file = call.param("file");
  const ref = fields.ref ?? "";
  await head(call);
  if (call.repo.disabledWorkflows.has(file)) throw call.errors.error(403, "workflow is disabled");
  const commit = await call.world.git(call.repo).commit(ref.replace(/^refs\/heads\//, ""));
  if (!commit) throw call.errors.error(404, `ref "${ref}" doesn't exist`);
  const workflow = (await workflowsAt(call.world, call.repo, commit)).find((candidate) => candidate.file === file);
  if (!workflow) throw call.errors.error(404, `workflow "${file}" doesn't exist`);
  if (call.from26 && !workflow.events.includes("workflow_dispatch")) {
    throw call.errors.error(422, `workflow "${file}" has no workflow_dispatch event trigger`);
  }
  const inputs = inputsOf(workflow, isRecord(fields.inputs) ? fields.inputs : {});
  const run = queueRun(call.world, call.repo, {
    workflow,
    event: "workflow_dispatch",
    actor: call.user,
    sha: commit.sha,
    ref: ref.startsWith("refs/") ? ref : `refs/heads/${ref}`,
    title: commit.message.split("\n")[0] ?? "",
    inputs,
  });
  cancelFormer(call.world, call.repo, run);
  call.world.bus.emit("dispatch", run);
  if (!call.from26 || call.query.get("return_run_details") !== "true") return empty(204);
  const url = `${call.world.url}/api/v1/repos/${fullName(call.repo)}/actions/runs/${run.id}`;
  return json(200, { workflow_run_id: run.id, run_url: url, html_url: runPage(call.world, run) });
}

/** Inputs that the workflow does not declare are dropped; choices and required ones are not checked. */
function inputsOf(workflow: Workflow, given: Record<string, unknown>): Record<string, string> {
  const inputs: Record<string, string> = {};
  for (const input of workflow.inputs) inputs[input.name] = String(given[input.name] ?? input.default ?? "");
  return inputs;
}

function enable(call: Call, on: boolean): Reply {
  call.mustWrite("actions");
  if (on) call.repo.disabledWorkflows.delete(call.param("file"));
  else call.repo.disabledWorkflows.add(call.param("file"));
  return empty(204);
}

function ownerOnly(call: Call): Reply {
  if (!call.isRepoAdmin()) throw call.errors.error(403, "user should be the owner of the repo");
  return json(200, []);
}
