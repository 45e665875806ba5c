// That the gates stand at every way out: what the sources take from Node is either behind a gate, or shows nothing to anybody else.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { writers } from "./builtins.ts";

const src = fileURLToPath(new URL("../../../src", import.meta.url));

/** Modules by which nothing leaves the process. `@actions/exec` starts processes as the sources do; `gitea-js` asks by the `fetch` it is given. */
const inward = [
  ...["node:crypto", "node:events", "node:os", "node:path", "node:stream", "node:timers/promises"],
  ...["@actions/exec", "fastest-levenshtein", "gitea-js", "minimatch", "yaml", "zod"],
];
/** What the runner hears of; no run reads it. State for the last step goes through the step: see `gated`. */
const toTheRunner = ["@actions/core", "@actions/github"];

/** Looks, and the outputs that a run keeps for itself in a folder of a random name. */
const looks = ["access", "lstat", "open", "readFile", "readdir", "stat", "constants", "Stats"];
const looksNow = ["accessSync", "existsSync", "fstatSync", "lstatSync", "readFileSync", "readSync", "readdirSync"];
const linksNow = ["readlinkSync", "realpathSync", "statSync"];
const ownOutput = ["openSync", "writeSync", "closeSync"];

const known: Readonly<Record<string, readonly string[]>> = {
  "node:child_process": ["spawn", "ChildProcessWithoutNullStreams"],
  "node:fs/promises": [...writers, ...looks],
  "node:fs": [...writers.map((name) => `${name}Sync`), ...looks, ...looksNow, ...linksNow, ...ownOutput],
};

function imports(): { file: string; from: string; names: string[] }[] {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.flatMap((file) => {
    const text = readFileSync(join(src, file), "utf8");
    return [...text.matchAll(/^import ([^;]*?) from "([^".][^"]*)";$/gm)].map(([, what = "", from = ""]) => ({
      ...{ file, from },
      names: [...what.matchAll(/[\w*]+/g)].map(([name]) => name).filter((name) => name !== "type"),
    }));
  });
}

it("every way out of the program has a gate", () => {
  const found = imports();
  expect(found.length).toBeGreaterThan(50);
  const open = found
    .filter(({ from }) => !inward.includes(from) && !toTheRunner.includes(from))
    .flatMap(({ file, from, names }) => names.map((name) => ({ file, from, name })))
    .filter(({ from, name }) => known[from]?.includes(name) !== true)
    .map(({ file, from, name }) => `${file}: ${name} of ${from}`);
  expect(open).toEqual([]);
});
