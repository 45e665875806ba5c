// How the story looks on a terminal: calm, one thing a line, colours only where somebody sees them.

import process from "node:process";

export interface Teller {
  /** A new part of the story. */
  part(title: string): void;
  /** Something that people did or that came out. */
  fact(text: string): void;
  /** Where to look, and why. */
  look(text: string): void;
  /** A quoted text below a fact, such as a description. */
  quote(text: string): void;
  /** Something that appeared on the forge while a run was at work. */
  seen(text: string): void;
  /** A line of a run's log. */
  log(line: string): void;
  say(text: string): void;
  /** A name or number worth a look. */
  strong(text: string): string;
}

const styles = { bold: "1", dim: "2", green: "32", cyan: "36", yellow: "33" } as const;

export function teller(write: (text: string) => void, colours: boolean): Teller {
  const styled = (style: keyof typeof styles, text: string) =>
    colours ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
  const line = (text: string) => write(`${text}\n`);
  let parts = 0;
  const warnings = new Set<string>();
  return {
    part: (title) => line(`\n${styled("bold", `${++parts}. ${title}`)}`),
    fact: (text) => line(`   ${text}`),
    look: (text) => line(`   ${styled("yellow", "→")} ${text}`),
    quote: (text) => {
      for (const quoted of text.trimEnd().split("\n")) line(`     ${styled("dim", "│")} ${quoted}`.trimEnd());
    },
    seen: (text) => line(`   ${styled("green", "●")} ${text}`),
    log: (text) => {
      // Every run says it; the story says it once.
      if (!text.includes("no sandbox") || !warnings.has(text)) line(`       ${styled("dim", text)}`);
      warnings.add(text);
    },
    say: line,
    strong: (text) => styled("cyan", text),
  };
}

/** Colours by the usual rules: a terminal, `NO_COLOR` empty, not a dumb one. */
export function wantsColours(): boolean {
  return process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}
