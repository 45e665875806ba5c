// Money: what an item and a day may cost, as far as agents say what they cost.
//
// A claim for an agent reserves `limits.costUsdPerRun`; the end of the claim puts the true cost in its place. Runs that are killed never say what
// they cost: their reservation counts. So runs that are parallel or die cannot pass a budget together; one run alone can, by what it costs
// above `costUsdPerRun`.

import type { LedgerRecord } from "../ledger/record.ts";
import type { RecordFact, Snapshot } from "./model.ts";
import type { Limits, Policy } from "./policy.ts";

export type Spend = LedgerRecord["spend"];

/** Money of one day, by the forge's clock in UTC. */
export interface DayBudget {
  /** `2026-11-21`. */
  day: string;
  /** Of claims that are over. */
  spentUsd: number;
  /** Reservations of claims whose end was not seen yet. */
  open: readonly Reservation[];
}

export interface Reservation {
  key: string;
  /** Claim of that item which reserved it. */
  epoch: number;
  usd: number;
}

/** The record `budget` as found. */
export type BudgetFact =
  | { kind: "none" }
  | { kind: "unreadable"; why: string }
  | { kind: "budget"; sha: string; budget: DayBudget };

/** All that an item cost so far; a reservation that nobody trued up is of a run that died. */
export function spentUsd({ usd, reserved = 0 }: Spend): number {
  return usd + reserved;
}

/** The spend of a claim that begins. */
export function reserving(before: Spend, usd: number): Spend {
  const { reserved: _, ...rest } = { ...before, usd: spentUsd(before) };
  return usd === 0 ? rest : { ...rest, reserved: usd };
}

/** The spend of a claim that ends. `usd` null: an agent that tells its cost did not live to do so, and the reservation counts. */
export function truedUp(before: Spend, epoch: number, usd: number | null, tokens: number): Spend {
  const { reserved, ...rest } = before;
  const cost = usd ?? reserved ?? 0;
  const sums = { ...rest, usd: before.usd + cost, tokens: before.tokens + tokens };
  return reserved === undefined ? sums : { ...sums, last: { epoch, usd: cost } };
}

/** What a run that begins now reserves; 0 where no budget is set, or no agent would ever say what was spent of it. */
export function reservation({ costUsdPerItem, costUsdPerDay, costUsdPerRun }: Limits, tellCost: boolean): number {
  return tellCost && (costUsdPerItem > 0 || costUsdPerDay > 0) ? costUsdPerRun : 0;
}

/** Why the item's budget forbids another run; null where it does not. */
export function itemBudgetUsed(record: LedgerRecord | null, { costUsdPerItem, costUsdPerRun }: Limits): string | null {
  const spent = record === null ? 0 : spentUsd(record.spend);
  if (costUsdPerItem === 0 || spent + costUsdPerRun <= costUsdPerItem) return null;
  return `its budget is used up: ${dollars(spent)} of ${dollars(costUsdPerItem)} are spent, and a run reserves ${dollars(costUsdPerRun)}`;
}

/** Why the day's budget forbids another run; null where it does not. */
export function dayBudgetUsed(snapshot: Snapshot, { limits }: Policy): string | null {
  const { costUsdPerDay, costUsdPerRun } = limits;
  if (costUsdPerDay === 0) return null;
  const { budget } = snapshot;
  if (budget.kind === "unreadable") return `the ledger's record \`budget\` cannot be read (${budget.why})`;
  const { spentUsd: spent, open } = today(snapshot);
  const total = spent + sum(open);
  if (total + costUsdPerRun <= costUsdPerDay) return null;
  const reserved = open.length === 0 ? "" : ` (${dollars(sum(open))} of it reserved by runs at work)`;
  return `the day's budget is used up: ${dollars(total)} of ${dollars(costUsdPerDay)}${reserved}; it goes on at 00:00 UTC`;
}

/** The day's record with one reservation more, and the claims that ended meanwhile trued up. Null where no day budget is set. */
export function withReservation(snapshot: Snapshot, { limits }: Policy, claim: Reservation): DayBudget | null {
  if (limits.costUsdPerDay === 0) return null;
  const { day, spentUsd: spent, open } = today(snapshot);
  return { day, spentUsd: spent, open: [...open, claim] };
}

/** The day as it stands now: claims that ended are settled, and what is still reserved at midnight goes with the new day. */
export function today(snapshot: Snapshot): DayBudget {
  const day = new Date(snapshot.now).toISOString().slice(0, 10);
  const { budget } = snapshot;
  if (budget.kind !== "budget") return { day, spentUsd: 0, open: [] };
  const found = budget.budget;
  const ends = found.open.map((one) => ({ one, end: endOf(one, snapshot.records[one.key]) }));
  const open = ends.flatMap(({ one, end }) => (end === null ? [one] : []));
  const ended = ends.reduce((total, { end }) => total + (end ?? 0), 0);
  // A clock that went back must not empty the day.
  return found.day < day ? { day, spentUsd: 0, open } : { ...found, spentUsd: found.spentUsd + ended, open };
}

/** What the claim of a reservation cost in the end; null while it goes on. Where its record is gone or moved on without a word: all of it. */
function endOf({ key: _, epoch, usd }: Reservation, fact: RecordFact | undefined): number | null {
  if (fact === undefined || fact.kind === "none") return usd;
  if (fact.kind === "unreadable") return null;
  const { record } = fact;
  if (record.spend.last?.epoch === epoch) return record.spend.last.usd;
  if (record.epoch > epoch) return usd;
  return record.state === "held" || record.state === "published" ? null : usd;
}

function sum(open: readonly Reservation[]): number {
  return open.reduce((total, { usd }) => total + usd, 0);
}

function dollars(usd: number): string {
  return `${usd.toFixed(2)} USD`;
}
