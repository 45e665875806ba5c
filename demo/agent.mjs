// The agent of the demo: a script that works as a coding agent does, without a model. It is started as any other agent is: prompt on standard
// input, working directory = the clone, result in $AGENT_DISPATCH_RESULT. It knows one kind of bug: a division rounded the wrong way.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** So that one sees it work, in ms between two steps. */
const pauseMs = 400;

const prompt = readFileSync(0, "utf8");
const issue = /^# Issue #(\d+): (.*)$/m.exec(prompt);
if (issue === null) fail("the prompt holds no issue");
await say(`reading issue #${issue[1]}: ${issue[2]}`);

const named = /`(\w+)`/.exec(prompt.slice(issue.index))?.[1];
const file = readdirSync(".").find((name) => isSource(name) && read(name).includes(`function ${named}(`));
if (named === undefined || file === undefined) fail("the issue names no function of this repository");
await say(`it is about ${named}() in ${file}`);

const testFile = file.replace(/\.js$/, ".test.js");
const before = runTests();
if (before.green) fail("the tests pass; there is nothing to reproduce");
await say(`reproduced: ${before.red}`);

const source = read(file);
const mended = source.replace(new RegExp(`(function ${named}\\([^{]*\\{[^}]*?)Math\\.floor\\(`), "$1Math.ceil(");
if (mended === source) fail(`no cause found in ${named}()`);
writeFileSync(file, mended);
await say("the cause: the quotient is rounded down, so a page that is not full is lost");
commit("Count the last page when it is not full", file);

writeFileSync(
  testFile,
  `${read(testFile)}\ntest("one entry more than a full page needs one page more", () => {\n  assert.equal(${named}(11, 10), ${named}(10, 10) + 1);\n  assert.equal(${named}(0, 10), 0);\n});\n`,
);
const after = runTests();
if (!after.green) fail(`still red: ${after.red}`);
await say("the tests pass, a new one among them");
commit("Test the step from a full page to the next", testFile);

writeFileSync(
  process.env.AGENT_DISPATCH_RESULT,
  JSON.stringify({
    status: "implemented",
    title: "Count the last page when it is not full",
    summary: `\`${named}\` rounded down, so a last page that was not full was lost. It rounds up now.`,
    body: `\`${named}\` divided and rounded **down**: 21 entries with 10 a page made 2 pages, and the 21st entry was never shown.\n\nIt rounds up now. A new test goes over the step from a full page to the next, and over the empty list.`,
    followUps: [{ title: `Say what \`${named}\` does with a size of 0` }],
  }),
);
await say("done");

async function say(text) {
  console.log(text);
  await sleep(pauseMs);
}

function runTests() {
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap"], { encoding: "utf8" });
  return { green: run.status === 0, red: /^\s*not ok \d+ - (?!.*\.js$)(.*)$/m.exec(run.stdout)?.[1] ?? run.stderr };
}

function commit(message, ...files) {
  execFileSync("git", ["add", "--", ...files]);
  execFileSync("git", ["commit", "--quiet", "--message", message]);
}

function isSource(name) {
  return name.endsWith(".js") && !name.endsWith(".test.js");
}

function read(name) {
  return readFileSync(name, "utf8");
}

function fail(why) {
  console.error(`demo agent: ${why}`);
  process.exit(1);
}
