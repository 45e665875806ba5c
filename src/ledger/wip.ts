// Work on its way: commits are uploaded to `wip/<key>` before they are published, so that neither their size nor the speed of the line has any
// influence on the lease: life signs go on beside it, and the publish itself moves refs only. What a failed attempt left stays there.
//
// Property: a run that lost its claim never replaces what a newer holder uploaded. Kept by the order of three steps: where the ref stands is
// known first, then the claim is proved to be ours, then the push names what it replaces. Whoever takes over does so after that proof, so what it
// uploads is not what this push expects.

import { type CasOutcome, type CasPort, compareAndSwap } from "./cas.ts";
import { type Claim, ClaimLost, type LedgerPorts } from "./claim.ts";
import { wipRef } from "./refs.ts";

export type UploadOutcome =
  | { kind: "ok" }
  /** Another run has the item. */
  | { kind: "lost" }
  /** The server does not take it: a rule, the token, or its size. */
  | { kind: "refused"; text: string }
  | { kind: "unknown"; cause: string };

export interface UploadBounds {
  /** For all of it, in ms. */
  deadlineMs: number;
  /** Ends it; the answer is then `unknown`. */
  signal?: AbortSignal;
}

/** Seconds in which no byte may move. Long, because a server that unpacks hundreds of megabytes, or a proxy that passes them on, says nothing meanwhile. */
const stallSeconds = 300;
/** How often the ref may turn out to stand elsewhere than it was seen. */
const movesMax = 3;

/** Brings a commit with all that the forge lacks to `wip/<key>`. Runs beside the claim's own compare-and-swaps, never between them. */
export async function upload(
  ports: LedgerPorts,
  claim: Claim,
  head: string,
  { deadlineMs, signal }: UploadBounds,
): Promise<UploadOutcome> {
  const ref = wipRef(claim.record.key);
  const begun = ports.clock.elapsed();
  for (let moves = 0; moves < movesMax; moves++) {
    if (claim.wip === head) return { kind: "ok" };
    const leftMs = deadlineMs - (ports.clock.elapsed() - begun);
    if (leftMs <= 0) break;
    try {
      await claim.fence();
    } catch (error) {
      if (error instanceof ClaimLost) return { kind: "lost" };
      throw error;
    }
    const { host, clock, limits } = ports;
    const stop = signal === undefined ? {} : { signal };
    const port: CasPort = {
      push: (changes) => host.push(changes, { deadlineMs: leftMs, stallSeconds, ...stop }),
      remoteRefs: (names) => host.remoteRefs(names),
      holds: (name, sha) => host.holds(name, sha),
    };
    const outcome = await compareAndSwap(port, [{ ref, old: claim.wip, new: head }], {
      ...{ clock, deadlineMs: Math.min(leftMs, limits.apiSeconds * 2000), ...stop },
    });
    const settled = await settledBy(claim, ref, head, outcome);
    if (settled !== null) return settled;
  }
  return { kind: "unknown", cause: `${ref} could not be moved in time` };
}

/** Null: the ref stands elsewhere than it was seen, and the claim is ours: to be tried again from there. */
async function settledBy(claim: Claim, ref: string, head: string, outcome: CasOutcome): Promise<UploadOutcome | null> {
  switch (outcome.kind) {
    case "ok":
      claim.wip = head;
      return { kind: "ok" };
    case "unknown":
      return outcome;
    case "refused":
    case "denied":
      return { kind: "refused", text: outcome.text };
    case "lost": {
      const found = outcome.found.get(ref);
      if (found === undefined) return { kind: "unknown", cause: outcome.detail };
      claim.wip = found;
      // Somebody moved it: first of all, whose claim it is.
      const renewed = await claim.renew();
      if (renewed === "ok") return null;
      return renewed === "lost" ? { kind: "lost" } : { kind: "unknown", cause: outcome.detail };
    }
    default:
      return outcome satisfies never;
  }
}
