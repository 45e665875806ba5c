// What single events say by a rule: paths of JSON become words, counts and tool calls.

import { type Rule, take, valuesAt } from "./preset.ts";
import { cutBytes } from "./text.ts";

export interface Tokens {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export interface ErrorEvent {
  /** HTTP status; null when there was none. */
  status: number | null;
  /** The CLI's word for it, may be empty. */
  code: string;
  /** Its sentence for it, may be empty. */
  text: string;
}

export interface Call {
  id: string;
  name: string;
  /** Its arguments as JSON. */
  input: string;
}

export function callsIn({ take: paths }: Rule, event: object): Call[] {
  const inputs = paths?.["input"] === undefined ? [] : valuesAt(event, paths["input"].split("."));
  const names = textsAt(event, paths?.["name"]);
  return textsAt(event, paths?.["id"]).map((id, at) => ({
    ...{ id, name: cutBytes(names[at] ?? names[0] ?? "a tool", 100) },
    input: JSON.stringify(inputs[at] ?? null),
  }));
}

export function textsAt(event: object, path: string | undefined): string[] {
  return path === undefined ? [] : valuesAt(event, path.split(".")).filter((value) => typeof value === "string");
}

export function errorEvent(rule: Rule, event: object): ErrorEvent {
  const status = numberAt(event, rule.take?.["status"]);
  return {
    status: status !== null && status >= 100 && status <= 599 ? status : null,
    code: cutBytes(textAt(event, rule.take?.["code"]), 200),
    text: cutBytes(textAt(event, rule.take?.["text"]), 2_000),
  };
}

export function addTokens(rule: Rule, before: Tokens | null, event: object): Tokens {
  const count = (name: keyof Tokens) =>
    added(rule, before?.[name] ?? null, numberAt(event, rule.take?.[name])) ?? before?.[name] ?? 0;
  return {
    input: count("input"),
    output: count("output"),
    cacheRead: count("cacheRead"),
    cacheWrite: count("cacheWrite"),
  };
}

export function added(rule: Rule, before: number | null, now: number | null): number | null {
  if (now === null || now < 0) return before;
  return rule.mode === "sum" ? (before ?? 0) + now : now;
}

export function joined(rule: Rule, before: string, now: string): string {
  return rule.mode === "concat" ? before + now : now;
}

export function textAt(event: object, path: string | undefined): string {
  return String(take(event, path) ?? "");
}

export function numberAt(event: object, path: string | undefined): number | null {
  const value = take(event, path);
  return typeof value === "number" ? value : null;
}

/** Seconds since 1970; a value that is no moment of this century is none. */
export function inMs(seconds: number | null): number | null {
  return seconds !== null && seconds > 946_684_800 && seconds < 4_102_444_800 ? Math.round(seconds * 1_000) : null;
}

export function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
