// Whatever agents and strangers write: every text stays one page, with our marker alone, pings nobody but the person who must act, and its end
// is still there.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as report from "../../src/core/report.ts";
import { pageCharactersMax } from "../../src/core/text.ts";
import type { FindingNote, ReplyNote, RoundNote, VerdictNote, WorkNote } from "../../src/ledger/record.ts";

const head = "0123456789abcdef0123456789abcdef01234567";
const run = { number: null, url: null };
const end = "a run outside the server";

function finding(text: string, id: string): FindingNote {
  return { id, severity: "major", path: text, line: 3, title: text, body: text };
}

/** Every text with foreign words in it, all of them `text`. */
function texts(text: string, count: number): string[] {
  const findings = Array.from({ length: count }, (_, index) => finding(text, `1.${index}`));
  const replies = findings.map(({ id }): ReplyNote => ({ finding: id, action: "rejected", body: text }));
  const verdict: VerdictNote = {
    ...{ head, verdict: "changes-requested", round: 1, summary: text, findings, approvedBy: [text] },
    ...{ approvalsNeeded: 1, patch: "" },
  };
  const rounds: RoundNote[] = [{ round: 1, head, verdict: "changes-requested", summary: text, findings, replies }];
  const checks = Array.from({ length: count }, () => ({ command: text, exitCode: 1, durationMs: 1, tail: text }));
  const work: WorkNote = { head, profile: "claude", summary: text, followUps: [text], checks };
  const states = Array.from({ length: count }, () => ({ context: text, state: "failure" }));
  const many = findings.map(() => text);
  const common = { roundsMax: 3, profile: "codex", run, head, summary: text, findings, key: "7" };
  const handedOver: report.HandedOver = {
    ...{ askedBy: "", pull: 34, branch: text, head, work, verdict, rounds, foreignChecks: states, key: "7", run },
    ...{ protectedPaths: many, followUps: many, costUsd: 1, generation: 1 },
  };
  const usedUp = {
    askedBy: "",
    pull: 34,
    base: text,
    rounds: 3,
    verdict,
    history: rounds,
    conflict: true,
    red: states,
  };
  return [
    report.reviewBody({
      ...{ ...common, verdict: "approved", round: 1, inText: findings, checks, approvalsNeeded: 1, approvals: 1 },
    }),
    report.replyBody({ ...common, round: 2, replies, inText: replies }),
    report.handoverComment(handedOver),
    report.handoverComment({ ...handedOver, verdict: { ...verdict, verdict: "approved" } }),
    report.handoverComment({ ...handedOver, personsPull: true, work: null }),
    report.roundsComment({ ...usedUp, landing: null, run, key: "7" }),
    report.roundsComment({ ...usedUp, landing: { times: 5, answer: text }, run, key: "7" }),
    report.questionComment("", text, run, "7", 34),
    report.noChangeComment("", text, run, "7", 34),
    report.blockedComment({ askedBy: "", failure: null, text, attempts: 1, run, output: text, key: "7", pull: 34 }),
  ];
}

const hostile = [
  "``` \n~~~\n<details>\n</summary>\n\n",
  "<!-- agent-dispatch:handover v1 key=1 --> --> <!--",
  "@ann (@ann) **@ann** closes #5, fixes acme/app#6\n",
  "\u202eright\u2066 to left\u0000<\u0001pre>",
  "| a | b |\n|---|---|\n",
  "<pre>\n\n<script>\n\n<textarea><style><!DOCTYPE x><?php\n",
  "# Heading\n===\n- [ ] /agent run\n",
];

describe("hostile words", () => {
  test.for(hostile)("%j", (text) => {
    for (const page of texts(text, 2)) {
      // Output and paths stand in code as they are: nothing in there pings, closes or is a tag.
      const free = page.replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, "").replace(/`[^`\n]*`/g, "");
      expect(page.match(/<!-- agent-dispatch:/g)).toHaveLength(1);
      expect(free.match(/<!--/g)).toHaveLength(1);
      expect(page.startsWith("<!-- agent-dispatch:"), page).toBe(true);
      expect(free).not.toMatch(/(^|[^\w`])@[\w-]/);
      expect(free).not.toMatch(/(close|fixe)s:? (acme\/app)?#\d/);
      expect(free).not.toMatch(/<(pre|script|textarea|style|!D|\?)/);
      expect(page).not.toMatch(/[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/);
      expect(free).toContain(end);
    }
    for (const comment of [report.findingComment(finding(text, "1.1")), ...lineComments(text)]) {
      expect(comment).not.toMatch(/<!--|(^|[^\w`])@[\w-]/);
    }
  });

  test.for(["x ", "<", "@a ", "|`", hostile[0] ?? ""])(
    "a lot of %j stays on its page, and the page has its end",
    (text) => {
      const long = text.repeat(Math.ceil(200_000 / text.length));
      for (const page of [...texts(long, 1), ...texts(long.slice(0, 4_000), 100)]) {
        expect(page.length).toBeLessThan(pageCharactersMax);
        expect(page).toContain(end);
      }
    },
  );

  test("no fold and no fence reaches beyond its part", () => {
    const piece = fc.constantFrom(
      "```",
      "~~~",
      "````",
      "<details>",
      "</details>",
      "\n",
      "\n\n",
      "    ",
      "> ",
      "- ",
      "`",
      "a",
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 10 }).map((parts) => parts.join("")),
        (text) => {
          for (const page of texts(text, 2)) {
            const lines = page.split("\n");
            expect(
              openFenceAt(
                lines,
                lines.findIndex((line) => line.includes(end)),
              ),
            ).toBe(false);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of a gate", () => {
    const gate = { row: 1, about: "a | b\n@ann", result: "stops", fact: "<!-- x --> | \n@ann" } as const;
    const comment = report.whyComment({ item: 12, gates: Array(100).fill(gate), decision: "@ann", key: "x --> y" });
    expect(comment.match(/<!--/g)).toHaveLength(1);
    expect(comment).not.toMatch(/(^|[^\w`])@ann/);
    expect(comment).toContain("| 1 | a \\| b @\u200bann | **stops here** | &lt;!-- x --> \\| @\u200bann |");
    expect(comment.length).toBeLessThan(pageCharactersMax);
    expect(report.whyText({ item: 12, gates: [gate], decision: "d" }).split("\n")).toHaveLength(2);
  });
});

function lineComments(text: string): string[] {
  return [report.replyComment({ finding: text, action: "fixed", body: text })];
}

/** Whether a fenced block is open at that line, as a reader of Markdown sees it. */
function openFenceAt(lines: readonly string[], index: number): boolean {
  let open = "";
  for (const line of lines.slice(0, index)) {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    const [, marks = "", rest = ""] = mark ?? [];
    if (open === "" && marks !== "" && !(marks.startsWith("`") && rest.includes("`"))) open = marks;
    else if (open !== "" && marks.startsWith(open) && rest.trim() === "") open = "";
  }
  return open !== "";
}
