import type { Protection, Repo } from "../model.ts";

/** The rule for a branch: an exact name first, then patterns by priority. */
export function protectionOf(repo: Repo, branch: string): Protection | undefined {
  const exact = repo.protections.find((protection) => protection.rule === branch);
  return exact ?? repo.protections.find((protection) => globRegex(protection.rule).test(branch));
}

/** `*` stops at slashes, `**` does not. */
export function globRegex(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*/g, "\0")
    .replace(/\*/g, "[^/]*")
    .replace(/\0/g, ".*")
    .replace(/\?/g, "[^/]");
  return new RegExp(`^${source}$`);
}
