// The ledger as anybody who can read the repository sees it: by REST.

import { z } from "zod";
import { type LedgerRecord, parseRecord } from "../../../src/ledger/record.ts";
import { itemRef, ledgerPrefix } from "../../../src/ledger/refs.ts";
import type { Place } from "../picture.ts";

export interface Ledger {
  /** Commit of an item's record; null where there is none. */
  at(number: number): Promise<string | null>;
  record(number: number): Promise<LedgerRecord | null>;
  /** Names of all refs without their common prefix. */
  names(): Promise<string[]>;
}

const GitRefs = z.array(z.object({ ref: z.string(), object: z.object({ sha: z.string() }) }));
const GitCommit = z.object({ commit: z.object({ message: z.string() }) });

export function ledgerOf({ server, repo }: Place): Ledger {
  const api = server.as(server.admin);
  const refs = async (below: string): Promise<Map<string, string>> => {
    const answer = await api.request("GET", `/repos/${repo.fullName}/git/${below}`);
    if (answer.status === 404) return new Map();
    return new Map(GitRefs.parse(answer.body).map(({ ref, object }) => [ref, object.sha]));
  };
  const at = async (number: number) => {
    const ref = itemRef(`issue-${number}`);
    return (await refs(ref)).get(ref) ?? null;
  };
  return {
    at,
    record: async (number) => {
      const sha = await at(number);
      if (sha === null) return null;
      const { commit } = await api.get(`/repos/${repo.fullName}/git/commits/${sha}`, GitCommit);
      const parsed = parseRecord(commit.message);
      if (parsed.kind === "unreadable") throw new Error(`record of #${number}: ${parsed.why}`);
      return parsed.record;
    },
    names: async () =>
      [...(await refs(ledgerPrefix.replace(/\/$/, ""))).keys()].map((ref) => ref.slice(ledgerPrefix.length)),
  };
}
