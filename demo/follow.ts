// Watches one run of the action: its log as it grows, and what appears on the forge meanwhile.

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isOver, type Repo, type Server, type WorkflowRun } from "../test/e2e/servers/server.ts";
import type { Teller } from "./terminal.ts";

/** Pause between two looks, in ms. */
const pauseMs = 300;
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

const Person = z.object({ login: z.string() });
const Label = z.object({ name: z.string() });
const Ref = z.object({ ref: z.string(), object: z.object({ sha: z.string() }) });
const Commit = z.object({ commit: z.object({ message: z.string() }) });
const Issue = z.object({ labels: z.array(Label), assignees: z.array(Person).nullable() });
const Comment = z.object({ id: z.number(), body: z.string(), user: Person });
const Review = z.object({ id: z.number(), state: z.string(), body: z.string(), user: Person });
const Status = z.object({ context: z.string(), status: z.string(), description: z.string() });
const Pull = z.object({
  number: z.number(),
  title: z.string(),
  labels: z.array(Label),
  user: Person,
  head: z.object({ ref: z.string(), sha: z.string() }),
});

/** What changes for one issue and its pull request, each change once: labels, assignees, comments, reviews, statuses; of the ledger the first claim. */
export function sightings(server: Server, repo: Repo, issue: number): () => Promise<readonly string[]> {
  const api = server.as(server.admin);
  const base = `/repos/${repo.fullName}`;
  const last = new Map<string, string>();
  const changed = (key: string, now: string): boolean => {
    if (last.get(key) === now) return false;
    last.set(key, now);
    return true;
  };
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    const answer = await api.request("GET", `${base}${path}`);
    return answer.status === 200 ? schema.parse(answer.body) : null;
  };
  const labels = (number: number, now: readonly z.infer<typeof Label>[]): string[] => {
    const names = now.map(({ name }) => name).sort();
    const isFirst = !last.has(`labels ${number}`);
    const told = changed(`labels ${number}`, names.join()) && !(isFirst && names.length === 0);
    return told ? [`labels of #${number}: ${names.join(", ") || "none"}`] : [];
  };
  const comments = async (number: number): Promise<string[]> => {
    const all = (await get(`/issues/${number}/comments`, z.array(Comment))) ?? [];
    return all.flatMap(({ id, body, user }) => {
      const text = firstLine(body);
      return changed(`comment ${id}`, text) ? [`comment of ${user.login} on #${number}: ${text}`] : [];
    });
  };
  const claims = async (): Promise<string[]> => {
    const seen: string[] = [];
    for (const { ref, object } of (await get("/git/refs/agent-dispatch/v1/item", z.array(Ref))) ?? []) {
      const entry = await get(`/git/commits/${object.sha}`, Commit);
      const subject = entry?.commit.message.split("\n")[0] ?? "";
      const begins = last.has(ref) ? "ledger:" : `ledger: the ref ${ref} appears:`;
      if (/ e1\.\d+$/.test(subject) && changed(ref, stateOf(subject))) seen.push(`${begins} “${subject}”`);
    }
    return seen;
  };
  const ofPull = async ({ number, title, user, labels: now, head }: z.infer<typeof Pull>): Promise<string[]> => {
    const seen = changed(`pull ${number}`, title) ? [`${user.login} opens pull request #${number} “${title}”`] : [];
    if (changed(`head ${number}`, head.sha)) seen.push(`${head.ref} is at ${head.sha.slice(0, 10)}`);
    for (const { id, state, body, user: by } of (await get(`/pulls/${number}/reviews`, z.array(Review))) ?? [])
      if (state !== "PENDING" && changed(`review ${id}`, state))
        seen.push(`review of ${by.login} on #${number}: ${state}, “${firstLine(body)}”`);
    const statuses = (await get(`/commits/${head.sha}/statuses`, z.array(Status))) ?? [];
    for (const { context, status, description } of statuses.toReversed())
      if (context.startsWith("agent-dispatch/") && changed(`${head.sha} ${context} ${status}`, description))
        seen.push(`status of ${head.sha.slice(0, 10)}: ${context} ${status}, “${description}”`);
    return [...seen, ...labels(number, now), ...(await comments(number))];
  };
  return async () => {
    const seen = await claims();
    const item = await get(`/issues/${issue}`, Issue);
    const assigned = (item?.assignees ?? []).map(({ login }) => login).join(", ");
    if (item !== null) seen.push(...labels(issue, item.labels));
    if (changed("assigned", assigned) && assigned !== "") seen.push(`${assigned} is assigned to #${issue}`);
    seen.push(...(await comments(issue)));
    for (const pull of (await get("/pulls?state=open", z.array(Pull))) ?? []) seen.push(...(await ofPull(pull)));
    return seen;
  };
}

/** The first line that people see, without Markdown. */
function firstLine(body: string): string {
  const line = body.split("\n").find((text) => text !== "" && !text.startsWith("<!--")) ?? "";
  return line.replaceAll(/\*\*|`/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
}

/** `agent-dispatch v1 held issue-1 e1.2` without the count of renewals. */
function stateOf(subject: string): string {
  return subject.replace(/\.\d+$/, "");
}
