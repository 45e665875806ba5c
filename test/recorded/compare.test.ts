import { describe, expect, it } from "vitest";
import { compare } from "./compare.ts";
import { Placeholders } from "./placeholders.ts";

/** The replay is worth what this comparison notices. */
describe("compare", () => {
  const names = () => new Placeholders("http://forge");
  const kinds = (recorded: unknown, actual: unknown) =>
    compare(recorded, actual, names()).map((difference) => `${difference.kind} ${difference.at}`);

  it.each([
    ["a missing field", { a: 1, b: 2 }, { a: 1 }, ["shape .b"]],
    ["a field too many", { a: 1 }, { a: 1, b: 2 }, ["shape .b"]],
    ["null for a list", { a: null }, { a: [] }, ["shape .a"]],
    ["an empty list for null", { a: [] }, { a: null }, ["shape .a"]],
    ["another text of an error", { message: "not found" }, { message: "gone" }, ["shape .message"]],
    ["another value", { state: "open" }, { state: "closed" }, ["value .state"]],
    ["a text for a number", { a: 1 }, { a: "1" }, ["shape .a"]],
    ["a list that is too short", { a: [1, 2] }, { a: [1] }, ["value .a.length", "value .a[1]"]],
    ["another user", { u: "<user:bot>" }, { u: { login: "owner" } }, ["value .u"]],
    ["no user", { u: "<user:bot>" }, { u: null }, ["shape .u"]],
    ["another address", { url: "<url>/a" }, { url: "http://other/a" }, ["value .url"]],
  ])("notices %s", (_what, recorded, actual, expected) => {
    expect(kinds(recorded, actual)).toEqual(expected);
  });

  it("takes shortened lists by their beginning and their length", () => {
    expect(kinds([1, "<cut: 2>"], [1, 5, 6])).toEqual([]);
    expect(kinds([1, "<cut: 2>"], [1, 5])).toEqual(["value .length"]);
  });

  it("gives a commit its name at the first sight and holds it to that", () => {
    const bound = names();
    const [one, other] = ["a".repeat(40), "b".repeat(40)];
    expect(compare({ sha: "<sha:x>" }, { sha: one }, bound)).toEqual([]);
    expect(compare({ sha: "<sha:x>" }, { sha: other }, bound)).toHaveLength(1);
  });
});
