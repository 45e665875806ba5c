// Watches one run of the action: its log as it grows, and what appears on the forge meanwhile.

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isOver, type Repo, type Server, type WorkflowRun } from "../test/e2e/servers/server.ts";
import type { Teller } from "./terminal.ts";

/** Pause between two looks, in ms. */
const pauseMs = 100;
/** Longest run, in ms. */
const runMs = 120_000;

export interface Followed {
  run: WorkflowRun;
  /** What the action itself printed. */
  lines: readonly string[];
}

/** Answers when the run is over; `sight` is asked at each look for what is new on the forge. */
export async function follow(
  server: Server,
  repo: Repo,
  first: WorkflowRun,
  teller: Teller,
  sight: () => Promise<readonly string[]>,
): Promise<Followed> {
  let told = 0;
  let lines: string[] = [];
  const look = async () => {
    for (const line of await sight()) teller.seen(line);
    const log = await server.jobLog(repo, first).catch(() => "");
    // A log that cannot be read at the moment is an answer in brackets or nothing.
    const now = actionLines(log);
    if (now.length < told) return;
    lines = now;
    for (const line of shown(lines).slice(shown(lines.slice(0, told)).length)) teller.log(line);
    told = lines.length;
  };
  for (const deadline = performance.now() + runMs; performance.now() < deadline; await sleep(pauseMs)) {
    const run = (await server.runs(repo)).find(({ id }) => id === first.id) ?? first;
    await look();
    if (!isOver(run)) continue;
    // The runner sends the last lines with its last word on the run.
    await look();
    return { run, lines };
  }
  throw new Error(`run ${first.number} is not over after ${runMs / 1000} s; its log so far:\n${lines.join("\n")}`);
}

/** Without what a runner itself writes around a step, and what it shows of the commands that it obeys. */
export function actionLines(log: string): string[] {
  const runners =
    /^(\[no log|runner-\d+\(|workflow prepared|git clone |Run (Main|Post) |::group::Run |with:$|env:$| {2}[\w-]+: |::set-output::|Success - |Cleaning up |Job succeeded)/;
  return log.split("\n").filter((line) => line.trim() !== "" && !runners.test(line));
}

/** Groups as headings with their lines indented. */
function shown(lines: readonly string[]): string[] {
  let inGroup = false;
  return lines.flatMap((line) => {
    const [, title] = /^::group::(.*)$/.exec(line) ?? [];
    if (title !== undefined || line === "::endgroup::") {
      inGroup = title !== undefined;
      return title === undefined ? [] : [`▸ ${title}`];
    }
    const text = line.replace(/^::(error|warning)[^:]*::/, "$1: ");
    return [inGroup ? `  ${text}` : text];
  });
}

const Ref = z.object({ ref: z.string(), object: z.object({ sha: z.string() }) });
const Commit = z.object({ commit: z.object({ message: z.string() }) });
const Issue = z.object({ assignees: z.array(z.object({ login: z.string() })).nullable() });
const Comment = z.object({ id: z.number(), body: z.string(), user: z.object({ login: z.string() }) });
const Pull = z.object({
  number: z.number(),
  title: z.string(),
  labels: z.array(z.object({ name: z.string() })),
  user: z.object({ login: z.string() }),
});

/** What appears for one issue, each thing once: the ledger's entries, the assignee, the status comment, the pull request and its label. */
export function sightings(server: Server, repo: Repo, issue: number): () => Promise<readonly string[]> {
  const api = server.as(server.admin);
  const base = `/repos/${repo.fullName}`;
  const known = new Set<string>();
  const isNew = (key: string) => !known.has(key) && known.add(key) !== undefined;
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    const answer = await api.request("GET", `${base}${path}`);
    return answer.status === 200 ? schema.parse(answer.body) : null;
  };
  return async () => {
    const seen: string[] = [];
    for (const { ref, object } of (await get("/git/refs/agent-dispatch/v1/item", z.array(Ref))) ?? []) {
      if (!isNew(`${ref} ${object.sha}`)) continue;
      const entry = await get(`/git/commits/${object.sha}`, Commit);
      const subject = entry?.commit.message.split("\n")[0] ?? object.sha;
      const begins = isNew("ledger") ? `ledger: the ref ${ref} appears:` : "ledger:";
      if (isNew(stateOf(subject))) seen.push(`${begins} “${subject}”`);
    }
    for (const { login } of (await get(`/issues/${issue}`, Issue))?.assignees ?? [])
      if (isNew(`assignee ${login}`)) seen.push(`${login} is assigned to #${issue}`);
    for (const { id, body, user } of (await get(`/issues/${issue}/comments`, z.array(Comment))) ?? []) {
      const text = plain(body.split("\n").find((line) => line !== "" && !line.startsWith("<!--")) ?? "");
      if (isNew(`comment ${id} ${text}`)) seen.push(`comment of ${user.login} on #${issue}: ${text}`);
    }
    for (const { number, title, labels, user } of (await get("/pulls?state=open", z.array(Pull))) ?? []) {
      if (isNew(`pull ${number}`)) seen.push(`${user.login} opens pull request #${number} “${title}”`);
      for (const { name } of labels)
        if (isNew(`pull ${number} ${name}`)) seen.push(`#${number} gets the label ${name}`);
    }
    return seen;
  };
}

function plain(markdown: string): string {
  return markdown.replaceAll("**", "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
}

/** `agent-dispatch v1 held issue-1 e1.2` without the count of renewals. */
function stateOf(subject: string): string {
  return subject.replace(/\.\d+$/, "");
}
