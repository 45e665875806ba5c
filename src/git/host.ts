// The host's own repository: bare, in a folder that the agent cannot write, and the only one that is used with the token.
//
// Properties: every push spells out what it expects to replace; a read that fails is thrown, "not there" is a value; the ledger is read with
// one fetch. What fetches leave is kept under `refs/host/…`, which no push and no clone of the agent ever sees.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../errors.ts";
import { type BatchObject, readBatch } from "./batch.ts";
import { explain, type Git, type GitOptions, type GitResult, makeGit } from "./git.ts";
import { isBroken, isGone, localError, noRefs, noSuchRef, remoteError, tooLate } from "./host-errors.ts";
import { listed, requireChanges, requireRef, requireSha } from "./names.ts";
import type { Host, HostSetup, Identity, LedgerRef, NewRecord, PushLimits } from "./port.ts";
import { WHOLE_HISTORY } from "./port.ts";
import { type PushOutcome, parsePush, type RefChange } from "./push.ts";

export type { PushOutcome, RefChange } from "./push.ts";

const LEDGER = "refs/agent-dispatch/v1/";
const EFFECTS = "effects.json";
const EFFECTS_BYTES_MAX = 4 * 1024 * 1024;
/** All records with their effects; thousands of records of a few KB each. */
const LEDGER_BYTES_MAX = 128 * 1024 * 1024;
const DEPTH = 50;
/** Longest fetch of code, in ms; a line on which nothing moves is given up much earlier. */
const CODE_MS = 20 * 60_000;

export async function openHost(setup: HostSetup): Promise<Host> {
  await mkdir(setup.dir, { recursive: true, mode: 0o700 });
  const git = await makeGit(setup);
  const gitDir = join(setup.dir, "repository.git");
  const network = { url: setup.url, token: setup.token };
  const now = setup.now ?? Date.now;
  const run = (args: readonly string[], options: GitOptions = {}) => git.run(args, { gitDir, ...options });

  async function must(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
    const result = await run(args, options);
    if (result.kind === "ended" && result.code === 0) return result.stdout;
    throw localError(args, result);
  }

  await requireVersion(git);
  await must(["init", "--quiet", "--bare", "--template=", "--initial-branch=none"]);
  const emptyTree = text(await must(["hash-object", "-t", "tree", "-w", "--stdin"]));

  // Two fetches at once would fight for git's `shallow.lock`: a renewal's look at the ledger must not fail a job's fetch.
  let fetching: Promise<unknown> = Promise.resolve();
  // A fetch with a smaller depth would cut off again what was fetched for a merge.
  let codeDepthMin = 1;
  function fetchCode(depth: number, refspecs: readonly string[], deadlineMs = CODE_MS): Promise<GitResult> {
    return fetch(() => Math.max(depth, codeDepthMin), refspecs, deadlineMs);
  }
  function fetch(depth: () => number, refspecs: readonly string[], deadlineMs?: number): Promise<GitResult> {
    const args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--prune"];
    const limits = deadlineMs === undefined ? { network } : { network, deadlineMs };
    const next = fetching.then(() =>
      againIfBroken(() => run([...args, `--depth=${depth()}`, setup.url, ...refspecs], limits)),
    );
    fetching = next;
    return next;
  }
  async function againIfBroken(once: () => Promise<GitResult>): Promise<GitResult> {
    let result = await once();
    for (const waitMs of setup.retryWaitsMs ?? [300, 1_500]) {
      if (!isBroken(result) || setup.signal?.aborted === true) break;
      await sleep(waitMs);
      result = await once();
    }
    return result;
  }

  async function fetchRef(ref: string, depth = DEPTH, deadlineMs = CODE_MS): Promise<string | null> {
    requireRef(ref);
    const local = `refs/host/${ref.slice("refs/".length)}`;
    const result = await fetchCode(depth, [`+${ref}:${local}`], deadlineMs);
    if (result.kind === "ended" && result.code === 0) return text(await must(["rev-parse", "--verify", local]));
    // "Not there" is believed of a list only that has something in it.
    if (noSuchRef(result) && ((await remoteRefs([ref], deadlineMs)).get(ref) ?? null) === null) return null;
    throw remoteError(`fetch ${ref}`, result);
  }

  async function deepen(commits: readonly string[], depth: number, deadlineMs = CODE_MS): Promise<string | null> {
    for (const sha of commits) requireSha(sha);
    const result = await fetchCode(depth, commits, deadlineMs);
    if (result.kind === "ended" && result.code === 0) {
      codeDepthMin = Math.min(Math.max(codeDepthMin, DEPTH) + depth, WHOLE_HISTORY);
      return null;
    }
    if (result.kind === "timed-out" || isGone(result)) return explain(result);
    throw remoteError("fetch older commits", result);
  }

  async function fetchLedger(): Promise<Map<string, LedgerRef>> {
    // Without `wip`: those are commits of real work, and a depth of 1 would cut their history in this repository.
    const result = await fetch(() => 1, [`+${LEDGER}*:refs/host/ledger/*`, `^${LEDGER}wip/*`]);
    if (result.kind !== "ended" || result.code !== 0) {
      // With a depth and nothing to fetch git ends with 1 and not a word. That could be something else too, so the forge is asked.
      const isSilent = result.kind === "ended" && result.code === 1 && !/^(?!hint:)./m.test(result.stderr);
      if (isSilent && (await isLedgerEmpty())) return new Map();
      throw remoteError("fetch the ledger", result);
    }
    const listed = text(
      await must(["for-each-ref", "--format=%(objectname) %(refname:lstrip=3)", "refs/host/ledger/"]),
    );
    const refs = listed.split("\n").flatMap((line) => {
      const [, sha, name] = /^([0-9a-f]{40,64}) (.+)$/.exec(line) ?? [];
      return sha === undefined || name === undefined ? [] : [{ sha, name: `${LEDGER}${name}` }];
    });
    if (refs.length === 0) {
      // An empty page of a proxy passes for a repository without refs.
      if (await isLedgerEmpty()) return new Map();
      throw remoteError("fetch the ledger", result);
    }
    const asked = refs.map(({ sha }) => `${sha}\n${sha}:${EFFECTS}\n`).join("");
    const batch = await must(["cat-file", "--batch"], { input: asked, outputBytesMax: LEDGER_BYTES_MAX });
    const objects = readBatch(batch);
    return new Map(refs.map(({ sha, name }, at) => [name, ledgerRef(sha, objects[2 * at], objects[2 * at + 1])]));
  }

  async function isLedgerEmpty(): Promise<boolean> {
    return [...(await listRefs(LEDGER)).keys()].every((name) => name.startsWith(`${LEDGER}wip/`));
  }

  async function writeRecord(record: NewRecord): Promise<string> {
    const tree = record.effects === null ? emptyTree : await effectsTree(record.effects);
    const parents = record.parent === null ? [] : ["-p", record.parent];
    const env = identityEnv(setup.bot, Math.floor(now() / 1000));
    return text(await must(["commit-tree", tree, ...parents, "-F", "-"], { input: record.message, env }));
  }

  async function effectsTree(effects: string): Promise<string> {
    const blob = text(await must(["hash-object", "-w", "--stdin"], { input: effects }));
    return text(await must(["mktree"], { input: `100644 blob ${blob}\t${EFFECTS}\n` }));
  }

  async function list(patterns: readonly string[], deadlineMs?: number): Promise<Map<string, string>> {
    const limits = deadlineMs === undefined ? {} : { deadlineMs };
    const ask = () => run(["ls-remote", "--quiet", setup.url, ...patterns, "HEAD"], { network, ...limits });
    const result = await ask();
    if (result.kind !== "ended" || result.code !== 0) throw remoteError("list the refs", result);
    const found = listed(result.stdout);
    // An empty answer of a proxy reads like a repository without refs. Every repository that we work in has a branch.
    if (found.size === 0 && !(await hasRefs(limits))) throw noRefs();
    return found;
  }

  async function hasRefs(limits: { deadlineMs?: number }): Promise<boolean> {
    const result = await run(["ls-remote", "--quiet", setup.url], { network, ...limits });
    if (result.kind === "ended" && result.code === 0) return listed(result.stdout).size > 0;
    throw remoteError("list the refs", result);
  }

  async function remoteRefs(names: readonly string[], deadlineMs?: number): Promise<Map<string, string | null>> {
    for (const name of names) requireRef(name);
    if (names.length === 0) return new Map();
    // The forge matches the end of names, so others may be listed too.
    const found = await list(names, deadlineMs);
    return new Map(names.map((name) => [name, found.get(name) ?? null]));
  }

  async function listRefs(prefix: string): Promise<Map<string, string>> {
    requireRef(`${prefix}x`);
    const found = await list([`${prefix}*`]);
    return new Map([...found].filter(([name]) => name.startsWith(prefix)));
  }

  async function holds(ref: string, sha: string, deadlineMs?: number): Promise<boolean> {
    // A fetch of code may be under way, for minutes: who looks after a claim cannot wait for its end.
    const tip = await (deadlineMs === undefined ? fetchRef(ref) : inTime(fetchRef(ref, DEPTH, deadlineMs), deadlineMs));
    if (tip === null) return false;
    const result = await run(["merge-base", "--is-ancestor", sha, tip]);
    if (result.kind === "ended" && (result.code === 0 || result.code === 1)) return result.code === 0;
    throw localError(["merge-base"], result);
  }

  async function push(changes: readonly RefChange[], limits: PushLimits = {}): Promise<PushOutcome> {
    requireChanges(changes);
    const leases = changes.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ""}`);
    const refspecs = changes.map((change) => `${change.new ?? ""}:${change.ref}`);
    const args = ["push", "--atomic", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"];
    const { stallSeconds, ...rest } = limits;
    const patient = stallSeconds === undefined ? network : { ...network, stallSeconds };
    return parsePush(await run([...args, ...leases, setup.url, ...refspecs], { network: patient, ...rest }), changes);
  }

  return {
    ...{
      gitDir,
      bot: setup.bot,
      git,
      run,
      must,
      fetchRef,
      deepen,
      fetchLedger,
      writeRecord,
      remoteRefs,
      listRefs,
      holds,
      push,
    },
    fetchBranch: (branch, depth) => fetchRef(`refs/heads/${branch}`, depth),
  };
}

/** Oldest git whose options are used (`merge-tree --write-tree`, `--no-write-fetch-head`, …). */
const GIT_MIN = [2, 38] as const;

async function requireVersion(git: Git): Promise<void> {
  const shown = await git.run(["--version"]);
  const found = shown.kind === "ended" ? text(shown.stdout) : explain(shown);
  const [, major = "0", minor = "0"] = /git version (\d+)\.(\d+)/.exec(found) ?? [];
  if (Number(major) > GIT_MIN[0] || (Number(major) === GIT_MIN[0] && Number(minor) >= GIT_MIN[1])) return;
  throw new RunError(`This runner needs git ${GIT_MIN.join(".")} or newer; found: ${found}`, {
    remedy: "Install a newer git on the runner, on the PATH of its jobs.",
    mender: "server operator",
    retry: false,
  });
}

function text(stdout: Buffer): string {
  return stdout.toString("utf8").trim();
}

/** Author and committer as variables; `seconds` since 1970, UTC. */
export function identityEnv(who: Identity, seconds: number): Record<string, string> {
  const date = `@${seconds} +0000`;
  return {
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
    GIT_COMMITTER_DATE: date,
  };
}

function ledgerRef(sha: string, commit: BatchObject, effects: BatchObject): LedgerRef {
  const raw = commit?.type === "commit" ? commit.content.toString("utf8") : "";
  const headerEnd = raw.indexOf("\n\n");
  const message = headerEnd < 0 ? "" : raw.slice(headerEnd + 2).replace(/\n$/, "");
  const readable = effects?.type === "blob" && effects.content.length <= EFFECTS_BYTES_MAX;
  return { sha, message, effects: readable ? effects.content.toString("utf8") : null };
}

/** The answer of a task that goes on by itself when it takes longer than this. */
async function inTime<T>(task: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(deadlineMs)), deadlineMs);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
    task.catch(() => undefined);
  }
}
