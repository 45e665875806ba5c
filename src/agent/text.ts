/** Bytes as text; a character cut in two at either end is left out, other invalid bytes become U+FFFD. */
export function decode(bytes: Buffer): string {
  return bytes.toString("utf8").replace(/^\uFFFD+|\uFFFD+$/g, "");
}

/** The beginning of a text, at most so many bytes of UTF-8. */
export function cutBytes(text: string, bytesMax: number): string {
  // A unit of a JavaScript string takes at most three bytes, which spares most texts the copy.
  if (text.length * 3 <= bytesMax) return text;
  const bytes = Buffer.from(text);
  return bytes.length <= bytesMax ? text : decode(bytes.subarray(0, bytesMax));
}

/** The end of a text, at most so many bytes of UTF-8. */
export function cutBytesAtStart(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= bytesMax ? text : decode(bytes.subarray(-bytesMax));
}

/** One line, at most so many characters, cut between words where there is a place to. */
export function cutWords(text: string, charactersMax: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= charactersMax) return line;
  const cut = line.slice(0, charactersMax - 1);
  const blank = cut.lastIndexOf(" ");
  // A half surrogate pair is no character.
  const whole = (blank > charactersMax / 2 ? cut.slice(0, blank) : cut).replace(/[\uD800-\uDBFF]$/, "");
  return `${whole.trimEnd()}…`;
}
