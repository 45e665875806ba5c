// What a run sends to the forge, told apart by names that are the same whenever the story is played: so that a fault can meet the nth of its kind.

import type { SeenRequest } from "../forge/forge.ts";

export interface Sending {
  /** `POST issues/1/labels`, `push item/issue-1 slot`, `fetch`. */
  label: string;
  /** Which of its label in this run, from 1. */
  nth: number;
  /** Whether the forge is another one afterwards. */
  writes: boolean;
}

/** Numbers requests in the order in which they come. One for each run. */
export function numbering(): (request: SeenRequest) => Sending {
  const counts = new Map<string, number>();
  return (request) => {
    const label = labelOf(request);
    const nth = (counts.get(label) ?? 0) + 1;
    counts.set(label, nth);
    return { label, nth, writes: writes(request) };
  };
}

function writes({ kind, method, path }: SeenRequest): boolean {
  return kind === "git" ? path.endsWith("/git-receive-pack") && method === "POST" : method !== "GET";
}

function labelOf({ kind, method, path, body }: SeenRequest): string {
  const [bare = "", query = ""] = path.split("?");
  if (kind === "git") {
    if (method === "GET") return query.includes("receive-pack") ? "refs, for a push" : "refs";
    return bare.endsWith("/git-receive-pack") ? ["push", ...pushedRefs(body)].join(" ") : "fetch";
  }
  const below = bare.replace(/^\/api\/v1\//, "").replace(/^repos\/[^/]+\/[^/]+\//, "");
  return `${method} ${below.replace(/\b[0-9a-f]{40}\b/g, "<sha>")}`;
}

/** In short; a deletion has a `-`. Which place a run takes is left to chance. */
function pushedRefs(body: Buffer): string[] {
  const refs: string[] = [];
  for (let at = 0; ; ) {
    const size = Number.parseInt(body.toString("latin1", at, at + 4), 16);
    // A flush ends the commands.
    if (!(size > 4)) return refs;
    const line = body.toString("latin1", at + 4, at + size);
    const [, to = "", ref = ""] = /^[0-9a-f]{40} ([0-9a-f]{40}) refs\/([^\0\n]+)/.exec(line) ?? [];
    const short = ref.replace(/^(agent-dispatch\/v1|heads)\//, "").replace(/^slot\/\d+$/, "slot");
    if (ref !== "") refs.push(`${/^0+$/.test(to) ? "-" : ""}${short}`);
    at += size;
  }
}

export function nameOf({ label, nth }: Pick<Sending, "label" | "nth">): string {
  return `${label} #${nth}`;
}

/** Whether it is the first of its kind, whatever number it is about. */
export function isNew(tried: Set<string>, { label }: Sending): boolean {
  const kind = label.replace(/\d+/g, "n");
  if (tried.has(kind)) return false;
  tried.add(kind);
  return true;
}

/** All of them, or with `OUTAGE_EVERY=3` every third. */
export function thinned<T>(all: readonly T[]): T[] {
  const every = Number(process.env["OUTAGE_EVERY"] ?? 1);
  return all.filter((_, at) => at % every === 0);
}
