// Liveness: when nothing happens any more, each item is done, waits for a person who was told so, or is held by one. No claim is left, no status is
// pending, the bot is assigned nowhere.

import type { IssueRow } from "../forge/state.ts";
import { bot } from "../local/bench.ts";
import { writers } from "../people.ts";
import { costUsdPerRun } from "../plan.ts";
import type { World } from "../world.ts";
import { budgetOf, type RecordView, recordOf } from "./view.ts";
import type { Rule } from "./watch.ts";

export function restRule(world: World): Rule {
  const { forge, watch } = world;

  /** People keep the program from it. */
  function whyKept(issue: IssueRow, pull: IssueRow | null): string | null {
    for (const place of pull === null ? [issue] : [issue, pull]) {
      if (forge.hasLabel(place, "hold")) return "hold";
      if (place.locked) return "locked";
      const person = place.assignees.find((login) => login !== bot && isTaken(place, login));
      if (person !== undefined) return `taken by @${person}`;
    }
    return null;
  }

  /** People's last word on it counts: whom the program took off by a write that did not know of them, and put back, is there by their own act. */
  function isTaken(place: IssueRow, login: string): boolean {
    const last = place.entries.findLast(
      (entry) => entry.type === "assignee" && entry.about === login && entry.by !== bot,
    );
    return last?.type === "assignee" && last.added;
  }

  function isBotTheirs(place: IssueRow): boolean {
    return (
      place.entries.findLast((entry) => entry.type === "assignee" && entry.added && entry.about === bot)?.by !== bot
    );
  }

  function hasComment(places: readonly (IssueRow | null)[], purposes: readonly string[]): boolean {
    return places.some((place) =>
      place?.entries.some(
        (entry) =>
          entry.type === "comment" &&
          entry.by === bot &&
          purposes.some((purpose) => entry.body.includes(`agent-dispatch:${purpose} v1`)),
      ),
    );
  }

  function judge(issue: IssueRow): void {
    const key = issue.pull === null ? `issue-${issue.number}` : `pr-${issue.number}`;
    const record = recordOf(forge, key);
    if (record !== null && record.v !== 1) return;
    const own = forge.pulls().filter((pull) => pull.author === bot && pull.body.includes(`issue=${issue.number} `));
    const pull = issue.pull === null ? (own.find((one) => one.state === "open") ?? null) : null;
    const kept = whyKept(issue, pull);
    if (kept !== null) return;
    const fail = (text: string) => watch.fail("rest", `#${issue.number} (${record?.state ?? "no record"}): ${text}`);
    if (record?.state === "published") fail("what was published is not finished");
    // Who takes the label off a dead run's item ends it: the record is as good as released.
    // So does who cannot be taken over for want of money.
    const isWanted = issue.state === "open" && forge.hasLabel(issue, "bot") && !isSpent();
    if (record?.state === "held" && isWanted) fail("its claim is left");
    // Between two steps it is the bot's pull request, also when somebody takes the label off.
    // Whoever assigns it to what is over wants it there. Their assignment is an order too, which stands while the day's money is used up.
    const isTheirs = (issue.state === "closed" || isSpent()) && isBotTheirs(issue);
    if (issue.assignees.includes(bot) && pull === null && !isTheirs && !(record?.state === "held" && isSpent()))
      fail("the bot is assigned");
    pending([issue, ...(pull === null ? [] : [pull])], fail);
    if (issue.state === "closed") return;
    if (record?.state === "blocked" && !hasComment([issue, pull], ["blocked", "question", "status"]))
      fail("it waits for a person, and nobody was told");
    if (
      record?.state === "done" &&
      record.stage === "merge-ready" &&
      pull !== null &&
      !hasComment([pull, issue], ["handover"])
    )
      fail("it is handed over, and nobody was told");
    unfinished(issue, pull, record, fail);
  }

  function pending(places: readonly IssueRow[], fail: (text: string) => void): void {
    for (const { pull, state } of places) {
      if (pull === null || state === "closed") continue;
      const rows = forge.statuses.filter((row) => row.sha === pull.headSha && row.by === bot);
      const latest = new Map(rows.map((row) => [row.context, row]));
      for (const { context, state: now } of latest.values()) if (now === "pending") fail(`\`${context}\` is pending`);
    }
  }

  /** The program's turn, and nobody keeps it from it. */
  function unfinished(
    issue: IssueRow,
    pull: IssueRow | null,
    record: RecordView | null,
    fail: (text: string) => void,
  ): void {
    const label = issue.entries.findLast((entry) => entry.type === "label" && entry.about === "bot");
    if (!forge.hasLabel(issue, "bot") || label === undefined) return;
    if (label.by !== bot && !writers.includes(label.by)) return;
    if (pull !== null && hasForeignWord(pull)) return;
    if (isSpent()) return;
    fail(`the label is on, put on by @${label.by}, and nothing is done about it`);
    void record;
  }

  /** The day's money is used up, as the ledger has it. */
  function isSpent(): boolean {
    const day = budgetOf(forge);
    return world.plan.dayBudget > 0 && day + costUsdPerRun > world.plan.dayBudget;
  }

  /** The repository's own checks are not green: the program may wait for people who mend them. */
  function hasForeignWord({ pull }: IssueRow): boolean {
    const rows = forge.statuses.filter((row) => row.sha === pull?.headSha && row.by !== bot);
    return rows.length > 0 && rows.at(-1)?.state !== "success";
  }

  return {
    rest() {
      for (const issue of forge.issues.values()) {
        const isOwn = issue.pull !== null && issue.author === bot;
        if (!isOwn) judge(issue);
      }
    },
  };
}
