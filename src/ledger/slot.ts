// A slot's record names the claim that holds the place: key and epoch. It needs no renewal of its own.

import * as z from "zod";

const SlotRecord = z.looseObject({ v: z.literal(1), key: z.string(), epoch: z.int().min(0), nonce: z.string() });

export function formatSlot(number: number, key: string, epoch: number, nonce: string): string {
  return `agent-dispatch v1 slot ${number} ${key} e${epoch}\n\n${JSON.stringify({ v: 1, key, epoch, nonce })}\n`;
}

/** Holder of a slot; null when the record cannot be read, which counts as taken, for ever if need be: a newer program may be at work in it. */
export function parseSlot(message: string): { key: string; epoch: number } | null {
  const start = message.indexOf("\n\n");
  if (!message.startsWith("agent-dispatch v1 slot ") || start < 0 || message.length > 10_000) return null;
  try {
    const parsed = SlotRecord.safeParse(JSON.parse(message.slice(start)));
    return parsed.success ? { key: parsed.data.key, epoch: parsed.data.epoch } : null;
  } catch {
    return null;
  }
}
