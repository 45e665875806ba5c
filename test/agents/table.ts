// What was seen, as the table of docs/agents.md: CLI × scenario.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { scenarios } from "./scenarios.ts";

export interface Row {
  preset: string;
  scenario: string;
  seen: string;
  text: string;
  seconds: number;
}

const file = "test/fixtures/agents/seen.json";
const page = "docs/agents.md";
const [begin, end] = ["<!-- seen: made by npm run test:agents -->", "<!-- /seen -->"];

/** Adds what was seen to what earlier runs saw, and writes the table anew. Only where RECORD is set. */
export function writeRows(rows: readonly Row[]): void {
  if (process.env["RECORD"] === undefined) return;
  const before: Record<string, Record<string, string>> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  for (const { preset, scenario, seen } of rows) {
    before[preset] ??= {};
    Object.assign(before[preset], { [scenario]: seen });
  }
  const sorted = Object.fromEntries(Object.entries(before).sort(([a], [b]) => a.localeCompare(b)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
  const text = readFileSync(page, "utf8");
  const [head, rest] = [text.indexOf(begin), text.indexOf(end)];
  if (head === -1 || rest === -1) return;
  writeFileSync(page, `${text.slice(0, head + begin.length)}\n\n${tableOf(sorted)}\n\n${text.slice(rest)}`);
}

function tableOf(seen: Record<string, Record<string, string>>): string {
  const ids = Object.keys(seen);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = scenarios.map(({ name }) => line([name, ...ids.map((id) => seen[id]?.[name] ?? "")]));
  return [line(["the model's server", ...ids]), line(["---", ...ids.map(() => "---")]), ...body].join("\n");
}
