// Paths that a person looks at themselves before a merge: those that steer the program, its agents or who is asked for a review. Given as globs by
// the policy file.

import { Minimatch } from "minimatch";

/** What `protectedPaths` is without a key of its own. Workflow files are guarded by themselves (core/guards.ts). */
export const protectedByDefault: readonly string[] = [
  ".agent-dispatch.yml",
  ".agent-dispatch/**",
  "AGENTS.md",
  "CLAUDE.md",
  ".claude/**",
  ".mcp.json",
  ".cursorrules",
  "CODEOWNERS",
  ".gitea/CODEOWNERS",
  "docs/CODEOWNERS",
];

/** Most patterns in one policy: every changed path is compared with each of them. */
export const patternsMax = 100;

/** Longest pattern, in characters. */
export const patternCharsMax = 200;

/**
 * Those of `paths` that a pattern means, in their order. Paths are git's, from the root; of a renamed file give both names. Patterns as
 * `patternProblem` lets them pass: `*` and `?` stay within one name, `**` spans folders, a leading dot is nothing special, case does not count (some
 * file systems do not see it either), and `folder/**` means the folder's own name too, which could become a link.
 */
export function protectedIn(paths: readonly string[], patterns: readonly string[]): string[] {
  const globs = patterns.flatMap(withFolder).map((pattern) => new Minimatch(pattern, options));
  return paths.filter((path) => globs.some((glob) => glob.match(path)));
}

/**
 * What is expected instead of this pattern; null when it can be used. Refused is what other programs read as more than a name, or what no path of
 * git's can be: it would protect nothing and look as if it did. Braces also because of what they may multiply to.
 */
export function patternProblem(pattern: string): string | null {
  if (pattern === "" || pattern.length > patternCharsMax || /\p{Cc}/u.test(pattern))
    return `a text of 1 to ${patternCharsMax} characters on one line`;
  if (/^!|[\\{}]|[!?*+@]\(/.test(pattern)) return "a glob of `*`, `**`, `?` and `[…]`, and nothing else special";
  if (/[^/]\/$/.test(pattern)) return `\`${pattern.replace(/^\/+/, "")}**\` for all of a folder`;
  const parts = pattern.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return "a path from the repository's root, without `/` at its ends, `//`, `.` and `..`";
  if (parts.some((part) => part !== "**" && part.includes("**")))
    return "`**` between two `/` or at an end, as in `docs/**/*.md`";
  return null;
}

// `platform` keeps it from asking the process; the rest makes special only what `patternProblem` says.
const options = {
  ...{ dot: true, nocase: true, nobrace: true, noext: true, nonegate: true, nocomment: true },
  platform: "linux",
} as const;

function withFolder(pattern: string): string[] {
  return pattern.endsWith("/**") ? [pattern, pattern.replace(/(?:\/\*\*)+$/, "")] : [pattern];
}
