// What stands in the ledger and cannot be read by this version: nobody claims, takes over, sweeps or overwrites it, and every run says so, since
// only people can put an end to two versions at work in one repository.

import type { UnknownRef } from "./model.ts";
import { code } from "./text.ts";

/** Refs that are named; of the others only their number is told. */
const namedMax = 3;

/** Which refs, what is wrong with them, and what to do; null where everything can be read. */
export function unknownText(refs: readonly UnknownRef[]): string | null {
  if (refs.length === 0) return null;
  const names = refs.slice(0, namedMax).map(({ ref, why }) => `${code(ref, 120)} (${why})`);
  const more = refs.length > namedMax ? ` and ${refs.length - namedMax} more` : "";
  const what = `${refs.length} ref${refs.length === 1 ? "" : "s"} of the ledger`;
  return `${what} cannot be read by this version and ${refs.length === 1 ? "is" : "are"} left alone: ${names.join(", ")}${more}; update agent-dispatch in every workflow of this repository`;
}

/** The reason of a run that does nothing, with that. */
export function withUnknown(reason: string, refs: readonly UnknownRef[]): string {
  const unknown = unknownText(refs);
  return unknown === null ? reason : `${reason}; ${unknown}`;
}
