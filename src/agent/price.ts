// What a run cost in money: the CLI's own figure, else its tokens by the prices that the policy gives for its profile, else nobody knows.

import type { Tokens } from "./events.ts";
import type { Profile } from "./profile.ts";

/** USD for a million tokens. Tokens read from or written to a cache cost as input does where nothing else is said. */
export interface Prices {
  input: number;
  output: number;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
}

/** Null: neither a figure nor prices. A figure of 0 for work that took tokens is that of a CLI that knows no price for its model. */
export function costOf(
  { prices, preset }: Pick<Profile, "prices" | "preset">,
  told: { tokens: Tokens | null; costUsd: number | null },
): number | null {
  const { tokens, costUsd } = told;
  if (prices === null || tokens === null || (costUsd !== null && costUsd > 0)) return costUsd;
  const input = preset.output.cachedWithin === true ? Math.max(0, tokens.input - tokens.cacheRead) : tokens.input;
  const { cacheRead = prices.input, cacheWrite = prices.input } = prices;
  const millionths =
    input * prices.input +
    tokens.output * prices.output +
    tokens.cacheRead * cacheRead +
    tokens.cacheWrite * cacheWrite;
  return millionths / 1_000_000;
}
