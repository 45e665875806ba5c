// Places of the story at which something is killed, by what can be seen from outside: a request of the run, or an agent that has begun.

import process from "node:process";
import { approved, type Plays, rejected } from "../../support/plays.ts";
import { storyWaitMs } from "../harness.ts";
import { until } from "../servers/until.ts";
import type { Ground } from "./ground.ts";
import type { Passing, Watch } from "./wire.ts";

export interface Point {
  name: string;
  /** Only stories with a rejection come here. */
  isLate?: boolean;
  /** Does the deed when the story is exactly there, and resolves. */
  meet(place: Pick<Ground, "wire" | "stamps">, deed: () => Promise<unknown>): Promise<void>;
}

/** As many of the list as fit into the time of CI; all with `KILLS=all`. The most telling come first. */
export function asManyAsFit<T>(list: readonly T[], count: number): readonly T[] {
  return process.env["KILLS"] === "all" ? list : list.slice(0, count);
}

export function playsTo(point: Point): Plays {
  return point.isLate === true ? { review: [rejected, approved] } : {};
}

type Seen = (passing: Passing) => boolean;

/** The story's nth request of that kind, from 1. */
export function atRequest(
  name: string,
  at: Watch["at"],
  seen: Seen,
  options: { nth?: number; delayMs?: number } = {},
): Point {
  return {
    name,
    meet: ({ wire }, deed) => {
      let met = 0;
      const when = (passing: Passing) => seen(passing) && ++met === (options.nth ?? 1);
      return wire.watch({
        when,
        at,
        deed,
        ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
      });
    },
  };
}

export function atWork(name: string, kind: "implement" | "review" | "rework"): Point {
  return {
    name,
    meet: async ({ stamps }, deed) => {
      const isAtWork = async () => (await stamps()).some((stamp) => stamp.kind === kind && stamp.what === "start");
      await until(isAtWork, storyWaitMs, `an agent to ${kind}`);
      await deed();
    },
  };
}

/** Right after an agent has ended: its work is checked. */
export function atChecks(name: string, kind: "implement" | "rework"): Point {
  return {
    name,
    meet: async ({ stamps }, deed) => {
      const hasEnded = async () => (await stamps()).some((stamp) => stamp.kind === kind && stamp.what === "end");
      await until(hasEnded, storyWaitMs, `the end of an agent to ${kind}`);
      await deed();
    },
  };
}

export function late(point: Point): Point {
  return { ...point, isLate: true };
}

const below = "refs/agent-dispatch/v1/";

/** The look at the whole repository, before anything is decided. */
export const looks: Seen = ({ method, path }) => method === "GET" && /\/git\/refs\/agent-dispatch/.test(path);
/** Every claim of an agent's work takes a slot. */
export const claim: Seen = ({ moves }) =>
  moves.some(({ ref, new: sha }) => ref.startsWith(`${below}slot/`) && sha !== null);
/** The work on its way, before it is published. */
export const upload: Seen = ({ moves }) =>
  moves.some(({ ref, new: sha }) => ref.startsWith(`${below}wip/`) && sha !== null);
/** Record and branch in one. */
export const publish: Seen = ({ moves }) =>
  moves.some(({ ref, new: sha }) => ref.startsWith("refs/heads/agent/") && sha !== null);
/** The end of a claim gives its slot back. */
export const finish: Seen = ({ moves }) =>
  moves.some(({ ref, new: sha }) => ref.startsWith(`${below}slot/`) && sha === null);
export const opensPull: Seen = ({ method, path }) => method === "POST" && /\/pulls$/.test(path);
export const labels: Seen = ({ method, path }) => method === "POST" && /\/issues\/\d+\/labels$/.test(path);
export const judges: Seen = ({ method, path }) => method === "POST" && /\/pulls\/\d+\/reviews$/.test(path);
export const comments =
  (purpose: string): Seen =>
  ({ method, path, body }) =>
    method === "POST" && /\/issues\/\d+\/comments$/.test(path) && body.includes(`agent-dispatch:${purpose} `);
