// Carries out the plan in the JSON file named on its command line:
// { "write": {path: text}, "delete": [path], "commit": message, "result": object, "say": text, "waitMs": n, "exit": code }
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const [path, text] of Object.entries(plan.write ?? {})) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
for (const path of plan.delete ?? []) rmSync(path);
if (plan.commit) {
  const identity = ["-c", "user.name=Agent", "-c", "user.email=agent@example.org"];
  execFileSync("git", ["add", "--all"]);
  execFileSync("git", [...identity, "commit", "--quiet", "--message", plan.commit]);
}
if (plan.result) writeFileSync(process.env.AGENT_DISPATCH_RESULT, JSON.stringify(plan.result));
console.log(plan.say ?? "done");
if (plan.waitMs) await sleep(Math.min(plan.waitMs, 60_000));
process.exitCode = plan.exit ?? 0;
