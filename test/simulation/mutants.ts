// Deliberately broken variants of the program, to show that the simulation finds what it is made for. Each replaces text that must stand exactly once
// in its file; where the program has moved on, making it fails, and the edit is to be brought up to date.

export interface Edit {
  /** Below the repository. */
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  /** What is broken, in a few words. */
  breaks: string;
  edits: readonly Edit[];
}

const claim = "src/ledger/claim.ts";
const take = "src/ledger/take.ts";
const claiming = "src/jobs/claiming.ts";
const cas = "src/ledger/cas.ts";

export const mutants: readonly Mutant[] = [
  {
    name: "no-nonce",
    breaks: "records have nothing of their own: no nonce, no owner, no run, times in whole seconds",
    edits: [
      { file: claiming, find: "nonce: randomUUID(), seq: 0", replace: 'nonce: "", seq: 0' },
      { file: claiming, find: "run: await runOf(ports)", replace: "run: null" },
      {
        file: claiming,
        find: "const at = new Date(forgeNow(ports)).toISOString();\n  const base",
        replace: "const at = new Date(Math.floor(forgeNow(ports) / 1000) * 1000).toISOString();\n  const base",
      },
      {
        file: "src/run.ts",
        find: "whoAmI(ports, settings, reached, randomUUID())",
        replace: 'whoAmI(ports, settings, reached, "")',
      },
      { file: take, find: "record.epoch, randomUUID());", replace: 'record.epoch, "");' },
      { file: "src/ledger/chain.ts", find: "nonce: randomUUID(), at", replace: 'nonce: "", at' },
    ],
  },
  {
    name: "no-second-look",
    breaks: "after the claim the item is not read and decided again",
    edits: [
      {
        file: claiming,
        find: 'if (isSame(work, decision)) return { kind: "yes", work: decision };',
        replace: 'return { kind: "yes", work };',
      },
    ],
  },
  {
    name: "unknown-is-lost",
    breaks: "a push without an answer counts as refused",
    edits: [
      {
        file: cas,
        find: 'if (outcome.kind === "unknown") inDoubt = outcome.cause;',
        replace:
          'if (outcome.kind === "unknown") return { kind: "lost", found: new Map(), applied: false, detail: "" };',
      },
    ],
  },
  {
    name: "unknown-is-ok",
    breaks: "a push without an answer counts as applied",
    edits: [
      {
        file: cas,
        find: 'if (outcome.kind === "unknown") inDoubt = outcome.cause;',
        replace: 'if (outcome.kind === "unknown") return { kind: "ok" };',
      },
    ],
  },
  {
    name: "publish-beside-record",
    breaks: "the branch is pushed by itself, before the record moves",
    edits: [
      {
        file: claim,
        find: "return head === null ? await this.#moveAlone(publishing) : await this.#moveWithBranch(publishing);",
        replace: `if (head !== null)
          await this.#ports.host.push([{ ref: branchRef(this.record.branch), old: this.record.expect, new: head }]);
        return await this.#moveAlone((link) => {
          const next = publishing(link);
          return next === null ? null : { ...next, more: [] };
        });`,
      },
    ],
  },
  {
    name: "no-branch-lease",
    breaks:
      "pushes to branches name no commit that they replace (in the simulated git, which stands for `--force-with-lease`)",
    edits: [
      {
        file: "test/simulation/forge/host.ts",
        find: "parts.sent(changes);",
        replace: `for (const change of changes)
    if (change.ref.startsWith("refs/heads/"))
      Object.defineProperty(change, "old", { get: () => forge.refs.get(change.ref) });
  parts.sent(changes);`,
      },
    ],
  },
  {
    name: "effects-first",
    breaks: "effects are written before the publish",
    edits: [
      {
        file: "src/jobs/settle.ts",
        find: "let tries = 0;\n  let isInDoubt",
        replace: "await applyEffects(effectPorts(job), effects, claim.record.pull);\n  let tries = 0;\n  let isInDoubt",
      },
    ],
  },
  {
    name: "local-clock",
    breaks: "the age of claims is judged by the runner's clock",
    edits: [
      {
        file: "src/forge/clock.ts",
        find: "return base === null ? null : base.at + Math.max(0, monotonic() - base.monotonic);",
        replace: "return Date.now();",
      },
    ],
  },
  {
    name: "attempt-afterwards",
    breaks: "an attempt is counted when its agent has ended, not in the claim",
    edits: [
      {
        file: claiming,
        find: "expect, attempt, askedBy, base: null",
        replace: "expect, attempt: attempt - 1, askedBy, base: null",
      },
    ],
  },
  {
    name: "blind-post",
    breaks: "the post step gives back whatever claim stands on its item",
    edits: [{ file: take, find: "found.record.owner !== owner || ", replace: "" }],
  },
  {
    name: "blind-repair",
    breaks: "a repair puts back the stage that the record names, whoever changed it since",
    edits: [
      {
        file: "src/core/repairs.ts",
        find: "if (Math.max(place.updatedAt, pull?.updatedAt ?? 0) > Date.parse(record.at)) return null;",
        replace: "",
      },
      { file: "src/core/repairs.ts", find: "add: [label], remove, since };", replace: "add: [label], remove };" },
    ],
  },
  {
    name: "endless-chain",
    // Either guard alone suffices against an endless chain: only a run that did something asks, and only where something is left it starts another.
    breaks: "a run starts the next one whether or not anything was done or is left",
    edits: [
      { file: "src/jobs/chain.ts", find: 'if (decision.kind === "idle") return done;', replace: "" },
      {
        file: "src/run.ts",
        find: 'return outcome({ kind: "idle", outcome: "idle", reason, next, item: snapshot.trigger.item, passed });',
        replace: `const idle = outcome({ kind: "idle", outcome: "idle", reason, next, item: snapshot.trigger.item, passed });
      return chain(ports, settings, who, order, reached, idle);`,
      },
    ],
  },
  {
    name: "no-fence",
    breaks: "writes go on however old the last sign of life is",
    edits: [
      {
        file: claim,
        find: "return this.#chain.loss === null && this.#chain.age() < this.#ports.limits.fenceSeconds * 1000;",
        replace: "return true;",
      },
    ],
  },
  {
    name: "slot-beside-claim",
    breaks: "the slot is taken by a push of its own, whatever that one answers",
    edits: [
      {
        file: take,
        find: "changes.push({ ref: slotRef(slot.number), old: slot.old, new: slotSha });",
        replace: "await ports.host.push([{ ref: slotRef(slot.number), old: slot.old, new: slotSha }]);",
      },
    ],
  },
  {
    name: "no-reservation",
    breaks: "the budget counts only what agents said at their end",
    edits: [
      {
        file: "src/core/budget.ts",
        find: "open: [...open, claim] };",
        replace: "open: [...open, { ...claim, usd: 0 }] };",
      },
    ],
  },
  {
    name: "floating-verdict",
    breaks: "a verdict is said of whatever head stands there when it comes",
    edits: [
      {
        file: "src/jobs/review.ts",
        find: "if (now !== change.head) {",
        replace: "Object.assign(change, { head: now });\n      if (now === null) {",
      },
    ],
  },
  {
    name: "no-evidence",
    breaks: "a claim is taken over without evidence that its run is dead",
    edits: [
      {
        file: "src/core/takeover.ts",
        find: "if (!isLive(record, moment.now, limits.slackSeconds)) return false;",
        replace: "return false;",
      },
    ],
  },
  {
    name: "no-renewal",
    breaks: "claims are not renewed while their agents work",
    edits: [
      {
        file: "src/jobs/keepalive.ts",
        find: "const renewed = await claim.renew();",
        replace: 'const renewed = "ok" as string;',
      },
    ],
  },
  {
    name: "later-versions-too",
    breaks: "a record of a later version is claimed like one that says nothing",
    edits: [{ file: "src/core/rows/cheap.ts", find: 'if (item.record.kind === "unreadable")', replace: "if (false)" }],
  },
  {
    name: "merged-by-now",
    breaks: "a merged branch is deleted by what the forge calls its head, as it was until this was found",
    edits: [
      {
        file: "src/jobs/effects/branch.ts",
        find: "tip !== effect.sha || tip !== found.get(merged)",
        replace: "tip !== effect.sha",
      },
    ],
  },
  {
    name: "comment-anew",
    breaks: "a comment is written without looking whether it stands there",
    edits: [
      {
        file: "src/jobs/effects/comment.ts",
        find: "const [found, ...doubles] = await find();",
        replace: "const [found, ...doubles]: Comment[] = [];",
      },
    ],
  },
  {
    name: "torn-for-good",
    breaks: "who takes over a publish that the server tore does not move the branch",
    edits: [
      {
        file: "src/jobs/roll-forward.ts",
        find: "if (moves !== true || head === null)",
        replace: 'if (moves !== true || head !== "")',
      },
    ],
  },
  {
    name: "no-roll-forward",
    breaks: "effects of a dead run are not finished",
    edits: [
      {
        file: "src/core/rows/orders.ts",
        find: 'if (record?.state !== "published") return null;',
        replace: "if (record !== undefined) return null;",
      },
    ],
  },
  {
    name: "no-doubts",
    breaks: "a record that is there is somebody else's, also where an own push had no answer",
    edits: [
      {
        file: "src/ledger/chain.ts",
        find: "const ours = this.#doubts.find((doubt) => doubt.sha === at);",
        replace: "const ours = undefined as Link | undefined;",
      },
    ],
  },
];
