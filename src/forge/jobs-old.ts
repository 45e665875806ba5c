import * as z from "zod";
import type { Client } from "./client.ts";
import type { JobAddress } from "./jobs.ts";
import { allPages, pageSize } from "./paging.ts";
import { list, text } from "./schemas.ts";
import { wordsOf } from "./words.ts";

/** Logs that are asked for while looking for one job. */
const stepsMax = 12;

/** Pages of the newest tasks that are searched for those of one run: 200 tasks. */
const searchedPages = 4;

/**
 * Id of a job on 1.24, which has logs by job id but lists no jobs, only tasks: one for each time that a job was started. The name of a
 * log's file ends in its task, so an id that was guessed can be proved. Ids of jobs and tasks go up side by side, apart by what was started
 * twice or never: from the run's lowest task the difference leads to its jobs, whose ids follow each other in the order of the address.
 * Null where that does not lead to a job of this very run.
 */
export async function jobOfOldServer(client: Client, { run, job }: JobAddress): Promise<number | null> {
  const tasks = await tasksOf(client, run);
  const own = new Set(tasks.map((task) => task.id));
  const lowest = Math.min(...own);
  if (own.size === 0) return null;
  let steps = 0;
  const behind = async (id: number): Promise<Behind> => {
    steps++;
    return id < 1 ? { kind: "none" } : taskBehind(client, id);
  };
  const isOwn = (found: Behind) => found.kind === "task" && own.has(found.task);

  let at = lowest;
  for (let found = await behind(at); !isOwn(found); found = await behind(at)) {
    if (found.kind === "none" || steps >= stepsMax) return null;
    at += found.kind === "task" ? lowest - found.task : 1;
  }
  // The first of a run in which only one was started is that one, whatever stands beside it.
  if (job === 0 && new Set(tasks.map((task) => task.name)).size === 1) return at;
  for (let before = await behind(at - 1); before.kind !== "none"; before = await behind(at - 1)) {
    // A job that was never started does not say to which run it belongs.
    if (before.kind === "not-started" || steps >= stepsMax) return null;
    if (!isOwn(before)) break;
    at--;
  }
  return isOwn(await behind(at + job)) ? at + job : null;
}

async function tasksOf({ owner, name, once, ask, parse }: Client, run: number): Promise<Task[]> {
  const what = `find the tasks of run ${run}`;
  const all = await allPages({
    what,
    page: (page) =>
      ask(what, () => once.repos.listActionTasks(owner, name, { page, limit: pageSize }), { also: [403, 404] }),
    items: (answer) => (answer.status < 300 ? parse(what, taskList, answer) : []),
    key: (task) => task.id,
    trueTotal: true,
    pagesMax: searchedPages,
    atBound: "cut",
  });
  return all.items.filter((task) => task.run_number === run);
}

type Behind = { kind: "task"; task: number } | { kind: "not-started" } | { kind: "none" };

async function taskBehind({ part, ask, place }: Client, job: number): Promise<Behind> {
  const call = () => part(`actions/jobs/${job}/logs`, "bytes=0-0");
  const answer = await ask(`find job ${job}`, call, { also: [403, 404, 416, 500], plain: true });
  // `attachment; filename="ci-test-7.log"; …`
  const task = /-(\d{1,15})\.log\b/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  if (answer.status < 300 && task !== undefined) return { kind: "task", task: Number(task) };
  return { kind: wordsOf(answer, place.token).includes("not started") ? "not-started" : "none" };
}

const task = z.object({ id: z.number(), run_number: z.number(), name: text });
type Task = z.infer<typeof task>;

const taskList = z.object({ workflow_runs: list(task) }).transform((answer) => answer.workflow_runs);
