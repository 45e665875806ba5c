import { expect } from "vitest";
import type { Stage } from "./run.ts";

/** What stands on the forge when one issue was done once and nothing twice. */
export async function expectDoneOnce(s: Stage, number = 1): Promise<void> {
  const pulls = s.pulls();
  expect(pulls.map((pull) => pull.state)).toEqual(["open"]);
  const [pull] = pulls;
  if (pull === undefined) throw new Error("there is no pull request");
  const branch = `agent/issue-${number}`;
  expect(s.see(pull.number)).toMatchObject({ labels: ["agent/needs-review"], comments: [] });
  expect(pull.body.trimEnd().endsWith(`Closes #${number}`)).toBe(true);
  expect(pull.pull?.headBranch).toBe(branch);
  const seen = s.see(number);
  expect(seen).toMatchObject({ state: "open", labels: ["bot"], assignees: ["bot"] });
  expect(seen.comments).toHaveLength(1);
  expect(seen.comments[0]).toContain(`**Pull request #${pull.number} is open**`);
  const issue = s.forge.repo(s.repo).issues.find((at) => at.number === number);
  const count = (of: typeof issue, type: string) => of?.entries.filter((entry) => entry.type === type).length;
  expect(count(issue, "assignees")).toBe(1);
  expect(count(issue, "label")).toBe(1);
  expect(count(pull, "label")).toBe(1);
  // A status that was set again shows as one: the newest of a context counts.
  const statuses = s.forge.repo(s.repo).statuses.map((at) => `${at.sha} ${at.context} ${at.state}`);
  const head = await s.ref(`refs/heads/${branch}`);
  expect(new Set(statuses)).toEqual(new Set([`${head} agent-dispatch/checks success`]));
  const names = s.forge.repo(s.repo).labels.map((label) => label.name);
  expect(names).toHaveLength(new Set(names).size);
  const record = await s.record(number);
  // Attempts count what brought no progress.
  expect(record).toMatchObject({ state: "done", stage: "needs-review", pull: pull.number, attempt: 0, slot: null });
  expect(await s.ref(`refs/heads/${branch}`)).toBe(record?.head);
  expect(await s.file(branch, "sum.js")).toContain("a + b");
}
