// The job's summary: what people see before they read a log (Gitea 1.27 and runner 2.0 show it).

import { sentence } from "./core/report.ts";
import { oneLine } from "./core/text.ts";
import type { Outcome } from "./outcome.ts";

export function summaryOf(outcome: Outcome): string {
  const rows: [string, string | number | null][] = [
    ["Item", outcome.item === null ? null : `#${outcome.item}`],
    ["Pull request", outcome.pullRequest === null ? null : `#${outcome.pullRequest}`],
    ["Branch", outcome.branch],
    ["Agent", outcome.profile],
    ["Attempt", outcome.attempt],
    ["Failure", outcome.failure],
    ["Cost", outcome.costUsd === null ? null : `${outcome.costUsd.toFixed(2)} USD`],
  ];
  const facts = rows.filter(([, value]) => value !== null && value !== "");
  const passed = outcome.passed.slice(0, 50);
  return [
    `### agent-dispatch: ${outcome.outcome}`,
    `${sentence(outcome.reason)} ${sentence(outcome.next)}`,
    facts.length === 0
      ? ""
      : ["| | |", "|---|---|", ...facts.map(([name, value]) => `| ${name} | ${value} |`)].join("\n"),
    passed.length === 0
      ? ""
      : [
          "| Looked at | Why not |",
          "|---|---|",
          ...passed.map((p) => `| #${p.item} ${cell(p.title)} | ${cell(p.reason)} |`),
        ].join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

function cell(text: string): string {
  return oneLine(text, 160).replaceAll("|", "\\|");
}
