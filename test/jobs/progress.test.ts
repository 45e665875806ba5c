import { expect, it } from "vitest";
import { formatMarker } from "../../src/core/marker.ts";
import { workingComment } from "../../src/core/report.ts";
import { progressOn } from "../../src/jobs/progress.ts";
import { repo, request, type Scene, scene } from "./effects-scene.ts";

const at = { number: 7, url: null };
const body = workingComment({
  ...{ attempt: 1, attemptsMax: 3, profile: "claude", run: at, branch: "agent/issue-1", askedBy: "alice" },
  ...{ startedAt: "2026-03-01T12:00:00Z", sandboxed: true },
});

const comments = (s: Scene) =>
  s
    .at(1)
    .entries.filter(({ type }) => type === "comment")
    .map((entry) => entry.body);
const say = (s: Scene, login: string, text: string) =>
  s.forge.as(login).post(`/repos/${repo}/issues/1/comments`, { body: text });

const on = (s: Scene, fence: () => Promise<void> = async () => {}) =>
  progressOn(s.ports({ fence }), 1, (text) => text.replaceAll("secret", "***"));

it("stands in the program's own status comment, in the place of what was told before", async () => {
  const s = await scene();
  await say(s, "alice", `${formatMarker("status", {})}\nnot the program's`);
  await say(s, "bot", body);
  const progress = on(s);
  progress.show("2 min, `Bash` at work");
  await progress.end();
  progress.show("3 min, secret");
  await progress.end();
  const [first, second] = comments(s);
  expect(first).toContain("not the program's");
  expect(second).toContain("\n\nAt work for 3 min, ***.\n\n<sub>");
  expect(second).not.toContain("2 min");
  expect(second?.replace("At work for 3 min, ***.\n\n", "")).toBe(body);
});

it("is left out while the one before is under way, and nothing is under way after the end", async () => {
  const s = await scene();
  await say(s, "bot", body);
  let held = 0;
  const patched = request("PATCH", /\/comments\/\d+$/);
  s.forge.faults.add({ when: patched, times: 1, do: "pass", hold: async () => void held++ });
  const progress = on(s);
  progress.show("1 min");
  progress.show("2 min");
  await progress.end();
  expect(held).toBe(1);
  expect(comments(s)[0]).toContain("At work for 1 min.");
});

it("does nothing where there is no status comment, the claim is gone, or the forge is away", async () => {
  const s = await scene();
  const none = on(s);
  none.show("1 min");
  await none.end();
  expect(comments(s)).toEqual([]);
  await say(s, "bot", body);
  const gone = on(s, () => Promise.reject(new Error("the claim is gone")));
  gone.show("1 min");
  await gone.end();
  s.forge.faults.add({ when: request("PATCH", /comments/), times: 9, do: "502" });
  const away = on(s);
  away.show("1 min");
  await away.end();
  expect(comments(s)).toEqual([body]);
  expect(s.log.filter((line) => line.startsWith("the progress could not be shown"))).toHaveLength(2);
});
