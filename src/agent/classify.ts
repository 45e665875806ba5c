// How an agent's run ended, in one word of the table in src/core/failure.ts.
//
// The order is the point (evidence: every CLI tried lies with its exit code in some case, and what it prints after our signal is not true):
// our own reason → it never started → what its events call a failure → exit codes that name a cause → standard error → no good end → refused
// something → said nothing → changed nothing. Texts are searched only where the CLI speaks, never where the model does.

import { createHash } from "node:crypto";
import type { FailureClass } from "../core/failure.ts";
import type { ErrorEvent } from "./events.ts";
import type { EndReason } from "./limits.ts";
import type { AgentOutput } from "./output.ts";
import type { AgentPreset } from "./preset.ts";
import { plausibleReset, resetTime } from "./reset.ts";
import { inferResult, type ReadResult, type Result } from "./result.ts";
import type { Ended } from "./supervise.ts";
import { cutWords } from "./text.ts";
import type { Dead } from "./tree.ts";

export interface RunFacts {
  role: "author" | "reviewer";
  preset: AgentPreset;
  ended: Ended;
  output: AgentOutput;
  result: ReadResult;
  /** For an author: anything to publish, commits or leftovers. For a reviewer: changed tracked files. */
  treeChanged: boolean;
  /** When it ended, in ms since 1970: the moment that a told clock time is ahead of. */
  nowMs: number;
}

export type AgentOutcome = AgentResult | Failure;

export interface AgentResult {
  kind: "result";
  result: Result;
  /** Why the result had to be guessed from the tree, because the agent left no usable result.json; null when it is the agent's own. */
  inferred: string | null;
  /** Without this proof there is no result, since the tree might still change. */
  dead: Dead;
}

export interface Failure {
  kind: "failure";
  class: FailureClass;
  /** One plain sentence for people. It may quote the agent's CLI: redact it like any text that goes out. */
  text: string;
  /** The same for failures that are alike but for numbers and paths: 12 hexadecimal digits. */
  fingerprint: string;
  /** For quota: when the limit resets, in ms since 1970, if the CLI said so; else null. */
  resetsAt: number | null;
}

export function classify(facts: RunFacts): AgentOutcome {
  const { dead, unkillable } = facts.ended;
  const failed = failureOfProcess(facts);
  if (failed !== null) return failed;
  if (dead === null)
    return failure(facts, "crash", `${unkillable.length} processes of the agent could not be ended`, "");
  return failureOfWork(facts) ?? outcomeOfResult(facts, dead);
}

function failureOfProcess(facts: RunFacts): Failure | null {
  const { ended, output } = facts;
  if (ended.how === "killed" && ended.reason !== "lingered") {
    // A CLI that waits for its model's server prints nothing: that is the server's silence, not the agent's.
    const waiting = ended.reason === "silence" || ended.reason === "start-up" ? waitedFor(facts) : null;
    if (waiting !== null) return failure(facts, waiting.class, "It was waiting to try again", waiting.words);
    return failure(facts, ofReason(ended.reason), ended.text, "");
  }
  if (ended.how === "spawn-error") return failure(facts, "start-up", ended.text, ended.errno);

  const told = toldFailure(facts);
  if (told !== null) return told;
  const mapped = exitClass(facts);
  if (mapped !== null) return failure(facts, mapped, endText(facts), lastWords(output));
  const code = ended.how === "exit" ? ended.code : null;
  if (ended.how === "killed" || code === 0) return null;
  const onStderr = toldOnStderr(facts, code);
  if (onStderr !== null) return failure(facts, onStderr.class, "The agent's program could not work", onStderr.words);
  return failure(facts, "crash", endText(facts), lastWords(output));
}

interface Cause {
  class: FailureClass;
  words: string;
}

/** What a CLI without a word was waiting for. */
function waitedFor(facts: RunFacts): Cause | null {
  const { preset, output } = facts;
  const { waitingRetry: retry } = output;
  const byEvent = retry === null ? null : eventClass(preset, retry);
  return byEvent === null ? toldOnStderr(facts, null) : { class: byEvent, words: retry?.code || retry?.text || "" };
}

/** `code`: the exit code; null where the CLI did not end by itself. */
function toldOnStderr({ output, preset }: RunFacts, code: number | null): Cause | null {
  const rule = preset.errors.find(
    (at) => at.in === "stderr" && (at.exit ?? code) === code && found(at.match, output.errorTail),
  );
  return rule === undefined ? null : { class: rule.class, words: matchingWords(rule.match, output.errorTail) };
}

/**
 * What the CLI's own events call the failure of the whole run, the most telling first: any that has a class before one that has none. Where none has, its
 * exit code and standard error may say more.
 */
function toldFailure(facts: RunFacts): Failure | null {
  const { output, preset } = facts;
  const [first] = output.failures;
  if (first === undefined) return null;
  const candidates = [...output.failures, ...output.errors].map((event) => ({
    event,
    class: eventClass(preset, event),
  }));
  const telling = candidates.find((at) => at.class !== null)?.class ?? exitClass(facts);
  const onStderr = telling === null ? toldOnStderr(facts, null) : null;
  const words = onStderr?.words || candidates.map(({ event }) => event.text || event.code).find((text) => text !== "");
  const kind = telling ?? onStderr?.class ?? "crash";
  return failure(facts, kind, "The agent's program reported a failure", words ?? "");
}

function exitClass({ ended, preset }: RunFacts): FailureClass | null {
  return ended.how === "exit" ? (preset.exits[ended.code] ?? null) : null;
}

function failureOfWork(facts: RunFacts): Failure | null {
  const { output, preset, result } = facts;
  if (!output.isFinished) {
    // Some call no error the failure of the whole run, because they may go on after any.
    const error = output.errors.find((at) => eventClass(preset, at) !== null) ?? output.errors[0];
    const kind = error === undefined ? null : eventClass(preset, error);
    const words = error?.text || error?.code || lastWords(output);
    return failure(facts, kind ?? "crash", "The agent ended without saying that it was done", words);
  }
  if (output.wasDenied)
    return failure(
      facts,
      "contract-invalid",
      "The agent was refused something it needed, so its work is not whole",
      "",
    );
  if (preset.success.finalRequired && output.finalText === "" && result.kind !== "valid")
    return failure(facts, "contract-invalid", "The agent ended without a word and without a result.json", "");
  return null;
}

function outcomeOfResult(facts: RunFacts, dead: Dead): AgentOutcome {
  const { role, result, treeChanged, output } = facts;
  if (role === "reviewer" && treeChanged)
    return failure(facts, "contract-invalid", "The reviewer changed files that it should only judge", "");
  if (result.kind === "valid") return judged(facts, result.result, dead);
  const why = result.kind === "absent" ? "it left no result.json" : `its result.json ${result.why}`;
  const inferred = inferResult({ role, treeChanged, finalText: output.finalText });
  if (inferred === null) return failure(facts, "contract-invalid", `The reviewer gave no verdict: ${why}`, "");
  if (inferred.status === "no-change") {
    const kind = result.kind === "absent" ? "no-change" : "contract-invalid";
    return failure(facts, kind, `The agent changed nothing, and ${why}`, "");
  }
  return { kind: "result", result: inferred, inferred: why, dead };
}

/** A result of the right form that still may not fit what was asked for, or what is there. */
function judged(facts: RunFacts, result: Result, dead: Dead): AgentOutcome {
  const { role, treeChanged, output } = facts;
  const said = result.summary ?? result.body ?? result.question ?? "";
  const invalid = (text: string) => failure(facts, "contract-invalid", text, result.status);
  switch (result.status) {
    case "implemented":
      if (role === "reviewer") return invalid("The reviewer gave no verdict but called the work implemented");
      // A rework may answer every finding and change nothing.
      if (!treeChanged && result.replies.length === 0)
        return failure(facts, "no-change", "The agent called the work implemented but changed nothing", "");
      break;
    case "no-change-needed":
      if (role === "reviewer") return invalid("The reviewer gave no verdict but said that nothing needs to change");
      if (said === "" && output.finalText === "" && result.replies.length === 0)
        return failure(facts, "no-change", "The agent changed nothing and gave no reason", "");
      break;
    case "needs-info":
      if (said === "") return invalid("The agent needs information but asked no question");
      break;
    case "blocked":
      break;
    case "approved":
      if (role === "author") return invalid("The author gave a verdict on its own work");
      break;
    case "changes-requested":
      if (role === "author") return invalid("The author gave a verdict on its own work");
      if (said === "" && result.findings.length === 0) return invalid("The reviewer wants changes but named none");
      break;
    default:
      result.status satisfies never;
  }
  return { kind: "result", result, inferred: null, dead };
}

function ofReason(reason: Exclude<EndReason, "lingered">): FailureClass {
  switch (reason) {
    case "wall":
      return "timeout";
    case "silence":
      return "silent";
    case "start-up":
      return "start-up";
    // Nothing that works needs so much output: it repeats itself.
    case "output":
    case "repeats":
      return "loop";
    case "stopped":
      return "cancelled";
    default:
      return reason satisfies never;
  }
}

/** Status before text; null when neither is known. */
function eventClass(preset: AgentPreset, event: ErrorEvent): FailureClass | null {
  const byStatus = event.status === null ? null : statusClass(event.status);
  if (byStatus !== null) return byStatus;
  const rule = preset.errors.find(
    (at) => at.in === "event" && (found(at.match, event.code) || found(at.match, event.text)),
  );
  return rule?.class ?? null;
}

/** 400 is left to the text: it may be a context that is too long, or anything else. */
function statusClass(status: number): FailureClass | null {
  if (status === 401 || status === 403) return "auth";
  if (status === 402 || status === 429) return "quota";
  if (status === 404 || status >= 500) return "model-unavailable";
  if (status === 408) return "network";
  if (status === 413) return "context-overflow";
  return null;
}

function failure(facts: RunFacts, kind: FailureClass, sentence: string, detail: string): Failure {
  const words = cutWords(detail, 300);
  const told = sentence.replace(/\.$/, "");
  return {
    kind: "failure",
    class: kind,
    text: words === "" ? `${told}.` : `${told}: ${words.replace(/\.$/, "")}.`,
    fingerprint: fingerprint(kind, `${sentence} ${words}`),
    resetsAt: kind === "quota" ? resetOf(facts) : null,
  };
}

/** Numbers, addresses, paths and long identifiers differ from run to run and say nothing about what failed. */
export function fingerprint(kind: FailureClass, text: string): string {
  const alike = text
    .toLowerCase()
    .replace(/https?:\/\/\S+/g, " ")
    .replace(/\S*[/\\]\S*/g, " ")
    .replace(/\b[0-9a-f-]{8,}\b/g, " ")
    .replace(/\S*\d\S*/g, " ")
    .replace(/[^\p{L}]+/gu, " ")
    .trim();
  return createHash("sha256").update(`${kind}\n${alike}`).digest("hex").slice(0, 12);
}

function resetOf({ output, nowMs }: RunFacts): number | null {
  const texts = [...output.failures, ...output.errors].map((event) => resetTime(event.text, nowMs));
  const told = output.resetsAt ?? texts.find((time) => time !== null) ?? null;
  return plausibleReset(told, nowMs);
}

function endText({ ended }: RunFacts): string {
  if (ended.how === "exit") return `The agent ended with exit code ${ended.code}`;
  return ended.how === "signal" ? `The agent was ended by ${ended.signal}, not by us` : "The agent ended";
}

/** The last line of standard error, else of the final text. */
function lastWords(output: AgentOutput): string {
  return lastLine(output.errorTail) || lastLine(output.finalText);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}

/** The line that holds what the pattern finds, or of it the group `words`. */
function matchingWords(pattern: string, text: string): string {
  const match = search(pattern, text);
  if (match === null) return "";
  const from = text.lastIndexOf("\n", match.index - 1) + 1;
  return match.groups?.["words"] ?? text.slice(from).split("\n", 1)[0] ?? "";
}

function found(pattern: string, text: string): boolean {
  return search(pattern, text) !== null;
}

function search(pattern: string, text: string): RegExpExecArray | null {
  return new RegExp(pattern, "im").exec(text.replaceAll("\u2019", "'"));
}
