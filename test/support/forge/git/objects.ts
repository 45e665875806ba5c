import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { gitEnvironment } from "./process.ts";

export interface GitObject {
  oid: string;
  type: string;
  content: Buffer;
}

interface Waiting {
  resolve: (found: GitObject | undefined) => void;
  reject: (error: Error) => void;
}

/** Reads objects of one repository through a single `git cat-file --batch`, started at the first question. */
export class ObjectReader {
  readonly #dir: string;
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #buffer = Buffer.alloc(0);
  readonly #waiting: Waiting[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The object that a name or id stands for (`main`, `<sha>:path`, `v1^{commit}`), or undefined. */
  read(name: string): Promise<GitObject | undefined> {
    if (name === "" || /[\n\0]/.test(name)) return Promise.resolve(undefined);
    const child = this.#start();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      child.stdin.write(`${name}\n`);
    });
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    if (this.#child) return this.#child;
    const child = spawn("git", ["cat-file", "--batch"], {
      cwd: this.#dir,
      env: gitEnvironment(),
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdout.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#deliver();
    });
    child.stdin.on("error", () => {});
    child.on("close", () => {
      for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error("git cat-file ended"));
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    return child;
  }

  #deliver(): void {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end < 0) return;
      const line = this.#buffer.subarray(0, end).toString();
      const header = /^([0-9a-f]{40}) (\w+) (\d+)$/.exec(line);
      if (!header) {
        this.#buffer = this.#buffer.subarray(end + 1);
        this.#waiting.shift()?.resolve(undefined);
        continue;
      }
      const [, oid = "", type = "", size = "0"] = header;
      const until = end + 1 + Number(size);
      if (this.#buffer.length < until + 1) return;
      const content = Buffer.from(this.#buffer.subarray(end + 1, until));
      this.#buffer = this.#buffer.subarray(until + 1);
      this.#waiting.shift()?.resolve({ oid, type, content });
    }
  }
}
