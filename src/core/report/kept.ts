// Where the work of a failed attempt is, as a command that people can copy.

import { wipRef } from "../../ledger/refs.ts";
import type { KeptWork } from "../kept.ts";
import { code, inline } from "../text.ts";
import { plain, short } from "./page.ts";

/** Work that is kept, of the item with that key. */
export interface KeptFacts extends KeptWork {
  key: string;
}

function command({ key }: KeptFacts): string {
  return `git fetch origin ${wipRef(key)}`;
}

/** A paragraph; nothing where nothing is kept. */
export function keptText(kept: KeptFacts | null | undefined): string {
  if (kept === null || kept === undefined) return "";
  return `The work so far is kept: ${code(command(kept))} brings ${short(kept.head)}, what attempt ${kept.attempt} left (${inline(kept.why, 300)}), as \`FETCH_HEAD\`. An agent that goes on is offered it.`;
}

/** The same as one plain line. */
export function keptLine(kept: KeptFacts): string {
  return `kept work of attempt ${kept.attempt} (${plain(kept.why)}): ${command(kept)} brings ${kept.head.slice(0, 10)} as FETCH_HEAD`;
}
