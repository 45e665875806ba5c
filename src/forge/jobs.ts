import * as z from "zod";
import { type Client, isUnknownCall } from "./client.ts";
import type { Answer } from "./http.ts";
import { jobOfOldServer } from "./jobs-old.ts";
import { allPages, pageSize } from "./paging.ts";
import type { Forge } from "./port.ts";
import { isBefore } from "./release.ts";
import { list } from "./schemas.ts";
import { wordsOf } from "./words.ts";

type JobCalls = Pick<Forge, "jobLog" | "rerun">;

/** What the address of a job says: number of the run and index of the job up to 1.25, ids of both from 1.26 on. */
export interface JobAddress {
  run: number;
  job: number;
}

/** Pages of the newest runs that are searched for one: 200 runs. */
const searchedPages = 4;

/** What the calls need to know about the server, asked only when needed. */
export interface Server {
  version(): Promise<string>;
  /** The repository's page as the server knows itself; null where the repository is not there. */
  htmlUrl(): Promise<string | null>;
}

/** Jobs of Actions, found by the address that they leave in their commit status. */
export function jobCalls(client: Client, server: Server): JobCalls {
  const { raw, part, ask, parse, failed, place } = client;

  /** Null for the address of anything else. Gitea writes a path; an absolute address counts if it is of this very repository. */
  async function addressOf(targetUrl: string): Promise<JobAddress | null> {
    const found = /^(.*)\/actions\/runs\/(\d{1,15})\/jobs\/(\d{1,15})$/.exec(targetUrl);
    if (found === null) return null;
    const page = (found[1] ?? "").toLowerCase();
    const address = { run: Number(found[2]), job: Number(found[3]) };
    const repository = `/${place.repository}`.toLowerCase();
    // The server may lie below a path that is not the one it is reached by.
    if (!/^https?:/.test(page)) return !page.startsWith("//") && page.endsWith(repository) ? address : null;
    if (page === `${place.serverUrl}${repository}`.toLowerCase()) return address;
    return page === (await server.htmlUrl())?.toLowerCase() ? address : null;
  }

  /** Null: not among the newest. `undefined`: the server has no list of runs (before 1.25). */
  async function runOfNumber(number: number): Promise<number | null | undefined> {
    const what = "list the runs";
    let isKnown = true;
    const all = await allPages({
      what,
      page: (page) => ask(what, () => raw("GET", `actions/runs?page=${page}&limit=${pageSize}`), { also: [403, 404] }),
      items: (answer) => {
        isKnown &&= !isUnknownCall(answer);
        return answer.status < 300 ? parse(what, runs, answer) : [];
      },
      key: (run) => run.id,
      trueTotal: true,
      pagesMax: searchedPages,
      atBound: "cut",
    });
    return isKnown ? (all.items.find((run) => run.run_number === number)?.id ?? null) : undefined;
  }

  async function jobOfRun(run: number, index: number): Promise<number | null> {
    const what = `list the jobs of run ${run}`;
    const all = await allPages({
      what,
      page: (page) =>
        ask(what, () => raw("GET", `actions/runs/${run}/jobs?page=${page}&limit=${pageSize}`), { also: [403, 404] }),
      items: (answer) => (answer.status < 300 ? parse(what, jobs, answer) : []),
      key: (id) => id,
      trueTotal: true,
      pagesMax: searchedPages,
      atBound: "cut",
    });
    return all.items.sort((a, b) => a - b)[index] ?? null;
  }

  async function jobAt(address: JobAddress): Promise<number | null> {
    if (!isBefore(await server.version(), 26)) return address.job;
    const run = await runOfNumber(address.run);
    if (run === undefined) return jobOfOldServer(client, address);
    return run === null ? null : jobOfRun(run, address.job);
  }

  /** Null where there is no such log: never started, cleaned up, or a file that the server has lost (500 without words). */
  async function endOfLog(job: number, bytesMax: number): Promise<string | null> {
    const what = `read the log of job ${job}`;
    // One byte more shows whether the text was cut, and where a line begins.
    const call = () => part(`actions/jobs/${job}/logs`, `bytes=-${bytesMax + 1}`);
    const answer = await ask(what, call, { also: [403, 404, 416, 500], plain: true });
    if (answer.status < 300) return lastLines(answer.text, bytesMax);
    if (answer.status === 403 && isScope(answer)) throw failed(what, answer);
    return answer.status === 416 ? "" : null;
  }

  const isScope = (answer: Answer) => wordsOf(answer, place.token).includes("required scope");

  return {
    async jobLog(targetUrl, bytesMax) {
      const address = await addressOf(targetUrl);
      const job = address === null ? null : await jobAt(address);
      return job === null ? null : endOfLog(job, bytesMax);
    },

    // Sent once. The first call is of 1.26 like the second; one of them alone is for servers that are near it.
    async rerun(targetUrl) {
      const address = await addressOf(targetUrl);
      if (address === null) return false;
      const what = `start run ${address.run} again`;
      for (const call of ["rerun-failed-jobs", "rerun"]) {
        // 400: the run goes on, or its workflow is switched off.
        const answer = await ask(what, () => raw("POST", `actions/runs/${address.run}/${call}`), {
          also: [400, 404, 405],
        });
        if (answer.status < 300) return true;
        if (!isUnknownCall(answer) && answer.status !== 405) return false;
      }
      return false;
    },
  };
}

/** The end of a text from the first whole line on; of a line that is longer than the bound, its end. */
export function lastLines(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  const end = bytes.subarray(bytes.length - bytesMax - 1);
  const newline = end.indexOf("\n");
  if (newline >= 0 && newline < end.length - 1) return end.subarray(newline + 1).toString("utf8");
  // The cut may have gone through a character.
  return end
    .subarray(1)
    .toString("utf8")
    .replace(/^\ufffd+/, "");
}

const runs = z
  .object({ workflow_runs: list(z.object({ id: z.number(), run_number: z.number() })) })
  .transform((answer) => answer.workflow_runs);

const jobs = z
  .object({ jobs: list(z.object({ id: z.number() })) })
  .transform((answer) => answer.jobs.map((job) => job.id));
