// `/agent why` and `mode: explain`: every row of the table with its fact, whatever the item is like.

import { describe, expect, test } from "vitest";
import { candidate } from "../../src/core/candidate.ts";
import { judge, table } from "../../src/core/decide.ts";
import { explainedText, gates, verdictOf } from "../../src/core/explain.ts";
import type { Item } from "../../src/core/model.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPulledItem,
  aSnapshot,
  aStatus,
  aVerdict,
  bot,
  labelled,
  now,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { cooling, dead, live } from "../support/decisions.ts";

const of = (item: Item) => candidate(item, aSnapshot({ items: [item] }), aPolicy());

const items: [string, Item][] = [
  ["a fresh issue", anItem()],
  ["facts not read", anItem({ details: null })],
  ["held back", anItem({ issue: { labels: ["bot", "hold"] } })],
  ["claimed", anItem({ record: live })],
  ["cooling down", anItem({ record: { ...cooling, waitsForBase: sha("a") } })],
  ["unfinished effects", anItem({ record: { ...dead, state: "published", unfinished: 2 } })],
  ["an unreadable record", anItem({ record: { kind: "unreadable", sha: sha("d"), why: "version 2" } })],
  ["a pull request", aPulledItem({ facts: { statuses: [aStatus("ci", "pending")] } })],
  ["a pull request, facts not read", aPulledItem({ details: null })],
  ["changes wanted", aPulledItem({ record: { verdict: aVerdict({ verdict: "changes-requested" }), round: 2 } })],
  ["approved", aPulledItem({ record: { verdict: aVerdict() } })],
  [
    "orders of all kinds",
    anItem({
      record: { askedBy: "", handled: ["comment:301"] },
      issue: { assignees: ["bob", bot] },
      details: {
        timeline: [labelled(writer, now)],
        comments: [
          aComment("/agent run", { id: 301 }),
          aComment("/agent stop", { id: 302, author: stranger }),
          aComment("/agent why", { id: 303 }),
          aComment("/agent `|`", { id: 304 }),
        ],
        openDependencies: [{ repository: "acme/lib", number: 3 }],
      },
    }),
  ],
];

describe.for(items)("%s", ([, item]) => {
  const c = of(item);

  test("every row has a fact, and the first that does not pass is the one that decides", () => {
    const found = gates(c, table);
    expect(found.map((gate) => gate.row)).toEqual(table.map((row) => row.row));
    for (const gate of found) expect(gate.fact, gate.about).not.toBe("");
    const first = found.findIndex((gate) => gate.result !== "passes");
    const { row, answer } = judge(c);
    expect(found[first]?.row).toBe(row);
    expect(found[first]?.result).toBe({ skip: "stops", work: "work", look: "unknown" }[answer.kind]);
  });

  test("one sentence, and the same as text", () => {
    const sentence = verdictOf(c, table);
    expect(sentence).toMatch(/\.$/);
    expect(explainedText(c, table).split("\n")).toHaveLength(table.length + 1);
  });
});

test("what each order is worth", () => {
  const item = items.at(-1)?.[1];
  if (item === undefined) throw new Error("no item");
  const fact = gates(of(item), table).find((gate) => gate.about === "orders and their givers")?.fact;
  expect(fact).toContain("comment:301 run by alice (obeyed)");
  expect(fact).toContain("comment:302 stop by mallory (refused: @mallory may not write code here)");
  expect(fact).toContain("comment:303 why by alice (new)");
  expect(fact).toContain("label:100 run by alice (new)");
});

test("what was not read is called so", () => {
  const facts = gates(of(aPulledItem({ details: null })), table);
  expect(facts.find((gate) => gate.about === "approved")).toMatchObject({ result: "unknown", fact: "not read" });
  expect(verdictOf(of(aPulledItem({ details: null })), table)).toBe("More facts have to be read.");
});
