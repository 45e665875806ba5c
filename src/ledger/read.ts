// Reads the whole ledger at once: one REST request tells whether there is anything to read, one fetch brings it; git is started only then.
//
// What this version cannot read is a value too: it is left as it is by everybody who writes, and reported (core/unknown-refs.ts).

import type { BudgetFact } from "../core/budget.ts";
import { type Effects, parseEffects } from "../core/effects.ts";
import type { ArchiveFact, RecordFact, Slot, UnknownRef } from "../core/model.ts";
import type { Parked } from "../core/parking.ts";
import type { LedgerRef } from "../git/port.ts";
import type { Ports } from "../ports.ts";
import { archiveFact } from "./archive.ts";
import { parseBudget } from "./budget.ts";
import { type ControlState, noControl, parseControl } from "./control.ts";
import { parseParking } from "./profile.ts";
import { parseRecord } from "./record.ts";
import { keyElsewhere, ledgerPrefix, ledgerRoot, parseRef } from "./refs.ts";
import { parseSlot } from "./slot.ts";
import { whyUnreadable } from "./version.ts";

export interface Ledger {
  records: Record<string, RecordFact>;
  slots: Slot[];
  budget: BudgetFact;
  parked: Record<string, Parked>;
  control: ControlState;
  /** Commit of the control record; null where there is none. */
  controlSha: string | null;
  archive: ArchiveFact;
  /** Effects still to be written, by key; those that cannot be read are missing. */
  effects: Map<string, Effects>;
  /** Commits below `wip/`, by key. */
  wips: Record<string, string>;
  unknownRefs: UnknownRef[];
}

export async function readLedger(ports: Ports): Promise<Ledger> {
  const ledger: Ledger = {
    ...{ records: {}, slots: [], control: noControl, controlSha: null, effects: new Map(), wips: {} },
    ...{ budget: { kind: "none" }, parked: {}, archive: { kind: "none" }, unknownRefs: [] },
  };
  // Of every version: what a newer program works on is not begun here.
  const refs = await ports.forge.refs(ledgerRoot.slice("refs/".length).replace(/\/$/, ""));
  const isRecord = (name: string) => name.startsWith(ledgerPrefix) && parseRef(name).kind !== "wip";
  for (const { name, sha } of refs) {
    const ref = parseRef(name);
    if (ref.kind === "wip") ledger.wips[ref.key] = sha;
  }
  const found = refs.some(({ name }) => isRecord(name))
    ? await (await ports.host()).fetchLedger()
    : new Map<string, LedgerRef>();
  for (const [name, ref] of found) readRef(ledger, name, ref);
  for (const { name, sha } of refs) if (name.startsWith(ledgerRoot)) noteUnknown(ledger, name, sha);
  return ledger;
}

function readRef(ledger: Ledger, name: string, { sha, message, effects }: LedgerRef): void {
  const ref = parseRef(name);
  const unknown = (why: string) => ledger.unknownRefs.push({ ref: name, why });
  switch (ref.kind) {
    case "item":
      readItem(ledger, name, ref.key, { sha, message, effects });
      break;
    case "slot": {
      const holder = parseSlot(message);
      ledger.slots.push({ number: ref.number, sha, holder });
      if (holder === null) unknown(whyUnreadable(message));
      break;
    }
    case "budget":
      ledger.budget = parseBudget(sha, message);
      if (ledger.budget.kind === "unreadable") unknown(whyUnreadable(message));
      break;
    case "profile": {
      const parked = parseParking(sha, message);
      if (parked === null) unknown(whyUnreadable(message));
      else ledger.parked[ref.name] = parked;
      break;
    }
    case "archive":
      ledger.archive = archiveFact(sha, message);
      if (ledger.archive.kind === "unreadable") unknown(ledger.archive.why);
      break;
    case "control":
      ledger.control = parseControl(message);
      ledger.controlSha = sha;
      if (ledger.control.unreadable !== null) unknown(ledger.control.unreadable.why);
      break;
    case "wip":
    case "other":
      break;
    default:
      ref satisfies never;
  }
}

function readItem(ledger: Ledger, name: string, key: string, { sha, message, effects }: LedgerRef): void {
  const parsed = parseRecord(message);
  if (parsed.kind === "unreadable") {
    ledger.records[key] = { kind: "unreadable", sha, why: parsed.why };
    ledger.unknownRefs.push({ ref: name, why: parsed.why });
    return;
  }
  ledger.records[key] = { kind: "record", sha, record: parsed.record };
  if (effects === null) return;
  const readable = parseEffects(effects);
  if (readable === null) ledger.unknownRefs.push({ ref: name, why: "its `effects.json` has a form that is not known" });
  // Effects about another item than the record's are nobody's: any writer of code can write the ledger.
  else if (key.endsWith(`-${readable.issue}`)) ledger.effects.set(key, readable);
}

/** Names that this version gives no meaning. Where another version's ledger knows an item, a program that this one cannot see may be at work on it. */
function noteUnknown(ledger: Ledger, name: string, sha: string): void {
  if (parseRef(name).kind !== "other") return;
  const isOurs = name.startsWith(ledgerPrefix);
  const version = isOurs ? null : (/^v(\d{1,9})\//.exec(name.slice(ledgerRoot.length))?.[1] ?? null);
  const why = version === null ? "its name is not known" : `version ${version}`;
  ledger.unknownRefs.push({ ref: name, why });
  const key = keyElsewhere(name);
  if (key !== null) ledger.records[key] = { kind: "unreadable", sha, why: `${why} has one for it, \`${name}\`` };
}
