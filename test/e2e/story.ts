// What the stories of the loop have in common: each has a repository of its own, only waits, and is judged by how the forge looks in the end. Work
// goes on by chain where a dispatched run may start the next one, else by ticks.

import { it } from "vitest";
import { labelIssue, onEachServer, openIssue, until } from "./harness.ts";
import { type Picture, untilSeen } from "./picture.ts";
import type { Server } from "./servers/server.ts";
import { makeWorld, type World, type WorldOptions } from "./world.ts";

export interface StoryOptions extends WorldOptions {
  /** Something happens that no event tells: ticks are needed on every server. */
  ticks?: boolean;
  /** Why the story cannot be told on this server, or null. */
  lacks?: (server: Server) => string | null;
}

export interface Story {
  title: string;
  /** Name of the repository. */
  name: string;
  options: StoryOptions;
  tell(world: World): Promise<void>;
}

/** Often enough for a story, seldom enough that a tick ends before the next one cancels it. */
const everyFewSeconds = "@every 10s";

/** Declares the stories on every server at hand. */
export function tellStories(stories: readonly Story[]): void {
  onEachServer((server) => {
    for (const { title, name, options, tell } of stories) {
      it(title, async (context) => {
        const reason = options.lacks?.(server()) ?? null;
        if (reason !== null) return context.skip(reason);
        const { capabilities } = server();
        const needsTicks = options.ticks === true || !capabilities.chain;
        const cron = needsTicks && capabilities.schedule ? { cron: everyFewSeconds } : {};
        const world = await makeWorld(server(), name, { ...cron, ...options });
        try {
          await tell(world);
        } finally {
          await world.close();
        }
      });
    }
  });
}

/** An issue by alice, labelled by her; its number. */
export async function ask({ server, repo, alice }: World): Promise<number> {
  const { number } = await openIssue(server, alice, repo, "sum subtracts", "It should add.");
  await labelIssue(server, alice, repo, number, "bot");
  return number;
}

/** A look at the whole repository now, where a run by hand harms no other; else the next tick does it. */
export async function nudge({ server, repo, alice }: World): Promise<void> {
  if (!server.capabilities.chain) return;
  await server.as(alice).post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main" });
}

export const isReady = ({ pull }: Picture): boolean => pull?.labels.includes("agent/merge-ready") === true;

export function handedOver(world: World, number: number, timeoutMs?: number): Promise<Picture> {
  return untilSeen(world, number, "the hand-over", isReady, timeoutMs);
}

/** Handed over once more, with another head than before. */
export function handedOverAgain(world: World, number: number, before: Picture): Promise<Picture> {
  const wished = (picture: Picture) => isReady(picture) && picture.pull?.head !== before.pull?.head;
  return untilSeen(world, number, "the hand-over of another head", wished);
}

/** A review by alice. */
export async function review(
  { server, repo, alice }: World,
  pull: number,
  event: "APPROVED" | "REQUEST_CHANGES" | "COMMENT",
  body: string,
): Promise<void> {
  await server.as(alice).post(`/repos/${repo.fullName}/pulls/${pull}/reviews`, { event, body });
}

/** Alice merges. The server looks whether that is possible, and says "try again later" meanwhile. */
export async function merge({ server, repo, alice }: World, pull: number): Promise<void> {
  const place = `/repos/${repo.fullName}/pulls/${pull}/merge`;
  const isMerged = async () => (await server.as(alice).request("POST", place, { Do: "merge" })).status === 200;
  await until(isMerged, 30_000, `pull request #${pull} to be merged`);
}

/** After the merge nothing of the program's is left but its words. */
export function cleanedUp(world: World, number: number): Promise<Picture> {
  const isClean = ({ issue, pull, branches }: Picture) =>
    issue.state === "closed" && issue.labels.length === 0 && pull?.labels.length === 0 && branches.length === 1;
  return untilSeen(world, number, "the clean-up", isClean);
}

/** The kinds of work that agents were started for, in order. */
export async function kinds(world: World): Promise<string[]> {
  return (await world.played()).map((line) => line.split(" ")[0] ?? "");
}

/** A story as a value. */
export function story(
  title: string,
  name: string,
  options: StoryOptions,
  tell: (world: World) => Promise<void>,
): Story {
  return { title, name, options, tell };
}
