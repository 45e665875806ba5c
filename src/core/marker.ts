// Hidden markers: the first line of what the program writes on the forge, so that a later run finds it again.
// `<!-- agent-dispatch:pull v1 issue=12 generation=1 -->`

export const purposes = [
  "status",
  "pull",
  "question",
  "handover",
  "blocked",
  "refusal",
  "review",
  "why",
  "patch",
  "digest",
  "dashboard",
] as const;
export type Purpose = (typeof purposes)[number];

export interface Marker {
  purpose: string;
  values: Record<string, string>;
}

const form = /<!-- agent-dispatch:([a-z]+) v1((?: [a-z]+=[^\s>]+)*) -->/g;

/** Values may hold what ids and names are made of; anything else is replaced, so that a marker cannot be broken out of. */
export function formatMarker(purpose: Purpose, values: Record<string, string | number> = {}): string {
  const pairs = Object.entries(values).map(([key, value]) => ` ${key}=${String(value).replace(/[^\w:./-]/g, "_")}`);
  return `<!-- agent-dispatch:${purpose} v1${pairs.join("")} -->`;
}

/** The first marker of that purpose in a text; null when there is none. */
export function findMarker(text: string, purpose: Purpose): Marker | null {
  for (const match of text.matchAll(form)) {
    if (match[1] !== purpose) continue;
    const pairs = (match[2] ?? "")
      .trim()
      .split(" ")
      .filter((pair) => pair !== "");
    return {
      purpose,
      values: Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
      ),
    };
  }
  return null;
}

/** Makes every marker of ours in a foreign text inert, so that quoting somebody cannot forge one. Nothing is taken out: what is left could join to one. */
export function withoutMarkers(text: string): string {
  return text.replace(/<!--(?=\s*agent-dispatch:)/gi, "<!- -");
}
