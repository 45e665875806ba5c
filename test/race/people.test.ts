// A run, and people who do not know of it: what they did stays done, their commits stay, and what they stop is not published.

import { expect } from "vitest";
import { unhurried } from "../support/gate/life.ts";
import { expectLawful } from "../support/lawful.ts";
import { untilRest } from "../support/rest.ts";
import { expectKept, expectStopped, type Published, published } from "./checks.ts";
import { type Interruption, interrupted } from "./interrupt.ts";
import type { Opened, World } from "./world.ts";
import { worlds } from "./worlds.ts";

/** More than a life sign: a run looks again before it publishes. */
const aWhile = unhurried.renewSeconds + 5;

interface Stop {
  does(opened: Opened): Promise<unknown>;
  /** What it must still be when all runs have ended. */
  stays(opened: Opened): void;
}

/** Something by alice that the forge may refuse: she sees what is there, and a pull request that is not open yet she cannot merge. */
function alice(method: "post" | "patch", path: string, body: object) {
  return async ({ scene: { s } }: Opened) => {
    const answer = await s.forge.as("alice")[method](`/repos/${s.repo}/${path}`, body);
    if (answer.status >= 500) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
}

const closes: Stop = {
  does: alice("patch", "issues/1", { state: "closed" }),
  stays: ({ scene: { s } }) => expect(s.see(1).state).toBe("closed"),
};
const holds: Stop = {
  does: ({ scene: { s } }) => s.forge.addLabelAs("alice", s.repo, 1, "hold"),
  stays: ({ scene: { s } }) => expect(s.see(1).labels).toContain("hold"),
};
const takesLabelOff: Stop = {
  does: ({ scene: { s } }) => s.forge.removeLabelAs("alice", s.repo, 1, "bot"),
  stays: ({ scene: { s } }) => expect(s.see(1).labels).not.toContain("bot"),
};
const takesOver: Stop = {
  does: alice("patch", "issues/1", { assignees: ["alice"] }),
  stays: ({ scene: { s } }) => expect(s.see(1).assignees).toContain("alice"),
};
const closesPull: Stop = {
  does: alice("patch", "pulls/2", { state: "closed" }),
  stays: ({ scene: { s } }) => expect(s.see(2).state).toBe("closed"),
};
const merges: Stop = {
  does: alice("post", "pulls/2/merge", { Do: "merge" }),
  stays: ({ scene: { s } }) => expect(s.see(2).state).toBe("closed"),
};

function stopped(name: string, world: World, { does, stays }: Stop): Interruption<Published> {
  return {
    ...{ name: `${world.name}, and a person ${name}`, world, sleeps: aWhile, max: 3 },
    async deed(opened) {
      opened.scene.s.pass(aWhile);
      await does(opened);
      return published(opened);
    },
    async after(opened, went, before) {
      await untilRest(opened.scene);
      await expectStopped(opened, went, before);
      stays(opened);
      await expectLawful(opened.scene.s);
    },
  };
}

/** Answers her commit. */
async function pushes({ scene: { s } }: Opened): Promise<string> {
  const branch = "agent/issue-1";
  await s.forge.commitFiles(s.repo, { "notes.md": "mine\n" }, { branch, author: "alice", message: "by hand" });
  const commit = await s.ref(`refs/heads/${branch}`);
  if (commit === null) throw new Error("nothing was pushed");
  return commit;
}

function pushed(world: World): Interruption<string> {
  return {
    ...{ name: `${world.name}, and a person pushes`, world, sleeps: 0, max: 3, deed: pushes },
    async after(opened, _, commit) {
      await untilRest(opened.scene);
      await expectKept(opened, commit);
      await expectLawful(opened.scene.s);
    },
  };
}

await interrupted(stopped("closes the issue", worlds.implement, closes));
await interrupted(stopped("puts hold on", worlds.implement, holds));
await interrupted(stopped("takes the label off", worlds.implement, takesLabelOff));
await interrupted(stopped("takes the issue", worlds.implement, takesOver));
await interrupted(stopped("puts hold on", worlds.review, holds));
await interrupted(stopped("merges", worlds.review, merges));
await interrupted(stopped("closes the pull request", worlds.review, closesPull));
await interrupted(stopped("merges", worlds.rework, merges));
await interrupted(stopped("takes the label off", worlds.rework, takesLabelOff));
await interrupted(stopped("merges", worlds.land, merges));
await interrupted(stopped("puts hold on", worlds.land, holds));
await interrupted(pushed(worlds.review));
await interrupted(pushed(worlds.rework));
await interrupted(pushed(worlds.land));
