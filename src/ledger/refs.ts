// Names of the refs that make the ledger. A promise to other versions and to people's scripts: add, never rename.

export const ledgerPrefix = "refs/agent-dispatch/v1/";

export function itemRef(key: string): string {
  return `${ledgerPrefix}item/${key}`;
}

export function slotRef(number: number): string {
  return `${ledgerPrefix}slot/${number}`;
}

export const controlRef = `${ledgerPrefix}control`;

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

export type RefName =
  | { kind: "item"; key: string }
  | { kind: "slot"; number: number }
  | { kind: "control" }
  | { kind: "other" };

/** What a ref of the ledger is about; `other` for everything that this version does not know. */
export function parseRef(name: string): RefName {
  if (name === controlRef) return { kind: "control" };
  if (!name.startsWith(ledgerPrefix)) return { kind: "other" };
  const rest = name.slice(ledgerPrefix.length);
  const item = /^item\/((?:issue|pr)-[1-9]\d{0,9})$/.exec(rest);
  if (item?.[1] !== undefined) return { kind: "item", key: item[1] };
  const slot = /^slot\/([1-9]\d{0,3})$/.exec(rest);
  return slot?.[1] === undefined ? { kind: "other" } : { kind: "slot", number: Number(slot[1]) };
}
