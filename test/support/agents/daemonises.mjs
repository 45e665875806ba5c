// The classic way: two forks, a session of its own, no parent left, nothing open. With `clean` also without any environment; the parent in
// between then lives for a moment, as a real one does while it starts up.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [pidFile, how] = process.argv.slice(2);
const isClean = how === "clean";
const env = isClean ? {} : process.env;
const daemon = `require("fs").writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setTimeout(() => undefined, 60_000)`;
const between = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(daemon)}],
  { detached: true, stdio: "ignore", env: process.env, cwd: "/" }).unref(); setTimeout(() => process.exit(0), ${isClean ? 1_200 : 0})`;
spawn(process.execPath, ["-e", between], { detached: true, stdio: "ignore", env, cwd: "/" }).unref();
for (let waited = 0; !existsSync(pidFile) && waited < 5_000; waited += 10) await sleep(10);
if (isClean) await sleep(1_400);
console.log("done");
process.exit(0);
