// The worlds of the race suite, each made once for all stories that begin in it.

import { approved, rejected } from "../support/plays.ts";
import { after, afterDeath, approvedBy, asked, publish } from "../support/scenes.ts";
import type { World } from "./world.ts";

export const worlds = {
  /** Nobody has begun. */
  implement: { name: "implement", make: () => asked() },
  review: { name: "review", make: async () => after(await asked({ review: [approved] }), 1) },
  rework: { name: "rework", make: async () => after(await asked({ review: [rejected, approved] }), 2) },
  land: {
    name: "land",
    make: async () => approvedBy(await after(await asked({}, { policy: "merge: when-approved" }), 2), "alice"),
  },
  /** A run died right after its commit point. */
  resume: { name: "resume", make: async () => afterDeath(await asked(), publish) },
  /** A run died while its agent worked. */
  takeOver: { name: "take-over", make: async () => afterDeath(await asked(), "agent implement") },
} satisfies Record<string, World>;
