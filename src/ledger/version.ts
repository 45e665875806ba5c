// Which version of the program wrote a record of the ledger, as far as it says so. All records begin alike: `agent-dispatch v<N> …`, an empty
// line, and JSON whose `v` is the same number.

import * as z from "zod";

/** The version of the form that this program reads and writes. */
const knownVersion = "1";

/** Longest record that is read for its version, in characters; of a longer one only the first line is. */
const charactersMax = 200_000;

/** The version that a record names; null where it names none. Never throws. */
export function statedVersion(message: string): string | null {
  return jsonVersion(message) ?? /^agent-dispatch v(\w{1,20})\s/.exec(message)?.[1] ?? null;
}

/** Whether a record is of another version of the program: then it is left as it is, whatever anybody orders. */
export function isOtherVersion(message: string): boolean {
  const stated = statedVersion(message);
  return stated !== null && stated !== knownVersion;
}

/** Why a record that could not be read could not be, in a few words. */
export function whyUnreadable(message: string): string {
  return isOtherVersion(message) ? `version ${statedVersion(message)}` : "its form is not known";
}

function jsonVersion(message: string): string | null {
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > charactersMax) return null;
  try {
    const parsed = z.looseObject({ v: z.union([z.number(), z.string()]) }).safeParse(JSON.parse(message.slice(start)));
    return parsed.success ? String(parsed.data.v).slice(0, 20) : null;
  } catch {
    return null;
  }
}
