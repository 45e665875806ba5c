import { expect, test } from "vitest";
import { formatParking, parseParking } from "../../src/ledger/profile.ts";

const parking = {
  until: 1_772_370_000_000,
  since: 1_772_366_400_000,
  failure: "quota",
  why: "a limit",
  times: 2,
  setup: "s1",
} as const;
const message = formatParking("opus", parking);

test("parse(format(x)) is x, and its first line is for people", () => {
  expect(parseParking("a1", message)).toEqual({ ...parking, sha: "a1" });
  expect(message.split("\n")[0]).toBe("agent-dispatch v1 profile opus parked until 2026-03-01T13:00:00.000Z quota");
});

test.for([
  ["of a newer version", message.replace('"v":1', '"v":2')],
  ["with a failure that is not known", message.replace('"failure":"quota"', '"failure":"mood"')],
  ["without JSON", "agent-dispatch v1 profile opus"],
  ["with broken JSON", message.slice(0, -5)],
  ["too long", `${message}${" ".repeat(10_000)}`],
])("a record %s parks nobody", ([, text]) => {
  expect(parseParking("a1", text ?? "")).toBeNull();
});

test("fields of a later program do no harm", () => {
  expect(parseParking("a1", message.replace('"v":1', '"v":1,"spend":3'))).toMatchObject({ times: 2 });
});
