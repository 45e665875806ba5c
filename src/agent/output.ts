// What an agent's standard output says, by its preset's rules. The same reader serves the running agent (has it finished?) and the kept file.
//
// Lines end at the byte \n and nowhere else: `readline` would also split at U+2028, which JSON may contain. What is no event is counted and passed
// over. Memory is bounded by the longest line, not by the output.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import {
  added,
  addTokens,
  type Call,
  callsIn,
  type ErrorEvent,
  errorEvent,
  inMs,
  joined,
  numberAt,
  parseObject,
  type Tokens,
  textAt,
  textsAt,
} from "./events.ts";
import { type AgentPreset, matches, type Rule } from "./preset.ts";
import { cutBytes, cutBytesAtStart, decode } from "./text.ts";

export interface AgentOutput {
  /** The agent's last words, at most 60 kB: from events by the rules, else the end of its standard output. */
  finalText: string;
  /** The CLI's own name of the session; null when it named none. */
  session: string | null;
  /** Null when the CLI told none. */
  tokens: Tokens | null;
  /** By the CLI's own price table, in US dollars; null when it told none. */
  costUsd: number | null;
  /** What it called a failure of the whole run, then its other errors; newest first, at most 20 of each. */
  failures: readonly ErrorEvent[];
  errors: readonly ErrorEvent[];
  /** The retry that it was waiting for at the end; null when something else came after. */
  waitingRetry: ErrorEvent | null;
  /** When a usage limit resets, in ms since 1970; null when not told. */
  resetsAt: number | null;
  /** Whether it was refused something it asked for. */
  wasDenied: boolean;
  /** Whether the event came that ends every good run; true where the preset knows no such event. */
  isFinished: boolean;
  /** The last lines as they came, oldest first, at most 5 of at most 500 bytes. */
  lastEvents: readonly string[];
  /** Lines that should have been events and were not. */
  garbageLines: number;
  /** The end of standard error, at most 64 kB. */
  errorTail: string;
}

/** Of an agent at work. */
export interface Progress {
  tokens: Tokens | null;
  /** Name of the tool call that is open, the newest first; null when none is, or the CLI does not tell. */
  openTool: string | null;
  /** Equal tool calls in a row, up to now. */
  repeats: number;
}

const finalBytesMax = 60_000;
const errorTailBytes = 65_536;
const lineBytesMax = 16_000_000;
const eventsMax = 20;
const chunkBytes = 65_536;

/** Reads what `supervise` kept. */
export function readOutput(preset: AgentPreset, files: { outputFile: string; errorFile: string }): AgentOutput {
  const reader = new OutputReader(preset);
  forEachChunk(files.outputFile, (chunk) => reader.push(chunk));
  return reader.end(tailOf(files.errorFile, errorTailBytes));
}

/** Takes standard output in pieces of any size. */
export class OutputReader {
  readonly #preset: AgentPreset;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #tail: Buffer = Buffer.alloc(0);
  #final = "";
  #session: string | null = null;
  #tokens: Tokens | null = null;
  #costUsd: number | null = null;
  #failures: ErrorEvent[] = [];
  #errors: ErrorEvent[] = [];
  #waitingRetry: ErrorEvent | null = null;
  #resetsAt: number | null = null;
  #wasDenied = false;
  #sawTerminal = false;
  #lastEvents: string[] = [];
  #garbageLines = 0;
  readonly #openTools = new Map<string, string>();
  #lastCall = "";
  #repeats = 0;

  constructor(preset: AgentPreset) {
    this.#preset = preset;
  }

  /** Whether it has ended its work, well or not, and only the process still lives. Always false where the preset knows no such event. */
  get isFinished(): boolean {
    return this.#sawTerminal || this.#failures.length > 0;
  }

  /** What it is doing, for people who wait for it. */
  get progress(): Progress {
    return { tokens: this.#tokens, openTool: [...this.#openTools.values()].at(-1) ?? null, repeats: this.#repeats };
  }

  push(chunk: Buffer): void {
    if (this.#preset.output.format === "text") {
      this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-finalBytesMax);
      return;
    }
    let from = 0;
    while (this.#preset.output.format === "jsonl") {
      const at = chunk.indexOf(10, from);
      if (at === -1) break;
      this.#keep(chunk.subarray(from, at));
      this.#endLine();
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** All of it, with the end of standard error beside it. */
  end(errorTail: string): AgentOutput {
    this.#endLine();
    const isText = this.#preset.output.format === "text";
    return {
      finalText: isText ? decode(this.#tail).trim() : this.#final.trim(),
      session: this.#session,
      tokens: this.#tokens,
      costUsd: this.#costUsd,
      failures: this.#failures,
      errors: this.#errors,
      waitingRetry: this.#waitingRetry,
      resetsAt: this.#resetsAt,
      wasDenied: this.#wasDenied,
      isFinished: this.#preset.success.terminal === null || this.#sawTerminal,
      lastEvents: this.#lastEvents,
      garbageLines: this.#garbageLines,
      errorTail,
    };
  }

  #keep(piece: Buffer): void {
    this.#lineBytes += piece.length;
    // Copied, because a stream may use its buffer again. A line beyond the bound is dropped as a whole, when it ends.
    if (piece.length > 0 && this.#lineBytes <= lineBytesMax) this.#line.push(Buffer.from(piece));
  }

  #endLine(): void {
    const text = this.#lineBytes <= lineBytesMax ? decode(Buffer.concat(this.#line)).trim() : "…";
    this.#line = [];
    this.#lineBytes = 0;
    if (text === "") return;
    this.#lastEvents = [...this.#lastEvents, cutBytes(text, 500)].slice(-5);
    const event = parseObject(text);
    if (event === null) this.#garbageLines++;
    else this.#read(event);
  }

  #read(event: object): void {
    const { output, success } = this.#preset;
    if (success.goesOn !== undefined && matches(event, success.goesOn)) this.#sawTerminal = false;
    if (success.terminal !== null && matches(event, success.terminal)) this.#sawTerminal = true;
    const applying = output.rules.filter((rule) => matches(event, rule.when));
    this.#waitingRetry = null;
    for (const rule of applying) this.#apply(rule, event);
  }

  #begin({ id, name, input }: Call): void {
    this.#openTools.set(id, name);
    const call = `${name}\n${input}`;
    this.#repeats = call === this.#lastCall ? this.#repeats + 1 : 1;
    this.#lastCall = call;
  }

  #apply(rule: Rule, event: object): void {
    switch (rule.emit) {
      case "session":
        this.#session = textAt(event, rule.take?.["id"]) || this.#session;
        return;
      case "final":
        this.#final = cutBytesAtStart(joined(rule, this.#final, textAt(event, rule.take?.["text"])), finalBytesMax);
        return;
      case "usage":
        this.#tokens = addTokens(rule, this.#tokens, event);
        return;
      case "cost":
        this.#costUsd = added(rule, this.#costUsd, numberAt(event, rule.take?.["usd"]));
        return;
      case "retry":
        this.#waitingRetry = errorEvent(rule, event);
        return;
      case "error":
        this.#errors = [errorEvent(rule, event), ...this.#errors].slice(0, eventsMax);
        return;
      case "failure":
        this.#failures = [errorEvent(rule, event), ...this.#failures].slice(0, eventsMax);
        return;
      case "limit":
        this.#resetsAt = inMs(numberAt(event, rule.take?.["resetsAt"])) ?? this.#resetsAt;
        return;
      case "tool-start":
        for (const call of callsIn(rule, event)) this.#begin(call);
        return;
      case "tool-end":
        for (const id of textsAt(event, rule.take?.["id"])) this.#openTools.delete(id);
        return;
      case "denied":
        this.#wasDenied = true;
        return;
      default:
        rule.emit satisfies never;
    }
  }
}

function forEachChunk(file: string, read: (chunk: Buffer) => void): void {
  const descriptor = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(chunkBytes);
    for (let length = readSync(descriptor, buffer); length > 0; length = readSync(descriptor, buffer))
      read(buffer.subarray(0, length));
  } finally {
    closeSync(descriptor);
  }
}

function tailOf(file: string, bytes: number): string {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const length = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return decode(buffer.subarray(0, length)).trimEnd();
  } finally {
    closeSync(descriptor);
  }
}
