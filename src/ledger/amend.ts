// A record that nobody holds is changed without a claim: by what a look found, by a repair. One compare-and-swap, and whoever claimed it meanwhile
// wins.

import { randomUUID } from "node:crypto";
import type { RefChange } from "../git/host.ts";
import { type CasOutcome, compareAndSwap } from "./cas.ts";
import type { LedgerPorts } from "./claim.ts";
import { formatRecord, type LedgerRecord } from "./record.ts";
import { itemRef, wipRef } from "./refs.ts";

export interface FoundRecord {
  record: LedgerRecord;
  /** Its commit. */
  sha: string;
}

/**
 * Everything that `change` does not name stays, `at` too: nobody worked on it, and what people did after it is still told apart from what the
 * program did. Unfinished effects are dropped. `wip`: the commit at `wip/<key>` that is removed with it; null = none.
 */
export async function amendRecord(
  ports: Pick<LedgerPorts, "host" | "clock" | "limits">,
  { record, sha }: FoundRecord,
  change: Partial<LedgerRecord>,
  wip: string | null = null,
): Promise<CasOutcome> {
  const { change: item } = await amended(ports, { record, sha }, change);
  const gone: RefChange[] = wip === null ? [] : [{ ref: wipRef(record.key), old: wip, new: null }];
  const deadlineMs = ports.limits.apiSeconds * 2000;
  return compareAndSwap(ports.host, [item, ...gone], { clock: ports.clock, deadlineMs });
}

/** The changed record as a commit that is not pushed yet. */
export async function amended(
  { host }: Pick<LedgerPorts, "host">,
  { record, sha }: FoundRecord,
  change: Partial<LedgerRecord>,
): Promise<{ change: RefChange }> {
  const next = { ...record, seq: record.seq + 1, ...change, nonce: randomUUID() };
  const made = await host.writeRecord({ parent: sha, message: formatRecord(next), effects: null });
  return { change: { ref: itemRef(record.key), old: sha, new: made } };
}
