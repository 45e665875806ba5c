// Ends what a test process started when that process is gone, however it went: its end closes this program's standard input.
// Lines: "+<pid>" a process group to kill, "-<pid>" one that has ended, "rm <folder>" a folder to remove.
import { rmSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

const groups = new Set();
const folders = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("+")) groups.add(Number(line.slice(1)));
  else if (line.startsWith("-")) groups.delete(Number(line.slice(1)));
  else if (line.startsWith("rm ")) folders.add(line.slice(3));
}
for (const group of groups) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Gone already.
  }
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
