// What a benchmark prints: a table to be copied into docs/performance.md, and the bounds that were exceeded.

export class Report {
  readonly exceeded: string[] = [];

  title(text: string): void {
    console.log(`\n### ${text}\n`);
  }

  note(text: string): void {
    console.log(text);
  }

  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const all = [head, ...rows].map((row) => row.map(String));
    const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
    const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
    const [first = [], ...rest] = all;
    console.log(
      [line(first), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rest.map(line)].join("\n"),
    );
  }

  /** Figures with a stated bound; the benchmark goes on and fails at its end. */
  bound(what: string, got: number, max: number): string {
    if (got > max) this.exceeded.push(`${what}: ${got}, at most ${max} allowed`);
    return `${got} (≤ ${max}${got > max ? ", EXCEEDED" : ""})`;
  }
}

export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)} ×`;
}
