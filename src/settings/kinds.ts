// Kinds of values: how each is read from an input (always text) and from the policy file (YAML), and what to say when it is neither.

export interface Kind<T> {
  /** What is expected, for the error text. */
  expected: string;
  fromText(text: string): T | undefined;
  fromYaml(value: unknown): T | undefined;
}

export const text: Kind<string> = {
  expected: "a text",
  fromText: (value) => value,
  fromYaml: (value) => (typeof value === "string" ? value : undefined),
};

/** A number from `min` to `max`; whole where `whole` is set. */
export function number(min: number, max: number, whole: boolean): Kind<number> {
  const check = (value: number) =>
    value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : undefined;
  return {
    expected: `a ${whole ? "whole " : ""}number from ${min} to ${max}`,
    fromText: (value) => (/^\d+(\.\d+)?$/.test(value) ? check(Number(value)) : undefined),
    fromYaml: (value) => (typeof value === "number" ? check(value) : undefined),
  };
}

export const flag: Kind<boolean> = {
  expected: "true or false",
  fromText: (value) => (/^true$/i.test(value) ? true : /^false$/i.test(value) ? false : undefined),
  fromYaml: (value) => (typeof value === "boolean" ? value : undefined),
};

export function choice<const T extends string>(...values: readonly T[]): Kind<T> {
  const find = (value: unknown) => values.find((known) => known === value);
  return { expected: values.map((value) => `\`${value}\``).join(" or "), fromText: find, fromYaml: find };
}

/** Names separated by commas; a list in the policy file. */
export const names: Kind<string[]> = {
  expected: "names separated by commas",
  fromText: (value) => namesOf(value.split(",")),
  fromYaml: (value) => (typeof value === "string" ? names.fromText(value) : namesOf(textsOf(value) ?? [])),
};

/** Shell commands, one a line; a list or a block of text in the policy file. */
export const lines: Kind<string[]> = {
  expected: "shell commands, one a line",
  fromText: (value) =>
    value
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  fromYaml: (value) =>
    typeof value === "string" ? lines.fromText(value) : textsOf(value)?.filter((line) => line !== ""),
};

/** A text that fits a pattern. */
export function pattern(expected: string, form: RegExp): Kind<string> {
  const check = (value: unknown) => (typeof value === "string" && form.test(value) ? value : undefined);
  return { expected, fromText: check, fromYaml: check };
}

function textsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts: string[] = [];
  for (const entry of value) {
    if (typeof entry !== "string") return undefined;
    texts.push(entry.trim());
  }
  return texts;
}

/** `@ann` is meant as the login `ann`; a name with a space in it is a list without commas. */
function namesOf(list: readonly string[]): string[] | undefined {
  const full = list.map((name) => name.trim().replace(/^@/, "")).filter((name) => name !== "");
  return full.length > 0 && !full.some((name) => /\s/.test(name)) ? full : undefined;
}
