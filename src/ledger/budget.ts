// The ledger's `budget` ref: what agents of one day reserved and spent. Moved by claims alone, in their transaction, so that two runs cannot
// reserve the same money; the end of a claim is read off its item's record and written here by the next claim.

import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { BudgetFact, DayBudget } from "../core/budget.ts";

const Usd = z.number().min(0);
const BudgetRecord = z.looseObject({
  v: z.literal(1),
  day: z.iso.date(),
  spentUsd: Usd,
  open: z.array(z.looseObject({ key: z.string(), epoch: z.int().min(0), usd: Usd })),
});

export function parseBudget(sha: string, message: string): BudgetFact {
  const start = message.indexOf("\n\n");
  if (start < 0 || message.length > 100_000) return { kind: "unreadable", why: "not a record of agent-dispatch" };
  try {
    const parsed = BudgetRecord.safeParse(JSON.parse(message.slice(start)));
    if (!parsed.success) return { kind: "unreadable", why: "of a form that this version does not know" };
    const { day, spentUsd, open } = parsed.data;
    return { kind: "budget", sha, budget: { day, spentUsd, open } };
  } catch {
    return { kind: "unreadable", why: "its JSON cannot be read" };
  }
}

export function formatBudget(budget: DayBudget): string {
  const { day, spentUsd, open } = budget;
  const reserved = open.reduce((total, { usd }) => total + usd, 0);
  const line = `agent-dispatch v1 budget ${day} ${spentUsd.toFixed(2)} USD spent, ${reserved.toFixed(2)} reserved`;
  return `${line}\n\n${JSON.stringify({ v: 1, day, spentUsd, open, nonce: randomUUID() })}\n`;
}
