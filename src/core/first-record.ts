// The record of an item that the ledger knows nothing of, before anything is claimed: empty, but for what the forge shows of earlier claims.

import type { LedgerRecord } from "../ledger/record.ts";
import { generation } from "./candidate.ts";
import { claimsShown } from "./lost.ts";
import type { Item, Snapshot } from "./model.ts";

/** `base`: branch that new work is based on. An open pull request of the program is adopted as it is, and so is a branch with its commits alone. */
export function firstRecord(item: Item, base: string, program: Pick<Snapshot, "program">): LedgerRecord {
  const { key, pull, details, issue } = item;
  const own = issue.isPull ? null : pull;
  const adopted = details?.past?.branch?.isOurs === true ? details.past.branch.sha : null;
  return {
    ...{ v: 1, state: "held", key, kind: "implement", generation: generation({ record: null, item }) },
    ...{ epoch: claimsShown(item, program), seq: 0, attempt: 0, round: 0, stage: null },
    ...{ owner: "", nonce: "", run: null, at: new Date(0).toISOString(), ttlSeconds: 0, slot: null },
    ...{ branch: own?.headRef ?? "", expect: null, baseBranch: own?.baseRef ?? base, base: null, askedBy: "" },
    ...{ head: own?.headSha ?? adopted, pull: own?.number ?? null, profile: null, done: [], handled: [] },
    ...{ cooldownUntil: null, lastFailure: null, spend: { usd: 0, tokens: 0 }, after: "done", bodyHash: null },
  };
}
