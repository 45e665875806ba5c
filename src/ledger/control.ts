// The `control` ref: a pause of the whole program, by whom, why and until when; which orders about it were obeyed; how often in a row the
// infrastructure failed.

import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { Pause, UnreadableControl } from "../core/model.ts";
import { isOtherVersion, whyUnreadable } from "./version.ts";

const ControlRecord = z.looseObject({
  v: z.literal(1),
  pause: z.looseObject({ by: z.string(), why: z.string(), until: z.iso.datetime().nullable() }).nullable(),
  /** Ids of `/agent pause` and `/agent resume` that were obeyed, the newest last. */
  handled: z.array(z.string()).optional(),
  /** Failures of network or forge in a row. */
  failures: z.int().min(0).optional(),
  /** Fresh in every record. */
  nonce: z.string().optional(),
});

export interface ControlState {
  pause: Pause | null;
  handled: string[];
  failures: number;
  /** Fields that a later program of the same version wrote: kept. */
  more: Readonly<Record<string, unknown>>;
  /** Null where it can be read. */
  unreadable: UnreadableControl | null;
}

/** Nobody has ordered anything yet. */
export const noControl: ControlState = { pause: null, handled: [], failures: 0, more: {}, unreadable: null };

/** Orders that are remembered. */
const handledMax = 50;

/** What a control record says; one that cannot be read pauses, since an unknown answer is never an allowance. */
export function parseControl(message: string): ControlState {
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > 10_000) return unreadable(message);
  try {
    const parsed = ControlRecord.safeParse(JSON.parse(message.slice(start)));
    if (!parsed.success) return unreadable(message);
    const { v: _v, nonce: _nonce, pause, handled = [], failures = 0, ...more } = parsed.data;
    const until = pause === null || pause.until === null ? null : Date.parse(pause.until);
    const stands = pause === null ? null : { by: pause.by, why: pause.why, until };
    return { pause: stands, handled, failures, more, unreadable: null };
  } catch {
    return unreadable(message);
  }
}

function unreadable(message: string): ControlState {
  const why = whyUnreadable(message);
  return {
    ...noControl,
    pause: { by: "the ledger", why: `the record \`control\` cannot be read by this version (${why})`, until: null },
    unreadable: { why, isNewer: isOtherVersion(message) },
  };
}

export function formatControl(state: ControlState): string {
  const { pause, failures, more } = state;
  const until = pause === null || pause.until === null ? null : new Date(pause.until).toISOString();
  const record: z.infer<typeof ControlRecord> = {
    ...more,
    ...{ v: 1, failures, handled: state.handled.slice(-handledMax), nonce: randomUUID() },
    pause: pause === null ? null : { by: pause.by.slice(0, 100), why: pause.why.slice(0, 500), until },
  };
  return `agent-dispatch v1 control ${pause === null ? "open" : "paused"}\n\n${JSON.stringify(record)}\n`;
}
