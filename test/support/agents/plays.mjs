// Plays its part in a story: the JSON file named on its command line holds a list of plans for each kind of work (implement, review, rework); each
// start takes the next of its kind, and the last one again when they are used up. A plan:
// { "write": {path: text}, "delete": [path], "commit": message, "hold": path, "result": object, "answer": action, "say": text, "waitMs": n, "exit": code }
// `hold`: goes on when that file is gone. `answer`: replies with that action to every finding id found in the prompt.
// `<file>.stamps` gets one line at its start and one at its end.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [file] = process.argv.slice(2);
const kind = process.env.AGENT_DISPATCH_KIND;
const plans = JSON.parse(readFileSync(file, "utf8"))[kind] ?? [];
const log = `${file}.played`;
const played = existsSync(log)
  ? readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${kind} `)).length
  : 0;
const stamp = (what) => {
  const line = { what, kind, item: Number(process.env.AGENT_DISPATCH_ITEM), pid: process.pid, at: Date.now() };
  appendFileSync(`${file}.stamps`, `${JSON.stringify(line)}\n`);
};
stamp("start");
const prompt = readFileSync(process.env.AGENT_DISPATCH_PROMPT, "utf8");
appendFileSync(log, `${kind} ${process.env.AGENT_DISPATCH_ITEM} round ${process.env.AGENT_DISPATCH_ROUND}\n`);
writeFileSync(`${file}.prompt-${kind}-${played + 1}`, prompt);
const plan = plans[Math.min(played, plans.length - 1)];
if (plan === undefined) throw new Error(`no plan for ${kind}`);
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
const secondsMax = 60;
for (let waited = 0; plan.hold && existsSync(plan.hold) && waited < secondsMax * 20; waited++) await sleep(50);
const result = plan.result ?? null;
if (result !== null && plan.answer) {
  const ids = [...new Set([...prompt.matchAll(/(?<![\w.])(\d+\.\d+)(?![\w.])/g)].map((match) => match[1]))];
  result.replies = ids.map((finding) => ({ finding, action: plan.answer, body: `about ${finding}` }));
}
if (result !== null) writeFileSync(process.env.AGENT_DISPATCH_RESULT, JSON.stringify(result));
console.log(plan.say ?? "done");
if (plan.waitMs) await sleep(Math.min(plan.waitMs, secondsMax * 1000));
stamp("end");
process.exitCode = plan.exit ?? 0;
