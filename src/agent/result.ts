// `result.json`: what the agent says about its work. A claim, never a proof; and a file from a hostile place: it may be anything, lead anywhere, or
// block whoever opens it.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import * as z from "zod";
import { cutBytes, cutWords } from "./text.ts";

/** Longest title, in characters: what Gitea takes for a title. */
const titleMax = 255;
/** Longest text, in bytes. */
const textBytesMax = 60_000;
/** Largest file, in bytes. */
const fileBytesMax = 1_000_000;
const findingsMax = 100;
const listMax = 50;

const title = z.string().transform((text) => cutWords(text, titleMax));
const text = z.string().transform((value) => cutBytes(value.trim(), textBytesMax));
const word = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.string().trim().toLowerCase().pipe(z.enum(words));
/** Absent, null and "" mean the same: nothing said. Models write all three. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === null || value === "" ? undefined : value), schema.optional());
const list = <T extends z.ZodType>(schema: T, max: number) =>
  z.preprocess((value) => (Array.isArray(value) ? value.slice(0, max) : (value ?? [])), z.array(schema));

const Finding = z.object({
  severity: word(["blocker", "major", "minor", "nit"]),
  /** As the agent wrote it: data for a comment, never a path to open. */
  path: optional(z.string().max(4_096)),
  line: optional(z.int().positive()),
  title,
  body: optional(text),
});
export type Finding = z.infer<typeof Finding>;

export const Result = z.object({
  status: word(["implemented", "no-change-needed", "needs-info", "blocked", "approved", "changes-requested"]),
  summary: optional(text),
  title: optional(title),
  body: optional(text),
  question: optional(text),
  findings: list(Finding, findingsMax),
  replies: list(
    z.object({
      finding: z.union([z.string(), z.number()]).transform(String),
      action: word(["fixed", "rejected", "clarified"]),
      body: optional(text),
    }),
    findingsMax,
  ),
  followUps: list(z.object({ title, body: optional(text) }), listMax),
});
export type Result = z.infer<typeof Result>;

export type ReadResult =
  /** `ignored`: names of fields that mean nothing here, for the log. */
  | { kind: "valid"; result: Result; ignored: readonly string[] }
  /** `why` completes "result.json …". */
  | { kind: "invalid"; why: string }
  | { kind: "absent" };

/** Reads what the agent left. Never throws; call it only when the agent is dead, since before that the file may change under the reader. */
export function readResult(file: string): ReadResult {
  let descriptor: number;
  try {
    // NOFOLLOW: a link could lead to a file of the host. NONBLOCK: a pipe would never let go of the reader.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const errno = cause instanceof Error && "code" in cause ? cause.code : null;
    if (errno === "ENOENT" || errno === "ENOTDIR") return { kind: "absent" };
    return { kind: "invalid", why: errno === "ELOOP" ? "is a symbolic link" : `cannot be read (${String(errno)})` };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { kind: "invalid", why: "is not a regular file" };
    if (stat.size > fileBytesMax) return { kind: "invalid", why: "is larger than 1 MB" };
    const buffer = Buffer.alloc(stat.size);
    return parseResult(buffer.subarray(0, readSync(descriptor, buffer, 0, stat.size, 0)).toString("utf8"));
  } catch {
    return { kind: "invalid", why: "cannot be read" };
  } finally {
    closeSync(descriptor);
  }
}

export function parseResult(content: string): ReadResult {
  if (content.trim() === "") return { kind: "invalid", why: "is empty" };
  let value: unknown;
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, ""));
  } catch {
    return { kind: "invalid", why: "is not JSON" };
  }
  const parsed = Result.safeParse(value);
  if (!parsed.success) return { kind: "invalid", why: `does not fit: ${problemsOf(parsed.error)}` };
  return { kind: "valid", result: parsed.data, ignored: unknownFields(value) };
}

/** At most three, because they go into a sentence. */
function problemsOf(error: z.ZodError): string {
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`);
  return cutWords(problems.slice(0, 3).join("; "), 300);
}

function unknownFields(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const known = new Set(Object.keys(Result.shape));
  return Object.keys(value)
    .filter((name) => !known.has(name))
    .slice(0, listMax)
    .map((name) => cutWords(name, 80));
}

/** The result of an agent that left none, from what can be seen. A verdict is never inferred: no words of a reviewer count without the file. */
export function inferResult(facts: {
  role: "author" | "reviewer";
  treeChanged: boolean;
  finalText: string;
}): Result | { status: "no-change" } | null {
  if (facts.role === "reviewer") return null;
  if (!facts.treeChanged) return { status: "no-change" };
  const summary = cutBytes(facts.finalText.trim(), textBytesMax);
  return {
    status: "implemented",
    ...(summary === "" ? {} : { summary }),
    findings: [],
    replies: [],
    followUps: [],
  };
}
