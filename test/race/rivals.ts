// What is played: a world in which a run works, and what happens meanwhile.

import { pastLease } from "../support/gate/life.ts";
import { approved, rejected } from "../support/plays.ts";
import { untilRest } from "../support/rest.ts";
import { after, afterDeath, approvedBy, asked, publish, type Scene } from "../support/scenes.ts";
import type { Interruption } from "./interrupt.ts";

export type Deed = (scene: Scene) => Promise<void>;

/** Another run, from its start to its end. */
const run: Deed = async ({ s, next }) => {
  const end = await s.start({ ...(await next()), seed: 7 });
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
};

/** The same, told of the label that was put on. */
const told: Deed = async ({ s, next }) => {
  const last = s.forge.events.findLast(({ event }) => event === "issues");
  if (last === undefined) throw new Error("nobody put a label on");
  const end = await s.start({ ...(await next()), event: last.event, payload: last.payload });
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
};

/** Something that alice does. */
function alice(method: "post" | "patch", path: string, body: object): Deed {
  return async ({ s }) => {
    const answer = await s.forge.as("alice")[method](`/repos/${s.repo}/${path}`, body);
    // She sees what is there: a pull request that is not open yet cannot be merged by her.
    if (answer.status >= 500) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
}

const merges = alice("post", "pulls/2/merge", { Do: "merge" });
const closes = alice("patch", "issues/1", { state: "closed" });
const rejectsPull = alice("patch", "pulls/2", { state: "closed" });
const holds: Deed = async ({ s }) => void (await s.forge.addLabelAs("alice", s.repo, 1, "hold"));
const takesLabelOff: Deed = async ({ s }) => void (await s.forge.removeLabelAs("alice", s.repo, 1, "bot"));
const takesOver = alice("patch", "issues/1", { assignees: ["alice"] });
const pushes: Deed = async ({ s }) => {
  await s.forge.commitFiles(
    s.repo,
    { "notes.md": "mine\n" },
    { branch: "agent/issue-1", author: "alice", message: "by hand" },
  );
};

const open = (plays = {}) => asked(plays).then((scene) => after(scene, 1));
const refused = async () => after(await asked({ review: [rejected, approved] }), 2);
const mergeable = async () => approvedBy(await after(await asked({}, { policy: "merge: when-approved" }), 2), "alice");

const against = (name: string, scene: () => Promise<Scene>, deed: Deed = run): Interruption => ({
  ...{ name: `${name}, and another run${deed === told ? " by the label's event" : ""}`, scene, deed },
  ...{ sameEnd: true, max: 8 },
});

/** Two runs at once. */
export const runs: Interruption[] = [
  against("implement", () => asked()),
  against("implement", () => asked(), told),
  against("review", () => open({ review: [approved] })),
  against("rework", refused),
  against("land", mergeable),
  against("resume", async () => afterDeath(await asked(), publish)),
  against("take-over", async () => afterDeath(await asked(), "agent implement")),
];

const beside = (name: string, scene: () => Promise<Scene>, deed: Deed): Interruption => ({
  ...{ name, scene, deed, sameEnd: false, max: 3 },
});

/** A run, and people who do not know of it. */
export const people: Interruption[] = [
  beside("implement, and a person closes the issue", () => asked(), closes),
  beside("implement, and a person puts hold on", () => asked(), holds),
  beside("implement, and a person takes the label off", () => asked(), takesLabelOff),
  beside("implement, and a person takes the issue", () => asked(), takesOver),
  beside("review, and a person merges", () => open(), merges),
  beside("review, and a person closes the pull request", () => open(), rejectsPull),
  beside("review, and a person pushes", () => open(), pushes),
  beside("rework, and a person pushes", refused, pushes),
  beside("rework, and a person merges", refused, merges),
  beside("land, and a person merges", mergeable, merges),
  beside("land, and a person pushes", mergeable, pushes),
];

/** The run sleeps past its lease, and others do its work. */
const takenOver: Deed = async (scene) => {
  scene.s.pass(pastLease);
  await untilRest(scene);
};

const sleeper = (name: string, scene: () => Promise<Scene>): Interruption => ({
  ...{ name: `${name}, asleep past its lease`, scene, deed: takenOver, sameEnd: true, max: 12, sleeps: pastLease },
});

export const sleepers: Interruption[] = [
  sleeper("implement", () => asked()),
  sleeper("review", () => open()),
  sleeper("rework", refused),
  sleeper("land", mergeable),
  sleeper("resume", async () => afterDeath(await asked(), publish)),
];
