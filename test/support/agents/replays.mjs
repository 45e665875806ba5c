// Reads its prompt to the end, as real CLIs do, then prints recorded events.
import { readFileSync } from "node:fs";

const [file, code, hang] = process.argv.slice(2);
for await (const _ of process.stdin);
process.stdout.write(readFileSync(file));
if (hang === "hang") setTimeout(() => undefined, 60_000);
else process.exitCode = Number(code ?? "0");
