import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { refusalComment } from "../../src/core/report.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aSnapshot,
  bot,
  details,
  hour,
  labelled,
  minute,
  now,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";

function refused(item: Parameters<typeof anItem>[0]) {
  const decision = decide(aSnapshot({ items: [anItem(item)] }), aPolicy());
  if (decision.kind === "look" || decision.kind === "dispatch") throw new Error("not all facts were given");
  return decision.refusals;
}

const said = (id: string, author = bot) => aComment(refusalComment(id, "No."), { id: 900, author });

describe("refusals", () => {
  test("a label by somebody without the right", () => {
    expect(refused({ details: { timeline: [labelled(stranger, now - hour)] } })).toMatchInlineSnapshot(`
      [
        {
          "comment": null,
          "id": "label:100",
          "item": 12,
          "text": "Not started: @mallory may not write code here. Somebody who may write code here can start it by putting the trigger label on again, or with the comment \`/agent run\`.",
        },
      ]
    `);
  });

  test("a right that cannot be proved", () => {
    expect(
      refused({ details: { access: { alice: { kind: "unknown", why: "the bot is no administrator here" } } } })?.[0]
        ?.text,
    ).toMatchInlineSnapshot(
      `"Not started: whether @alice may write code here cannot be proved: the bot is no administrator here. Somebody who may write code here can start it by putting the trigger label on again, or with the comment \`/agent run\`."`,
    );
  });

  test("commands: one answer to each person, however often they ask", () => {
    const comments = [0, 1, 2].map((i) =>
      aComment("/agent run", { id: 300 + i, author: stranger, createdAt: now - i * minute }),
    );
    const answers = refused({ issue: { comments: 3 }, details: { timeline: [], comments } });
    expect(answers?.map((r) => r.id)).toEqual(["comment:300"]);
    expect(answers?.[0]?.text).toMatchInlineSnapshot(
      `"\`/agent run\` is refused: @mallory may not write code here. Somebody who may write code here can start it by putting the trigger label on again, or with the comment \`/agent run\`."`,
    );
  });

  test("what is not supported yet", () => {
    const comments = ["review", "fix x", "retry", "stop", "why"].map((text, i) =>
      aComment(`/agent ${text}`, { id: 300 + i }),
    );
    expect(refused({ details: { comments } })?.map((r) => r.text)).toMatchInlineSnapshot(`
      [
        "\`/agent why\` is not supported yet.",
        "\`/agent stop\` does not end a running agent yet; the label \`hold\` does. Nothing new is started here before the trigger label is put on again.",
        "\`/agent retry\` is not supported yet.",
        "\`/agent fix\` is not supported yet.",
        "\`/agent review\` is not supported yet.",
      ]
    `);
  });

  test("said once: read off the forge, from the program's own comments only", () => {
    const timeline = [labelled(stranger, now - hour)];
    expect(refused({ details: { timeline, comments: [said("label:100")] } })).toEqual([]);
    expect(refused({ details: { timeline, comments: [said("label:100", stranger)] } })).toHaveLength(1);
    expect(refused({ details: { timeline, comments: [said("label:99")] } })).toHaveLength(1);
  });

  test("a branch of our name that is not ours", () => {
    expect(refused({ details: { branch: sha("b") } })?.map((r) => r.text)).toMatchInlineSnapshot(`
      [
        "Not started: the branch \`agent/issue-12\` holds commits that are not the program's. Rename or delete it.",
      ]
    `);
    const again = { timeline: [labelled(writer, now - minute, { id: 101 })], branch: sha("b") };
    expect(refused({ record: { head: sha("e") }, details: again })).toMatchObject([{ id: `branch:${sha("b")}` }]);
    expect(
      refused({ record: { state: "closed", generation: 2, head: sha("e") }, details: again })?.[0]?.text,
    ).toContain("the branch `agent/issue-12-3` holds commits");
  });

  test("a branch of our name: once for each head, and only where an order waits for it", () => {
    const branch = sha("b");
    expect(refused({ details: { branch, comments: [said(`branch:${branch}`)] } })).toEqual([]);
    expect(refused({ details: { branch, comments: [said(`branch:${sha("e")}`)] } })).toHaveLength(1);
    // Where the record says that it is ours.
    expect(refused({ record: { handled: [], head: branch }, details: { branch } })).toEqual([]);
    // No order is pending, or the pull request shows what became of it.
    expect(refused({ record: { state: "done", head: sha("e") }, details: { branch } })).toEqual([]);
    expect(refused({ record: { handled: [], head: sha("e") }, pull: aPull(), details: { branch } })).toEqual([]);
  });

  test("also when other work is chosen", () => {
    const items = [
      anItem({ issue: { number: 1, createdAt: 1 }, details: { timeline: [labelled(stranger, now - hour)] } }),
      anItem({ issue: { number: 2, createdAt: 2 } }),
    ];
    expect(decide(aSnapshot({ items }), aPolicy())).toMatchObject({
      kind: "implement",
      refusals: [{ item: 1, id: "label:100" }],
    });
  });

  test("nothing to refuse", () => {
    expect(
      refused({ record: { state: "done" }, details: details({ comments: [aComment("thanks", { author: writer })] }) }),
    ).toEqual([]);
  });
});
