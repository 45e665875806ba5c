import { describe, expect, test } from "vitest";
import { hasRoom, keptWork } from "../../src/core/kept.ts";
import { iso, now, recorded, sha } from "../support/builders.ts";

const kept = { head: sha("e"), at: iso(now), attempt: 2, why: "timeout" };

describe("what an author may go on from", () => {
  test.for([
    ["what the record says", recorded({ kept }), sha("e"), kept],
    ["nothing, where the ref is gone", recorded({ kept }), null, null],
    ["nothing, without a record", { kind: "none" } as const, sha("e"), null],
    [
      "nothing, where the record cannot be read",
      { kind: "unreadable", sha: sha("c"), why: "v 2" } as const,
      sha("e"),
      null,
    ],
    ["nothing of a generation that is over", recorded({ kept, state: "closed" }), sha("e"), null],
    ["nothing that is published", recorded({ head: sha("e"), state: "done" }), sha("e"), null],
    [
      "what a run uploaded that was gone then",
      recorded({ state: "held", attempt: 3, at: iso(now) }),
      sha("e"),
      { head: sha("e"), at: iso(now), attempt: 3, why: "its run ended without a word" },
    ],
    [
      "the same, in the place of what was kept before",
      recorded({ state: "held", attempt: 3, at: iso(now), kept: { ...kept, head: sha("d") } }),
      sha("e"),
      { head: sha("e"), at: iso(now), attempt: 3, why: "its run ended without a word" },
    ],
  ] as const)("%s", ([, record, wip, expected]) => {
    expect(keptWork({ record, wip })).toEqual(expected);
  });

  test("a clone has room for it, but for a branch of that name or below it", () => {
    expect(hasRoom(["main", "agent/issue-1", "earlier-attempts", "my/earlier-attempt"])).toBe(true);
    expect(hasRoom(["main", "earlier-attempt"])).toBe(false);
    expect(hasRoom(["earlier-attempt/mine"])).toBe(false);
  });
});
