// The program's git port over the simulated line: the host's repository is the graph of all commits, what is on the forge are its refs.

import { RunError } from "../../../src/errors.ts";
import type { PushOutcome, RefChange } from "../../../src/git/host.ts";
import type { Host, LedgerRef } from "../../../src/git/port.ts";
import type { Line } from "../line.ts";
import type { Machine } from "../machine.ts";
import type { Schedule } from "../schedule.ts";
import { applyMoves } from "./acts.ts";
import type { Move, Store } from "./commits.ts";
import type { ForgeState } from "./state.ts";

const ledger = "refs/agent-dispatch/v1/";

export interface HostParts {
  forge: ForgeState;
  line: Line;
  schedule: Schedule;
  machine: Machine;
  login: string;
  /** The forge's clock as the process knows it. */
  now(): number;
  /** Commits in the host's own repository. */
  store: Store;
  /** Told when a push leaves. */
  sent(changes: readonly RefChange[]): void;
}

export function simulatedHost(parts: HostParts): Host {
  const { forge, line, machine } = parts;
  const read = <T>(what: string, carry: () => T): Promise<T> =>
    line.send(machine, {
      ...{ what: `git ${what}`, carry, patienceMs: 30_000 },
      silence: (_applied, why) => ({ error: unreachable(what, why) }),
    });
  const tips = (names: readonly string[]) => new Map(names.map((name) => [name, forge.refs.get(name)]));
  const fetched = (sha: string | null) => {
    parts.store.add(sha);
    return sha;
  };
  const notHere = (): never => {
    throw new Error("git itself is not simulated: only the calls of Host with a meaning of their own are");
  };

  return {
    gitDir: "",
    bot: { name: parts.login, email: `${parts.login}@forge.invalid` },
    get git(): Host["git"] {
      return notHere();
    },
    run: notHere,
    must: notHere,
    deepen: (commits) =>
      read(`fetch ${commits.map((sha) => sha.slice(0, 10)).join(" ")}`, () => {
        const gone = commits.find((sha) => !forge.store.has(sha));
        if (gone !== undefined) return `upload-pack: not our ref ${gone}`;
        for (const sha of commits) parts.store.add(sha);
        return null;
      }),
    fetchRef: (ref) => read(`fetch ${ref}`, () => fetched(forge.refs.get(ref))),
    fetchBranch: (branch) => read(`fetch ${branch}`, () => fetched(forge.branch(branch))),
    fetchLedger: () => read("fetch ledger", () => ledgerOf(forge)),
    remoteRefs: (names) => read(`ls-remote ${names.map(short).join(" ")}`, () => tips(names)),
    listRefs: (prefix) =>
      read(`ls-remote ${prefix}*`, () => {
        return new Map(forge.refs.names(prefix).map((name) => [name, forge.refs.get(name) ?? ""]));
      }),
    holds: (ref, sha) =>
      read(`fetch ${short(ref)}`, () => {
        const tip = forge.refs.get(ref);
        return tip !== null && forge.commits.get(sha) !== undefined && forge.commits.isAncestor(sha, tip);
      }),
    async writeRecord({ parent, message, effects }) {
      await machine.clock.sleep(machine.clock.random() * 20);
      const seconds = Math.floor(parts.now() / 1000);
      return forge.commits.add({
        parents: parent === null ? [] : [parent],
        author: parts.login,
        message,
        effects,
        seconds,
      }).sha;
    },
    push: (changes, limits) => push(parts, changes, limits?.deadlineMs ?? 60_000),
  };
}

/** All refs of the ledger but uploaded work. */
function ledgerOf(forge: ForgeState): Map<string, LedgerRef> {
  const names = forge.refs.names(ledger).filter((name) => !name.startsWith(`${ledger}wip/`));
  return new Map(
    names.map((name) => {
      const { sha, message, effects } = forge.commits.must(forge.refs.get(name) ?? "");
      return [name, { sha, message, effects }];
    }),
  );
}

/**
 * As git pushes: first a look at the refs, by which it leaves out what is there already and refuses what moved; then one transaction, in which the
 * server compares again. A commit that is there already counts as pushed, whoever made it.
 */
async function push(parts: HostParts, changes: readonly RefChange[], deadlineMs: number): Promise<PushOutcome> {
  const { forge, line, machine } = parts;
  const begun = machine.clock.elapsed();
  parts.sent(changes);
  const names = changes.map((change) => short(change.ref)).join(" ");
  const unknown = (why: string): PushOutcome => ({ kind: "unknown", cause: `git ended early: ${why}` });
  const silence = (_applied: boolean, why: string) => ({ value: unknown(why) });
  const shown = await line.send<Map<string, string | null> | PushOutcome>(machine, {
    ...{ what: `push ${names}: look`, patienceMs: deadlineMs, silence },
    carry: () => new Map(changes.map(({ ref }) => [ref, forge.refs.get(ref)])),
  });
  if (!(shown instanceof Map)) return shown;
  const upToDate = changes.filter((change) => shown.get(change.ref) === change.new).map((change) => change.ref);
  const sent = changes.filter((change) => !upToDate.includes(change.ref));
  const stale = sent.find((change) => shown.get(change.ref) !== change.old);
  if (stale !== undefined) return { kind: "lost", detail: `${stale.ref}: [rejected] (stale info)`, sent: false };
  if (sent.length === 0) return { kind: "ok", upToDate };
  return line.send<PushOutcome>(machine, {
    ...{ what: `push ${names}`, patienceMs: Math.max(1, deadlineMs - (machine.clock.elapsed() - begun)), silence },
    isPublish: sent.some(({ ref }) => ref.startsWith("refs/heads/")),
    carry: (how) => transaction(parts, sent, upToDate, how),
  });
}

function transaction(
  { forge, machine, login }: HostParts,
  changes: readonly Move[],
  upToDate: string[],
  how: "whole" | "torn",
): PushOutcome {
  const moved = forge.refs.conflictOf(changes);
  if (moved !== null) return { kind: "lost", detail: `${moved}: [remote rejected] (failed to update ref)`, sent: true };
  const byName = [...changes].sort((a, b) => (a.ref < b.ref ? -1 : 1));
  // Where a server dies in the middle, the first refs by name are moved: one at least, or there is nothing to see.
  const done = how === "torn" ? byName.slice(0, 1 + Math.floor(machine.clock.random() * byName.length)) : byName;
  // Of a transaction that was torn the server may have kept all commits, or only those that a ref leads to.
  const isKept = how === "torn" && machine.clock.random() < 0.5;
  for (const { new: sha } of isKept ? byName : done) forge.store.add(sha);
  applyMoves(forge, { login, machine }, done);
  return { kind: "ok", upToDate };
}

function short(ref: string): string {
  return ref.replace(ledger, "");
}

function unreachable(what: string, why: string): RunError {
  return new RunError(`Could not ${what}: ${why}`, { remedy: "", mender: "server operator", retry: true });
}
