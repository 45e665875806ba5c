// Agents at work, as the world knows them: who started them for which claim, and what they made. An agent may outlive its run.

import type { Machine } from "../machine.ts";

export interface Session {
  id: number;
  role: "author" | "reviewer";
  machine: Machine;
  key: string;
  epoch: number;
  slot: number | null;
  startedAt: number;
  /** Null while it works. */
  endedAt: number | null;
  /** How it ended for its run: `lost` = the run was gone by then. */
  end: "working" | "done" | "failed" | "stopped" | "lost";
  /** Whether a failure of this kind counts against `max-attempts`. */
  costs: boolean;
  costUsd: number;
}

export interface Judgement {
  session: number;
  verdict: "approved" | "changes-requested";
}

/** Everything that agents did, for those who watch. */
export class Agents {
  readonly sessions: Session[] = [];
  /** Commits that the checks ran on, all green. */
  readonly checked = new Set<string>();
  /** Who wrote a commit. */
  readonly authors = new Map<string, number>();
  readonly judgements = new Map<string, Judgement[]>();
  /** Commits whose change is the same as that of another one, by the host's own rebase. */
  readonly rebased = new Map<string, string>();

  begin(given: Pick<Session, "role" | "machine" | "key" | "epoch" | "slot">, now: number): Session {
    const rest = { startedAt: now, endedAt: null, end: "working", costs: false, costUsd: 0 } as const;
    const session: Session = { id: this.sessions.length + 1, ...given, ...rest };
    this.sessions.push(session);
    return session;
  }

  end(session: Session, end: Session["end"], now: number): void {
    session.endedAt = now;
    session.end = end;
  }

  atWork(): Session[] {
    return this.sessions.filter((session) => session.endedAt === null);
  }

  judged(head: string, judgement: Judgement): void {
    this.judgements.set(head, [...(this.judgements.get(head) ?? []), judgement]);
  }
}
