/** What a fault predicate and the request log see of a request. */
export interface SeenRequest {
  method: string;
  /** Path with query as sent; git requests are `/owner/name.git/…`. */
  path: string;
  kind: "api" | "git" | "web";
  login: string | null;
  /** Decoded text of the body; binary for packs. */
  body: Buffer;
}

/**
 * - `500` `502` `503`: refused before anything happened, 502 and 503 as a proxy words it
 * - `hang`: never answered · `reset`: connection reset before anything happened
 * - `html`: 200 with a page · `garbage`: 200, JSON type, not JSON
 * - `cut`: carried out, the answer ends half way
 * - `pass`: carried out and answered, after `hold` and `delayMs`
 * - `apply-then-502` `apply-then-reset`: carried out, the answer is lost
 * - `{ torn: n }`: of a push, the first `n` refs in the order of their names are moved, as by a server that dies inside the transaction;
 *   then a proxy's 502. Commits that came with it stay on the server, reachable or not
 */
export type FaultDeed =
  | "500"
  | "502"
  | "503"
  | "hang"
  | "reset"
  | "html"
  | "garbage"
  | "cut"
  | "pass"
  | "apply-then-502"
  | "apply-then-reset"
  | { torn: number }
  | { status: number; body?: string; headers?: Record<string, string> };

export interface Fault {
  when: (request: SeenRequest) => boolean;
  /** How many requests it meets; Infinity for all. */
  times: number;
  do: FaultDeed;
  /** Waited before the deed, in ms. */
  delayMs?: number;
  /** Called when the request has come in, and waited for before the deed: a test decides when it goes on. */
  hold?: (request: SeenRequest) => Promise<unknown>;
}

/** The body of a push with the first `count` of its refs alone, in the order of their names; as it is when it moves no more. */
export function tornPush(body: Buffer, count: number): Buffer {
  const shallow: string[] = [];
  const commands: { ref: string; line: string }[] = [];
  let at = 0;
  let capabilities = "";
  for (;;) {
    const size = Number.parseInt(body.toString("latin1", at, at + 4), 16);
    // A flush ends the commands; anything else is no push.
    if (!(size >= 4)) break;
    const [line = "", extra] = body.toString("utf8", at + 4, at + size).split("\0");
    if (extra !== undefined) capabilities = `\0${extra}`;
    // `shallow <id>` says where the pusher's history is cut; a command is `<old> <new> <ref>`.
    if (line.startsWith("shallow ")) shallow.push(line);
    else commands.push({ ref: line.split(" ")[2]?.trim() ?? "", line: line.trimEnd() });
    at += size;
  }
  if (commands.length <= count) return body;
  const kept = commands.toSorted((a, b) => (a.ref < b.ref ? -1 : 1)).slice(0, count);
  const lines = [...shallow, ...kept.map(({ line }, index) => (index === 0 ? line + capabilities : line))];
  const sized = lines.map((line) => (Buffer.byteLength(line) + 4).toString(16).padStart(4, "0") + line);
  return Buffer.concat([Buffer.from(sized.join("")), body.subarray(at)]);
}

/** Faults in order of injection; the first that matches and is not used up meets the request. */
export class Faults {
  #faults: { fault: Fault; left: number }[] = [];
  /** How many requests met a fault so far. */
  met = 0;

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times });
  }

  clear(): void {
    this.#faults = [];
  }

  take(request: SeenRequest): Fault | undefined {
    const found = this.#faults.find((candidate) => candidate.left > 0 && candidate.fault.when(request));
    if (!found) return undefined;
    found.left -= 1;
    this.met += 1;
    return found.fault;
  }
}
