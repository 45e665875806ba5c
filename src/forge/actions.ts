import * as z from "zod";
import { type Client, isUnknownCall } from "./client.ts";
import type { Forge, ForgeRun } from "./port.ts";
import { list, text } from "./schemas.ts";
import { wordsOf } from "./words.ts";

type ActionsCalls = Pick<Forge, "recentRuns" | "runById" | "canDispatch" | "dispatch">;

/** Gitea Actions. gitea-js 1.23 knows only the list of tasks. */
export function actionsCalls(client: Client): ActionsCalls {
  const { owner, name, once, raw, ask, parse, failed, place } = client;

  return {
    async recentRuns(limit) {
      const what = "list the runs of workflows";
      // `page` is needed: 1.24 ignores `limit` without it. 403: Actions are switched off.
      const call = () => once.repos.listActionTasks(owner, name, { limit, page: 1 });
      const answer = await ask(what, call, { also: [403, 404] });
      return answer.status < 300 ? runsOf(parse(what, tasks, answer)) : null;
    },

    async runById(id) {
      const what = `read run ${id}`;
      const answer = await ask(what, () => raw("GET", `actions/runs/${id}`), { also: [403, 404] });
      return answer.status < 300 ? parse(what, run, answer) : null;
    },

    async canDispatch() {
      const what = "see whether workflows can be started";
      const answer = await ask(what, () => raw("GET", "actions/workflows"), { also: [403, 404] });
      if (answer.status === 403 && wordsOf(answer, place.token).includes("required scope")) throw failed(what, answer);
      return answer.status < 300;
    },

    // Sent once: every sending starts a run.
    async dispatch(workflow, ref, inputs) {
      const what = `start the workflow ${workflow}`;
      const path = `actions/workflows/${encodeURIComponent(workflow)}/dispatches`;
      const also = [400, 403, 404, 405, 409, 412, 422];
      const answer = await ask(what, () => raw("POST", path, { ref, inputs }), { also });
      if (answer.status < 300) return { kind: "started" };
      const words = wordsOf(answer, place.token);
      const why = isUnknownCall(answer) ? "this server cannot start workflows by REST (Gitea 1.24 can)" : words;
      return { kind: "refused", answer: why === "" ? `status ${answer.status}` : why };
    },
  };
}

const states = new Map<string, ForgeRun["state"]>([
  ["waiting", "waiting"],
  ["blocked", "waiting"],
  ["queued", "waiting"],
  ["pending", "waiting"],
  ["requested", "waiting"],
  ["running", "running"],
  ["in_progress", "running"],
  ["cancelling", "running"],
  ["success", "ended"],
  ["failure", "ended"],
  ["cancelled", "ended"],
  ["skipped", "ended"],
  ["completed", "ended"],
]);

function stateOf(status: string): ForgeRun["state"] {
  return states.get(status) ?? "unknown";
}

const task = z
  .object({ run_number: z.number(), workflow_id: z.string(), event: text, status: z.string() })
  // The task's own `id` is no run's, in no version.
  .transform((t) => ({
    id: null,
    number: t.run_number,
    workflow: t.workflow_id,
    event: t.event,
    state: stateOf(t.status),
  }));

const tasks = z.object({ workflow_runs: list(task) }).transform((answer) => answer.workflow_runs);

const run: z.ZodType<ForgeRun> = z
  .object({ id: z.number(), run_number: z.number(), path: z.string(), event: text, status: z.string() })
  .transform((r) => ({
    id: r.id,
    number: r.run_number,
    // `agent.yml@refs/heads/main`, in newer servers with its folder.
    workflow: (r.path.split("@")[0] ?? "").split("/").at(-1) ?? "",
    event: r.event,
    state: stateOf(r.status),
  }));

/** The more of these states a run's jobs have, the more alive it is: what is not known to have ended counts as going on. */
const liveliest: readonly ForgeRun["state"][] = ["running", "waiting", "unknown", "ended"];

/** One entry per run: the list has one per job that a runner has taken. */
function runsOf(entries: readonly ForgeRun[]): ForgeRun[] {
  const runs = new Map<number, ForgeRun>();
  for (const entry of entries) {
    const other = runs.get(entry.number);
    const state = liveliest.find((s) => s === entry.state || s === other?.state) ?? "unknown";
    runs.set(entry.number, { ...entry, state });
  }
  return [...runs.values()];
}
