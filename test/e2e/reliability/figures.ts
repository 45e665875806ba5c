// What the stories print at the end of their file: how long until an item moved again.

import { afterAll } from "vitest";

export interface Figure {
  story: string;
  server: string;
  /** Null where it is no matter of time. */
  seconds: number | null;
  words?: string;
}

/** Collects figures, and prints them as a table when the stories of the file are over. */
export function figures(title: string): (figure: Figure) => void {
  const all: Figure[] = [];
  afterAll(() => {
    const rows = [
      [title, "server", "seconds until it moved again", ""],
      ...all.map(({ story, server, seconds, words = "" }) => [story, server, seconds?.toFixed(1) ?? "", words]),
    ];
    const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
    const [head = [], ...rest] = rows;
    const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
    console.log(["", line(head), rule, ...rest.map(line), ""].join("\n"));
  });
  return (figure) => {
    all.push(figure);
  };
}
