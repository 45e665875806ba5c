import { closeSync, openSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";

/** Reads along on an agent's standard output. */
export interface Follower {
  push(chunk: Buffer): void;
}

/**
 * Keeps both outputs of a process in two new files, up to a number of bytes together. It goes on reading beyond that, because a full pipe would
 * stall the process before it can end. Files are written synchronously: nothing piles up in memory, however fast the process is.
 */
export class Capture {
  readonly outputFile: string;
  readonly errorFile: string;
  /** Seen, kept or not. */
  bytes = 0;
  /** What went wrong while writing or in the follower; null while nothing has. A stream's handler has nobody to throw to. */
  problem: { cause: unknown } | null = null;
  readonly #bytesMax: number;
  readonly #onBytes: () => void;
  readonly #descriptors: { output: number; error: number };
  #isClosed = false;

  /** Throws when the files exist already or cannot be made. */
  constructor(outputFile: string, bytesMax: number, onBytes: () => void) {
    this.outputFile = outputFile;
    this.errorFile = `${outputFile}.stderr`;
    this.#bytesMax = bytesMax;
    this.#onBytes = onBytes;
    // 0600: an agent's output may quote a credential. wx: a file that is there already is not ours.
    const output = openSync(this.outputFile, "wx", 0o600);
    try {
      this.#descriptors = { output, error: openSync(this.errorFile, "wx", 0o600) };
    } catch (cause) {
      closeSync(output);
      throw cause;
    }
  }

  read(stdout: Readable, stderr: Readable, follower: Follower | null): void {
    stdout.on("data", (chunk: Buffer) => this.#keep(this.#descriptors.output, chunk, follower));
    stderr.on("data", (chunk: Buffer) => this.#keep(this.#descriptors.error, chunk, null));
    // A broken pipe ends the reading; the process's own end tells the rest.
    stdout.on("error", () => undefined);
    stderr.on("error", () => undefined);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptors.output);
    closeSync(this.#descriptors.error);
  }

  #keep(descriptor: number, chunk: Buffer, follower: Follower | null): void {
    if (this.#isClosed) return;
    const kept = chunk.subarray(0, Math.max(0, this.#bytesMax - this.bytes));
    this.bytes += chunk.length;
    this.#onBytes();
    if (this.problem !== null || kept.length === 0) return;
    try {
      for (let at = 0; at < kept.length; ) at += writeSync(descriptor, kept, at);
      follower?.push(kept);
    } catch (cause) {
      this.problem = { cause };
    }
  }
}
