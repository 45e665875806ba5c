import type { Placeholders } from "./placeholders.ts";

export interface Difference {
  /** Where, such as `.head.sha`. */
  at: string;
  /** `shape`: a field, a JSON type or the text of an error · `value`: only what it holds. */
  kind: "shape" | "value";
  recorded: string;
  actual: string;
}

/** Fields whose values say nothing about behaviour: sizes, ids of rows that a hidden step may have made, times. */
const anyValue = new Set(["size", "language", "watchers_count", "id", "_links", "open_pr_counter"]);

/** Compares an answer with the recorded one, placeholders and shortened lists understood. */
export function compare(recorded: unknown, actual: unknown, names: Placeholders, at = ""): Difference[] {
  const differ = (kind: Difference["kind"]): Difference[] => [
    { at, kind, recorded: show(recorded), actual: show(actual) },
  ];
  if (typeof recorded === "string") return compareText(recorded, actual, names, at, differ);
  if (Array.isArray(recorded))
    return Array.isArray(actual) ? compareLists(recorded, actual, names, at) : differ("shape");
  if (isRecord(recorded)) return isRecord(actual) ? compareRecords(recorded, actual, names, at) : differ("shape");
  if (kindOf(recorded) !== kindOf(actual)) return differ("shape");
  return recorded === actual || anyValue.has(lastName(at)) ? [] : differ("value");
}

type Differ = (kind: Difference["kind"]) => Difference[];

function compareText(recorded: string, actual: unknown, names: Placeholders, at: string, differ: Differ): Difference[] {
  const object = /^<(user|repository|repo):(.*)>$/.exec(recorded);
  if (object) {
    const name = isRecord(actual) ? actual[object[1] === "user" ? "login" : "full_name"] : undefined;
    if (name === undefined) return differ("shape");
    return name === object[2] ? [] : differ("value");
  }
  if (typeof actual !== "string") return differ("shape");
  if (recorded.trimStart().startsWith("<!DOCTYPE"))
    return actual.trimStart().startsWith("<!DOCTYPE") ? [] : differ("shape");
  const withoutId = (text: string) => text.replace(/#issuecomment-\d+$/, "");
  if (names.matches(withoutId(recorded), withoutId(actual))) return [];
  if (anyValue.has(lastName(at))) return [];
  return differ(at === ".message" || at.startsWith(".errors") ? "shape" : "value");
}

/** Item by item where both are whole, else the recorded beginning. */
function compareLists(recorded: unknown[], actual: unknown[], names: Placeholders, at: string): Difference[] {
  const last = recorded.at(-1);
  const cut = typeof last === "string" ? /^<cut: (\d+)>$/.exec(last) : null;
  const items = cut ? recorded.slice(0, -1) : recorded;
  const total = items.length + (cut ? Number(cut[1]) : 0);
  const found: Difference[] = [];
  if (total !== actual.length) {
    const kind = total === 0 || actual.length === 0 ? "shape" : "value";
    found.push({ at: `${at}.length`, kind, recorded: String(total), actual: String(actual.length) });
  }
  for (const [index, item] of items.entries()) {
    const other = actual[Math.min(index, actual.length - 1)];
    if (actual.length > 0) found.push(...compare(item, other, names, `${at}[${index}]`));
  }
  return found;
}

function compareRecords(
  recorded: Record<string, unknown>,
  actual: Record<string, unknown>,
  names: Placeholders,
  at: string,
): Difference[] {
  const found: Difference[] = [];
  for (const [name, value] of Object.entries(recorded)) {
    if (name in actual) found.push(...compare(value, actual[name], names, `${at}.${name}`));
    else found.push({ at: `${at}.${name}`, kind: "shape", recorded: show(value), actual: "absent" });
  }
  for (const name of Object.keys(actual)) {
    if (!(name in recorded))
      found.push({ at: `${at}.${name}`, kind: "shape", recorded: "absent", actual: show(actual[name]) });
  }
  return found;
}

/** Headers that were recorded, and no others of those that were looked for. */
export function compareHeaders(recorded: Record<string, string>, actual: Headers, names: Placeholders): Difference[] {
  const found: Difference[] = [];
  for (const name of watched) {
    const was = recorded[name];
    const is = actual.get(name);
    if (was === undefined && is === null) continue;
    if (was !== undefined && is !== null && names.matches(was, is)) continue;
    const kind = was === undefined || is === null || name === "content-type" || name === "allow" ? "shape" : "value";
    found.push({ at: `header ${name}`, kind, recorded: was ?? "absent", actual: is ?? "absent" });
  }
  return found;
}

const watched = [
  "content-type",
  "x-total-count",
  "link",
  "x-hasmore",
  "x-page",
  "x-perpage",
  "x-pagecount",
  "content-disposition",
  "allow",
  "etag",
  "last-modified",
];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function lastName(at: string): string {
  return /\.(\w+)(?:\[\d+\])*$/.exec(at)?.[1] ?? "";
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "absent").slice(0, 160);
}
