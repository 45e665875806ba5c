// What the model's server does, and what the program must make of it. The names of scripts are those of test/support/model/stub-model.mjs.

import type { FailureClass } from "../../src/core/failure.ts";

export type Seen = FailureClass | "implemented" | "approved";

export interface Scenario {
  name: string;
  role: "author" | "reviewer";
  /** Script of the model's server, perhaps with `:COUNT`. */
  script: string;
  /** What the model is told to do; default: nothing but words. */
  work?: "author" | "reviewer" | "loop";
  /** Classes that are right for every CLI, the best first. */
  right: readonly Seen[];
  /** What is right for one CLI by its id, where it does something else; each with a comment why. */
  except?: Readonly<Record<string, readonly Seen[]>>;
  /** Longest silence of the agent, in ms. */
  silenceMs?: number;
  /** Part of what CI runs. */
  inCi?: boolean;
}

/** A CLI may print nothing before its model answers: then silence is a start that did not come. */
const silent = ["silent", "start-up", "network", "model-unavailable"] as const;
const away = ["network", "model-unavailable"] as const;
/** Some CLIs try again for more than a minute without a word, whatever their settings. */
const retriesMs = 120_000;

export const scenarios: readonly Scenario[] = [
  { name: "story", role: "author", script: "ok", work: "author", right: ["implemented"], inCi: true },
  { name: "review", role: "reviewer", script: "ok", work: "reviewer", right: ["approved"], inCi: true },
  { name: "no-change", role: "author", script: "text", right: ["no-change"] },
  { name: "401", role: "author", script: "401", right: ["auth"], inCi: true },
  { name: "403", role: "author", script: "403", right: ["auth"] },
  { name: "404", role: "author", script: "404", right: ["model-unavailable"] },
  { name: "429", role: "author", script: "429", right: ["quota"], inCi: true },
  // Less than the minute after which opencode's log says something else.
  {
    name: "429-long",
    role: "author",
    script: "429long",
    right: ["quota"],
    silenceMs: 30_000,
    // qwen waits without a word.
    except: { qwen: ["silent"] },
  },
  { name: "429-once", role: "author", script: "429:1", work: "author", right: ["implemented"] },
  { name: "quota", role: "author", script: "quota", right: ["quota"], silenceMs: retriesMs },
  { name: "500", role: "author", script: "500", right: ["model-unavailable"], silenceMs: retriesMs },
  { name: "529", role: "author", script: "529", right: ["model-unavailable"], silenceMs: retriesMs },
  { name: "context", role: "author", script: "context", right: ["context-overflow"] },
  {
    name: "refusal",
    role: "author",
    script: "refusal",
    right: ["refusal"],
    // qwen takes a filtered answer for an empty one.
    except: { qwen: ["contract-invalid"] },
  },
  {
    name: "drop",
    role: "author",
    script: "drop",
    right: away,
    silenceMs: retriesMs,
    // qwen tries for longer than a test may take.
    except: { qwen: ["timeout"] },
  },
  // A CLI that asks again without a stream gets its answer.
  { name: "cut", role: "author", script: "cut", right: [...away, "no-change"] },
  { name: "hang", role: "author", script: "hang", right: silent, silenceMs: 15_000, inCi: true },
  { name: "hang-middle", role: "author", script: "hangmid", right: silent, silenceMs: 15_000 },
  { name: "garbage", role: "author", script: "garbage", right: ["crash", ...away, "contract-invalid"] },
  { name: "empty", role: "author", script: "empty", right: ["contract-invalid", "no-change", "crash"] },
  { name: "loop", role: "author", script: "loop", work: "loop", right: ["loop"] },
];
