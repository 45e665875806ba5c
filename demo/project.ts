// The small project that the story is about: a bug that people meet, and a test that shows it. No test says what a full last page is; so a
// change can pass all of them and still be wrong, which is what a reviewer is for.

import type { Files } from "../test/e2e/servers/server.ts";

export const project: Files = {
  "README.md": "# pages\n\nCuts long lists into pages.\n\nRun the tests with `node --test`.\n",
  "package.json": '{ "name": "pages", "type": "module", "scripts": { "test": "node --test" } }\n',
  "pages.js": `/** How many pages a list of \`total\` entries has, \`size\` on each. */
export function pageCount(total, size) {
  return Math.floor(total / size);
}

/** The entries of one page; pages count from 1. */
export function page(entries, number, size) {
  return entries.slice((number - 1) * size, number * size);
}
`,
  "pages.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { page, pageCount } from "./pages.js";

test("a last page that is not full is counted too", () => assert.equal(pageCount(21, 10), 3));

test("the last page holds the rest", () => assert.deepEqual(page([1, 2, 3], 2, 2), [3]));
`,
};

export const issue = {
  title: "The last page is missing",
  body: "With 21 entries and 10 on a page, `pageCount` answers 2. Nobody ever sees the 21st entry. `node --test` shows it.",
};

/** Carries the trigger label too, but a person said: not now. */
export const onHold = { title: "Rename page to pageOf", body: "Only after the next release, please." };

export const check = "node --test";
