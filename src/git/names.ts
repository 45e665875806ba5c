// Names of refs and commits, checked before git sees them, and read from what it lists.

import type { RefChange } from "./push.ts";

/** Names are ours, derived from numbers and checked words; this keeps a mistake from becoming an option or a refspec. */
export function requireRef(ref: string): void {
  const whole = /^refs\/[A-Za-z0-9][^\s:?*[\\^~]*$/.test(ref) && !ref.includes("..") && !/[\0-\x1f\x7f]/.test(ref);
  if (!whole) throw new TypeError(`not a full ref name: ${JSON.stringify(ref)}`);
}

export function requireSha(sha: string): void {
  if (!/^[0-9a-f]{40,64}$/.test(sha)) throw new TypeError(`not a commit id: ${JSON.stringify(sha)}`);
}

export function requireChanges(changes: readonly RefChange[]): void {
  const names = new Set(changes.map((change) => change.ref));
  if (changes.length === 0 || names.size !== changes.length)
    throw new TypeError("a push needs changes of different refs");
  for (const change of changes) {
    requireRef(change.ref);
    for (const sha of [change.old, change.new]) if (sha !== null) requireSha(sha);
    // The server does not evaluate a ref that stays: a stale claim would go unnoticed.
    if (change.old === change.new) throw new TypeError(`${change.ref} does not change in this push`);
  }
}

/** Lines of `ls-remote`: commits by full name. */
export function listed(stdout: Buffer): Map<string, string> {
  return new Map(
    stdout
      .toString("utf8")
      .split("\n")
      .flatMap((line): [string, string][] => {
        const [, sha, name] = /^([0-9a-f]{40,64})\t(.+)$/.exec(line) ?? [];
        return sha === undefined || name === undefined ? [] : [[name, sha]];
      }),
  );
}
