// The answer to `/agent why`, and the same as plain text for the log of `mode: explain`: every gate of the table with the fact it looked at.

import { inline } from "../text.ts";
import { type KeptFacts, keptLine, keptText } from "./kept.ts";
import { cell, page, plain } from "./page.ts";

/** A row of the decision table as it answered for one item. */
export interface Gate {
  row: number;
  /** What the row asks, in a few words. */
  about: string;
  result: "passes" | "stops" | "work" | "unknown";
  fact: string;
}

export interface Why {
  item: number;
  gates: readonly Gate[];
  /** What follows, one sentence. */
  decision: string;
  /** Work that can be gone on with; absent or null = none. */
  kept?: KeptFacts | null;
}

const results: Record<Gate["result"], string> = {
  passes: "passes",
  stops: "**stops here**",
  work: "**to be done**",
  unknown: "not known",
};

/** Most gates that are shown; the table of decisions has fewer rows. */
const gatesMax = 60;

/** The answer without its marker, for whoever puts that on. */
export function whyBody(w: Why): string {
  const rows = w.gates
    .slice(0, gatesMax)
    .map((g) => `| ${g.row} | ${cell(inline(g.about))} | ${results[g.result]} | ${cell(inline(g.fact, 300))} |`);
  return [
    `**#${w.item}**: ${inline(w.decision, 600)}`,
    ["| row | about | answer | fact |", "|---|---|---|---|", ...rows].join("\n"),
    ...(w.kept ? [keptText(w.kept)] : []),
    "<sub>The first row that does not pass decides; the rows stand in docs/decisions.md of agent-dispatch.</sub>",
  ].join("\n\n");
}

/** `key`: id of the order that asked, so that it is answered once. */
export function whyComment(w: Why & { key: string }): string {
  return page("why", { for: w.key }, [whyBody(w)]);
}

/** Plain lines, no Markdown. */
export function whyText(w: Why): string {
  const width = Math.max(0, ...w.gates.map((g) => plain(g.about).length));
  const rows = w.gates.slice(0, gatesMax).map((g) => {
    const result = g.result === "unknown" ? "?" : g.result;
    return `  ${String(g.row).padStart(2)}  ${plain(g.about).padEnd(Math.min(width, 60))}  ${result.padEnd(6)}  ${plain(g.fact)}`.trimEnd();
  });
  const kept = w.kept ? [`  ${keptLine(w.kept)}`] : [];
  return [`#${w.item}: ${plain(w.decision)}`, ...rows, ...kept].join("\n");
}
