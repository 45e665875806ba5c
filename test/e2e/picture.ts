// How the forge looks to people: what stories are judged by.

import { z } from "zod";
import { Comment, Issue, isOver, Pull, until } from "./harness.ts";
import type { World } from "./world.ts";

export interface Side {
  state: string;
  labels: string[];
  assignees: string[];
  /** Number of comments by purpose; those of people are `person`. */
  comments: Record<string, number>;
}

export interface Picture {
  issue: Side;
  /** The newest pull request for the issue. */
  pull: (Side & { number: number; merged: boolean; branch: string; head: string; author: string }) | null;
  /** Newest state by context on the pull request's head. */
  statuses: Record<string, string>;
  branches: string[];
}

const Named = z.object({ name: z.string() });
const Combined = z.object({ statuses: z.array(z.object({ context: z.string(), status: z.string() })).nullable() });
const WithBody = Pull.extend({ body: z.string() });

/** Where a picture is taken. */
export type Place = Pick<World, "server" | "repo">;

/** An issue with its pull request; of a pull request by a person, that one. */
export async function look(world: Place, number: number): Promise<Picture> {
  const { server, repo } = world;
  const api = server.as(server.admin);
  const place = `/repos/${repo.fullName}`;
  const issue = await api.get(`${place}/issues/${number}`, Issue);
  const pulls = await api.list(`${place}/pulls?state=all`, WithBody);
  const isFor = (pull: z.infer<typeof WithBody>) =>
    pull.number === number || new RegExp(`agent-dispatch:pull v1 issue=${number}\\b`).test(pull.body);
  const pull = pulls.filter(isFor).sort((a, b) => b.number - a.number)[0] ?? null;
  const combined =
    pull === null ? null : await api.get(`${place}/commits/${pull.head.sha}/status?limit=50&page=1`, Combined);
  return {
    issue: { ...sideOf(issue), comments: await commentsOf(world, number) },
    pull:
      pull === null
        ? null
        : {
            ...sideOf(pull),
            ...{ number: pull.number, merged: pull.merged, branch: pull.head.ref, head: pull.head.sha },
            author: pull.user.login,
            comments: await commentsOf(world, pull.number),
          },
    statuses: Object.fromEntries((combined?.statuses ?? []).map((one) => [one.context, one.status])),
    branches: (await api.list(`${place}/branches`, Named)).map((branch) => branch.name).sort(),
  };
}

function sideOf({ state, labels, assignees }: z.infer<typeof Issue> | z.infer<typeof Pull>): Omit<Side, "comments"> {
  return {
    state,
    labels: labels.map((label) => label.name).sort(),
    assignees: (assignees ?? []).map((person) => person.login).sort(),
  };
}

async function commentsOf({ server, repo }: Place, number: number): Promise<Record<string, number>> {
  const path = `/repos/${repo.fullName}/issues/${number}/comments`;
  const counts: Record<string, number> = {};
  for (const { body } of await server.as(server.admin).get(path, z.array(Comment))) {
    const purpose = /^<!-- agent-dispatch:([\w-]+) /.exec(body)?.[1] ?? "person";
    counts[purpose] = (counts[purpose] ?? 0) + 1;
  }
  return counts;
}

/** Longest wait for one step of a story, in ms: an agent's run, its ticks and what a busy machine adds. */
const stepMs = 300_000;

/** Looks until the picture is as wished. */
export async function untilSeen(
  world: World,
  number: number,
  what: string,
  wished: (picture: Picture) => boolean,
  timeoutMs = stepMs,
): Promise<Picture> {
  let seen: Picture | null = null;
  return await until(
    async () => {
      seen = await look(world, number);
      return wished(seen) ? seen : null;
    },
    timeoutMs,
    () => `${what}; #${number}: ${JSON.stringify(seen)}`,
  );
}

/** How long nothing may begin before a repository counts as quiet, in ms. */
const quietMs = 3_000;

/** Waits until all runs but ticks are over and no further one begins: what the program does itself must start nothing for ever. */
export async function untilQuiet({ server, repo }: World): Promise<void> {
  let seen = "";
  let since = Date.now();
  await until(
    async () => {
      const runs = (await server.runs(repo)).filter((run) => run.event !== "schedule");
      const now = runs.map((run) => `${run.number} ${run.status}`).join();
      if (now !== seen || !runs.every(isOver)) since = Date.now();
      seen = now;
      return Date.now() - since >= quietMs;
    },
    stepMs,
    () => `${repo.fullName} to be quiet; runs: ${seen}`,
  );
}
