// Foreign text on our pages: quoted so that it cannot ping people, close other issues, forge our markers or give orders.

import { withoutMarkers } from "./marker.ts";

/** Longest text on a page of the forge, in characters; Gitea takes 65,535 bytes in older databases. */
export const pageCharactersMax = 60_000;

const zeroWidth = "\u200b";

/** Makes text by the agent or by strangers harmless on a page: no pings, no closing keywords, no markers, no hidden comments. */
export function harmless(text: string, charactersMax = 8_000): string {
  const plain = withoutMarkers(withoutControls(text))
    .replace(/<!--/g, "&lt;!--")
    // `_` too: `_@ann_` is emphasis around a ping.
    .replace(/(^|[^A-Za-z0-9`])@(?=[\w-])/g, `$1@${zeroWidth}`)
    .replace(
      /\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?|reopen(?:s|ed)?)(:?\s+)(?=[\w./-]*[#!]\d)/gi,
      `$1${zeroWidth}$2`,
    );
  return shorten(plain, charactersMax);
}

/** As `harmless`, for Markdown that stands above other parts of a page: what it opens and does not close ends with it. */
export function harmlessPart(text: string, charactersMax: number): string {
  const part = harmless(text, charactersMax).trim();
  const open = openFence(part);
  const folds = [...part.matchAll(/<(\/?)details\b/gi)].reduce(
    (depth, m) => Math.max(0, depth + (m[1] === "" ? 1 : -1)),
    0,
  );
  return `${part}${open === null ? "" : `\n${open}`}${folds === 0 ? "" : `\n\n${"</details>".repeat(folds)}`}`;
}

/** Marks of a fenced block that a text opens and never closes; null when there is none. */
function openFence(text: string): string | null {
  let open: string | null = null;
  for (const line of text.split("\n")) open = fenceAfter(open, line);
  return open;
}

/** The fence that is open after a line, given the one before it: its marks, null outside of one. A closing line has nothing but marks. */
export function fenceAfter(open: string | null, line: string): string | null {
  if (open !== null) {
    const closing = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
    return closing?.startsWith(open) === true ? null : open;
  }
  return /^ {0,3}(`{3,})[^`]*$/.exec(line)?.[1] ?? /^ {0,3}(~{3,})/.exec(line)?.[1] ?? null;
}

/** One line on a page, with the Markdown in it but nothing that begins a block or a tag and so changes what stands around it. */
export function inline(text: string, charactersMax = 200): string {
  const line = oneLine(text, charactersMax).replaceAll("<", "&lt;");
  return line.replace(/^(?=[#>|~=]|[-+*_](?:\s|[-+*_])|```)/, "\\").replace(/^(\d+)(?=[.)]\s)/, "$1\\");
}

/** A text as code inside a line: one line, and nothing in it can end the code. */
export function code(text: string, charactersMax = 120): string {
  return `\`${oneLine(text, charactersMax).replaceAll("`", "'")}\``;
}

/** One line, harmless: for titles and logs, where no Markdown is read. */
export function oneLine(text: string, charactersMax = 200): string {
  return shorten(
    harmless(text, charactersMax * 2)
      .replace(/\s+/g, " ")
      .trim(),
    charactersMax,
  );
}

/** A title: one line, at most 255 characters as the forge cuts it, never a draft prefix that the agent slipped in. */
export function titleOf(text: string): string {
  return oneLine(text, 240).replace(/^(?:(?:\[wip\]:?|wip:|\[draft\]:?|draft:)\s*)+/i, "");
}

/** Cuts in the middle of nothing: at a line or word where one is near, and says so. */
export function shorten(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const cut = text.slice(0, Math.max(0, charactersMax - 2));
  const space = cut.search(/\s\S*$/);
  return `${(space > charactersMax * 0.8 ? cut.slice(0, space) : cut).replace(/[\ud800-\udbff]$/, "")} …`;
}

/** The end of a long output, which is where the reason stands. */
export function tail(text: string, charactersMax: number): string {
  return text.length <= charactersMax
    ? text
    : `… ${text.slice(text.length - charactersMax).replace(/^[\udc00-\udfff]/, "")}`;
}

/** A fenced block that its content cannot end. */
export function fenced(text: string, language = ""): string {
  // Cleaned first: marks with a control character between them join to a longer fence.
  const clean = withoutMarkers(withoutControls(text)).replace(/\n$/, "");
  const longest = Math.max(2, ...[...clean.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${clean}\n${fence}`;
}

/** Control characters but line feed and tab, and the marks that turn the direction of text, taken out. */
export function withoutControls(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** `0.4 s`, `12 s`, `1 min 5 s`, `2 h 3 min`. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time for people: `2026-11-21 10:26 UTC`. */
export function clockTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
