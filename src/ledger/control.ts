// The `control` ref: a pause of the whole program, by whom, why and until when; which orders about it were obeyed; how often in a row the
// infrastructure failed.

import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { Pause } from "../core/model.ts";

const ControlRecord = z.looseObject({
  v: z.literal(1),
  pause: z.looseObject({ by: z.string(), why: z.string(), until: z.iso.datetime().nullable() }).nullable(),
  /** Ids of `/agent pause` and `/agent resume` that were obeyed, the newest last. */
  handled: z.array(z.string()).optional(),
  /** Failures of network or forge in a row. */
  failures: z.int().min(0).optional(),
});

export interface ControlState {
  pause: Pause | null;
  handled: string[];
  failures: number;
}

/** Nobody has ordered anything yet. */
export const noControl: ControlState = { pause: null, handled: [], failures: 0 };

/** Orders that are remembered. */
const handledMax = 50;

/** What a control record says; one that cannot be read pauses, since an unknown answer is never an allowance. */
export function parseControl(message: string): ControlState {
  const unreadable: ControlState = {
    pause: { by: "the ledger", why: "the record `control` cannot be read by this version", until: null },
    handled: [],
    failures: 0,
  };
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > 10_000) return unreadable;
  try {
    const parsed = ControlRecord.safeParse(JSON.parse(message.slice(start)));
    if (!parsed.success) return unreadable;
    const { pause, handled = [], failures = 0 } = parsed.data;
    const until = pause === null || pause.until === null ? null : Date.parse(pause.until);
    return { pause: pause === null ? null : { by: pause.by, why: pause.why, until }, handled, failures };
  } catch {
    return unreadable;
  }
}

export function formatControl(state: ControlState): string {
  const { pause, failures } = state;
  const until = pause === null || pause.until === null ? null : new Date(pause.until).toISOString();
  const record: z.infer<typeof ControlRecord> = {
    ...{ v: 1, failures, handled: state.handled.slice(-handledMax), nonce: randomUUID() },
    pause: pause === null ? null : { by: pause.by.slice(0, 100), why: pause.why.slice(0, 500), until },
  };
  return `agent-dispatch v1 control ${pause === null ? "open" : "paused"}\n\n${JSON.stringify(record)}\n`;
}
