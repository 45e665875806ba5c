// Decisions as one line each, and chapters of them: one situation, one expected line.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Decision } from "../../src/core/decision.ts";
import type { Snapshot } from "../../src/core/model.ts";
import type { Policy } from "../../src/core/policy.ts";
import { aComment, anItem, aPolicy, aPulledItem, aSnapshot, hour, iso, minute, now } from "./builders.ts";

/** One situation. */
export interface Case {
  when: string;
  snapshot: Snapshot;
  policy?: Policy;
  expected: string;
}

export function chapter(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    test.for(cases.map((one) => [one.when, one] as const))("%s", ([, { snapshot, policy, expected }]) => {
      expect(said(decide(snapshot, policy ?? aPolicy()))).toBe(expected);
    });
  });
}

/** A decision as one line; of an idle one the first item passed over, with the row that said so. */
export function said(decision: Decision): string {
  switch (decision.kind) {
    case "idle": {
      const [first] = decision.passed;
      return first === undefined ? `idle: ${decision.reason}` : `skip by row ${first.row}: ${first.reason}`;
    }
    case "look": {
      const { wanted } = decision;
      const number = decision.item.issue.number;
      if (wanted.facts === "details") return `look at #${number}: details, ${wanted.branch}`;
      return wanted.facts === "access" ? `look at #${number}: access of ${wanted.logins}` : `look: ${wanted.facts}`;
    }
    case "look-control":
      return `look: access of ${decision.logins} to the whole program`;
    case "control":
      return `${decision.order.verb} for ${decision.order.by}: ${decision.order.text}`;
    case "implement": {
      const { branch, attempt, askedBy } = decision.plan;
      return `implement #${decision.item.issue.number} on ${branch}, attempt ${attempt}, asked by ${askedBy}`;
    }
    case "review":
      return `row ${decision.row}: review #${decision.plan.pull.number}, attempt ${decision.plan.attempt}`;
    case "rework":
      return reworkLine(decision);
    case "give-up":
      return `give up #${decision.item.issue.number} for ${decision.askedBy}: ${decision.reason}`;
    case "hand-over":
      return `row ${decision.row}: hand over #${decision.pull.number} to ${decision.plan.askedBy}`;
    case "land":
      return `row ${decision.row}: land #${decision.pull.number}, approved by ${decision.approvedBy}`;
    case "stop":
      return `stop #${decision.item.issue.number} for ${decision.by}`;
    case "rerun":
      return `row ${decision.row}: run ${decision.red.map((status) => status.context)} again`;
    case "resume":
      return `resume #${decision.item.issue.number}`;
    case "dispatch":
      return `dispatch #${decision.item.issue.number} (${decision.work})`;
    default:
      return decision satisfies never;
  }
}

function reworkLine({ row, plan }: Extract<Decision, { kind: "rework" }>): string {
  const { causes, round, attempt, pull } = plan;
  const why = [
    ...(causes.ordered ? ["an order"] : []),
    ...(causes.conflict ? ["conflict"] : []),
    ...(causes.findings ? ["findings"] : []),
    ...causes.red.map((status) => `red ${status.context}`),
  ];
  return `row ${row}: rework #${pull.number} for ${why.join(", ")}; round ${round}, attempt ${attempt}`;
}

/** A look at one item. */
export const one = (item: Parameters<typeof anItem>[0], more: Parameters<typeof aSnapshot>[0] = {}) =>
  aSnapshot({ items: [anItem(item)], ...more });

/** A look at issue 12 with its open pull request. */
export const pulled = (item: Parameters<typeof aPulledItem>[0], more: Parameters<typeof aSnapshot>[0] = {}) =>
  aSnapshot({ items: [aPulledItem(item)], ...more });

/** What is said where issue 12 is begun. */
export const begins = "implement #12 on agent/issue-12, attempt 1, asked by alice";
export const beginsAgain = "implement #12 on agent/issue-12, attempt 2, asked by alice";

export const live = { state: "held", at: iso(now - minute) } as const;
export const dead = { state: "held", at: iso(now - hour), attempt: 1 } as const;
export const failed = { class: "timeout", fingerprint: "f", text: "too slow", at: iso(now - hour), same: 1 } as const;
export const cooling = { cooldownUntil: iso(now + 10 * minute), lastFailure: failed };
export const run = (change: Parameters<typeof aComment>[1] = {}) => aComment("/agent run", change);
