import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { GitResult } from "../../src/git/git.ts";
import { parsePush, type RefChange } from "../../src/git/push.ts";

interface Recorded {
  step: string;
  versions: string[];
  args: string[];
  exit: number;
  stdout: string;
  stderr: string;
}

/** Pushes to real Gitea 1.24.7, 1.26.4 and 1.27.0. */
const recorded = readFileSync(new URL("recorded/pushes.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line): Recorded => JSON.parse(line));

/** What every recorded push must be read as; a step that is not here is `ok`. */
const EXPECTED: Record<string, string> = {
  "create with empty lease, another commit is there": "lost",
  "move with stale lease": "lost",
  "move with lease on a ref that is absent": "lost",
  "atomic, two refs, one stale": "lost",
  "not atomic, two refs, one stale": "unknown",
  "atomic, a ref and a protected branch": "refused",
  "delete with stale lease": "lost",
  "delete what is absent, with lease": "lost",
  "branch non-fast-forward without force": "lost",
  "custom ref non-fast-forward without force": "lost",
  "delete default branch": "refused",
  "protected branch": "refused",
  "protected branch by site admin": "refused",
  "delete protected branch": "refused",
  "pull request ref": "refused",
  "ref outside refs": "unknown",
  "ref below an existing ref": "refused",
  "outsider, custom ref": "refused",
  "outsider, branch": "refused",
  "team reader, custom ref": "refused",
  "team issue writer, custom ref": "refused",
  "token with scope read:repository": "denied",
  "token with scope write:issue": "denied",
  "wrong token": "denied",
  "deleted token": "denied",
  "no token": "denied",
  "archived repository": "denied",
  "missing repository": "denied",
  "missing repository, no token": "denied",
  "private repository, outsider": "denied",
  "branch agent blocks agent/issue-1": "refused",
  "branch agent blocks agent/issue-1, atomic with a ref": "refused",
  "race for one ref: loser refused by the server": "lost",
  "race for two refs, atomic: loser refused by the server": "lost",
  "race to move one ref: loser refused by the server": "lost",
  "race to move two refs, atomic: loser refused by the server": "lost",
};

function sha(name: string): string {
  return createHash("sha1").update(name).digest("hex");
}

function real(text: string): string {
  return text
    .replaceAll(/<sha:([^>]+)>/g, (_, name: string) => sha(name))
    .replaceAll(/<short:([^>]+)>/g, (_, name: string) => sha(name).slice(0, 10))
    .replaceAll("<url>", "http://127.0.0.1:3000");
}

function changesOf(args: readonly string[]): RefChange[] {
  const leases = new Map(
    args.flatMap((arg): [string, string][] => {
      const [, ref = "", old = ""] = /^--force-with-lease=([^:]+):(.*)$/.exec(real(arg)) ?? [];
      return ref === "" ? [] : [[ref, old]];
    }),
  );
  return args.flatMap((arg) => {
    const [, to = "", ref = ""] = /^\+?([0-9a-f]{40}|):(\S+)$/.exec(real(arg)) ?? [];
    return ref === "" ? [] : [{ ref, old: leases.get(ref) || null, new: to || null }];
  });
}

function ended(code: number, stdout: string, stderr: string): GitResult {
  return { kind: "ended", code, stdout: Buffer.from(stdout), stderr };
}

const ONE: RefChange[] = [{ ref: "refs/x/a", old: null, new: sha("a") }];
const TWO: RefChange[] = [...ONE, { ref: "refs/x/b", old: sha("old"), new: sha("b") }];

describe("pushes recorded on real servers", () => {
  it.each(recorded)("$step ($versions)", (row) => {
    const outcome = parsePush(ended(row.exit, real(row.stdout), real(row.stderr)), changesOf(row.args));
    expect({ step: row.step, kind: outcome.kind }).toEqual({ step: row.step, kind: EXPECTED[row.step] ?? "ok" });
  });

  it("names the refs that were there already", () => {
    const row = recorded.find(({ step }) => step === "create with empty lease, the same commit again");
    const outcome = parsePush(ended(0, real(row?.stdout ?? ""), ""), changesOf(row?.args ?? []));
    expect(outcome).toEqual({ kind: "ok", upToDate: ["refs/agent-dispatch/v1/item/a"] });
  });

  it("hands on the hook's words and the forge's words", () => {
    const texts = ["atomic, a ref and a protected branch", "archived repository"].map((step) => {
      const row = recorded.find((candidate) => candidate.step === step);
      return parsePush(
        ended(row?.exit ?? 0, real(row?.stdout ?? ""), real(row?.stderr ?? "")),
        changesOf(row?.args ?? []),
      );
    });
    expect(texts).toMatchInlineSnapshot(`
      [
        {
          "kind": "refused",
          "text": "Not allowed to push to protected branch stable",
        },
        {
          "kind": "denied",
          "text": "This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.
      fatal: unable to access 'http://127.0.0.1:3000/acme/archived.git/': The requested URL returned error: 403",
        },
      ]
    `);
  });
});

describe("anything not understood is unknown", () => {
  const to = `To http://h/r.git\n`;
  const created = `*\t${sha("a")}:refs/x/a\t[new reference]\n`;
  it.each<[string, GitResult, RefChange[]]>([
    ["a time-out", { kind: "timed-out", afterMs: 1000, stderr: "" }, ONE],
    ["a stopped run", { kind: "stopped", stderr: "" }, ONE],
    ["git missing", { kind: "not-started", why: "no sh" }, ONE],
    ["too much output", { kind: "too-much-output", stdout: Buffer.alloc(0), stderr: "" }, ONE],
    ["success without lines", ended(0, "", ""), ONE],
    ["success without Done", ended(0, to + created, ""), ONE],
    ["success for one ref of two", ended(0, `${to}${created}Done\n`, ""), TWO],
    ["success for another ref", ended(0, `${to}*\t${sha("a")}:refs/x/z\t[new reference]\nDone\n`, ""), ONE],
    ["a rejection with success", ended(0, `${to}!\t${sha("a")}:refs/x/a\t[rejected] (stale info)\nDone\n`, ""), ONE],
    [
      "a rejection nobody knows",
      ended(1, `${to}!\t${sha("a")}:refs/x/a\t[remote rejected] (moon phase)\nDone\n`, ""),
      ONE,
    ],
    [
      "no report",
      ended(1, `${to}!\t${sha("a")}:refs/x/a\t[remote failure] (remote failed to report status)\nDone\n`, ""),
      ONE,
    ],
    ["unpacking failed", ended(1, `${to}!\t${sha("a")}:refs/x/a\t[remote rejected] (unpacker error)\nDone\n`, ""), ONE],
    [
      "hung up after the lines",
      ended(128, `${to}!\t${sha("a")}:refs/x/a\t[rejected] (stale info)\n`, "fatal: the remote end hung up"),
      ONE,
    ],
    ["502", ended(128, "", "fatal: unable to access 'http://h/': The requested URL returned error: 502"), ONE],
    ["connection refused", ended(128, "", "fatal: unable to access 'http://h/': Failed to connect to h port 1"), ONE],
    [
      "the server's text looks like a denial",
      ended(128, "", "remote: fatal: Authentication failed for 'x'\nfatal: the remote end hung up unexpectedly"),
      ONE,
    ],
    ["ended by a signal", ended(137, "", ""), ONE],
  ])("%s", (_, result, changes) => {
    expect(parsePush(result, changes).kind).toBe("unknown");
  });

  it("a push that is too large for the server or a proxy is refused, with words", () => {
    const said =
      "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nfatal: the remote end hung up";
    expect(parsePush(ended(1, "", `${said}\n`), ONE)).toEqual({
      kind: "refused",
      text: "the server, or a proxy before it, takes no push of this size (HTTP 413)",
    });
    const quoted = `remote: ${said}`;
    expect(parsePush(ended(1, "", quoted), ONE).kind).toBe("unknown");
  });

  it("a server without atomic pushes is refused, with words", () => {
    const result = ended(128, "", "fatal: the receiving end does not support --atomic push\n");
    expect(parsePush(result, ONE)).toEqual({
      kind: "refused",
      text: "the server's git does not support atomic pushes",
    });
  });
});
