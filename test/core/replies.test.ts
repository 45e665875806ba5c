// What is said once where somebody asked: refusals, and the answer to `/agent why`.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { refusalComment, whyComment } from "../../src/core/report.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aPulledItem,
  aReview,
  aSnapshot,
  bot,
  hour,
  labelled,
  minute,
  now,
  pullFacts,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";

function repliesTo(item: ReturnType<typeof anItem>) {
  const decision = decide(aSnapshot({ items: [item] }), aPolicy());
  if (!("replies" in decision) || decision.replies === undefined) throw new Error("not all facts were given");
  return decision.replies;
}

const on = (item: Parameters<typeof anItem>[0]) => repliesTo(anItem(item));
const onPull = (item: Parameters<typeof aPulledItem>[0]) => repliesTo(aPulledItem(item));
const texts = (replies: ReturnType<typeof repliesTo>) => replies.map((reply) => reply.body.split("\n").at(-1));
const said = (id: string, author = bot) => aComment(refusalComment(id, "No."), { id: 900, author });

const remedy =
  "Somebody who may write code here can start it by putting the trigger label on again, or with the comment `/agent run`.";

describe("refusals", () => {
  test("a label by somebody without the right", () => {
    expect(on({ details: { timeline: [labelled(stranger, now - hour)] } })).toEqual([
      {
        ...{ purpose: "refusal", on: 12, id: "label:100", comment: null },
        body: `<!-- agent-dispatch:refusal v1 for=label:100 -->\n\nNot started: @mallory may not write code here. ${remedy}`,
      },
    ]);
  });

  test("a right that cannot be proved", () => {
    const access = { alice: { kind: "unknown", why: "the bot is no administrator here" } } as const;
    expect(texts(on({ details: { access } }))).toEqual([
      `Not started: whether @alice may write code here cannot be proved: the bot is no administrator here. ${remedy}`,
    ]);
  });

  test("who is not named in the policy", () => {
    const decision = decide(aSnapshot({ items: [anItem()] }), aPolicy({ trusted: ["ann"] }));
    expect(decision).toMatchObject({ replies: [{ id: "label:100" }] });
  });

  test("commands of a stranger: one answer, however often they ask and by whatever means", () => {
    const comments = ["run", "stop", "fix it"].map((text, i) =>
      aComment(`/agent ${text}`, { id: 300 + i, author: i === 0 ? "Mallory" : stranger, createdAt: now - i * minute }),
    );
    const answers = on({ details: { timeline: [labelled(stranger, now - hour)], comments } });
    expect(answers).toMatchObject([{ id: "comment:300", comment: 300 }]);
    expect(texts(answers)).toEqual([
      `\`/agent run\` is refused: @mallory may not write code here. ${remedy}`.replace("@mallory", "@Mallory"),
    ]);
  });

  test("one to each of several strangers", () => {
    const comments = [stranger, "eve"].map((author, i) => aComment("/agent stop", { id: 300 + i, author }));
    const access = { eve: { kind: "no", evidence: "" }, mallory: { kind: "no", evidence: "" } } as const;
    const answers = on({ details: { timeline: [], comments, access } });
    expect(answers.map((reply) => reply.id)).toEqual(["comment:301", "comment:300"]);
    // What does not start anything has no remedy that would start something.
    expect(texts(answers)[1]).toBe("`/agent stop` is refused: @mallory may not write code here.");
  });

  test("a stranger's reply, or plain comment, is no order and needs no answer", () => {
    const comments = [aComment("The left one.", { author: stranger })];
    expect(on({ details: { timeline: [], comments } })).toEqual([]);
  });

  test("what makes no sense here, to somebody trusted: each is answered", () => {
    const comments = ["review", "dance", "", "pause it", "resume"].map((text, i) =>
      aComment(`/agent ${text}`.trim(), { id: 300 + i, createdAt: now - (i + 1) * minute }),
    );
    expect(texts(on({ details: { comments } }))).toEqual([
      "Not done: there is no open pull request of the program for it yet.",
      "Not done: `/agent dance` is no command; there are run, review, fix, retry, stop and why.",
      "Not done: `/agent` needs a command: run, review, fix, retry, stop or why.",
      "Not done: `/agent pause` is about the whole program and counts on its dashboard issue only; here, `hold` or `/agent stop` does it.",
      "Not done: `/agent resume` is about the whole program and counts on its dashboard issue only; here, `hold` or `/agent stop` does it.",
    ]);
  });

  test("an unknown word of a stranger is shown as they wrote it, once", () => {
    const comments = [aComment("/agent `x` <!-- a -->", { author: stranger })];
    expect(texts(on({ details: { timeline: [], comments } }))[0]).toContain("is refused: @mallory may not");
  });

  test("where it was asked", () => {
    const facts = { comments: [aComment("/agent fix it", { id: 310, author: stranger })] };
    expect(onPull({ facts })).toMatchObject([{ on: 20, id: "comment:310", comment: 310 }]);
    const review = { reviews: [aReview({ author: stranger, state: "changes-requested" })] };
    expect(onPull({ facts: review })).toMatchObject([{ on: 20, id: "review:31", comment: null }]);
  });

  test("said once: read off the forge, from the program's own comments only, wherever they stand", () => {
    const timeline = [labelled(stranger, now - hour)];
    expect(on({ details: { timeline, comments: [said("label:100")] } })).toEqual([]);
    expect(on({ details: { timeline, comments: [said("label:100", stranger)] } })).toHaveLength(1);
    expect(on({ details: { timeline, comments: [said("label:99")] } })).toHaveLength(1);
    const asked = aComment("/agent fix it", { id: 310, author: stranger });
    const answered = { details: { pull: pullFacts({ comments: [asked, said("comment:310")] }) } };
    expect(onPull(answered)).toEqual([]);
    const elsewhere = { details: { comments: [said("comment:310")], pull: pullFacts({ comments: [asked] }) } };
    expect(onPull(elsewhere)).toEqual([]);
  });

  test("a stranger's newest word is answered again only when it is another one", () => {
    const asks = (id: number) => aComment("/agent run", { id, author: stranger, createdAt: now - hour + id });
    const comments = [asks(301), said("comment:301")];
    expect(on({ details: { timeline: [], comments } })).toEqual([]);
    expect(on({ details: { timeline: [], comments: [...comments, asks(302)] } })).toMatchObject([
      { id: "comment:302" },
    ]);
  });

  const theirs = { generation: 1, endedAt: 0, branch: { sha: sha("b"), isOurs: false } };

  test("a branch of our name that is not ours", () => {
    const text = (name: string) =>
      `Not started: the branch \`${name}\` holds commits that are not the program's. Rename or delete it.`;
    expect(texts(on({ details: { branch: sha("b"), past: theirs } }))).toEqual([text("agent/issue-12")]);
    const again = { timeline: [labelled(writer, now - minute, { id: 101 })], branch: sha("b") };
    expect(on({ record: { head: sha("e") }, details: again })).toMatchObject([{ id: `branch:${sha("b")}` }]);
    const closed = { state: "closed", generation: 2, head: sha("e") } as const;
    expect(texts(on({ record: closed, details: again }))).toEqual([text("agent/issue-12-3")]);
  });

  test("a branch of our name: once for each head, and only where an order waits for it", () => {
    const branch = sha("b");
    const past = theirs;
    expect(on({ details: { branch, past, comments: [said(`branch:${branch}`)] } })).toEqual([]);
    expect(on({ details: { branch, past, comments: [said(`branch:${sha("e")}`)] } })).toHaveLength(1);
    // Without a record, but with no commit except the program's.
    const ours = { ...past, branch: { sha: branch, isOurs: true } };
    expect(on({ details: { branch, past: ours } })).toEqual([]);
    // Where the record says that it is ours.
    expect(on({ record: { handled: [], head: branch }, details: { branch } })).toEqual([]);
    // No order is pending, or the pull request shows what became of it.
    expect(on({ record: { state: "done", head: sha("e") }, details: { branch } })).toEqual([]);
    expect(on({ record: { handled: [], head: sha("e") }, pull: aPull(), details: { branch } })).toEqual([]);
  });

  test("also when other work is chosen", () => {
    const items = [
      anItem({ issue: { number: 1, createdAt: 1 }, details: { timeline: [labelled(stranger, now - hour)] } }),
      anItem({ issue: { number: 2, createdAt: 2 } }),
    ];
    const decision = decide(aSnapshot({ items }), aPolicy());
    expect(decision).toMatchObject({ kind: "implement", replies: [{ on: 1, id: "label:100" }] });
  });

  test("nothing to refuse", () => {
    expect(on({ record: { state: "done" }, details: { comments: [aComment("thanks")] } })).toEqual([]);
  });
});

describe("`/agent why`", () => {
  const why = (change: Parameters<typeof aComment>[1] = {}) => aComment("/agent why", change);
  const answer = (id: string) =>
    aComment(whyComment({ item: 12, gates: [], decision: "So.", key: id }), { id: 901, author: bot });

  test("is answered with what follows and every gate", () => {
    const [reply] = on({ details: { comments: [why()] } });
    expect(reply).toMatchObject({ purpose: "why", on: 12, id: "comment:300", comment: 300 });
    expect(reply?.body).toContain("**#12**: Next (row 18): implement.");
    expect(reply?.body).toContain("| 1 | hold, locked, unreadable record | passes |");
    expect(reply?.body).toContain("| 18 | implement | **to be done** |");
  });

  test("each of somebody trusted, in the place where it was asked", () => {
    const comments = [why(), why({ id: 301, createdAt: now - minute })];
    expect(on({ details: { comments } }).map((reply) => reply.id)).toEqual(["comment:301", "comment:300"]);
    expect(onPull({ facts: { comments: [why()] } })).toMatchObject([{ purpose: "why", on: 20 }]);
  });

  test("once", () => {
    expect(on({ details: { comments: [why(), answer("comment:300")] } })).toEqual([]);
    expect(on({ details: { comments: [why(), answer("comment:299")] } })).toHaveLength(1);
  });

  test("also while the item is left alone", () => {
    const held = { issue: { labels: ["bot", "hold"] }, details: { comments: [why()] } };
    expect(on(held)[0]?.body).toContain("Nothing now (row 1): `hold` is on the issue.");
  });

  test("a stranger's is refused: the ledger's facts are not theirs", () => {
    expect(texts(on({ details: { timeline: [], comments: [why({ author: stranger })] } }))).toEqual([
      "`/agent why` is refused: @mallory may not write code here.",
    ]);
  });
});
