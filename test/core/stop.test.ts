// Whether somebody ordered to stop while a run is at work.

import { describe, expect, test } from "vitest";
import { stopOrders } from "../../src/core/stop.ts";
import type { Comment, TimelineEntry } from "../../src/forge/model.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPulledItem,
  aSnapshot,
  bot,
  hour,
  labelled,
  minute,
  now,
  stranger,
  writer,
} from "../support/builders.ts";

interface Found {
  comments?: Comment[];
  timeline?: TimelineEntry[];
}

function stops(issue: Found, pull: Found | null = null, change: { handled?: string[]; trusted?: string[] } = {}) {
  const read = (number: number, { comments = [], timeline = [] }: Found) => ({ number, comments, timeline });
  const { handled = [], trusted = [writer] } = change;
  return stopOrders([read(12, issue), ...(pull === null ? [] : [read(20, pull)])], {
    ...{ snapshot: aSnapshot(), policy: aPolicy({ trusted }), handled },
    item: pull === null ? anItem() : aPulledItem(),
  }).map(({ order, trust }) => `${order.id} by ${order.by}: ${trust}`);
}

const stop = (change: Parameters<typeof aComment>[1] = {}) => aComment("/agent stop", change);
const stage = (label: string, by = writer) => labelled(by, now - minute, { id: 110, label: `agent/${label}` });

describe("an order to stop", () => {
  test("by a comment, on the issue or on the pull request", () => {
    expect(stops({ comments: [stop()] })).toEqual(["comment:300 by alice: yes"]);
    expect(stops({}, { comments: [stop()] })).toEqual(["comment:300 by alice: yes"]);
  });

  test("by a stage label", () => {
    expect(stops({}, { timeline: [stage("blocked")] })).toEqual(["stage:110 by alice: yes"]);
    expect(stops({ timeline: [stage("needs-info")] })).toEqual(["stage:110 by alice: yes"]);
  });

  test("newest first", () => {
    const comments = [stop({ createdAt: now - hour }), stop({ id: 301, createdAt: now - minute })];
    expect(stops({ comments })).toEqual(["comment:301 by alice: yes", "comment:300 by alice: yes"]);
  });

  test("by somebody whose right has to be asked", () => {
    const watched = { snapshot: aSnapshot(), policy: aPolicy(), handled: [], item: anItem() };
    const found = stopOrders([{ number: 12, comments: [stop()], timeline: [] }], watched);
    expect(found.map(({ trust }) => trust)).toEqual(["ask"]);
  });
});

describe("none", () => {
  test.for([
    ["nothing was read", { comments: [], timeline: [] }],
    ["another command", { comments: [aComment("/agent run")] }],
    ["by a stranger", { comments: [stop({ author: stranger })] }],
    ["by the program", { comments: [stop({ author: bot })] }],
    ["edited", { comments: [stop({ createdAt: now - hour, updatedAt: now })] }],
    ["quoted", { comments: [aComment("> /agent stop")] }],
    ["the label of a stage that does not mean it", { timeline: [stage("needs-rework")] }],
    ["the program's own stage label", { timeline: [stage("blocked", bot)] }],
    [
      "the stage label is off again",
      { timeline: [stage("blocked"), labelled(writer, now, { id: 111, label: "agent/blocked", added: false })] },
    ],
  ] as [string, Found][])("%s", ([, found]) => {
    expect(stops(found)).toEqual([]);
  });

  test("obeyed, or what the work was started by", () => {
    expect(stops({ comments: [stop()] }, null, { handled: ["comment:300"] })).toEqual([]);
  });

  test("nothing could be read", () => {
    expect(stopOrders([], { snapshot: aSnapshot(), policy: aPolicy(), handled: [], item: anItem() })).toEqual([]);
  });
});
