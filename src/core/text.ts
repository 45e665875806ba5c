// Foreign text on our pages: quoted so that it cannot ping people, close other issues, forge our markers or give orders.

import { withoutMarkers } from "./marker.ts";

/** Longest text on a page of the forge, in characters; Gitea takes 65,535 bytes in older databases. */
export const pageCharactersMax = 60_000;

const zeroWidth = "\u200b";

/** Makes text by the agent or by strangers harmless on a page: no pings, no closing keywords, no markers, no hidden comments. */
export function harmless(text: string, charactersMax = 8_000): string {
  const plain = withoutMarkers(withoutControls(text))
    .replace(/<!--/g, "&lt;!--")
    .replace(/(^|[^\w`])@(?=[\w-])/g, `$1@${zeroWidth}`)
    .replace(/\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(:?\s+)(?=[\w./-]*[#!]\d)/gi, `$1${zeroWidth}$2`);
  return shorten(plain, charactersMax);
}

/** One line, no Markdown that could change the line around it. */
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
  return oneLine(text, 240).replace(/^(?:\[?wip\]?:?|draft:)\s*/i, "");
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
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${withoutMarkers(withoutControls(text)).replace(/\n$/, "")}\n${fence}`;
}

/** Control characters but line feed and tab, and the marks that turn the direction of text, taken out. */
export function withoutControls(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** `1 min 5 s`, `12 s`, `2 h 3 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
