import { describe, expect, test } from "vitest";
import type { Effect } from "../../src/core/effects.ts";
import type { Item } from "../../src/core/model.ts";
import { lateRepairs } from "../../src/core/repairs.ts";
import { statusLine } from "../../src/core/report.ts";
import type { TimelineEntry } from "../../src/forge/model.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aSnapshot,
  assigned,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  pullFacts,
} from "../support/builders.ts";

const closedAt = now - hour;
const later = now - minute;

interface Handed {
  /** Stage labels of the pull request. */
  stages?: string[];
  labels?: string[];
  assignees?: string[];
  /** What happened on the issue, and on the pull request. */
  issue?: TimelineEntry[];
  pull?: TimelineEntry[];
  comments?: ReturnType<typeof aComment>[];
  record?: Partial<LedgerRecord>;
}

/** Handed over to alice an hour ago. */
function handedOver(change: Handed = {}): Item {
  const record: Partial<LedgerRecord> = {
    state: "done",
    stage: "merge-ready",
    at: iso(closedAt),
    pull: 20,
    askedBy: "alice",
    ...change.record,
  };
  return anItem({
    issue: { labels: change.labels ?? [], assignees: change.assignees ?? ["alice"] },
    record,
    pull: aPull({ labels: change.stages ?? ["agent/merge-ready"], assignees: ["alice"] }),
    details: {
      ...{ timeline: change.issue ?? [], comments: change.comments ?? [] },
      pull: pullFacts({ timeline: change.pull ?? [] }),
    },
  });
}

function undone(item: Item, chosen: string | null = null): Effect[] {
  return lateRepairs(aSnapshot({ items: [item] }), aPolicy(), chosen).flatMap(({ effects }) => effects);
}

describe("what a run wrote after another one had handed the item over", () => {
  test("its stage label gives way to that of the record", () => {
    const pull = [labelled(bot, later, { label: "agent/needs-review" })];
    expect(undone(handedOver({ stages: ["agent/needs-review"], pull }))).toMatchObject([
      { do: "labels", on: "pull", add: ["agent/merge-ready"], remove: ["agent/needs-review"] },
    ]);
  });

  test("the trigger label goes", () => {
    const issue = [labelled(bot, later)];
    expect(undone(handedOver({ labels: ["bot"], issue }))).toMatchObject([
      { do: "labels", on: "issue", add: [], remove: ["bot"] },
    ]);
  });

  test("the bot is taken off, and whom its list of assignees took off comes back", () => {
    const issue = [assigned("alice", bot, later, { added: false }), assigned(bot, bot, later)];
    expect(undone(handedOver({ assignees: [bot], issue }))).toMatchObject([
      { do: "assign", on: "issue", add: ["alice"], remove: [bot] },
    ]);
  });

  test("the status comment says again who has it", () => {
    const old = statusLine("**Reviewing #20**", { number: null, url: null });
    const comments = [aComment(old, { author: bot, updatedAt: later })];
    expect(undone(handedOver({ comments }))).toMatchObject([
      { do: "comment", mode: "edit", body: expect.stringContaining("**#20 is handed over** to alice") },
    ]);
  });

  test("a question waits for its answer", () => {
    const record = { state: "blocked", stage: "needs-info" } as const;
    const comments = [aComment(statusLine("x", { number: null, url: null }), { author: bot, updatedAt: later })];
    expect(undone(handedOver({ stages: ["agent/needs-info"], record, comments }))).toMatchObject([
      { do: "comment", body: expect.stringContaining("**Waiting for an answer** to the question on #20") },
    ]);
  });

  test.for<[string, Handed]>([
    [
      "a person's stage label",
      { stages: ["agent/needs-review"], pull: [labelled("alice", later, { label: "agent/needs-review" })] },
    ],
    [
      "a person's stage label after ours",
      {
        stages: ["agent/needs-rework"],
        pull: [
          labelled(bot, later, { label: "agent/needs-review" }),
          labelled("alice", later + 1000, { label: "agent/needs-rework" }),
        ],
      },
    ],
    ["a person's trigger label", { labels: ["bot"], issue: [labelled("alice", later)] }],
    ["the bot, assigned by a person", { assignees: ["alice", bot], issue: [assigned(bot, "alice", later)] }],
    ["alice, taken off by herself", { assignees: [], issue: [assigned("alice", "alice", later, { added: false })] }],
    [
      "what the hand-over itself did",
      { issue: [assigned("alice", bot, closedAt), labelled(bot, closedAt, { added: false })] },
    ],
    [
      "where the next run goes on",
      {
        stages: ["agent/needs-rework"],
        record: { stage: "needs-review" },
        pull: [labelled(bot, later, { label: "agent/needs-rework" })],
      },
    ],
  ])("stays: %s", ([, change]) => {
    expect(undone(handedOver(change))).toEqual([]);
  });

  test("stays on the item that the run is about to work on", () => {
    const item = handedOver({ labels: ["bot"], issue: [labelled(bot, later)] });
    expect(undone(item, item.key)).toEqual([]);
    expect(undone(item, "issue-99")).toHaveLength(1);
  });
});
