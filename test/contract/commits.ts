import type { Host } from "../../src/git/port.ts";

/** A file's text, the target of a symbolic link, or the commit of a submodule. */
export type Entry = string | { link: string } | { submodule: string };

export interface NewCommit {
  parent?: string | null;
  message?: string;
  files?: Readonly<Record<string, Entry>>;
}

let names = 0;

/** Makes commits in the host's own repository with one git process; nothing is pushed. Parents must be there. Answers their ids in order. */
export async function makeCommits(host: Host, commits: readonly NewCommit[]): Promise<string[]> {
  const parts: string[] = [];
  commits.forEach(({ parent = null, message = "commit", files = {} }, index) => {
    names += 1;
    parts.push(`commit refs/contract/${names}`, `mark :${index + 1}`);
    parts.push("committer contract <contract@example.invalid> 1700000000 +0000", data(message));
    if (parent !== null) parts.push(`from ${parent}`);
    for (const [name, entry] of Object.entries(files)) parts.push(change(name, entry));
    parts.push(`get-mark :${index + 1}`);
  });
  const answer = await host.must(["fast-import", "--quiet", "--done"], { input: `${parts.join("\n")}\ndone\n` });
  return answer.toString("utf8").trim().split("\n");
}

function change(name: string, entry: Entry): string {
  const place = JSON.stringify(name);
  if (typeof entry === "string") return `M 100644 inline ${place}\n${data(entry)}`;
  return "link" in entry ? `M 120000 inline ${place}\n${data(entry.link)}` : `M 160000 ${entry.submodule} ${place}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** Pushes refs that are not there yet, all at once. */
export async function pushNew(host: Host, refs: Readonly<Record<string, string>>): Promise<void> {
  const outcome = await host.push(Object.entries(refs).map(([ref, sha]) => ({ ref, old: null, new: sha })));
  if (outcome.kind !== "ok") throw new Error(`could not push: ${JSON.stringify(outcome)}`);
}

/** The tip of a branch, fetched; for parents. */
export async function tipOf(host: Host, branch = "main"): Promise<string> {
  const sha = await host.fetchBranch(branch);
  if (sha === null) throw new Error(`no branch ${branch}`);
  return sha;
}
