import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { unknownText } from "../../src/core/unknown-refs.ts";
import { anItem, aPolicy, aSnapshot } from "../support/builders.ts";
import { begins, said } from "../support/decisions.ts";

const item = { ref: "refs/agent-dispatch/v1/item/issue-4", why: "version 2" };
const slot = { ref: "refs/agent-dispatch/v1/slot/1", why: "its form is not known" };
const other = { ref: "refs/agent-dispatch/v2/control", why: "version 2" };

describe("what this version cannot read", () => {
  test("one line with the refs, what is wrong with them, and what to do", () => {
    expect(unknownText([])).toBeNull();
    expect(unknownText([item])).toMatchInlineSnapshot(
      `"1 ref of the ledger cannot be read by this version and is left alone: \`refs/agent-dispatch/v1/item/issue-4\` (version 2); update agent-dispatch in every workflow of this repository"`,
    );
    expect(unknownText([item, slot, other, other, other])).toMatchInlineSnapshot(
      `"5 refs of the ledger cannot be read by this version and are left alone: \`refs/agent-dispatch/v1/item/issue-4\` (version 2), \`refs/agent-dispatch/v1/slot/1\` (its form is not known), \`refs/agent-dispatch/v2/control\` (version 2) and 2 more; update agent-dispatch in every workflow of this repository"`,
    );
  });

  test("a name cannot break out of the line", () => {
    const text =
      unknownText([{ ref: "refs/agent-dispatch/v1/`@alice`\n::error::x", why: "its name is not known" }]) ?? "";
    expect(text).not.toContain("\n");
    expect(text.match(/`/g)).toHaveLength(2);
  });

  const idle = (change: object) => said(decide(aSnapshot({ items: [], unknownRefs: [item], ...change }), aPolicy()));

  test("stands in the reason of every run that does nothing", () => {
    const line = unknownText([item]);
    expect(idle({})).toBe(`idle: no open issue carries the label \`bot\`; ${line}`);
    expect(idle({ pause: { by: "ann", why: "release", until: null } })).toBe(`idle: paused by ann: release; ${line}`);
    expect(
      decide(aSnapshot({ items: [anItem({ issue: { labels: ["hold"] } })], unknownRefs: [item] }), aPolicy()),
    ).toMatchObject({
      reason: `1 item looked at, none is ready; ${line}`,
    });
  });

  test("keeps nobody from the work that can be read", () => {
    expect(said(decide(aSnapshot({ unknownRefs: [item, slot] }), aPolicy()))).toBe(begins);
  });
});
