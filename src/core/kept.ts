// Work that an attempt left without publishing it: it stands at `wip/<key>`, for the next attempt and for people.

import type { LedgerRecord } from "../ledger/record.ts";
import type { Item } from "./model.ts";

export type KeptWork = NonNullable<LedgerRecord["kept"]>;

/** Local branch that holds it in an agent's clone. */
export const keptBranch = "earlier-attempt";

/** What an author may go on from; null when there is nothing. The ref decides what it is, the record how it came to be. */
export function keptWork({ record: fact, wip }: Pick<Item, "record" | "wip">): KeptWork | null {
  if (wip === null || fact.kind !== "record") return null;
  const { record } = fact;
  // Of a generation that is over; or published, and only its removal is still to be done.
  if (record.state === "closed" || wip === record.head) return null;
  if (record.kept?.head === wip) return record.kept;
  // Uploaded, and then the run was gone. Nobody knows whether it was the last word.
  return { head: wip, at: record.at, attempt: record.attempt, why: "its run ended without a word" };
}

/** The same of a branch with the program's commits alone whose record is lost: what begins now replaces it there. `at`: now, ISO. */
export function adoptedWork({ record, details }: Pick<Item, "record" | "details">, at: string): KeptWork | null {
  const branch = record.kind === "none" ? (details?.past?.branch ?? null) : null;
  return branch?.isOurs === true ? { head: branch.sha, at, attempt: 0, why: "its record is lost" } : null;
}

/** Whether a clone with these branches has room for that one: git takes neither a name twice nor a name that is another's folder. */
export function hasRoom(branches: readonly string[]): boolean {
  return branches.every((name) => name !== keptBranch && !name.startsWith(`${keptBranch}/`));
}
