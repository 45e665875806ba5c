// A run that stands still at one of its moments, and what it did when it went on.

import type { LedgerRecord } from "../../src/ledger/record.ts";
import { type Frozen, freezing, type Moment } from "../support/gate/freeze.ts";
import type { Call } from "../support/gate/gate.ts";
import type { End, Start } from "../support/run.ts";
import { nameOf } from "./moments.ts";
import { everything } from "./settled.ts";
import type { Opened } from "./world.ts";

export interface Standing {
  at: Moment;
  /** Its claim, as the record says it; null when it has none yet, or none any more. */
  held: LedgerRecord | null;
  frozen: Frozen;
  run: Promise<End>;
}

/** How a run that stood still went on. */
export interface WentOn {
  at: Moment;
  held: LedgerRecord | null;
  /** Another run had its item when it went on. */
  wasTakenOver: boolean;
  /** Everything on the forge right before it went on. */
  before: string;
  end: End;
  /** Its calls after it went on. What it had begun before was on its way. */
  late: readonly Call[];
}

/** An error where the run ends before it comes to that moment. */
export async function standStill(
  { scene: { s, next }, epoch }: Opened,
  at: Moment,
  options: Start = {},
): Promise<Standing> {
  const frozen = freezing(at);
  const { passage, clock } = frozen;
  const own = { passage, clock, http: { timeoutMs: 600_000 } };
  const run = s.start({ ...(await next()), ...options, ...own });
  const early = await Promise.race([frozen.reached, run]);
  if (early !== undefined) throw new Error(`the run never came to ${nameOf(at)}: ${early.lastLine}\n${early.log}`);
  await passage.quiet();
  const record = await s.record(1);
  const isLive = record?.state === "held" || record?.state === "published";
  return { at, held: isLive && record.epoch > epoch ? record : null, frozen, run };
}

/** `sleeps`: how much later it is for the run, in seconds. */
export async function goOn(opened: Opened, { at, held, frozen, run }: Standing, sleeps = 0): Promise<WentOn> {
  const now = await opened.scene.s.record(1);
  const wasTakenOver = held !== null && now?.owner !== held.owner;
  const before = await everything(opened);
  const begun = frozen.passage.calls.length;
  frozen.release(sleeps * 1000);
  const end = await run;
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
  return { at, held, wasTakenOver, before, end, late: frozen.passage.calls.slice(begun) };
}

/** Whether a call writes on the forge by itself: a push of a record is refused where the record is another one. */
export function isWrite({ label }: Pick<Call, "label">): boolean {
  return /^(POST|PUT|PATCH|DELETE) /.test(label);
}
