import { describe, expect, test } from "vitest";
import { claude } from "../../src/agent/presets/claude.ts";
import { codex } from "../../src/agent/presets/codex.ts";
import { command } from "../../src/agent/presets/command.ts";
import { costOf } from "../../src/agent/price.ts";
import { ProfileEntry, profileFrom, tellsCost } from "../../src/agent/profile.ts";

const tokens = { input: 1_000_000, output: 100_000, cacheRead: 400_000, cacheWrite: 0 };
const prices = { input: 3, output: 15, cacheRead: 0.3 };

describe("cost", () => {
  test("the CLI's own figure comes first", () => {
    expect(costOf({ prices, preset: claude }, { tokens, costUsd: 0.5 })).toBe(0.5);
  });

  test("else tokens by the profile's prices, those from a cache counted once", () => {
    expect(costOf({ prices, preset: claude }, { tokens, costUsd: null })).toBeCloseTo(3 + 1.5 + 0.12, 10);
    expect(costOf({ prices, preset: codex }, { tokens, costUsd: null })).toBeCloseTo(1.8 + 1.5 + 0.12, 10);
  });

  test("what a cache costs is what input costs where no price says else", () => {
    const plain = { input: 3, output: 15 };
    const written = { ...tokens, cacheWrite: 200_000 };
    expect(costOf({ prices: plain, preset: claude }, { tokens: written, costUsd: null })).toBeCloseTo(
      3 + 1.5 + 1.2 + 0.6,
      10,
    );
  });

  test("a figure of 0 is that of a CLI without a price for its model", () => {
    expect(costOf({ prices, preset: codex }, { tokens, costUsd: 0 })).toBeCloseTo(3.42, 10);
    expect(costOf({ prices: null, preset: codex }, { tokens, costUsd: 0 })).toBe(0);
  });

  test("never made up", () => {
    expect(costOf({ prices: null, preset: codex }, { tokens, costUsd: null })).toBeNull();
    expect(costOf({ prices, preset: codex }, { tokens: null, costUsd: null })).toBeNull();
  });
});

test("with prices a budget knows of a CLI that tells tokens only", () => {
  const entry = (given: object) => profileFrom("p", ProfileEntry.parse({ cli: "codex", ...given }), {});
  expect(tellsCost(entry({}))).toBe(false);
  expect(tellsCost(entry({ prices }))).toBe(true);
  expect(entry({ prices }).prices).toEqual(prices);
});

test("a CLI that tells no tokens takes no prices", () => {
  const parsed = ProfileEntry.safeParse({ cli: "command", command: "true", prices });
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual(["cli: command tells no tokens"]);
  expect(command.output.rules).toEqual([]);
});
