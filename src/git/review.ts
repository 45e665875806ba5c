// What a reviewer is shown of a change, and what a finding may point at. Both from the same patch, so that every line that was shown counts.
// All of it is foreign text: bounded, parsed by position, valid UTF-8 without NUL.

import type { GitResult } from "./git.ts";
import { diffTree, readSections, type Section, whyNoPatch } from "./patch.ts";
import type { Host } from "./port.ts";

export interface DiffText {
  /** Unified, three lines of context, renames as such; at most `bytesMax` bytes. What is not shown is said where it is missing and at the end. */
  text: string;
  /** `path | +a -d`, `path | binary`, `old → new | +a -d`; at most 300 and one that counts the others. Not cut with the text. */
  stat: string[];
  /** All files that differ. */
  files: number;
  /** Something is not in `text`. */
  cut: boolean;
}

/** What git may write; a larger change is shown from its beginning. */
const PATCH_BYTES_MAX = 24 * 1024 * 1024;
const STAT_LINES_MAX = 300;
const STAT_PATH_CHARS_MAX = 300;
/** Of a file that is cut, at least this is shown, in bytes, even if later files then are not shown at all. */
const SHARE_BYTES_MIN = 1000;
/** Kept free for the last line and for the notes on files that are cut. */
const NOTE_BYTES = 100;

/** The change from one commit or tree to another, for a prompt. `bytesMax`: at least 1,000. Where git cannot tell, the text says so. */
export async function diffText(
  host: Host,
  from: string,
  to: string,
  { bytesMax }: { bytesMax: number },
): Promise<DiffText> {
  const listed = await diffTree(host, ["--numstat", "-z", "--find-renames"], [from, to], PATCH_BYTES_MAX);
  const shown = await readPatch(host, from, to);
  const why = whyNoPatch(listed) ?? shown.why;
  if (why !== null) return { text: `[The diff cannot be shown: ${why}]\n`, stat: [], files: 0, cut: true };
  const counts = readCounts(listed);
  const { text, files, changed } = cutText(shown.patch, shown.sections, bytesMax - NOTE_BYTES);
  const filesLeft = Math.max(0, counts.length - files);
  const linesLeft = Math.max(0, counts.reduce((sum, { added, deleted }) => sum + added + deleted, 0) - changed);
  const cut = filesLeft > 0 || linesLeft > 0 || shown.cut || listed.kind === "too-much-output";
  const note = cut ? `[Not shown: ${filesLeft} files, ${linesLeft} changed lines in all.]\n` : "";
  return { text: text + note, stat: statLines(counts), files: counts.length, cut };
}

interface Patch {
  /** Valid UTF-8. */
  patch: Buffer;
  sections: Section[];
  /** It goes on. */
  cut: boolean;
  /** Why there is none. */
  why: string | null;
}

async function readPatch(host: Host, from: string, to: string): Promise<Patch> {
  const result = await diffTree(host, ["--patch", "--find-renames"], [from, to], PATCH_BYTES_MAX);
  const why = whyNoPatch(result);
  const bytes = "stdout" in result ? result.stdout : Buffer.alloc(0);
  const patch = Buffer.from(bytes.toString("utf8").replaceAll("\0", "\ufffd"));
  return { patch, sections: why === null ? readSections(patch) : [], cut: result.kind === "too-much-output", why };
}

interface Count {
  /** For people: a renamed file has both names. */
  name: string;
  binary: boolean;
  added: number;
  deleted: number;
}

/** `<added> TAB <deleted> TAB <path> NUL`, or with an empty path and then `<old> NUL <new> NUL`; `-` for binary files. */
function readCounts(result: GitResult): Count[] {
  const fields = "stdout" in result ? result.stdout.toString("utf8").split("\0").slice(0, -1) : [];
  const counts: Count[] = [];
  for (let at = 0; at < fields.length; at++) {
    const [, added = "", deleted = "", path = ""] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(fields[at] ?? "") ?? [];
    if (added === "") break;
    const name = path === "" ? `${fields[at + 1] ?? ""} → ${fields[at + 2] ?? ""}` : path;
    if (path === "") at += 2;
    counts.push({ name, binary: added === "-", added: Number(added) || 0, deleted: Number(deleted) || 0 });
  }
  return counts;
}

function statLines(counts: readonly Count[]): string[] {
  const lines = counts.slice(0, STAT_LINES_MAX).map(({ name, binary, added, deleted }) => {
    const path = name.replace(/[\0-\x1f\x7f]/g, "\ufffd").slice(0, STAT_PATH_CHARS_MAX);
    return `${path} | ${binary ? "binary" : `+${added} -${deleted}`}`;
  });
  const left = counts.length - lines.length;
  return left > 0 ? [...lines, `and ${left} more files`] : lines;
}

/** All files whole if they fit; else the largest are cut first, so that one generated file does not hide the others. */
function cutText(
  patch: Buffer,
  sections: readonly Section[],
  bytesMax: number,
): { text: string; files: number; changed: number } {
  const share = Math.max(
    SHARE_BYTES_MIN,
    fairShare(
      sections.map(({ start, end }) => end - start),
      bytesMax,
    ),
  );
  const parts: string[] = [];
  let left = bytesMax;
  let changed = 0;
  const seen = new Set<string>();
  for (const section of sections) {
    const shown = cutSection(patch, section, Math.min(share, left));
    if (shown === null) continue;
    parts.push(shown.text);
    left -= Buffer.byteLength(shown.text);
    changed += shown.changed;
    seen.add(section.path);
  }
  return { text: parts.join(""), files: seen.size, changed };
}

/** The most that each may have so that all together have no more than `total`, when small ones leave what they do not need. */
function fairShare(sizes: readonly number[], total: number): number {
  let left = total;
  const sorted = [...sizes].sort((a, b) => a - b);
  for (const [at, size] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - at));
    if (size > share) return share;
    left -= size;
  }
  return total;
}

/** A file's part of the text in at most `bytesMax` bytes; null when not even a line of a hunk fits. */
function cutSection(patch: Buffer, section: Section, bytesMax: number): { text: string; changed: number } | null {
  const { start, end, hunks } = section;
  const all = countChanged(patch, section, end);
  if (end - start <= bytesMax) return { text: patch.subarray(start, end).toString("utf8"), changed: all };
  const room = start + bytesMax - NOTE_BYTES;
  const whole = hunks.filter((hunk) => hunk.end <= room).at(-1)?.end ?? start;
  // The end of a hunk, if that does not waste half of the room; else the end of a line.
  const at = whole - start >= (room - start) / 2 ? whole : patch.lastIndexOf(10, Math.max(start, room - 1)) + 1;
  if (room <= start || at <= (hunks[0]?.start ?? end)) return null;
  const changed = countChanged(patch, section, at);
  const note = `[${all - changed} more changed lines of this file are not shown.]\n`;
  return { text: patch.subarray(start, at).toString("utf8") + note, changed };
}

/** Added and deleted lines of a file's hunks before a place. */
function countChanged(patch: Buffer, { hunks }: Section, end: number): number {
  let changed = 0;
  for (const hunk of hunks) {
    const hunkEnd = Math.min(hunk.end, end);
    for (let at = patch.indexOf(10, hunk.start) + 1; at > 0 && at < hunkEnd; at = patch.indexOf(10, at) + 1) {
      if (patch[at] === 0x2b || patch[at] === 0x2d) changed += 1;
    }
  }
  return changed;
}

export interface LineRange {
  first: number;
  last: number;
}

export interface LinesInDiff {
  /** Whether this line of the new file is added, or within three lines of a change. */
  has(path: string, line: number): boolean;
  /** Every path that changed: new names, and the names of files that are gone. */
  files: ReadonlySet<string>;
  /** The same as `has`, as ranges in rising order; nothing for files without such lines. */
  ranges: ReadonlyMap<string, readonly LineRange[]>;
  /** The change is too large, or git could not tell: there may be more files and lines. */
  cut: boolean;
}

/** The lines of the new files that the diff shows. Paths are as in `diffText`, with U+FFFD for bytes that are no UTF-8. */
export async function linesInDiff(host: Host, from: string, to: string): Promise<LinesInDiff> {
  const { sections, cut, why } = await readPatch(host, from, to);
  const ranges = new Map<string, LineRange[]>();
  for (const { path, hunks } of sections) {
    const shown = hunks.filter((hunk) => hunk.lines > 0);
    const found = shown.map(({ line, lines }) => ({ first: line, last: line + lines - 1 }));
    if (found.length > 0) ranges.set(path, [...(ranges.get(path) ?? []), ...found]);
  }
  return {
    has: (path, line) => ranges.get(path)?.some(({ first, last }) => first <= line && line <= last) ?? false,
    files: new Set(sections.map(({ path }) => path)),
    ranges,
    cut: cut || why !== null,
  };
}
