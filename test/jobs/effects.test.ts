// Effects through the real adapter: repeated, with their answers lost, and beside what people do meanwhile.

import { describe, expect, it } from "vitest";
import type { Effect } from "../../src/core/effects.ts";
import { formatMarker } from "../../src/core/marker.ts";
import { commentsOf, labelsOf, lost, repo, request, type Scene, scene } from "./effects-scene.ts";

const entries = (s: Scene, number: number, type: string) => s.at(number).entries.filter((e) => e.type === type);

describe("closing the issue", () => {
  const close: Effect = { id: "close", do: "close-issue" };
  const patched = request("PATCH", /\/issues\/1$/);

  it("happens once", async () => {
    const s = await scene();
    for (let times = 0; times < 3; times++) await s.apply([close]);
    expect(s.at(1).state).toBe("closed");
    expect(entries(s, 1, "close")).toHaveLength(1);
    expect(s.forge.requests.filter((r) => r.method === "PATCH")).toHaveLength(1);
  });

  it.each(lost)("happens once when its answer is lost: %s", async (deed) => {
    const s = await scene();
    s.forge.faults.add({ when: patched, times: 1, do: deed });
    await s.apply([close]);
    expect(s.forge.faults.met).toBe(1);
    expect(entries(s, 1, "close")).toHaveLength(1);
  });

  it.each([403, 412])("is left where the forge answers %i", async (status) => {
    const s = await scene();
    s.forge.faults.add({ when: patched, times: 1, do: { status, body: '{"message":"no"}' } });
    await s.apply([close]);
    expect(s.at(1).state).toBe("open");
    expect(s.log[0]).toContain("left as it is");
  });

  it("closes no pull request", async () => {
    const s = await scene();
    await s.apply([close], {}, { issue: 2, pull: 2 });
    expect(s.at(2).state).toBe("open");
  });
});

describe("labels", () => {
  const trigger = (since?: string): Effect => ({
    ...{ id: "trigger", do: "labels", on: "issue", add: [], remove: ["bot"] },
    ...(since === undefined ? {} : { since }),
  });
  const timelines = (s: Scene) => s.forge.requests.filter((r) => r.path.includes("/timeline"));
  const stage: Effect = { id: "stage", do: "labels", on: "issue", add: ["agent/blocked"], remove: [] };

  async function withLabel(s: Scene, name: string): Promise<void> {
    await s.forge.as("owner").post(`/repos/${repo}/labels`, { name, color: "#aaaaaa" });
  }
  const now = (s: Scene) => new Date(Date.now() + s.forge.clockOffsetMs).toISOString();

  it("that a person put on after the decision stays", async () => {
    const s = await scene();
    await withLabel(s, "bot");
    await s.forge.addLabelAs("alice", repo, 1, "bot");
    const since = now(s);
    s.forge.clockOffsetMs += 2_000;
    await s.forge.removeLabelAs("alice", repo, 1, "bot");
    await s.forge.addLabelAs("alice", repo, 1, "bot");
    await s.apply([trigger(since)]);
    expect(labelsOf(s.at(1))).toEqual(["bot"]);
  });

  it("that was there at the decision goes, also where the program put it on later", async () => {
    const s = await scene();
    await withLabel(s, "bot");
    await s.forge.addLabelAs("alice", repo, 1, "bot");
    s.forge.clockOffsetMs += 2_000;
    const since = now(s);
    await s.apply([trigger(since)]);
    expect(labelsOf(s.at(1))).toEqual([]);
    s.forge.clockOffsetMs += 2_000;
    await s.forge.addLabelAs("bot", repo, 1, "bot");
    await s.apply([trigger(since)]);
    expect(labelsOf(s.at(1))).toEqual([]);
  });

  it("cost no look at the timeline without a time, or where they are not there", async () => {
    const s = await scene();
    await withLabel(s, "bot");
    await s.apply([trigger(now(s))]);
    await s.forge.addLabelAs("alice", repo, 1, "bot");
    await s.apply([trigger()]);
    expect(labelsOf(s.at(1))).toEqual([]);
    expect(timelines(s)).toEqual([]);
  });

  it("of a stage take each other's place where they are not exclusive", async () => {
    const s = await scene();
    for (const name of ["agent/blocked", "agent/needs-review", "agent/needs-info", "agent/other"]) {
      await withLabel(s, name);
      if (name !== "agent/blocked") await s.forge.addLabelAs("alice", repo, 1, name);
    }
    for (let times = 0; times < 3; times++) await s.apply([stage]);
    expect(labelsOf(s.at(1))).toEqual(["agent/blocked", "agent/other"]);
    expect(entries(s, 1, "label")).toHaveLength(6);
  });

  it("of a stage that a person put on stay where a record is put right, whenever that was", async () => {
    const s = await scene();
    await withLabel(s, "agent/needs-review");
    await withLabel(s, "agent/blocked");
    await s.forge.addLabelAs("alice", repo, 1, "agent/needs-review");
    const right: Effect = {
      ...({ id: "stage", do: "labels", on: "issue", add: ["agent/blocked"] } as const),
      ...{ remove: ["agent/needs-review"], since: new Date(0).toISOString() },
    };
    await s.apply([right]);
    expect(labelsOf(s.at(1))).toEqual(["agent/needs-review"]);
  });

  it.each([
    ["not found there: it came after the decision", [], ["agent/needs-info"]],
    ["found there", ["agent/needs-info"], ["agent/blocked"]],
    ["nobody wrote down what was found", undefined, ["agent/blocked"]],
  ])("of a stage that a person put on in the second of the decision: %s", async (_, seen, left) => {
    const s = await scene();
    s.forge.freezeClock();
    await withLabel(s, "agent/needs-info");
    await s.forge.addLabelAs("alice", repo, 1, "agent/needs-info");
    const [entry] = entries(s, 1, "label");
    const since = new Date(Math.floor((entry?.createdAt ?? Number.NaN) / 1000) * 1000 + 999).toISOString();
    await s.apply([{ ...stage, remove: ["agent/needs-info"], since, ...(seen === undefined ? {} : { seen }) }]);
    expect(labelsOf(s.at(1))).toEqual(left);
  });

  it("of a stage end as one when every answer is lost", async () => {
    const s = await scene();
    await withLabel(s, "agent/needs-info");
    await s.forge.addLabelAs("alice", repo, 1, "agent/needs-info");
    for (const method of ["POST", "DELETE"])
      s.forge.faults.add({ when: request(method, /\/labels(\/\d+)?$/), times: 1, do: "apply-then-502" });
    s.forge.faults.add({ when: request("POST", /\/issues\/1\/labels$/), times: 1, do: "cut" });
    await s.apply([stage]);
    expect(s.forge.faults.met).toBe(3);
    expect(labelsOf(s.at(1))).toEqual(["agent/blocked"]);
    expect(s.forge.repo(repo).labels.map((label) => label.name)).toEqual(["agent/needs-info", "agent/blocked"]);
  });
});

describe("assignees that an outage put off", () => {
  const off = (since: string): Effect[] => [
    { id: "unassign", do: "assign", on: "issue", add: [], remove: ["bot"], since },
  ];

  it.each([
    ["alice", ["bot"]],
    ["bot", []],
  ])("the bot, assigned by %s since", async (by, left) => {
    const { forge, apply, at } = await scene();
    await forge.as(by).patch(`/repos/${repo}/issues/1`, { assignees: ["bot"] });
    await apply(off(new Date(Date.now() - 60_000).toISOString()));
    expect(at(1).assignees.map(({ login }) => login)).toEqual(left);
  });

  it("the bot, assigned by a person before it was meant: taken off", async () => {
    const { forge, apply, at } = await scene();
    await forge.as("alice").patch(`/repos/${repo}/issues/1`, { assignees: ["bot"] });
    forge.clockOffsetMs += 60_000;
    await apply(off(new Date(Date.now() + 30_000).toISOString()));
    expect(at(1).assignees).toEqual([]);
  });
});

describe("comments", () => {
  const marker = formatMarker("digest", { key: "k1" });
  const comment = (mode: "edit" | "new", key = "k1"): Effect => ({
    ...{
      id: "comment",
      do: "comment",
      on: "issue",
      purpose: "digest",
      key,
      mode,
      body: `${marker}\nnew for #{{pull}}`,
    },
  });
  const byHand = (s: Scene, login: string, body = `${marker}\nold`) =>
    s.forge.as(login).post(`/repos/${repo}/issues/1/comments`, { body });
  const deleted = (s: Scene) => s.forge.requests.filter((r) => r.method === "DELETE");

  it("that are doubled become the oldest, up to date; those of others and of other keys stay", async () => {
    const s = await scene();
    const other = `${formatMarker("digest", { key: "k2" })}\nother`;
    for (const login of ["bot", "alice", "bot", "bot"]) await byHand(s, login);
    await byHand(s, "bot", other);
    const first = entries(s, 1, "comment")[0]?.id;
    for (let times = 0; times < 3; times++) await s.apply([comment("edit")]);
    expect(commentsOf(s.at(1))).toEqual([`bot: ${marker}\nnew for #2`, `alice: ${marker}\nold`, `bot: ${other}`]);
    expect(entries(s, 1, "comment")[0]?.id).toBe(first);
    expect(deleted(s)).toHaveLength(2);
  });

  it("that are written once are not edited, and their doubles go", async () => {
    const s = await scene();
    for (const login of ["bot", "bot"]) await byHand(s, login);
    await s.apply([comment("new")]);
    expect(commentsOf(s.at(1))).toEqual([`bot: ${marker}\nold`]);
  });

  it("without a key that are written anew are no doubles", async () => {
    const s = await scene();
    for (const login of ["bot", "bot"]) await byHand(s, login);
    await s.apply([comment("new", "")]);
    expect(commentsOf(s.at(1))).toHaveLength(2);
  });

  it.each(lost)("go once when the answers are lost: %s", async (deed) => {
    const s = await scene();
    for (const login of ["bot", "bot", "bot"]) await byHand(s, login);
    s.forge.faults.add({ when: request("PATCH", /\/comments\/\d+$/), times: 1, do: deed });
    s.forge.faults.add({ when: request("DELETE", /\/comments\/\d+$/), times: 1, do: deed });
    await s.apply([comment("edit")]);
    expect(commentsOf(s.at(1))).toEqual([`bot: ${marker}\nnew for #2`]);
  });

  it("that stand alone cost one request", async () => {
    const s = await scene();
    await s.apply([comment("edit")]);
    const before = s.forge.requests.length;
    await s.apply([comment("edit")]);
    expect(s.forge.requests).toHaveLength(before + 1);
  });
});

describe("a commit status", () => {
  const status = (s: Scene): Effect => ({
    ...{ id: "status", do: "status", sha: s.head, context: "agent-dispatch/review", state: "success" },
    ...{ description: "good", target: "" },
  });
  const creators = (s: Scene) => s.forge.repo(repo).statuses.map((at) => at.creator?.login);

  it("of the same words by somebody else is not the program's", async () => {
    const s = await scene();
    const { context, state, description } = { context: "agent-dispatch/review", state: "success", description: "good" };
    await s.forge.as("alice").post(`/repos/${repo}/statuses/${s.head}`, { context, state, description });
    for (let times = 0; times < 3; times++) {
      s.forge.clockOffsetMs += 2_000;
      await s.apply([status(s)]);
    }
    expect(creators(s)).toEqual(["alice", "bot"]);
  });

  it.each(lost)("is set once more at most when its answer is lost: %s", async (deed) => {
    const s = await scene();
    s.forge.faults.add({ when: request("POST", /\/statuses\//), times: 1, do: deed });
    for (let times = 0; times < 3; times++) await s.apply([status(s)]);
    expect(new Set(creators(s))).toEqual(new Set(["bot"]));
    expect(creators(s).length).toBeLessThanOrEqual(2);
  });
});

describe("a merged branch", () => {
  const gone = (sha: string): Effect => ({ id: "branch", do: "delete-branch", branch: "work", sha });
  const merged = async () => {
    const s = await scene();
    const body = { Do: "merge", head_commit_id: s.head };
    expect((await s.forge.as("alice").post(`/repos/${repo}/pulls/2/merge`, body)).status).toBe(200);
    return s;
  };
  const later = (s: Scene) => s.forge.commitFiles(repo, { "b.txt": "more\n" }, { branch: "work", author: "alice" });
  const tip = (s: Scene) => s.forge.world.git(s.forge.repo(repo)).branch("work");

  it("goes, and nothing is left to do the second time", async () => {
    const s = await merged();
    for (let times = 0; times < 2; times++) await s.apply([gone(s.head)]);
    expect(tip(s)).toBeUndefined();
  });

  it("stays when somebody pushed to it after the merge, although the forge shows that as the pull request's head", async () => {
    const s = await merged();
    const sha = await later(s);
    expect((await s.as("bot").pull(2))?.headSha).toBe(sha);
    await s.apply([gone(sha)]);
    expect(tip(s)).toBe(sha);
  });

  it("stays when somebody pushes to it between the look and the deletion", async () => {
    const s = await merged();
    let sha = "";
    const fence = async () => {
      sha = await later(s);
    };
    await s.apply([gone(s.head)], { fence });
    expect(tip(s)).toBe(sha);
    expect(s.log).toEqual(["left as it is: `work` moved meanwhile"]);
  });

  it("that the forge does not let go stays, with its words", async () => {
    const s = await merged();
    const rule = { rule_name: "work" };
    expect((await s.forge.as("owner").post(`/repos/${repo}/branch_protections`, rule)).status).toBe(201);
    await s.apply([gone(s.head)]);
    expect(tip(s)).toBe(s.head);
    expect(s.log).toEqual([expect.stringContaining("left as it is: `work`: ")]);
  });
});
