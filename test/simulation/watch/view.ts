// The ledger as a person with git would read it: the first line and the JSON below it, taken as they are.

import type { ForgeState } from "../forge/state.ts";

const prefix = "refs/agent-dispatch/v1/";
/** Limit `slackSeconds` of every simulated policy, in ms. */
export const slackMs = 30_000;

/** A record, as far as it is watched. */
export interface RecordView {
  v: unknown;
  state: string;
  key: string;
  kind: string;
  generation: number;
  epoch: number;
  seq: number;
  attempt: number;
  round: number;
  stage: string | null;
  owner: string;
  run: { id: number; number: number } | null;
  at: string;
  ttlSeconds: number;
  slot: number | null;
  branch: string;
  expect: string | null;
  askedBy: string;
  orderAt?: string;
  head: string | null;
  moves?: boolean;
  pull: number | null;
  handled: string[];
  cooldownUntil: string | null;
  spend: { usd: number };
  after: string;
  question?: { text: string };
  verdict?: { head: string; verdict: string };
  waitsForBase?: string;
  resumeAt?: string;
}

export function itemRef(key: string): string {
  return `${prefix}item/${key}`;
}

/** Key of the item that a ref of the ledger is about; null for every other ref. */
export function keyOf(ref: string): string | null {
  return ref.startsWith(`${prefix}item/`) ? ref.slice(`${prefix}item/`.length) : null;
}

export function slotOf(ref: string): number | null {
  return ref.startsWith(`${prefix}slot/`) ? Number(ref.slice(`${prefix}slot/`.length)) : null;
}

export function slotRef(number: number): string {
  return `${prefix}slot/${number}`;
}

/** Null where it is none that can be read. */
export function viewOf(forge: ForgeState, sha: string | null): RecordView | null {
  const message = sha === null ? undefined : forge.commits.get(sha)?.message;
  const start = message?.indexOf("\n\n") ?? -1;
  if (message === undefined || start < 0) return null;
  try {
    const read: unknown = JSON.parse(message.slice(start));
    return typeof read === "object" && read !== null ? (read as RecordView) : null;
  } catch {
    return null;
  }
}

export function recordOf(forge: ForgeState, key: string): RecordView | null {
  return viewOf(forge, forge.refs.get(itemRef(key)));
}

/** All records that are there, by key. */
export function records(forge: ForgeState): Map<string, RecordView> {
  const all = forge.refs.names(`${prefix}item/`).map((ref) => [keyOf(ref) ?? "", viewOf(forge, forge.refs.get(ref))]);
  return new Map(all.filter((entry): entry is [string, RecordView] => entry[1] !== null));
}

/** Number of the issue or pull request that a key stands for. */
export function numberOf(key: string): number {
  return Number(key.replace(/^\D+/, ""));
}

/** What the ledger says was spent and is reserved on its last day, in USD. */
export function budgetOf(forge: ForgeState): number {
  const day = viewOf(forge, forge.refs.get(`${prefix}budget`)) as { spentUsd: number; open: { usd: number }[] } | null;
  return day === null ? 0 : day.open.reduce((sum, { usd }) => sum + usd, day.spentUsd);
}

/** When the last wait that the ledger knows of ends, ms since 1970: cooldowns, leases, pauses. */
export function waitsUntil(forge: ForgeState): number {
  const times = [...records(forge).values()].flatMap((record) => {
    const isHeld = record.state === "held" || record.state === "published";
    const lease = isHeld ? Date.parse(record.at) + record.ttlSeconds * 1000 + slackMs : 0;
    return [lease, Date.parse(record.cooldownUntil ?? ""), Date.parse(record.resumeAt ?? "")];
  });
  const control = viewOf(forge, forge.refs.get(`${prefix}control`)) as {
    pause?: { until: string | null } | null;
  } | null;
  const all = [0, Date.parse(control?.pause?.until ?? ""), ...times];
  return Math.max(...all.filter((time) => !Number.isNaN(time)));
}
