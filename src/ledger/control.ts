// The `control` ref: a pause of the whole program, by whom, why and until when.

import * as z from "zod";
import type { Pause } from "../core/model.ts";

const ControlRecord = z.looseObject({
  v: z.literal(1),
  pause: z.looseObject({ by: z.string(), why: z.string(), until: z.iso.datetime().nullable() }).nullable(),
});

/** The pause that a control record orders; a record that cannot be read pauses, since an unknown answer is never an allowance. */
export function parseControl(message: string): Pause | null {
  const unreadable: Pause = {
    by: "the ledger",
    why: "the record `control` cannot be read by this version",
    until: null,
  };
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > 10_000) return unreadable;
  try {
    const parsed = ControlRecord.safeParse(JSON.parse(message.slice(start)));
    if (!parsed.success) return unreadable;
    const { pause } = parsed.data;
    return pause === null
      ? null
      : { by: pause.by, why: pause.why, until: pause.until === null ? null : Date.parse(pause.until) };
  } catch {
    return unreadable;
  }
}
