// `setsid x &`: another session and group, the parent's output still open.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const child = spawn(process.execPath, ["-e", "setTimeout(() => undefined, 60_000)"], {
  detached: true,
  stdio: "inherit",
});
writeFileSync(process.argv[2], String(child.pid));
child.unref();
console.log("done");
process.exit(0);
