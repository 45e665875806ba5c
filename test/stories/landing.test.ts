// `merge: when-approved` by whole runs: a person's approval of exactly this head, everything green, and nothing else merges.

import { describe, expect, it } from "vitest";
import type { MergeStyle } from "../support/forge/forge.ts";
import { mended, type Plays } from "../support/plays.ts";
import type { Stage, StageOptions } from "../support/run.ts";
import { expectHandedOver, handedOver, head, protect, push, runs, setStatus, untilIdle } from "./story.ts";

const isMerge = (r: { method: string; path: string }) => r.method === "POST" && /\/pulls\/2\/merge$/.test(r.path);

const ready = (plays: Plays = {}, options: StageOptions = {}) =>
  handedOver(plays, { ...options, policy: `merge: when-approved\n${options.policy ?? ""}` });

async function judge(
  s: Stage,
  login: string,
  event: "APPROVED" | "REQUEST_CHANGES" | "COMMENT",
  body = "My view.",
): Promise<void> {
  s.pass(2);
  const answer = await s.forge.as(login).post(`/repos/${s.repo}/pulls/2/reviews`, { event, body });
  expect(answer.status).toBe(200);
  s.pass(2);
}

async function expectMerged(s: Stage): Promise<void> {
  expect(s.see(1)).toMatchObject({ state: "closed", labels: [], assignees: ["alice"] });
  expect(s.see(2)).toMatchObject({ state: "closed", labels: [] });
  expect(s.pulls()[0]?.pull?.merged).toBe(true);
  expect(await s.branches()).toEqual(["main"]);
  expect(await s.record(1)).toMatchObject({ state: "closed" });
  expect(await s.file("main", "sum.js")).toBe(mended.trim());
}

function expectOpen(s: Stage): void {
  expect(s.pulls()[0]?.pull?.merged).toBe(false);
  expectHandedOver(s);
}

const merges = (s: Stage) => s.forge.requests.filter(isMerge).length;

describe("a person approves", () => {
  it("exactly this head: merged, issue closed, branch deleted, labels off, record closed", async () => {
    const { s, inputs } = await ready();
    const sha = await head(s);
    await judge(s, "alice", "APPROVED");
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "land", outcome: "done", item: 1, pullRequest: 2, head: sha });
    await expectMerged(s);
    expect(await s.git("log", "-1", "--format=%P", "main")).toContain(String(sha));
    expect(s.see(1).comments.at(0)).toContain("@alice");
    expect(await untilIdle(s, inputs)).toEqual([]);
  });

  it.each([
    ["squash", 1],
    ["rebase", 1],
    ["merge", 2],
  ] as [MergeStyle, number][])("where only `%s` is allowed, by that", async (style, parents) => {
    const { s, inputs } = await ready();
    s.forge.repo(s.repo).mergeStyles = new Set([style]);
    s.forge.repo(s.repo).defaultMergeStyle = style;
    await push(s, { "README.md": "# the base moved\n" });
    await judge(s, "alice", "APPROVED");
    await runs(s, 1, inputs);
    await expectMerged(s);
    expect((await s.git("log", "-1", "--format=%P", "main")).split(" ")).toHaveLength(parents);
  });

  it("without the policy a person merges", async () => {
    const { s, inputs } = await handedOver();
    await judge(s, "alice", "APPROVED");
    await untilIdle(s, inputs);
    expectOpen(s);
  });

  it("`Refs` leaves the issue open", async () => {
    const { s, inputs } = await ready();
    const [pull] = s.pulls();
    const body = pull?.body.replace("Closes #1", "Refs #1");
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { body });
    await judge(s, "alice", "APPROVED");
    await runs(s, 1, inputs);
    expect(s.pulls()[0]?.pull?.merged).toBe(true);
    expect(s.see(1)).toMatchObject({ state: "open", labels: [] });
    expect(await s.branches()).toEqual(["main"]);
    expect(await untilIdle(s, inputs)).toEqual([]);
  });
});

describe("not merged", () => {
  const others: Record<string, (s: Stage) => Promise<unknown>> = {
    "on the program's own verdict alone": async () => undefined,
    "on a comment": async (s) => {
      await s.forge.as("alice").post(`/repos/${s.repo}/issues/2/comments`, { body: "LGTM, approved, merge it" });
    },
    "on a review that only comments": (s) => judge(s, "alice", "COMMENT", "Approved."),
    "on a stranger's approval": (s) => judge(s, "mallory", "APPROVED"),
    "on the second account's approval": async (s) => {
      s.forge.addUser({ login: "judge" });
      s.forge.addCollaborator(s.repo, "judge", "write");
      await judge(s, "judge", "APPROVED");
      return { "reviewer-token": s.forge.addToken("judge", ["write:repository", "read:user"]) };
    },
    "on an approval that was dismissed": async (s) => {
      await judge(s, "alice", "APPROVED");
      const review = s.pulls()[0]?.pull?.reviews.at(-1);
      const path = `/repos/${s.repo}/pulls/2/reviews/${review?.id}/dismissals`;
      expect((await s.forge.as("owner").post(path, { message: "no" })).status).toBe(200);
    },
    "on an approval of an older head": async (s) => {
      await judge(s, "alice", "APPROVED");
      await push(s, { "sum.js": `// later\n${mended}` }, { branch: "agent/issue-1" });
    },
    "while a check is pending": async (s) => {
      await setStatus(s, await head(s), "ci/test", "pending");
      await judge(s, "alice", "APPROVED");
    },
    "while a required check is missing": async (s) => {
      await protect(s, { enable_status_check: true, status_check_contexts: ["ci/test"] });
      await judge(s, "alice", "APPROVED");
    },
    "while more approvals are required": async (s) => {
      await protect(s, { required_approvals: 2 });
      await judge(s, "alice", "APPROVED");
    },
    "as a draft": async (s) => {
      await judge(s, "alice", "APPROVED");
      await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { title: "WIP: Add instead of subtracting" });
    },
    "while `hold` is on": async (s) => {
      await s.forge.addLabelAs("alice", s.repo, 1, "hold");
      await judge(s, "alice", "APPROVED");
    },
  };

  it.each(Object.keys(others))("%s", async (name) => {
    const { s, inputs } = await ready();
    const more = (await others[name]?.(s)) ?? {};
    await runs(s, 2, { ...inputs, ...more });
    expect(merges(s)).toBe(0);
    expect(s.pulls()[0]?.pull?.merged).toBe(false);
    expect(s.see(1).state).toBe("open");
  });

  it("while somebody objects: the objector's words go to the author", async () => {
    const { s, inputs } = await ready();
    s.forge.addUser({ login: "carol" });
    s.forge.addCollaborator(s.repo, "carol", "write");
    await judge(s, "alice", "APPROVED");
    await judge(s, "carol", "REQUEST_CHANGES", "Say what the sum of nothing is.");
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
    await untilIdle(s, inputs);
    expect(merges(s)).toBe(0);
  });

  it("while somebody objects, even a stranger: a person looks at it", async () => {
    const { s, inputs } = await ready();
    await judge(s, "mallory", "REQUEST_CHANGES", "I do not like it.");
    await judge(s, "alice", "APPROVED");
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome?.passed[0]?.reason).toBe("pull request #2 is not merged yet: @mallory asked for changes");
    expectOpen(s);
  });
});

describe("the forge puts it off", () => {
  const headers = { "content-type": "application/json" };
  const later = { status: 405, headers, body: JSON.stringify({ message: "Please try again later" }) };

  it("once: tried again after a while, then merged", async () => {
    const { s, inputs } = await ready();
    await judge(s, "alice", "APPROVED");
    s.forge.faults.add({ when: isMerge, times: 1, do: later });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ kind: "land", outcome: "failed" });
    expectOpen(s);
    const before = await s.photo();
    await runs(s, 1, inputs);
    expect(await s.photo()).toBe(before);
    s.pass(301);
    await runs(s, 1, inputs);
    await expectMerged(s);
  });

  it("for ever: five times, then a person's", async () => {
    const { s, inputs } = await ready();
    await judge(s, "alice", "APPROVED");
    s.forge.faults.add({ when: isMerge, times: Number.POSITIVE_INFINITY, do: later });
    for (let run = 0; run < 7; run++) {
      await runs(s, 1, inputs);
      s.pass(301);
    }
    expect(merges(s)).toBe(5);
    expect(s.see(1)).toMatchObject({ state: "open", labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ state: "open", labels: ["agent/blocked"] });
    const told = s.see(2).comments.filter((text) => text.includes("agent-dispatch:blocked"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("put off 5 times");
    expect(told[0]).toContain("Please try again later");
  });

  it.each(["apply-then-502", "apply-then-reset", "cut"] as const)(
    "its answer is lost (%s): merged once",
    async (deed) => {
      const { s, inputs } = await ready();
      await judge(s, "alice", "APPROVED");
      s.forge.faults.add({ when: isMerge, times: 1, do: deed });
      await runs(s, 1, inputs);
      await runs(s, 1, inputs);
      await expectMerged(s);
      expect(merges(s)).toBe(1);
    },
  );

  it("with a server error, which can mean an open dependency: the same, five times at most", async () => {
    const { s, inputs } = await ready();
    await judge(s, "alice", "APPROVED");
    s.forge.faults.add({ when: isMerge, times: Number.POSITIVE_INFINITY, do: "500" });
    for (let run = 0; run < 7; run++) {
      await runs(s, 1, inputs);
      s.pass(301);
    }
    expect(merges(s)).toBe(5);
    expect(s.see(2)).toMatchObject({ state: "open", labels: ["agent/blocked"] });
  });

  it("and is away then: the next run merges", async () => {
    const { s, inputs } = await ready();
    await judge(s, "alice", "APPROVED");
    const isRead = (r: { method: string; path: string }) => r.method === "GET" && /\/pulls\/2$/.test(r.path);
    for (const when of [isMerge, isRead]) s.forge.faults.add({ when, times: Number.POSITIVE_INFINITY, do: "500" });
    expect((await s.start({ inputs })).exitCode).toBe(1);
    expectOpen(s);
    s.forge.faults.clear();
    s.pass(60);
    await runs(s, 1, inputs);
    await expectMerged(s);
  });
});
