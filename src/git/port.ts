// The host's own repository as the rest of the program sees it: what can be asked of it, and the values in it.

import type { Git, GitOptions, GitResult } from "./git.ts";
import type { PushOutcome, RefChange } from "./push.ts";

export interface HostSetup {
  /** Folder of ours alone, made if missing: the repository, git's empty home, scratch files. */
  dir: string;
  /** Clone URL, `http://…/owner/name.git`, without credentials. */
  url: string;
  token: string;
  bot: Identity;
  /** The run's environment; see `GitSetup.env`. */
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal;
  localMs?: number;
  networkMs?: number;
  /** Waits before a fetch whose line broke is tried again, in ms. As with reads by REST, one that breaks off ends no run. Default 300 and 1500. */
  retryWaitsMs?: readonly number[];
  /** Time of commits that the host makes, in ms since 1970; default the machine's clock. */
  now?: () => number;
}

export interface Identity {
  name: string;
  email: string;
}

/** One ref of the ledger as the forge has it. */
export interface LedgerRef {
  sha: string;
  /** The commit's message without its last line break; empty when the ref holds no commit. */
  message: string;
  /** Text of `effects.json` in its tree; null when there is none, or when it is larger than 4 MiB. */
  effects: string | null;
}

export interface NewRecord {
  /** The record before it, which must be here: fetched, or written by us. */
  parent: string | null;
  message: string;
  effects: string | null;
}

export interface Host {
  readonly gitDir: string;
  readonly bot: Identity;
  readonly git: Git;
  /** Runs git on the host's repository. */
  run(args: readonly string[], options?: GitOptions): Promise<GitResult>;
  /** The same for what cannot fail but by our own fault or the machine's; answers standard output, throws RunError otherwise. */
  must(args: readonly string[], options?: GitOptions): Promise<Buffer>;
  /** Fetches a branch with its last `depth` commits (default 50); null when the forge has no such branch. */
  fetchBranch(branch: string, depth?: number): Promise<string | null>;
  /** The same for any full ref name, for example kept work below `refs/agent-dispatch/v1/wip/`. */
  fetchRef(ref: string, depth?: number): Promise<string | null>;
  /**
   * Fetches the history behind commits that the forge has, `depth` commits deep (`WHOLE_HISTORY`: all of it). By id, so that a branch that
   * moved meanwhile changes nothing. Later fetches of code go as much deeper, so as not to cut it again. Null, or why it could not be had:
   * the forge has a commit no more, or the time was up.
   */
  deepen(commits: readonly string[], depth: number, deadlineMs?: number): Promise<string | null>;
  /** All refs of the ledger but `wip/…`, by full name. */
  fetchLedger(): Promise<Map<string, LedgerRef>>;
  /** Makes a record's commit here; nothing is pushed. */
  writeRecord(record: NewRecord): Promise<string>;
  /** Where the named refs are on the forge now; null = not there. `deadlineMs` default `networkMs`. */
  remoteRefs(names: readonly string[], deadlineMs?: number): Promise<Map<string, string | null>>;
  /** All refs on the forge whose full name begins with `prefix`. */
  listRefs(prefix: string): Promise<Map<string, string>>;
  /** Whether the forge's `ref` holds `sha` in its last 50 commits. `deadlineMs` counts from the call; default: as long as a fetch of code may take. */
  holds(ref: string, sha: string, deadlineMs?: number): Promise<boolean>;
  /** One atomic push of all changes, each with its lease. Never throws for what the forge answers. */
  push(changes: readonly RefChange[], limits?: PushLimits): Promise<PushOutcome>;
}

/** Bounds of one push. The usual ones are short, since a claim waits for them; commits on a slow line need others. */
export interface PushLimits {
  /** In ms; default `networkMs`. */
  deadlineMs?: number;
  /** Seconds without a byte moving after which it is given up; default 30. */
  stallSeconds?: number;
  /** Ends it; the answer is then `unknown`. */
  signal?: AbortSignal;
}

/** What git takes for "no bound" (`--unshallow` is an error where nothing is cut). */
export const WHOLE_HISTORY = 2_147_483_647;
