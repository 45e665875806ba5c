// The ledger as somebody with a clone and the right to write code could read and change it, past the program: git on the bare repository itself.
// It does not go through the server, so waiting for it is safe.

import { execFileSync } from "node:child_process";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import type { Stage } from "./run.ts";

const root = "refs/agent-dispatch/";

export interface LedgerByHand {
  git(args: string[], input?: string): string;
  /** A new commit at `refs/agent-dispatch/<name>`, with what stood there as its parent; its id. `files`: its tree. */
  write(name: string, message: string, files?: Readonly<Record<string, string>>): string;
  /** Fields of a record changed, whatever their names; `effects.json` goes. */
  amend(key: string, change: Readonly<Record<string, unknown>>): string;
  /** The JSON of the newest record, unknown fields included. */
  read(key: string): LedgerRecord & Record<string, unknown>;
  remove(name: string): void;
  /** Full names of all refs, in order. */
  refs(): string[];
  /** First lines of the commits of a ref, newest first. */
  log(name: string): string[];
}

export function ledgerByHand(s: Pick<Stage, "forge" | "repo">): LedgerByHand {
  const git = (args: string[], input = "") =>
    execFileSync("git", ["--git-dir", s.forge.gitDir(s.repo), ...args], { input, encoding: "utf8" }).trim();
  const identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"];

  function write(name: string, message: string, files: Readonly<Record<string, string>> = {}): string {
    const entries = Object.entries(files).map(
      ([file, text]) => `100644 blob ${git(["hash-object", "-w", "--stdin"], text)}\t${file}\n`,
    );
    const tree = git(["mktree"], entries.join(""));
    const before = git(["for-each-ref", "--format=%(objectname)", `${root}${name}`]);
    const parent = before === "" ? [] : ["-p", before];
    const commit = git([...identity, "commit-tree", tree, ...parent, "-F", "-"], message);
    git(["update-ref", `${root}${name}`, commit]);
    return commit;
  }

  function read(key: string): LedgerRecord & Record<string, unknown> {
    return JSON.parse(git(["log", "-1", "--format=%b", `${root}v1/item/${key}`]));
  }

  return {
    ...{ git, write, read },
    amend(key, change) {
      const first = git(["log", "-1", "--format=%s", `${root}v1/item/${key}`]);
      return write(`v1/item/${key}`, `${first}\n\n${JSON.stringify({ ...read(key), ...change })}\n`);
    },
    remove: (name) => void git(["update-ref", "-d", `${root}${name}`]),
    refs: () => git(["for-each-ref", "--format=%(refname)", root]).split("\n"),
    log: (name) => git(["log", "--format=%s", `${root}${name}`]).split("\n"),
  };
}

/** A record of an item that is closed for `days`, by the forge's clock. */
export function closedRecord(
  s: Pick<Stage, "forge">,
  key: string,
  days: number,
  change: Partial<LedgerRecord> = {},
): string {
  const at = new Date(Date.now() + s.forge.clockOffsetMs - days * 24 * 3_600_000).toISOString();
  const record: LedgerRecord = {
    ...{
      v: 1,
      state: "closed",
      key,
      kind: "review",
      generation: 1,
      epoch: 4,
      seq: 3,
      attempt: 0,
      round: 1,
      stage: null,
    },
    ...{ owner: "a-run", nonce: `${key}-${days}`, run: null, at, ttlSeconds: 8, slot: null, branch: `agent/${key}` },
    ...{ expect: null, baseBranch: "main", base: null, askedBy: "alice", head: null, pull: null, profile: "command" },
    ...{ done: [], handled: [], cooldownUntil: null, lastFailure: null, spend: { usd: 1.25, tokens: 900 } },
    ...{ after: "closed", bodyHash: null },
    ...change,
  };
  return `agent-dispatch v1 closed ${key} e${record.epoch}.${record.seq}\n\n${JSON.stringify(record)}\n`;
}
