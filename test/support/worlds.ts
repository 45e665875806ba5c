// Any state of a repository, as far as decide sees it, and what a run leaves of it. For properties: what must hold in every one of them.

import fc from "fast-check";
import { decide } from "../../src/core/decide.ts";
import type { Decision } from "../../src/core/decision.ts";
import type { Details, Item, MergeFact, Snapshot } from "../../src/core/model.ts";
import type { WriteAccess } from "../../src/forge/model.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aRecord,
  aReview,
  aSnapshot,
  aStatus,
  assigned,
  aVerdict,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  pullFacts,
  sha,
} from "./builders.ts";

export const people = ["alice", "bob", "mallory", "carol"] as const;
/** Of those the ones that may write code: mallory may not, and nobody knows about carol. */
export const writers: readonly string[] = ["alice", "bob"];
const rights: Record<string, WriteAccess> = {
  alice: { kind: "yes", evidence: "" },
  bob: { kind: "yes", evidence: "" },
  mallory: { kind: "no", evidence: "" },
  carol: { kind: "unknown", why: "hidden" },
};

const person = fc.constantFrom(...people, bot);
const past = fc.integer({ min: 1, max: 300 }).map((minutes) => now - minutes * minute);
const stages = ["needs-review", "needs-rework", "merge-ready", "needs-info", "blocked"] as const;

const verdict = fc
  .record({
    head: fc.constantFrom(sha("b"), sha("b"), sha("e")),
    verdict: fc.constantFrom("approved", "changes-requested"),
    approvalsNeeded: fc.integer({ min: 1, max: 2 }),
  })
  .map((change) => aVerdict(change));

const record = fc
  .record(
    {
      state: fc.constantFrom("held", "published", "done", "done", "released", "blocked", "closed"),
      kind: fc.constantFrom("implement", "review", "rework", "resume", "land"),
      at: past.map(iso),
      attempt: fc.nat({ max: 4 }),
      round: fc.nat({ max: 4 }),
      stage: fc.constantFrom(null, ...stages),
      generation: fc.integer({ min: 1, max: 3 }),
      askedBy: fc.constantFrom("", "alice", "mallory"),
      handled: fc.subarray(["label:100", "comment:300", "comment:301", "comment:400", "review:500", "stage:600"]),
      cooldownUntil: fc.option(past.map((at) => iso(at + 2 * hour))),
      bodyHash: fc.constantFrom(null, "another text"),
      epoch: fc.nat({ max: 3 }),
      owner: fc.constantFrom("another run", "this-run"),
      // The branch, where there is one, stands at `b`.
      head: fc.constantFrom(null, sha("b"), sha("b"), sha("e")),
      verdict,
      instruction: fc.constantFrom("", "oil it"),
      ordered: fc.boolean(),
      orderAt: past.map(iso),
      question: past.map((at) => ({ text: "Which?", at: iso(at) })),
      rerun: fc.boolean().map((started) => ({ head: sha("b"), at: iso(now - hour), started })),
      landing: fc.nat({ max: 5 }).map((times) => ({ head: sha("b"), times, answer: "" })),
    },
    { requiredKeys: ["state", "kind", "at", "attempt", "round", "stage", "generation", "askedBy", "handled", "owner"] },
  )
  .map((change) => aRecord(change));

const comment = fc.record({
  body: fc.constantFrom(
    "/agent run",
    "/agent fix it",
    "/agent review",
    "/agent stop",
    "/agent why",
    "hello",
    `@${bot} go`,
  ),
  author: person,
  createdAt: past,
  edited: fc.boolean(),
});

const comments = (firstId: number) =>
  fc
    .array(comment, { maxLength: 3 })
    .map((list) =>
      list
        .sort((a, b) => a.createdAt - b.createdAt)
        .map((c, i) => aComment(c.body, { ...c, id: firstId + i, updatedAt: c.createdAt + (c.edited ? 1 : 0) })),
    );

const timelineEntry = fc.oneof(
  fc.record({ by: person, at: past, added: fc.boolean() }).map(({ by, at, added }) => labelled(by, at, { added })),
  fc.record({ who: person, by: person, at: past }).map(({ who, by, at }) => assigned(who, by, at)),
  fc
    .record({ by: person, at: past, stage: fc.constantFrom(...stages), added: fc.boolean() })
    .map(({ by, at, stage, added }) => labelled(by, at, { label: `agent/${stage}`, added })),
);

const timeline = (firstId: number) =>
  fc
    .array(timelineEntry, { maxLength: 4 })
    .map((list) => list.sort((a, b) => a.at - b.at).map((entry, i) => ({ ...entry, id: firstId + i })));

const review = fc
  .record({
    author: person,
    at: past,
    state: fc.constantFrom("approved", "changes-requested", "comment"),
    commit: fc.constantFrom(sha("b"), sha("e")),
    dismissed: fc.boolean(),
  })
  .map((change) => aReview(change));

const status = fc
  .record({
    context: fc.constantFrom("ci", "lint"),
    state: fc.constantFrom("success", "failure", "pending"),
    updatedAt: past,
  })
  .map(({ context, state, updatedAt }) => aStatus(context, state, { updatedAt }));

const facts = fc
  .record({
    timeline: timeline(600),
    comments: comments(400),
    reviews: fc.array(review, { maxLength: 3 }),
    statuses: fc.uniqueArray(status, { maxLength: 2, selector: (one) => one.context }),
    merge: fc.constantFrom<MergeFact>("clean", "clean", "clean", "conflict"),
    base: fc.record({ required: fc.constantFrom<string[]>([], [], ["ci"]), requiredApprovals: fc.nat({ max: 1 }) }),
  })
  .map((change) => pullFacts({ ...change, reviews: change.reviews.map((one, i) => ({ ...one, id: 500 + i })) }));

function item(number: number): fc.Arbitrary<Item> {
  return fc
    .record({
      labels: fc.subarray(["bot", "hold", "epic", "urgent", "agent/blocked"]),
      pullLabels: fc.subarray(["agent/needs-rework", "agent/merge-ready", "hold"], { maxLength: 1 }),
      assignees: fc.subarray([...people, bot]),
      closed: fc.boolean(),
      locked: fc.boolean(),
      isPull: fc.boolean(),
      isFork: fc.boolean(),
      draft: fc.boolean(),
      author: person,
      createdAt: past,
      record: fc.option(record),
      unreadable: fc.boolean(),
      pull: fc.boolean(),
      ...{ timeline: timeline(100), comments: comments(300), facts },
      depends: fc.boolean(),
      branch: fc.boolean(),
      past: fc.record({ generation: fc.integer({ min: 1, max: 3 }), endedAt: fc.constantFrom(0, now - 4 * hour) }),
      isOurs: fc.boolean(),
      kind: fc.constantFrom("fresh", "fresh", "pulled", "pulled", "ready", "odd", "odd"),
      isTaken: fc.boolean(),
    })
    .map((x) => {
      // Most items are ordinary ones, else nearly every item would be excluded by something.
      const odd = x.kind === "odd";
      const isPull = odd && x.isPull;
      const own = { key: isPull ? `pr-${number}` : `issue-${number}`, branch: `agent/issue-${number}` };
      const isReady = x.kind === "ready";
      const has = isPull || x.kind === "pulled" || isReady || (odd && x.pull);
      const common = { labels: odd ? x.pullLabels : [], draft: odd && x.draft, updatedAt: now };
      const theirs = { number, author: "carol", headRef: "door", headIsHere: !x.isFork, body: "" };
      const ours = { number: number + 100, headRef: own.branch, body: "" };
      const pull = has ? aPull({ ...common, ...(isPull ? theirs : ours) }) : null;
      const isThere = pull === null ? x.branch : pull.headIsHere;
      return anItem({
        issue: {
          ...{ number, author: x.author, isPull, createdAt: x.createdAt, updatedAt: now - minute },
          ...{
            labels: odd ? x.labels : isReady ? [] : ["bot"],
            assignees: odd || x.isTaken ? x.assignees : [],
            comments: x.comments.length,
          },
          ...{ state: odd && x.closed ? "closed" : "open", locked: odd && x.locked },
        },
        ...(x.record === null
          ? {}
          : { record: { ...x.record, ...own, pull: pull?.number ?? null, ...(isReady ? ready : {}) } }),
        ...(odd && x.unreadable ? { record: { kind: "unreadable", sha: sha("d"), why: "version 2" } as const } : {}),
        key: own.key,
        pull,
        details: {
          ...{ timeline: x.timeline, comments: x.comments, branch: isThere ? sha("b") : null },
          openDependencies: odd && x.depends ? [{ repository: "acme/app", number: 1 }] : [],
          pull: pull === null ? null : x.facts,
          // Read only where it is asked for.
          past: { ...x.past, branch: isThere ? { sha: sha("b"), isOurs: x.isOurs } : null },
        },
      });
    });
}

const ready = { state: "done", stage: "merge-ready" } as const;

/** Items with all their facts, and what else a run sees. */
export const worlds = (itemsMax: number) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: itemsMax })
    .chain((numbers) =>
      fc.record({
        items: fc.tuple(...numbers.map(item)),
        seed: fc.nat(),
        event: fc.constantFrom("schedule", "other", "dispatch"),
        named: fc.option(fc.constantFrom(...numbers), { freq: 4 }),
        byHand: fc.boolean(),
        actor: fc.option(person),
        slots: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
        canDispatch: fc.boolean(),
        merge: fc.constantFrom("human", "when-approved"),
      }),
    )
    .map(({ items, seed, event, named, byHand, actor, slots, canDispatch, merge }) => ({
      canDispatch,
      policy: aPolicy({ priorityLabels: ["urgent"], merge }),
      snapshot: aSnapshot({
        items,
        seed,
        slots: slots.map((number) => ({ number, sha: sha("1"), holder: { key: `issue-${number}`, epoch: 1 } })),
        trigger: { event, item: named, byHand: named !== null && byHand && event === "dispatch", actor },
      }),
    }));

export type World = ReturnType<typeof worlds> extends fc.Arbitrary<infer T> ? T : never;
export type Decided = Exclude<Decision, { kind: "look" | "look-control" }>;

/** Decides as a run does: starts with cheap facts only and reads what is asked for. */
export function decideBy({ snapshot, canDispatch, policy }: World, looksMax = policy.looksMax) {
  const known = new Map(snapshot.items.map(({ key, details }) => [key, details]));
  let seen: Snapshot = { ...snapshot, items: snapshot.items.map((i) => ({ ...i, details: null })) };
  const looked = new Set<string>();
  for (let steps = 0; ; steps++) {
    const decision = decide(seen, { ...policy, looksMax });
    if (decision.kind === "look-control") throw new Error("nobody orders anything about the whole program");
    if (decision.kind !== "look") return { decision, looked, steps, items: seen.items };
    const { item: at, wanted } = decision;
    looked.add(at.key);
    if (steps > 10 * snapshot.items.length + 10) throw new Error("the looks never end");
    if (wanted.facts === "dispatch") seen = { ...seen, canDispatch };
    else {
      const read: Details | null | undefined = wanted.facts === "details" ? known.get(at.key) : at.details;
      if (read === null || read === undefined) throw new Error("no facts to look at");
      const asked = wanted.facts === "access" ? wanted.logins : [];
      const none = { kind: "no", evidence: "" } as const;
      const answers = asked.map((login) => [login.toLowerCase(), rights[login.toLowerCase()] ?? none] as const);
      const access = { ...(wanted.facts === "details" ? {} : read.access), ...Object.fromEntries(answers) };
      const past =
        wanted.facts === "details" ? null : wanted.facts === "past" ? (known.get(at.key)?.past ?? null) : read.past;
      const items = seen.items.map((i) => (i.key === at.key ? { ...i, details: { ...read, access, past } } : i));
      seen = { ...seen, items };
    }
  }
}

/** A decision without the facts that its item carries along. */
export function gist(decision: Decided) {
  const replies = [...("replies" in decision ? (decision.replies ?? []) : [])].map((reply) => reply.id).sort();
  if (decision.kind === "idle")
    return { kind: decision.kind, reason: decision.reason, passed: decision.passed, replies };
  if (decision.kind === "control") return { kind: decision.kind, replies };
  const { kind, item } = decision;
  return { kind, key: item.key, replies, plan: "plan" in decision ? decision.plan : null };
}
