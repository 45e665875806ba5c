// What people can do, one function each.

import { addComment, addLabel, applyMoves, assign, editBody, removeLabel, setLocked, setState } from "./forge/acts.ts";
import { mergePull, openPull, type PullIssue, review, setStatus } from "./forge/pull-acts.ts";
import type { Actor, IssueRow } from "./forge/state.ts";
import { bot, files } from "./local/bench.ts";
import { minute } from "./plan.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Who acts, and on what. */
export interface Acting {
  by: Actor;
  issue: IssueRow;
  /** The issue or its pull request. */
  on: IssueRow;
  /** The program's newest one for it. */
  pull: PullIssue | null;
}

type Deed = (acting: Acting, world: World, random: Random) => void;

const commands = ["run", "review", "fix it better", "retry", "stop", "why", "dance"];
const stages = ["needs-review", "needs-rework", "merge-ready", "needs-info", "blocked"];

export const deeds = {
  labelOn: ({ by, issue }, world) => label(world, by, issue, "bot", true),
  labelOff: ({ by, issue }, world) => label(world, by, issue, "bot", false),
  hold: ({ by, on }, world) => label(world, by, on, "hold", true),
  unhold({ by, on, issue }, world) {
    for (const where of [on, issue]) label(world, by, where, "hold", false);
  },
  stage: ({ by, on }, world, random) => label(world, by, on, `agent/${random.pick(stages) ?? "blocked"}`, true),
  close: ({ by, on }, { forge }) => setState(forge, on, by, "closed"),
  reopen,
  take: ({ by, on }, world) => assigned(world, by, on, by.login, true),
  giveBack({ by, on }, world) {
    for (const login of on.assignees.filter((name) => name !== bot)) assigned(world, by, on, login, false);
  },
  assignBot: ({ by, issue }, world) => assigned(world, by, issue, bot, true),
  say: ({ by, on }, world) => say(world, by, on, "It should be blue."),
  command: ({ by, on }, world, random) => say(world, by, on, `/agent ${random.pick(commands) ?? "run"}`),
  push: ({ by, pull }, world, random) => push(world, random, by, pull?.pull.head ?? "", "forward"),
  rewrite: ({ by, pull }, world, random) => push(world, random, by, pull?.pull.head ?? "", "anew"),
  pushMain: ({ by }, world, random) => push(world, random, by, "main", "forward"),
  deleteBranch,
  judge,
  merge,
  mergeAndGoOn,
  checks,
  edit: ({ by, issue }, { forge }) => editBody(forge, issue, by, `${issue.body}\nAnd more.`),
  lock: ({ by, on }, { forge }) => setLocked(forge, on, by, true),
  unlock: ({ by, on }, { forge }) => setLocked(forge, on, by, false),
  dispatch: ({ by, issue }, { fleet }) =>
    fleet.event({ event: "workflow_dispatch", actor: by.login, item: issue.number }),
  ownPull,
} satisfies Record<string, Deed>;

function label({ forge, fleet }: World, by: Actor, on: IssueRow, name: string, isOn: boolean): void {
  const known = forge.label(name);
  if (known === undefined || forge.hasLabel(on, name) === isOn) return;
  (isOn ? addLabel : removeLabel)(forge, on, by, known.id);
  fleet.event({ event: on.pull === null ? "issues" : "pull_request", actor: by.login, item: on.number });
}

function assigned({ forge, fleet }: World, by: Actor, on: IssueRow, login: string, added: boolean): void {
  assign(forge, on, by, login, added);
  fleet.event({ event: on.pull === null ? "issues" : "pull_request", actor: by.login, item: on.number });
}

function say({ forge, fleet }: World, by: Actor, on: IssueRow, body: string): void {
  addComment(forge, on, by, body);
  fleet.event({ event: on.pull === null ? "issue_comment" : "pull_request_comment", actor: by.login, item: on.number });
}

/** A closed pull request is opened again only while its branch is there, and no other one is open. */
function reopen({ by, on, pull }: Acting, { forge }: World): void {
  const isGone = on.pull !== null && (on.pull.merged || forge.branch(on.pull.head) === null);
  const isDouble = on.pull !== null && pull !== null && pull.state === "open";
  if (!isGone && !isDouble) setState(forge, on, by, "open");
}

function push({ forge, schedule }: World, random: Random, by: Actor, branch: string, how: "forward" | "anew"): void {
  const old = forge.branch(branch);
  if (old === null) return;
  const [parent = old] = how === "anew" ? forge.commits.must(old).parents : [old];
  const made = forge.commits.add({
    ...{ parents: [parent], author: by.login, message: `Work of ${by.login}`, touches: [random.whole(1, files)] },
    ...{ patch: `person-${forge.id()}`, seconds: Math.floor(schedule.now / 1000) },
  });
  applyMoves(forge, by, [{ ref: `refs/heads/${branch}`, old, new: made.sha }]);
}

function deleteBranch({ by, pull }: Acting, { forge }: World): void {
  const ref = `refs/heads/${pull?.pull.head ?? ""}`;
  const old = forge.refs.get(ref);
  if (old !== null) applyMoves(forge, by, [{ ref, old, new: null }]);
}

function judge({ by, pull }: Acting, { forge, fleet }: World, random: Random): void {
  if (pull === null || pull.state === "closed") return;
  const event = random.pick(["approve", "request-changes", "comment"] as const) ?? "approve";
  review(forge, pull, by, { event, body: "My word on it.", commit: pull.pull.headSha, comments: [] });
  fleet.event({ event: "pull_request_review", actor: by.login, item: pull.number });
}

function merge({ by, pull }: Acting, { forge }: World): void {
  const main = forge.branch("main");
  if (pull === null || pull.state === "closed" || main === null) return;
  if (!forge.commits.conflicts(main, pull.pull.headSha)) mergePull(forge, pull, by);
}

/** Something was forgotten: it is pushed to the branch that was just merged. */
function mergeAndGoOn(acting: Acting, world: World, random: Random): void {
  merge(acting, world);
  const { pull, by } = acting;
  if (pull?.pull.merged !== true) return;
  world.schedule.after(random.longTailed(1_000, 10 * minute), () => push(world, random, by, pull.pull.head, "forward"));
}

/** The repository's own checks say something about the head. */
function checks({ pull }: Acting, { forge }: World, random: Random): void {
  if (pull === null || pull.state === "closed") return;
  const state = random.pick(["success", "failure", "pending"] as const) ?? "success";
  const status = { context: "CI / test (push)", state, description: "", targetUrl: "" };
  setStatus(forge, { login: "gitea-actions", machine: null }, pull.pull.headSha, status);
}

/** A pull request of their own, given to the program for review. */
function ownPull({ by, issue }: Acting, { forge, schedule, fleet }: World, random: Random): void {
  const old = forge.branch("main");
  const trigger = forge.label("bot");
  if (old === null || trigger === undefined) return;
  const made = forge.commits.add({
    ...{ parents: [old], author: by.login, message: "Own work", touches: [random.whole(1, files)] },
    ...{ patch: `person-${forge.id()}`, seconds: Math.floor(schedule.now / 1000) },
  });
  const head = `work-${forge.id()}`;
  applyMoves(forge, by, [{ ref: `refs/heads/${head}`, old: null, new: made.sha }]);
  const text = { title: "Own work", body: `Beside issue ${issue.number}.` };
  const pull = openPull(forge, by, { head, base: "main", ...text });
  addLabel(forge, pull, by, trigger.id);
  fleet.event({ event: "pull_request", actor: by.login, item: pull.number });
}
