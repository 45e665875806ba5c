// The tales: each a world made once, and what the next run does in it.

import { approved, rejected } from "../support/plays.ts";
import { after, afterDeath, approvedBy, asked, onServer, publish, type Scene, said } from "../support/scenes.ts";
import type { Tale } from "./record.ts";

const wrong = { write: { "sum.js": "wrong\n" }, exit: 3 };

async function diedAsReviewer(): Promise<Scene> {
  return afterDeath(await after(await asked(), 1), "POST pulls/2/reviews");
}

/** Each by the name of its test file. */
export const tales = {
  implement: { sign: "age", scene: () => asked() },
  "implement-post": { sign: "post", scene: () => asked() },
  // The last step dies as well.
  post: { sign: "age", scene: () => asked(), isLastStep: true },
  "implement-server": { sign: "failed", scene: async () => onServer(await asked()) },
  "implement-cancelled": { sign: "cancelled", scene: async () => onServer(await asked()) },
  fail: { sign: "age", scene: () => asked({ implement: [wrong] }) },
  approve: { sign: "age", scene: async () => after(await asked({ review: [approved] }), 1) },
  "approve-post": { sign: "post", scene: async () => after(await asked({ review: [approved] }), 1) },
  reject: { sign: "age", scene: async () => after(await asked({ review: [rejected] }), 1) },
  rework: { sign: "age", scene: async () => after(await asked({ review: [rejected] }), 2) },
  "rework-post": { sign: "post", scene: async () => after(await asked({ review: [rejected] }), 2) },
  "resume-review": { sign: "age", scene: diedAsReviewer },
  // After a review that was finished by another run; else the reviewer's own run hands over: see approve.
  "hand-over": { sign: "age", scene: async () => after(await diedAsReviewer(), 1) },
  land: {
    sign: "age",
    scene: async () => approvedBy(await after(await asked({}, { policy: "merge: when-approved" }), 2), "alice"),
  },
  resume: { sign: "age", scene: async () => afterDeath(await asked(), publish) },
  "take-over": { sign: "age", scene: async () => afterDeath(await asked(), "agent implement") },
  "give-up": {
    sign: "age",
    scene: async () => afterDeath(await asked({}, { policy: "maxAttempts: 1" }), "agent implement"),
  },
  stop: { sign: "age", scene: async () => said(await after(await asked(), 1), 2, "/agent stop") },
} satisfies Record<string, Omit<Tale, "name">>;

export function tale(name: keyof typeof tales): Tale {
  return { name, ...tales[name] };
}
