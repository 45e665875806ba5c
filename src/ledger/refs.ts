// Names of the refs that make the ledger. A promise to other versions and to people's scripts: add, never rename.

/** Everything of the program, of whatever version. */
export const ledgerRoot = "refs/agent-dispatch/";

export const ledgerPrefix = `${ledgerRoot}v1/`;

export function itemRef(key: string): string {
  return `${ledgerPrefix}item/${key}`;
}

export function slotRef(number: number): string {
  return `${ledgerPrefix}slot/${number}`;
}

/** Uploaded commits of a run in progress, and work kept from a failed attempt. */
export function wipRef(key: string): string {
  return `${ledgerPrefix}wip/${key}`;
}

/** One line per closed item. */
export const archiveRef = `${ledgerPrefix}archive`;

/** Until when an agent's profile is parked. */
export function profileRef(name: string): string {
  return `${ledgerPrefix}profile/${name}`;
}

/** The day's reserved and spent money, where a day budget is set. */
export const budgetRef = `${ledgerPrefix}budget`;

export const controlRef = `${ledgerPrefix}control`;

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

export type RefName =
  | { kind: "item"; key: string }
  | { kind: "slot"; number: number }
  | { kind: "control" }
  | { kind: "budget" }
  | { kind: "archive" }
  | { kind: "wip"; key: string }
  | { kind: "profile"; name: string }
  | { kind: "other" };

/** Key of the item that a ref of another version's ledger is about; null for every other ref. */
export function keyElsewhere(name: string): string | null {
  if (!name.startsWith(ledgerRoot) || name.startsWith(ledgerPrefix)) return null;
  return /^v\d{1,9}\/item\/((?:issue|pr)-[1-9]\d{0,9})$/.exec(name.slice(ledgerRoot.length))?.[1] ?? null;
}

/** What a ref of the ledger is about; `other` for everything that this version does not know. */
export function parseRef(name: string): RefName {
  if (name === controlRef) return { kind: "control" };
  if (name === budgetRef) return { kind: "budget" };
  if (name === archiveRef) return { kind: "archive" };
  if (!name.startsWith(ledgerPrefix)) return { kind: "other" };
  const rest = name.slice(ledgerPrefix.length);
  const item = /^(item|wip)\/((?:issue|pr)-[1-9]\d{0,9})$/.exec(rest);
  if (item?.[2] !== undefined) return { kind: item[1] === "wip" ? "wip" : "item", key: item[2] };
  const profile = /^profile\/([a-z][a-z0-9-]{0,39})$/.exec(rest)?.[1];
  if (profile !== undefined) return { kind: "profile", name: profile };
  const slot = /^slot\/([1-9]\d{0,3})$/.exec(rest);
  return slot?.[1] === undefined ? { kind: "other" } : { kind: "slot", number: Number(slot[1]) };
}
