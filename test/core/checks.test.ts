// Which statuses of others count, and what they say.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foreignChecks } from "../../src/core/checks.ts";
import { aStatus } from "../support/builders.ts";

const named = (found: ReturnType<typeof foreignChecks>) => ({
  red: found.red.map((s) => s.context),
  pending: found.pending.map((s) => s.context),
  missing: found.missing,
  all: found.all.map((s) => s.context),
});
const of = (statuses: Parameters<typeof foreignChecks>[0], required: readonly string[] = [], workflow = "agent") =>
  named(foreignChecks(statuses, required, workflow));

describe("states", () => {
  test.for([
    ["success", [], []],
    ["warning", [], []],
    ["skipped", [], []],
    ["failure", ["ci"], []],
    ["error", ["ci"], []],
    ["pending", [], ["ci"]],
    ["unknown", [], ["ci"]],
  ] as const)("%s", ([state, red, pending]) => {
    expect(of([aStatus("ci", state)])).toEqual({ red, pending, missing: [], all: ["ci"] });
  });
});

describe("what never counts", () => {
  const own = [aStatus("agent-dispatch/review", "failure"), aStatus("agent-dispatch/checks", "error")];

  test("own statuses, required or not", () => {
    expect(of(own)).toEqual({ red: [], pending: [], missing: [], all: [] });
    expect(of(own, ["agent-dispatch/review"])).toEqual({ red: [], pending: [], missing: [], all: [] });
    expect(of(own, ["*"])).toEqual({ red: [], pending: [], missing: ["*"], all: [] });
  });

  test("those of the workflow that the program runs in", () => {
    const statuses = [aStatus("agent / run (push)", "pending"), aStatus("agents / run", "pending")];
    expect(of(statuses).pending).toEqual(["agents / run"]);
    expect(of(statuses, ["agent / run*"])).toMatchObject({ pending: ["agents / run"], missing: [] });
    expect(of(statuses, [], "").pending).toHaveLength(2);
  });
});

describe("required ones", () => {
  test("only those count", () => {
    const statuses = [aStatus("lint", "failure"), aStatus("ci / test (push)", "success")];
    expect(of(statuses, ["ci / test (push)"])).toEqual({
      red: [],
      pending: [],
      missing: [],
      all: ["ci / test (push)"],
    });
  });

  test("missing are those that nothing was reported for", () => {
    expect(of([aStatus("ci", "success")], ["ci", "build*", "deploy"]).missing).toEqual(["build*", "deploy"]);
  });

  test.for([
    ["*", "ci / test", true],
    ["ci*", "ci / test (push)", true],
    ["ci/*", "ci/a/b", true],
    ["ci / test (push)", "ci / test (push)", true],
    ["ci / tes? (push)", "ci / test (push)", true],
    ["ci", "ci / test", false],
    ["CI", "ci", false],
    ["!ci", "lint", false],
    ["!ci", "!ci", true],
    ["#ci", "#ci", true],
    ["[x", "[x", true],
    ["+(a|b)", "a", false],
    ["x".repeat(201), "x".repeat(201), true],
    [`${"x".repeat(201)}*`, "x".repeat(202), false],
  ] as const)("%s and %s: %s", ([pattern, context, matches]) => {
    expect(of([aStatus(context, "success")], [pattern]).missing).toEqual(matches ? [] : [pattern]);
  });
});

test("red, pending and missing follow from what counts, whatever the names", () => {
  const state = fc.constantFrom("success", "failure", "error", "pending", "warning", "skipped", "unknown");
  const status = fc.tuple(fc.string({ maxLength: 20 }), state).map(([context, s]) => aStatus(context, s as "success"));
  fc.assert(
    fc.property(fc.array(status), fc.array(fc.string({ maxLength: 20 })), (statuses, required) => {
      const found = foreignChecks(statuses, required, "agent");
      for (const one of [...found.red, ...found.pending]) expect(found.all).toContain(one);
      for (const one of found.missing) expect(required).toContain(one);
      if (required.length === 0) expect(found.missing).toEqual([]);
    }),
  );
});
