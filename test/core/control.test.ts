// `/agent pause` and `/agent resume` on the dashboard issue.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Control, ControlOrder } from "../../src/core/model.ts";
import { repairs } from "../../src/core/repairs.ts";
import { aPolicy, aSnapshot, minute, now, stranger, writer } from "../support/builders.ts";
import { begins, said } from "../support/decisions.ts";

const access = {
  [writer]: { kind: "yes", evidence: "" },
  [stranger]: { kind: "no", evidence: "" },
  carol: { kind: "unknown", why: "hidden" },
} as const;

function order(verb: "pause" | "resume", change: Partial<ControlOrder> = {}): ControlOrder {
  const comment = change.comment ?? 500;
  return {
    ...{ id: `comment:${comment}`, by: writer, at: now - minute, verb, text: "release", comment, issue: 1 },
    ...change,
  };
}

const with_ = (control: Partial<Control>, more: Parameters<typeof aSnapshot>[0] = {}) =>
  said(
    decide(
      aSnapshot({ control: { orders: [], handled: [], access, unreadable: null, ...control }, ...more }),
      aPolicy(),
    ),
  );

const paused = { pause: { by: "@ann", why: "release", until: null } };

describe("one order", () => {
  test("by somebody trusted comes before all work", () => {
    expect(with_({ orders: [order("pause")] })).toBe("pause for alice: release");
  });

  test("by a stranger, or somebody whose right cannot be proved, changes nothing", () => {
    for (const by of [stranger, "Mallory", "carol"]) expect(with_({ orders: [order("pause", { by })] })).toBe(begins);
    expect(with_({ orders: [order("resume", { by: stranger })] }, paused)).toBe("idle: paused by @ann: release");
  });

  test("by somebody not asked about yet: asked, once each", () => {
    const orders = [order("pause", { by: "eve" }), order("resume", { by: "eve", comment: 501 })];
    expect(with_({ orders })).toBe("look: access of eve to the whole program");
    expect(with_({ orders: [order("pause", { by: writer })], access: {} })).toBe(
      "look: access of alice to the whole program",
    );
  });

  test("by somebody named in the policy: nobody is asked", () => {
    const orders = [order("pause", { by: "ANN" })];
    const snapshot = aSnapshot({ control: { orders, handled: [], access: {}, unreadable: null } });
    expect(said(decide(snapshot, aPolicy({ trusted: ["ann"] })))).toBe("pause for ANN: release");
  });

  test("obeyed before", () => {
    expect(with_({ orders: [order("pause")], handled: ["comment:500"] })).toBe(begins);
  });
});

describe("while it is paused", () => {
  test("resume is heard", () => {
    expect(with_({ orders: [order("resume")] }, paused)).toBe("resume for alice: release");
  });

  test("nothing is decided and nothing repaired", () => {
    const snapshot = aSnapshot(paused);
    expect(said(decide(snapshot, aPolicy()))).toBe("idle: paused by @ann: release");
    expect(repairs(snapshot, aPolicy())).toEqual([]);
  });

  test("by the breaker, until its time is over", () => {
    const broken = (until: number) => ({ pause: { by: "the program itself", why: "5 failures", until } });
    expect(with_({}, broken(now + 1))).toBe("idle: paused by the program itself: 5 failures");
    expect(with_({}, broken(now))).toBe(begins);
    expect(with_({ orders: [order("resume")] }, broken(now + 1))).toBe("resume for alice: release");
  });
});

describe("several orders", () => {
  const early = order("pause", { comment: 500, at: now - 3 * minute });
  const late = order("resume", { comment: 501, at: now - 2 * minute });

  test("the newest trusted one counts, in whatever order they are listed", () => {
    expect(with_({ orders: [early, late] })).toBe("resume for alice: release");
    expect(with_({ orders: [late, early] })).toBe("resume for alice: release");
  });

  test("of one moment the later comment", () => {
    expect(with_({ orders: [{ ...late, at: early.at }, early] })).toBe("resume for alice: release");
  });

  test("what is older than an obeyed one was answered with it", () => {
    expect(with_({ orders: [early, late], handled: [late.id] })).toBe(begins);
    expect(with_({ orders: [early, late], handled: [early.id] })).toBe("resume for alice: release");
  });

  test("a stranger's newer one does not stand in the way", () => {
    const strange = order("resume", { by: stranger, comment: 502, at: now });
    expect(with_({ orders: [early, strange] })).toBe("pause for alice: release");
  });
});

describe("a record of a newer version", () => {
  const unreadable = { why: "version 2", isNewer: true };
  const replies = (control: Partial<Control>, more: object = paused) => {
    const snapshot = aSnapshot({ control: { orders: [], handled: [], access, unreadable, ...control }, ...more });
    const decision = decide(snapshot, aPolicy());
    if (decision.kind !== "idle") throw new Error(`it decided ${decision.kind}`);
    return decision.replies;
  };

  test("is overwritten by nobody's order: who gave the newest is told why", () => {
    const orders = [order("pause", { comment: 500, at: now - 2 * minute }), order("resume", { comment: 501 })];
    const told = replies({ orders });
    expect(told).toMatchObject([{ purpose: "refusal", on: 1, id: "comment:501", comment: 501 }]);
    expect(told[0]?.body).toMatchInlineSnapshot(`
      "<!-- agent-dispatch:refusal v1 for=comment:501 -->

      \`/agent resume\` is refused: the ledger's record \`control\` was written by a newer version of agent-dispatch (version 2), and this run must not overwrite it. Update agent-dispatch in every workflow of this repository, then order it again."
    `);
  });

  test("strangers hear that they may not, and rights are asked first", () => {
    expect(replies({ orders: [order("resume", { by: stranger })] })).toMatchObject([{ id: "comment:500" }]);
    expect(with_({ unreadable, orders: [order("resume", { by: "eve" })] }, paused)).toBe(
      "look: access of eve to the whole program",
    );
  });

  test("one that is only broken is replaced by an order", () => {
    const broken = { why: "its form is not known", isNewer: false };
    expect(with_({ unreadable: broken, orders: [order("resume")] }, paused)).toBe("resume for alice: release");
  });
});

test("an event of the program itself obeys nothing", () => {
  const trigger = { event: "comment", actor: "agent-bot", item: 1 } as const;
  expect(with_({ orders: [order("pause")] }, { trigger })).toBe("idle: the event was caused by the program itself");
});
