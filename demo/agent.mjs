// The agent of the demo: a script that works as a coding agent does, without a model. It is started as any other agent is: prompt on standard
// input, working directory = the clone, result in $AGENT_DISPATCH_RESULT. It is the author, the reviewer, and the author again, each time a new
// process that knows nothing but its prompt and its clone. It knows one kind of bug, a division rounded the wrong way, and mends it badly at first.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** So that one sees it work, in ms between two steps. */
const pauseMs = 120;

const prompt = readFileSync(0, "utf8");
const issue = /^# Issue #(\d+)/m.exec(prompt);
if (issue === null) fail("the prompt holds no issue");
const named = /`(\w+)`/.exec(prompt.slice(issue.index))?.[1];
const file = readdirSync(".").find((name) => isSource(name) && read(name).includes(`function ${named}(`));
if (named === undefined || file === undefined) fail("the issue names no function of this repository");
const testFile = file.replace(/\.js$/, ".test.js");

const parts = { implement, review, rework };
const play = parts[process.env.AGENT_DISPATCH_KIND] ?? fail(`no part for ${process.env.AGENT_DISPATCH_KIND}`);
writeFileSync(process.env.AGENT_DISPATCH_RESULT, JSON.stringify(await play()));
await say("done");

/** As an author in a hurry: the test that was red is green, and that is all that was looked at. */
async function implement() {
  await say(`author: issue #${issue[1]} is about ${named}() in ${file}`);
  const before = runTests();
  if (before.green) fail("the tests pass; there is nothing to reproduce");
  await say(`reproduced: ${before.red}`);
  change(/Math\.floor\((.*?)\)/, "Math.floor($1) + 1");
  await say("the quotient is rounded down, so a page is lost: add it");
  commit("Count the last page", file);
  addTest("one entry more than a page needs two", `assert.equal(${named}(11, 10), 2)`);
  const after = runTests();
  if (!after.green) fail(`still red: ${after.red}`);
  await say("the tests pass, a new one among them");
  commit("Test the step to a second page", testFile);
  return {
    status: "implemented",
    title: "Count the last page",
    summary: `\`${named}\` rounded down, so the last page was lost. It counts one page more now.`,
    body: `\`${named}\` divided and rounded **down**: 21 entries with 10 a page made 2 pages, and the 21st entry was never shown.\n\nIt counts one page more now. A new test goes over the step to a second page.`,
    followUps: [{ title: `Say what \`${named}\` does with a size of 0` }],
  };
}

/** As a reviewer who never saw the code being written: tries it. */
async function review() {
  await say(`reviewer: the change to ${named}(), commit ${head().slice(0, 10)}`);
  const run = runTests();
  await say(run.green ? "the tests pass; do they ask for enough?" : `the tests fail: ${run.red}`);
  const { page, [named]: count } = await import(pathToFileURL(path.resolve(file)).href);
  const entries = (total) => Array.from({ length: total }, (_, at) => at);
  const wrong = [1, 5, 9, 10, 11, 20, 21].find((total) => page(entries(total), count(total, 10), 10).length === 0);
  if (run.green && wrong === undefined) {
    await say("tried 7 lists: no last page is empty, none is missing");
    return {
      status: "approved",
      summary: "Tried lists of 1 to 21 entries: every page has entries, and none is missing.",
    };
  }
  const pages = count(wrong, 10);
  await say(`tried it: ${wrong} entries, 10 a page, make ${pages} pages; page ${pages} is empty`);
  const line =
    read(file)
      .split("\n")
      .findIndex((text) => text.includes("Math.floor(")) + 1;
  return {
    status: "changes-requested",
    summary:
      "The case of the issue is mended, another one is broken by it. The tests pass because none of them has a full last page.",
    findings: [
      {
        severity: "major",
        path: file,
        line,
        title: "A full last page is counted twice",
        body: `\`${named}(${wrong}, 10)\` answers ${pages}, and page ${pages} is empty. Round up instead of adding one, and test a list that fills its pages.`,
      },
    ],
  };
}

/** As the author of what came back: looks whether the finding is right, mends it, and answers it by its id. */
async function rework() {
  const id = /^## (\d+\.\d+) \(/m.exec(prompt)?.[1] ?? fail("the prompt holds no finding");
  await say(`author again: finding ${id} is about ${named}() in ${file}`);
  addTest("a full last page is counted once", `assert.equal(${named}(20, 10), 2)`);
  const before = runTests();
  if (before.green) fail("the finding is wrong");
  await say(`it is right: ${before.red}`);
  commit("Test a full last page", testFile);
  change(/Math\.floor\((.*?)\) \+ 1/, "Math.ceil($1)");
  const after = runTests();
  if (!after.green) fail(`still red: ${after.red}`);
  await say("rounded up instead: the tests pass");
  commit("Round up instead of adding a page", file);
  return {
    status: "implemented",
    summary: `\`${named}\` rounds up now; a full last page is counted once.`,
    replies: [{ finding: id, action: "fixed", body: "It rounds up now. A test fills its pages." }],
    followUps: [{ title: `Say what \`${named}\` does with a size of 0` }],
  };
}

async function say(text) {
  console.log(text);
  await sleep(pauseMs);
}

function change(from, to) {
  const source = read(file);
  const mended = source.replace(from, to);
  if (mended === source) fail(`no cause found in ${named}()`);
  writeFileSync(file, mended);
}

function addTest(title, claim) {
  writeFileSync(testFile, `${read(testFile)}\ntest(${JSON.stringify(title)}, () => ${claim});\n`);
}

function runTests() {
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap"], { encoding: "utf8" });
  return { green: run.status === 0, red: /^\s*not ok \d+ - (?!.*\.js$)(.*)$/m.exec(run.stdout)?.[1] ?? run.stderr };
}

function head() {
  return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" });
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
