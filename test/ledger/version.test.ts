import fc from "fast-check";
import { expect, test } from "vitest";
import { isOtherVersion, statedVersion, whyUnreadable } from "../../src/ledger/version.ts";

const record = (v: unknown, line = "agent-dispatch v1 control open") => `${line}\n\n${JSON.stringify({ v })}\n`;

test.for<[string, string | null, boolean]>([
  [record(1), "1", false],
  [record(2), "2", true],
  [record("2.1-beta", "agent-dispatch v3 x"), "2.1-beta", true],
  [record({ major: 2 }, "agent-dispatch v2 control open"), "2", true],
  ["agent-dispatch v2 control open\n\nnot json", "2", true],
  ["agent-dispatch v2 control open", "2", true],
  ["agent-dispatch v1 control open\n\nnot json", "1", false],
  ["agent-dispatch v1 control open\n\n[1]", "1", false],
  ["hello", null, false],
  ["", null, false],
  [`agent-dispatch v7 x\n\n{"v":1,"x":"${"y".repeat(300_000)}"}`, "7", true],
])("%j is of version %s", ([message, version, isOther]) => {
  expect(statedVersion(message)).toBe(version);
  expect(isOtherVersion(message)).toBe(isOther);
  expect(whyUnreadable(message)).toBe(isOther ? `version ${version}` : "its form is not known");
});

test("any text is answered, shortly", () => {
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      expect((statedVersion(`${text}\n\n${json}`) ?? "").length).toBeLessThanOrEqual(20);
    }),
  );
});
