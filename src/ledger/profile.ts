// The ledger's `profile/<name>` refs: until when an agent's profile is parked, and why. Written by one compare-and-swap each, by the run that met
// the limit; best effort, since without it the next run only meets it again.

import { randomUUID } from "node:crypto";
import * as z from "zod";
import { failureClasses } from "../core/failure.ts";
import type { Parked, Parking } from "../core/parking.ts";

const ProfileRecord = z.looseObject({
  v: z.literal(1),
  until: z.iso.datetime(),
  since: z.iso.datetime(),
  failure: z.enum(failureClasses),
  why: z.string(),
  times: z.int().min(1),
  setup: z.string(),
});

/** Null: a record that this version cannot read. Its profile counts as free: it is tried, and fails if it must. */
export function parseParking(sha: string, message: string): Parked | null {
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > 10_000) return null;
  try {
    const parsed = ProfileRecord.safeParse(JSON.parse(message.slice(start)));
    if (!parsed.success) return null;
    const { until, since, failure, why, times, setup } = parsed.data;
    return { sha, until: Date.parse(until), since: Date.parse(since), failure, why, times, setup };
  } catch {
    return null;
  }
}

/** `why` is redacted and bounded by the caller. */
export function formatParking(name: string, { until, since, failure, why, times, setup }: Parking): string {
  const iso = (ms: number) => new Date(ms).toISOString();
  const line = `agent-dispatch v1 profile ${name} parked until ${iso(until)} ${failure}`;
  const record = { v: 1, until: iso(until), since: iso(since), failure, why, times, setup, nonce: randomUUID() };
  return `${line}\n\n${JSON.stringify(record)}\n`;
}
