/**
 * As much of the protocol buffers wire format as the runner's protocol needs: writing and reading messages by field number.
 * By hand, since the project would need a code generator and its runtime for six small messages.
 */

export type Field =
  | { kind: "varint"; number: number; value: number }
  | { kind: "bytes"; number: number; value: Uint8Array }
  | { kind: "fixed"; number: number; value: Uint8Array };

const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireFixed32 = 5;

export function varint(field: number, value: number): Uint8Array {
  return Buffer.concat([encodeVarint(field * 8 + wireVarint), encodeVarint(value)]);
}

export function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([encodeVarint(field * 8 + wireBytes), encodeVarint(value.length), value]);
}

export function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value, "utf8"));
}

/** A message is the concatenation of its fields. */
export function message(...fields: Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** `map<string, V>`: repeated messages with the key as field 1 and the value as field 2. */
export function map<V>(
  field: number,
  values: Readonly<Record<string, V>>,
  encode: (number: 2, value: V) => Uint8Array,
): Uint8Array {
  return message(
    ...Object.entries(values).map(([key, value]) => bytes(field, message(text(1, key), encode(2, value)))),
  );
}

/** google.protobuf.Struct of a JSON object; undefined members are left out as JSON does. */
export function struct(values: Readonly<Record<string, unknown>>): Uint8Array {
  const present = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return map(1, present, (number, value) => bytes(number, structValue(value)));
}

function structValue(value: unknown): Uint8Array {
  if (typeof value === "number") {
    const double = Buffer.alloc(8);
    double.writeDoubleLE(value);
    return message(encodeVarint(2 * 8 + wireFixed64), double);
  }
  if (typeof value === "string") return text(3, value);
  if (typeof value === "boolean") return varint(4, value ? 1 : 0);
  if (Array.isArray(value)) return bytes(6, message(...value.map((element) => bytes(1, structValue(element)))));
  if (typeof value === "object" && value !== null) return bytes(5, struct(Object.fromEntries(Object.entries(value))));
  return varint(1, 0);
}

/** Throws on a message that breaks off or uses a wire type that proto3 does not have. */
export function readFields(data: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): number => {
    const { value, end } = decodeVarint(data, at);
    at = end;
    return value;
  };
  const take = (length: number): Uint8Array => {
    if (at + length > data.length) throw new Error("protobuf message breaks off");
    at += length;
    return data.subarray(at - length, at);
  };
  while (at < data.length) {
    const tag = next();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === wireVarint) fields.push({ kind: "varint", number, value: next() });
    else if (wire === wireBytes) fields.push({ kind: "bytes", number, value: take(next()) });
    else if (wire === wireFixed64) fields.push({ kind: "fixed", number, value: take(8) });
    else if (wire === wireFixed32) fields.push({ kind: "fixed", number, value: take(4) });
    else throw new Error(`protobuf wire type ${wire} is unknown`);
  }
  return fields;
}

/** The last varint of that number, as proto3 says; 0 when absent. */
export function readNumber(fields: readonly Field[], number: number): number {
  let found = 0;
  for (const field of fields) if (field.number === number && field.kind === "varint") found = field.value;
  return found;
}

export function readAllBytes(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.kind === "bytes" ? [field.value] : []));
}

export function readText(fields: readonly Field[], number: number): string {
  return Buffer.from(readAllBytes(fields, number).at(-1) ?? []).toString("utf8");
}

/** Exact up to 2^53; a negative number, which no field here has, would need ten bytes and reads as a large one. */
function encodeVarint(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = value;
  while (rest >= 128) {
    encoded.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...encoded, rest]);
}

function decodeVarint(data: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = data[start + i];
    if (byte === undefined) throw new Error("protobuf varint breaks off");
    value += (byte % 128) * 128 ** i;
    if (byte < 128) return { value, end: start + i + 1 };
  }
  throw new Error("protobuf varint is too long");
}
