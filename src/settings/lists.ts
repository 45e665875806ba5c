// Lists that only the policy file has: texts, regular expressions, globs.

import { patternProblem, patternsMax, protectedByDefault } from "../core/protect.ts";
import { show, showYaml } from "./reader.ts";
import type { Source } from "./source.ts";

/** A list of texts; null where it is not given, and where it is something else, which is noted. */
export function textsOf({ reader, yaml, path }: Source, key: string): string[] | null {
  const value = yaml[key];
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  reader.problem(`${path}, ${key}`, "a list of texts", showYaml(value));
  return null;
}

/** `excludeTitles`: regular expressions without regard to case. Default none. */
export function excludedTitles(source: Source): RegExp[] {
  return (textsOf(source, "excludeTitles") ?? []).flatMap((expression) => {
    try {
      return [new RegExp(expression, "iu")];
    } catch {
      source.reader.problem(`${source.path}, excludeTitles`, "a regular expression", show(expression));
      return [];
    }
  });
}

/** `protectedPaths`: globs. A list given replaces the default, and may be empty. */
export function protectedPaths(source: Source): readonly string[] {
  const given = textsOf(source, "protectedPaths");
  if (given === null) return protectedByDefault;
  const where = `${source.path}, protectedPaths`;
  if (given.length > patternsMax) {
    source.reader.problem(where, `at most ${patternsMax} patterns`, String(given.length));
    return protectedByDefault;
  }
  for (const pattern of given) {
    const expected = patternProblem(pattern);
    if (expected !== null) source.reader.problem(where, expected, show(pattern));
  }
  return given;
}
