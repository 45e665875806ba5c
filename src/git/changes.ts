// What differs between two trees, as facts for guards and people. One git process for modes, counts and added lines, one for sizes.
// All of it is the agent's text: bounded, parsed by position, never run or used as a path by the host.

import { readBatch } from "./batch.ts";
import { explain, type GitResult } from "./git.ts";
import type { Host } from "./port.ts";

export interface Change {
  /** As UTF-8; bytes that are none show as U+FFFD. */
  path: string;
  status: "added" | "modified" | "deleted" | "type-changed";
  /** Six octal digits; `000000` where there is nothing; `160000` is a submodule, `120000` a symbolic link. */
  oldMode: string;
  newMode: string;
  /** Size of the new content; 0 for deletions and submodules. */
  bytes: number;
  /** As git sees it: it has a NUL byte near its beginning, or is larger than 16 MiB. */
  binary: boolean;
  addedLines: number;
  deletedLines: number;
  /** Where a new symbolic link points; null for anything else, and for a link that is too long (4,096 bytes) or one too many (200) to be read. */
  linkTarget: string | null;
}

export interface AddedLine {
  path: string;
  /** Line number in the new file, from 1. */
  line: number;
  /** At most 2,000 characters. */
  text: string;
}

export interface Changes {
  /** At most `changesMax`, in git's order. */
  changes: Change[];
  changeCount: number;
  insertions: number;
  deletions: number;
  addedLines: AddedLine[];
  /** More lines were added than `addedLines` has. */
  addedLinesCut: boolean;
}

export interface ChangeBounds {
  /** Default 3,000. */
  changesMax?: number;
  /** Default 50,000. */
  addedLinesMax?: number;
}

const CHANGES_MAX = 3000;
const ADDED_LINES_MAX = 50_000;
const LINE_CHARS_MAX = 2000;
const LINK_CHARS_MAX = 4096;
const LINKS_READ_MAX = 200;
/** Lists come first in git's answer, the lines after them; a tree bomb fills it with lists alone and is refused. */
const DIFF_BYTES_MAX = 24 * 1024 * 1024;
const DIFF_MS = 60_000;

export type ChangesResult = { kind: "changes"; changes: Changes } | { kind: "unreadable"; why: string };

export async function readChanges(
  host: Host,
  from: string,
  to: string,
  bounds: ChangeBounds = {},
): Promise<ChangesResult> {
  const shape = ["-r", "-z", "--raw", "--numstat", "--patch", "--unified=0", "--no-renames", "--full-index"];
  const safe = ["--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"];
  const args = ["diff-tree", ...shape, ...safe, from, to];
  const diff = await host.run(args, { outputBytesMax: DIFF_BYTES_MAX, deadlineMs: DIFF_MS });
  if (diff.kind !== "too-much-output" && (diff.kind !== "ended" || diff.code !== 0)) return failed(diff);
  const parsed = parseDiff(diff.stdout, bounds, diff.kind === "too-much-output");
  if (parsed === null) return { kind: "unreadable", why: "more files differ than can be listed" };
  return withContents(host, parsed);
}

interface RawChange extends Change {
  newSha: string;
}

type Parsed = Omit<Changes, "changes"> & { changes: RawChange[] };

/** Null when the answer was cut before the lines began. */
function parseDiff(answer: Buffer, bounds: ChangeBounds, cut: boolean): Parsed | null {
  const changesMax = bounds.changesMax ?? CHANGES_MAX;
  const { records, next } = parseRaw(answer);
  const changes = records.slice(0, changesMax);
  let at = next;
  let insertions = 0;
  let deletions = 0;
  for (let index = 0; index < records.length; index++) {
    const end = answer.indexOf(0, at);
    if (end < 0) return null;
    const [, added = "-", deleted = "-"] =
      /^(\d+|-)\t(\d+|-)\t/.exec(answer.subarray(at, end).toString("latin1")) ?? [];
    const change = changes[index];
    if (change !== undefined) {
      change.binary = added === "-";
      change.addedLines = Number(added === "-" ? 0 : added);
      change.deletedLines = Number(deleted === "-" ? 0 : deleted);
    }
    insertions += Number(added === "-" ? 0 : added);
    deletions += Number(deleted === "-" ? 0 : deleted);
    at = end + 1;
  }
  if (cut && at >= answer.length) return null;
  const lines = parseAddedLines(answer.subarray(at + 1), bounds.addedLinesMax ?? ADDED_LINES_MAX);
  return {
    changes,
    changeCount: records.length,
    insertions,
    deletions,
    addedLines: lines.lines,
    addedLinesCut: lines.cut || cut,
  };
}

const STATUS: Readonly<Record<string, Change["status"]>> = {
  A: "added",
  D: "deleted",
  M: "modified",
  T: "type-changed",
};

/** One record of `--raw -z`: where two trees differ. Names are bytes. */
export interface RawEntry {
  oldMode: string;
  newMode: string;
  oldSha: string;
  newSha: string;
  letter: string;
  name: Buffer;
}

/** Reads `:<mode> <mode> <sha> <sha> <letter> NUL <path> NUL` from `at` on, as long as there are such. */
export function readRaw(answer: Buffer, from: number): { entries: RawEntry[]; next: number } {
  const entries: RawEntry[] = [];
  let at = from;
  while (answer[at] === 0x3a) {
    const headEnd = answer.indexOf(0, at);
    const nameEnd = headEnd < 0 ? -1 : answer.indexOf(0, headEnd + 1);
    if (nameEnd < 0) break;
    const [, oldMode = "", newMode = "", oldSha = "", newSha = "", letter = ""] =
      /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/.exec(answer.subarray(at, headEnd).toString("latin1")) ?? [];
    entries.push({ oldMode, newMode, oldSha, newSha, letter, name: answer.subarray(headEnd + 1, nameEnd) });
    at = nameEnd + 1;
  }
  return { entries, next: at };
}

function parseRaw(answer: Buffer): { records: RawChange[]; next: number } {
  const { entries, next } = readRaw(answer, 0);
  const records = entries.map(({ oldMode, newMode, newSha, letter, name }) => ({
    ...{ path: name.toString("utf8"), status: STATUS[letter] ?? "modified", oldMode, newMode, newSha },
    ...{ bytes: 0, binary: false, addedLines: 0, deletedLines: 0, linkTarget: null },
  }));
  return { records, next };
}

/** Hunk headers say how many lines follow, so no line of a file can pass for a header. */
function parseAddedLines(patch: Buffer, linesMax: number): { lines: AddedLine[]; cut: boolean } {
  const lines: AddedLine[] = [];
  let path = "";
  let line = 0;
  let removed = 0;
  let added = 0;
  for (let at = 0; at < patch.length; ) {
    const lineEnd = patch.indexOf(10, at);
    const end = lineEnd < 0 ? patch.length : lineEnd;
    const first = patch[at];
    if (removed > 0 && first === 0x2d) removed -= 1;
    else if (added > 0 && first === 0x2b) {
      if (lines.length === linesMax) return { lines, cut: true };
      const text = patch.subarray(at + 1, Math.min(end, at + 1 + LINE_CHARS_MAX)).toString("utf8");
      lines.push({ path, line, text });
      line += 1;
      added -= 1;
    } else if (removed === 0 && added === 0 && (first === 0x2b || first === 0x40)) {
      const header = patch.subarray(at, end).toString("utf8");
      const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(header);
      if (hunk !== null) {
        removed = Number(hunk[1] ?? 1);
        line = Number(hunk[2]);
        added = Number(hunk[3] ?? 1);
      } else if (header.startsWith("+++ ")) path = unquoted(header.slice(4)).slice("b/".length);
    }
    at = end + 1;
  }
  return { lines, cut: false };
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", t: "\t", n: "\n", v: "\v", f: "\f", r: "\r", '"': '"', "\\": "\\" },
};

/** A name from a patch header: git quotes those with control characters, and ends others that have a space with a tab. */
export function unquoted(name: string): string {
  if (!name.startsWith('"')) return name.replace(/\t$/, "");
  return name.slice(1, -1).replace(/\\([0-7]{3}|.)/g, (_, code: string) => {
    return code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code);
  });
}

async function withContents(host: Host, parsed: Parsed): Promise<ChangesResult> {
  const blobs = parsed.changes.filter((change) => change.newMode !== "160000" && change.newMode !== "000000");
  const links = blobs.filter((change) => change.newMode === "120000").slice(0, LINKS_READ_MAX);
  if (blobs.length > 0) {
    const input = `${blobs.map((change) => change.newSha).join("\n")}\n`;
    const sizes = await host.run(["cat-file", "--batch-check=%(objectsize)"], { input });
    if (sizes.kind !== "ended" || sizes.code !== 0) return failed(sizes);
    const lines = sizes.stdout.toString("latin1").split("\n");
    for (const [at, change] of blobs.entries()) change.bytes = Number.parseInt(lines[at] ?? "0", 10) || 0;
  }
  const short = links.filter((change) => change.bytes <= LINK_CHARS_MAX);
  if (short.length > 0) {
    const targets = await host.run(["cat-file", "--batch"], { input: `${short.map((c) => c.newSha).join("\n")}\n` });
    if (targets.kind !== "ended" || targets.code !== 0) return failed(targets);
    const objects = readBatch(targets.stdout);
    for (const [at, change] of short.entries()) change.linkTarget = objects[at]?.content.toString("utf8") ?? null;
  }
  const changes = parsed.changes.map(({ newSha: _, ...change }) => change);
  return { kind: "changes", changes: { ...parsed, changes } };
}

function failed(result: GitResult): ChangesResult {
  return { kind: "unreadable", why: explain(result) };
}
