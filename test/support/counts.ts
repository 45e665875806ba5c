// What a suite found and tried, a line from each of its files, told together at its end: files run in processes of their own.

import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Counts<Line> {
  /** Noted by a file of the suite. */
  count(line: Line): void;
  /** Set-up of the whole suite; answers what is done at its end. */
  setup(): () => void;
}

/** `variable`: the environment variable by which the files learn where to note. `tell`: the sum of all lines, as text. */
export function counts<Line>(variable: string, tell: (lines: readonly Line[]) => string[]): Counts<Line> {
  return {
    count(line) {
      const file = process.env[variable];
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
    },
    setup() {
      const folder = mkdtempSync(join(tmpdir(), "counts-"));
      const file = join(folder, "lines");
      process.env[variable] = file;
      return () => {
        const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
        rmSync(folder, { recursive: true, force: true });
        for (const line of tell(lines.map((text): Line => JSON.parse(text)))) console.log(line);
      };
    },
  };
}
