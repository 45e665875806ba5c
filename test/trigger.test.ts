import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Executor, triggerOf } from "../src/trigger.ts";

function executor(event: string, payload: unknown = {}, change: Partial<Executor> = {}): Executor {
  return { event, payload, actor: null, runId: "981-1", claimed: null, ...change };
}

const sender = { login: "alice" };

describe("what started the run", () => {
  test.for([
    ["schedule", {}, { event: "schedule", item: null, actor: null }],
    ["schedule", { sender, issue: { number: 12 } }, { event: "schedule", item: null, actor: "alice" }],
    [
      "issues",
      { action: "label_updated", sender, issue: { number: 12 } },
      { event: "label", item: 12, actor: "alice" },
    ],
    [
      "pull_request",
      { sender, pull_request: { number: 20 }, number: 20 },
      { event: "label", item: 20, actor: "alice" },
    ],
    ["pull_request_target", { sender, pull_request: { number: 20 } }, { event: "label", item: 20 }],
    ["issue_comment", { sender, issue: { number: 12 }, comment: { id: 1 } }, { event: "comment", item: 12 }],
    ["pull_request_comment", { sender, issue: { number: 20 } }, { event: "comment", item: 20 }],
    ["workflow_dispatch", { sender, inputs: { item: "12" } }, { event: "dispatch", item: null, byHand: false }],
    ["push", { sender, issue: { number: 12 } }, { event: "other", item: null }],
    ["", null, { event: "other", item: null, actor: null }],
    ["issues", { issue: { number: "12" } }, { event: "label", item: null }],
    ["issues", "text", { event: "label", item: null }],
  ] as const)("%s %j", ([event, payload, expected]) => {
    expect(triggerOf(executor(event, payload), null, "")).toMatchObject(expected);
  });

  test("by hand with an item: an order, remembered by the run", () => {
    expect(triggerOf(executor("workflow_dispatch", { sender }), 12, "quickly")).toEqual({
      ...{ event: "dispatch", item: 12, message: "quickly", actor: "alice", byHand: true, orderId: "dispatch:981-1" },
    });
  });

  test("an item in the workflow file is no order of the person whose event it is", () => {
    expect(triggerOf(executor("issues", { sender, issue: { number: 3 } }), 12, "")).toMatchObject({
      item: 12,
      byHand: false,
    });
  });

  test("the payload's sender before the executor's word", () => {
    expect(triggerOf(executor("schedule", {}, { actor: "bob" }), null, "").actor).toBe("bob");
    expect(triggerOf(executor("issues", { sender }, { actor: "bob" }), null, "").actor).toBe("alice");
  });

  test("any payload has an answer", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("issues", "issue_comment", "workflow_dispatch", "x"),
        fc.anything(),
        (event, payload) => {
          expect(triggerOf(executor(event, payload), null, "").byHand).toBe(false);
        },
      ),
    );
  });
});
