import type { Call } from "./call.ts";

/** What a field of a request may be. */
export type Kind = "string" | "number" | "boolean" | "strings" | "numbers" | "any";

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
  strings: string[];
  numbers: number[];
  any: unknown;
}

export type Spec = Record<string, Kind>;
export type Bound<S extends Spec> = { [Name in keyof S]: Kinds[S[Name]] | undefined };

/**
 * Reads the body as Gitea binds it: JSON or a form, unknown fields ignored, `null` as absent, required fields
 * non-empty. `struct` is Gitea's name of the options, which old versions show in messages.
 */
export function bind<S extends Spec>(
  call: Call,
  struct: string,
  spec: S,
  required: (keyof S & string)[] = [],
): Bound<S> {
  const given = parse(call);
  const bound: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(spec)) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    check(call, struct, name, kind, value);
    bound[name] = value;
  }
  for (const name of required) {
    const value = bound[name];
    if (value === undefined || value === "") throw call.errors.error(422, `[${goName(name)}]: Required`);
  }
  return bound as Bound<S>;
}

function parse(call: Call): Record<string, unknown> {
  const type = (call.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  const source = call.raw.toString();
  if (type === "application/x-www-form-urlencoded" || type === "multipart/form-data") {
    return Object.fromEntries(new URLSearchParams(source));
  }
  if (type === "" && source === "") return {};
  if (type !== "application/json") {
    throw call.errors.error(422, type === "" ? "[]: Empty Content-Type" : "[]: Unsupported Content-Type");
  }
  if (source === "" && !call.from26) return {};
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw call.errors.error(422, syntaxText(call, source));
  }
  return isRecord(value) ? value : {};
}

/** The recorded texts of a body that ends too early. */
function syntaxText(call: Call, source: string): string {
  if (!call.from26) return "[]: invalid character '\u0000' looking for beginning of value";
  if (source === "") return "[]: jsontext: unexpected EOF";
  const names = [...source.matchAll(/"([^"]*)"\s*:/g)];
  const within = names.at(-1)?.[1];
  const place = within === undefined ? "" : ` within "/${within}"`;
  return `[]: jsontext: unexpected EOF${place} after offset ${source.length}`;
}

function check(call: Call, struct: string, name: string, kind: Kind, value: unknown): void {
  if (matches(kind, value)) return;
  const got = jsonKind(value);
  const want = goType(kind);
  const text = call.from26
    ? `[]: json: cannot unmarshal JSON ${got} into Go ${want} within "/${name}"`
    : `[]: json: cannot unmarshal ${got} into Go struct field ${struct}.${goName(name)} of type ${want}`;
  throw call.errors.error(422, text);
}

function matches(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case "any":
      return true;
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "numbers":
      return Array.isArray(value) && value.every((item) => typeof item === "number");
    case "string":
    case "number":
    case "boolean":
      return typeof value === kind;
  }
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function goType(kind: Kind): string {
  switch (kind) {
    case "number":
      return "int64";
    case "boolean":
      return "bool";
    case "strings":
      return "[]string";
    case "numbers":
      return "[]int64";
    case "string":
    case "any":
      return "string";
  }
}

/** `old_ref_name` is `OldRefName` in messages. */
function goName(name: string): string {
  return name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
