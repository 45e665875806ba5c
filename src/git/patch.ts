// A patch of git read by position: hunk headers say how many lines follow, so no line of a file can pass for a header.

import { createHash } from "node:crypto";
import { unquoted } from "./changes.ts";
import { explain, type GitResult } from "./git.ts";
import type { Host } from "./port.ts";

/** One file in a patch; offsets are bytes. A file that became a link (or the like) has two: gone, and new. */
export interface Section {
  /** The new name, or the old one of a file that is gone. */
  path: string;
  start: number;
  /** After the last line. */
  end: number;
  /** None for binary files, empty files, and where only name or mode changed. */
  hunks: Hunk[];
}

export interface Hunk {
  start: number;
  end: number;
  /** First line in the new file, from 1; 0 when the new file has no line here. */
  line: number;
  /** Lines of the new file that it shows, changed or not. */
  lines: number;
}

/** What no attribute, setting or version of git may change in a patch. */
const FIXED = [
  ...["--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none", "--submodule=short"],
  ...["--diff-algorithm=myers", "--indent-heuristic", "--src-prefix=a/", "--dst-prefix=b/"],
];
const PATCH_MS = 60_000;
/** The whole diff for its id; beyond that the lists of files and their contents' ids stand for it. */
const ID_BYTES_MAX = 64 * 1024 * 1024;

/** Runs `diff-tree` on two commits or trees, with 3 lines of context. */
export function diffTree(
  host: Host,
  shape: readonly string[],
  [from, to]: readonly [string, string],
  outputBytesMax: number,
): Promise<GitResult> {
  const args = ["diff-tree", "-r", "--unified=3", "--inter-hunk-context=0", ...shape, ...FIXED, from, to];
  return host.run(args, { outputBytesMax, deadlineMs: PATCH_MS });
}

/** Reads a patch; a last line without its end (a patch that was cut) is left out. */
export function readSections(patch: Buffer): Section[] {
  const sections: Section[] = [];
  let header: string[] = [];
  let section: Section | undefined;
  let hunk: Hunk | undefined;
  let [removed, added] = [0, 0];
  for (let at = 0; at < patch.length; ) {
    const lineEnd = patch.indexOf(10, at);
    if (lineEnd < 0) break;
    const first = patch[at];
    const end = lineEnd + 1;
    if (removed > 0 || added > 0 || (first === BACKSLASH && hunk !== undefined)) {
      if (first !== PLUS && first !== BACKSLASH) removed -= 1;
      if (first !== MINUS && first !== BACKSLASH) added -= 1;
      if (hunk !== undefined) hunk.end = end;
    } else {
      const text = patch.subarray(at, lineEnd).toString("utf8");
      const found = first === AT ? HUNK.exec(text) : null;
      if (text.startsWith("diff --git ")) {
        header = [];
        hunk = undefined;
        section = { path: "", start: at, end, hunks: [] };
        sections.push(section);
      }
      if (found !== null) {
        [removed, added] = [Number(found[1] ?? 1), Number(found[3] ?? 1)];
        hunk = { start: at, end, line: Number(found[2]), lines: added };
        section?.hunks.push(hunk);
      } else header.push(text);
      if (section !== undefined) section.path = pathOf(header);
    }
    if (section !== undefined) section.end = end;
    at = end;
  }
  return sections;
}

const [PLUS, MINUS, AT, BACKSLASH] = [0x2b, 0x2d, 0x40, 0x5c];
const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** `diff --git a/<path> b/<path>` has the same name twice unless it changed; then further lines say the names. */
function pathOf(header: readonly string[]): string {
  const moved = header.flatMap((line) => /^(?:rename|copy) to (.+)$/.exec(line)?.[1] ?? [])[0];
  if (moved !== undefined) return unquoted(moved);
  const names = (header[0] ?? "").slice("diff --git ".length);
  return unquoted(names.slice((names.length + 1) / 2)).slice("b/".length);
}

/**
 * One id for the whole change from one commit or tree to another, whatever the lines' numbers: equal after a clean rebase, different after
 * any change of a byte, whitespace too, or of the three lines around it. Not git's own patch id. Null when git could not tell.
 */
export async function patchId(host: Host, from: string, to: string): Promise<string | null> {
  const patch = await diffTree(host, ["--patch", "--no-renames", "--full-index"], [from, to], ID_BYTES_MAX);
  if (patch.kind === "ended" && patch.code === 0) return hashPatch(patch.stdout);
  const list = await diffTree(host, ["--raw", "-z", "--no-renames", "--no-abbrev"], [from, to], ID_BYTES_MAX);
  if (list.kind !== "ended" || list.code !== 0) return null;
  return createHash("sha256").update("list\n").update(list.stdout).digest("hex");
}

function hashPatch(patch: Buffer): string {
  const hash = createHash("sha256").update("patch\n");
  for (const { start, end, hunks } of readSections(patch)) {
    const header = patch.subarray(start, hunks[0]?.start ?? end).toString("latin1");
    // The contents' ids tell of the file around the change; only for binary files do they tell of the change.
    hash.update(hunks.length === 0 ? header : header.replace(/^index .*\n/m, ""), "latin1");
    for (const hunk of hunks) {
      const body = patch.indexOf(10, hunk.start) + 1;
      hash.update("@@\n").update(patch.subarray(body, hunk.end));
    }
  }
  return hash.digest("hex");
}

/** Why there is no patch, or null. A patch that was cut is one. */
export function whyNoPatch(result: GitResult): string | null {
  if (result.kind === "too-much-output" || (result.kind === "ended" && result.code === 0)) return null;
  return explain(result);
}
