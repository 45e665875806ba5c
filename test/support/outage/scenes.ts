// Worlds in which the next run writes something, each of another kind: all that the program ever writes on a forge.

import { rejected } from "../plays.ts";
import { after, afterDeath, approvedBy, asked, type Scene, said } from "../scenes.ts";

const workflow = "on:\n  workflow_dispatch:\n    inputs: { item: {} }\njobs: { agent: { runs-on: x, steps: [] } }\n";

type Scenes = Readonly<Record<string, () => Promise<Scene>>>;

/** An issue without a pull request. */
export const issueScenes: Scenes = {
  "implement, with a chain": async () => {
    const scene = await asked({}, { files: { ".gitea/workflows/agent.yml": workflow } });
    return onServer(scene, "issues");
  },
  "a failed attempt": () => asked({ implement: [{ write: { "sum.js": "wrong\n" }, exit: 3 }] }),
  "a question": () => asked({ implement: [{ result: { status: "needs-info", question: "Which sum?" } }] }),
  pause: async () => {
    const scene = await asked();
    await scene.s.issue("Dashboard", { body: "<!-- agent-dispatch:dashboard v1 -->", by: "owner", label: null });
    return said(scene, 2, "/agent pause");
  },
  "a tick that starts a run": async () => {
    const scene = await asked({}, { files: { ".gitea/workflows/agent.yml": workflow } });
    return onServer(scene, "schedule");
  },
};

/** An issue whose pull request is open. */
export const pullScenes: Scenes = {
  "a review that approves": async () => after(await asked(), 1),
  "a review that rejects": async () => after(await asked({ review: [rejected] }), 1),
  "a formal review": async () => after(await judged(await asked({ review: [rejected] })), 1),
  rework: async () => after(await asked({ review: [rejected] }), 2),
  "a dead review finished": async () => afterDeath(await after(await asked(), 1), "POST pulls/2/reviews"),
  land: async () => approvedBy(await after(await asked({}, { policy: "merge: when-approved" }), 2), "alice"),
  stop: async () => said(await after(await asked(), 1), 2, "/agent stop"),
  "an order refused, another answered": async () => {
    const scene = await after(await asked(), 1);
    const comment = (login: string, body: string) =>
      scene.s.forge.as(login).post(`/repos/${scene.s.repo}/issues/1/comments`, { body });
    await comment("mallory", "/agent stop");
    await comment("alice", "/agent why");
    scene.s.pass(2);
    return scene;
  },
  "a repair": async () => {
    const scene = await after(await asked(), 1);
    const { s } = scene;
    await s.forge.as("alice").patch(`/repos/${s.repo}/pulls/2`, { state: "closed" });
    s.pass(2);
    return scene;
  },
};

/** With a second account that reviews. */
function judged({ s, next }: Scene): Scene {
  s.forge.addUser({ login: "judge" });
  s.forge.addCollaborator(s.repo, "judge", "write");
  const token = s.forge.addToken("judge", ["write:repository", "read:user"]);
  return {
    s,
    next: async () => {
      const start = await next();
      return { ...start, inputs: { ...start.inputs, "reviewer-token": token } };
    },
  };
}

/** Runs of the server's own, which may start others. */
function onServer({ s, next }: Scene, event: string): Scene {
  const fields = { repo: s.repo, workflow: "agent.yml", event, actor: "alice" };
  return { s, next: async () => ({ ...(await next()), run: { ...fields, ...(await s.forge.startRun(fields)) } }) };
}
