import * as z from "zod";
import { type Client, isUnknownCall } from "./client.ts";
import type { Conclusion, ForgeRun } from "./model.ts";
import type { Forge } from "./port.ts";
import { list, text, time } from "./schemas.ts";
import { wordsOf } from "./words.ts";

type ActionsCalls = Pick<Forge, "recentRuns" | "runById" | "canDispatch" | "dispatch">;

/** Gitea Actions. gitea-js 1.23 knows only the list of tasks. */
export function actionsCalls(client: Client): ActionsCalls {
  const { owner, name, once, raw, ask, parse, failed, place } = client;
  // A server without the call is asked once.
  let hasRuns = true;

  return {
    async recentRuns(limit) {
      const what = "list the runs of workflows";
      // `page` is needed: 1.24 ignores `limit` without it. 403: Actions are switched off.
      const call = () => once.repos.listActionTasks(owner, name, { limit, page: 1 });
      const answer = await ask(what, call, { also: [403, 404] });
      return answer.status < 300 ? runsOf(parse(what, tasks, answer)) : null;
    },

    async runById(id) {
      if (!hasRuns) return null;
      const what = `read run ${id}`;
      const answer = await ask(what, () => raw("GET", `actions/runs/${id}`), { also: [403, 404] });
      if (answer.status < 300) return parse(what, run, answer);
      hasRuns = !isUnknownCall(answer);
      return null;
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

const conclusions = ["success", "failure", "cancelled", "skipped"] as const;

function conclusionOf(word: string): Conclusion {
  return conclusions.find((known) => known === word) ?? "unknown";
}

/** Gitea writes 1970 for "not yet", and a build may leave the field out. */
const momentOrNever = time.nullish().transform((at) => (at === undefined || at === null || at <= 0 ? null : at));

/** One job that a runner took, with the name that tells it from the run's others. */
type Task = ForgeRun & { job: string };

const task = z
  .object({
    ...{ run_number: z.number(), workflow_id: z.string(), event: text, status: z.string() },
    ...{ name: text, updated_at: momentOrNever },
  })
  .transform((t): Task => {
    const state = stateOf(t.status);
    // An ended task changes once more at most, when its log is put away: its last change is its end, or a little later.
    const ended =
      state === "ended"
        ? { endedAt: t.updated_at, conclusion: conclusionOf(t.status) }
        : { endedAt: null, conclusion: null };
    // The task's own `id` is no run's, in no version.
    return { id: null, number: t.run_number, workflow: t.workflow_id, event: t.event, state, ...ended, job: t.name };
  });

const tasks = z.object({ workflow_runs: list(task) }).transform((answer) => answer.workflow_runs);

const run: z.ZodType<ForgeRun> = z
  .object({
    ...{ id: z.number(), run_number: z.number(), path: z.string(), event: text, status: z.string() },
    ...{ conclusion: text, completed_at: momentOrNever },
  })
  .transform((r) => {
    const state = stateOf(r.status);
    return {
      id: r.id,
      number: r.run_number,
      // `agent.yml@refs/heads/main`, in newer servers with its folder.
      workflow: (r.path.split("@")[0] ?? "").split("/").at(-1) ?? "",
      event: r.event,
      state,
      endedAt: state === "ended" ? r.completed_at : null,
      conclusion: state === "ended" ? conclusionOf(r.conclusion) : null,
    };
  });

/** The more of these states a run's jobs have, the more alive it is: what is not known to have ended counts as going on. */
const liveliest: readonly ForgeRun["state"][] = ["running", "waiting", "unknown", "ended"];
/** Of the ends of a run's jobs the first of these is the run's, as the server itself sums them up. */
const gravest: readonly Conclusion[] = ["cancelled", "failure", "unknown", "success", "skipped"];

/** One entry per run: the list has one per job that a runner has taken, the newest first. */
function runsOf(entries: readonly Task[]): ForgeRun[] {
  const runs = new Map<number, Task[]>();
  for (const entry of entries) runs.set(entry.number, [...(runs.get(entry.number) ?? []), entry]);
  return [...runs.values()].flatMap(summed);
}

function summed(jobs: readonly Task[]): ForgeRun[] {
  const [newest] = jobs;
  if (newest === undefined) return [];
  const { id, number, workflow, event } = newest;
  const state = liveliest.find((one) => jobs.some((job) => job.state === one)) ?? "unknown";
  const going: ForgeRun = { id, number, workflow, event, state, endedAt: null, conclusion: null };
  if (state !== "ended") return [going];
  const ends = jobs.flatMap((job) => job.endedAt ?? []);
  const endedAt = ends.length < jobs.length ? null : Math.max(...ends);
  // A job that was started again is listed twice: what became of it before counts no more.
  const last = jobs.filter((job, at) => jobs.findIndex((other) => other.job === job.job) === at);
  const conclusion = gravest.find((one) => last.some((job) => job.conclusion === one)) ?? "unknown";
  return [{ ...going, endedAt, conclusion }];
}
