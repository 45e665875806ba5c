// What the simulated forge remembers, as plain values, and who is told of every change. Times are ms since 1970, whole seconds as in Gitea's tables.

import type { Conclusion, Label, MergeStyle } from "../../../src/forge/model.ts";
import type { Machine } from "../machine.ts";
import { Commits, type Move, Refs, Store } from "./commits.ts";

/** Who did something: a person, or one of the program's accounts from a machine. */
export interface Actor {
  login: string;
  machine: Machine | null;
}

export interface Entry {
  id: number;
  type: "comment" | "label" | "assignee" | "close" | "reopen" | "push" | "review" | "other";
  by: string;
  at: number;
  updatedAt: number;
  body: string;
  /** Name of a label or login of an assignee. */
  about: string;
  /** Put on, as opposed to taken off. */
  added: boolean;
  review: number | null;
}

export interface LineRow {
  id: number;
  by: string;
  body: string;
  path: string;
  line: number;
  at: number;
}

export interface ReviewRow {
  id: number;
  by: string;
  state: "approved" | "changes-requested" | "comment";
  body: string;
  commit: string;
  official: boolean;
  dismissed: boolean;
  at: number;
  lines: LineRow[];
}

export interface PullRow {
  /** Branch. */
  head: string;
  headSha: string;
  base: string;
  mergeBase: string;
  merged: boolean;
  mergeable: boolean;
  reviews: ReviewRow[];
}

export interface IssueRow {
  number: number;
  title: string;
  body: string;
  author: string;
  state: "open" | "closed";
  closedAt: number | null;
  locked: boolean;
  /** Ids. */
  labels: number[];
  assignees: string[];
  createdAt: number;
  updatedAt: number;
  commentCount: number;
  entries: Entry[];
  /** Numbers of issues that it waits for. */
  dependencies: number[];
  pull: PullRow | null;
}

export interface StatusRow {
  sha: string;
  context: string;
  state: "pending" | "success" | "error" | "failure";
  description: string;
  targetUrl: string;
  by: string;
  at: number;
}

export interface RunRow {
  id: number;
  number: number;
  workflow: string;
  event: string;
  actor: string;
  inputs: Readonly<Record<string, string>>;
  state: "waiting" | "running" | "ended";
  endedAt: number | null;
  conclusion: Conclusion | null;
}

/** Something that has just been changed on the server, or done to it. */
export type Change = { by: Actor } & (
  | { kind: "refs"; moves: readonly Move[] }
  | { kind: "label"; issue: number; label: string; added: boolean; entry: number }
  | { kind: "assignee"; issue: number; login: string; added: boolean; entry: number }
  | { kind: "state"; issue: number; state: "open" | "closed" }
  | { kind: "locked"; issue: number; locked: boolean }
  | { kind: "edited"; issue: number }
  | { kind: "comment"; issue: number; id: number; body: string; act: "created" | "edited" | "deleted" }
  | { kind: "pull"; issue: number }
  | { kind: "review"; issue: number; review: ReviewRow; act: "created" | "deleted" }
  | { kind: "status"; status: StatusRow }
  | { kind: "merged"; issue: number }
  | { kind: "dispatched"; run: RunRow }
);

/** How this server differs from others. */
export interface Release {
  version: string;
  canDispatch: boolean;
  /** `actions/runs/{id}`, from 1.25. */
  hasRunById: boolean;
}

export class ForgeState {
  readonly commits = new Commits();
  readonly refs = new Refs();
  /** Commits that the server has, whether a ref leads to them or not. */
  readonly store = new Store(this.commits);
  readonly issues = new Map<number, IssueRow>();
  labels: Label[] = [];
  readonly statuses: StatusRow[] = [];
  readonly runs: RunRow[] = [];
  readonly rights: ReadonlyMap<string, "admin" | "write" | "read">;
  readonly release: Release;
  mergeStyles: MergeStyle[] = ["merge"];
  /** Contexts that the base branch requires. */
  requiredContexts: string[] = [];
  /** Grows with every change that a look could see. */
  version = 0;

  readonly #clock: () => number;
  readonly #tell: (change: Change) => void;
  #ids = 0;

  /** `clock`: the true time; `tell`: called after every change. */
  constructor(
    rights: ReadonlyMap<string, "admin" | "write" | "read">,
    release: Release,
    clock: () => number,
    tell: (change: Change) => void,
  ) {
    this.rights = rights;
    this.release = release;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The server's clock, which shows whole seconds. */
  now(): number {
    return Math.floor(this.#clock() / 1000) * 1000;
  }

  id(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Issues and pull requests have one sequence of numbers. */
  nextNumber(): number {
    return this.issues.size + 1;
  }

  changed(change: Change): void {
    this.version++;
    this.#tell(change);
  }

  issue(number: number): IssueRow | undefined {
    return this.issues.get(number);
  }

  label(name: string): Label | undefined {
    return this.labels.filter((label) => label.name === name).sort((a, b) => a.id - b.id)[0];
  }

  hasLabel(issue: IssueRow, name: string): boolean {
    return issue.labels.some((id) => this.labels.find((label) => label.id === id)?.name === name);
  }

  pulls(): (IssueRow & { pull: PullRow })[] {
    return [...this.issues.values()].flatMap((issue) => {
      const { pull } = issue;
      return pull === null ? [] : [Object.assign(issue, { pull })];
    });
  }

  branch(name: string): string | null {
    return this.refs.get(`refs/heads/${name}`);
  }

  mayWrite(login: string): boolean {
    const right = this.rights.get(login);
    return right === "admin" || right === "write";
  }
}
