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
