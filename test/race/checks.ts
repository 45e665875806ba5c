// What a run that came too late must not do, and what must not become of what a person did.

import { expect } from "vitest";
import { difference } from "../support/difference.ts";
import type { Moment } from "../support/gate/freeze.ts";
import type { Call } from "../support/gate/gate.ts";
import { isAgent } from "../support/gate/life.ts";
import { everything } from "./settled.ts";
import { isWrite, type WentOn } from "./stand.ts";
import type { Opened } from "./world.ts";

/**
 * A run whose claim was another run's when it went on: it ends as lost and writes nothing. The one request at which it stood may have been on its
 * way, and land; so may an upload, which nobody reads then. A push of its record may not.
 */
export async function expectStale(opened: Opened, went: WentOn): Promise<void> {
  const { at, wasTakenOver, before, end, late } = went;
  if (!wasTakenOver) return;
  expect(end.outcome?.outcome, `its claim was another run's: ${end.lastLine}`).toBe("lost");
  expect(labels(late.filter(isWrite)), "written without a claim").toEqual([]);
  const mayLand = isWrite(at) || at.label.startsWith("git push wip/");
  if (!mayLand) expect(difference(before, await everything(opened)), "changed without a claim").toBe("");
}

/** What may differ where the last request of such a run landed late, and why the world is right all the same. */
const late: { why: string; at: RegExp; out: (picture: string) => string }[] = [
  {
    why: "what the program did late and undid stands twice in the timeline",
    at: /^(POST|PATCH|DELETE) issues/,
    out: (picture) => picture.replace(/("(?:label|assignees|comment)":) \d+/g, "$1 <n>"),
  },
  {
    why: "something happened on an item that waits, so a run looked at it and noted when",
    at: /^(POST|PATCH|DELETE) /,
    out: (picture) => picture.replace(/\n\s*"seenAt": .*/g, ""),
  },
  {
    why: "labels are not unique on the forge; everybody goes by the name, or by the lowest id of it",
    at: /^POST labels$/,
    out: (picture) => picture.replace(/(\n\s*"agent\/[a-z-]+",)\1/g, "$1"),
  },
  {
    why: "an upload that no record names: at most an earlier attempt for the next author to look at; it goes when the item is closed",
    at: /^git push wip\//,
    out: (picture) => picture.replace(/\n\s*"wip\/[\s\S]*?",(?=\n\s*")/g, ""),
  },
];

export function forgivenLate({ label }: Pick<Moment, "label">): (picture: string) => string {
  const outs = late.filter(({ at }) => at.test(label)).map(({ out }) => out);
  return (picture) => outs.reduce((text, out) => out(text), picture);
}

function labels(calls: readonly Call[]): string[] {
  return calls.map(({ label }) => label);
}

/** What the program makes known of an item, and people's deeds may forbid: code, pull requests, verdicts. */
export interface Published {
  branches: ReadonlyMap<string, string>;
  pulls: readonly number[];
  merged: readonly number[];
  reviews: number;
}

export async function published({ scene: { s } }: Opened): Promise<Published> {
  const refs = await s.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/agent");
  const lines = refs.split("\n").filter((line) => line !== "");
  const reviews = s.pulls().flatMap(({ pull }) => pull?.reviews ?? []);
  return {
    branches: new Map(lines.map((line) => line.split(" ") as [string, string])),
    pulls: s.pulls().map(({ number }) => number),
    merged: s.pulls().flatMap(({ number, pull }) => (pull?.merged === true ? [number] : [])),
    reviews: reviews.filter(({ user }) => user?.login === "bot").length,
  };
}

/**
 * A person's deed that stops an item: a run that looks at the item after it publishes nothing of it, and no later run does. Its look is the one
 * before its commit point, so only a run that stood at that very push, or beyond it, may publish.
 */
export async function expectStopped(opened: Opened, { at, held, late }: WentOn, before: Published): Promise<void> {
  // Right after a claim everything is read again.
  if (held === null) expect(labels(late.filter(isAgent)), "agents started against a person's will").toEqual([]);
  const commit = late.findIndex(({ label }) => isCommitPoint(label));
  const looked = late.slice(0, commit < 0 ? late.length : commit).some(({ label }) => label === "GET issues/1");
  if (held?.state === "published" || isCommitPoint(at.label) || (commit >= 0 && !looked)) return;
  const after = await published(opened);
  expect(after.pulls, "opened against a person's will").toEqual(before.pulls);
  expect(after.merged, "merged against a person's will").toEqual(before.merged);
  expect(after.reviews, "judged against a person's will").toBe(before.reviews);
  for (const [branch, tip] of after.branches)
    expect(tip, `moved against a person's will: ${branch}`).toBe(before.branches.get(branch));
}

/** The push of a record without a place for an agent: a claim takes one. */
function isCommitPoint(label: string): boolean {
  return /^git push item\/issue-1(?! slot)/.test(label);
}

/**
 * A person's commit is in a branch, under that person's name. Either the program names it, as what was judged or worked on; or it came after the
 * program's last word: then no verdict counts for it, and nobody but a person merges it.
 */
export async function expectKept({ scene: { s } }: Opened, commit: string): Promise<void> {
  const holders = await s.git("for-each-ref", "--format=%(refname)", "--contains", commit, "refs/heads");
  expect(holders, "branches that hold a person's commit").not.toBe("");
  expect(await s.git("log", "-1", "--format=%an", commit)).toBe("alice");
  const said = s.forge.repo(s.repo).issues.flatMap(({ entries, pull }) => [...entries, ...(pull?.reviews ?? [])]);
  if (said.some(({ user, body }) => user?.login === "bot" && body.includes(commit.slice(0, 10)))) return;
  expect((await s.record(1))?.verdict?.head, "a commit that was judged is named").not.toBe(commit);
  expect(holders.split("\n"), "a commit that nobody judged is merged").not.toContain("refs/heads/main");
}
