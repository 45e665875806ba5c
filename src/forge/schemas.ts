import * as z from "zod";
import type { Account, Branch, Label, MergeStyle, Ref, Repository, StatusEntry } from "./model.ts";

// Only the fields that are used, read as loosely as the recorded answers of 1.24 to 1.27 need (test/fixtures/forge-facts): `null` stands
// for an empty list, users can be gone, states outside our lists are states we do not know. Everything else is a changed interface.

/** A list, where Gitea writes `null` for an empty one. */
export function list<T>(item: z.ZodType<T>) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

/** A text that may be absent. */
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

/** RFC 3339 to ms since 1970. */
export const time = z.string().transform((value, context) => {
  const ms = Date.parse(value);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: "custom", message: "Invalid input: expected a time" });
  return z.NEVER;
});

/** The login of a user object; empty when the user is gone. */
export const login = z
  .object({ login: z.string() })
  .nullish()
  .transform((user) => user?.login ?? "");

export const account: z.ZodType<Account> = z
  .object({ id: z.number(), login: z.string(), full_name: text, email: text })
  .transform((u) => ({ id: u.id, login: u.login, fullName: u.full_name, email: u.email }));

export const version = z.object({ version: z.string() });

export const label: z.ZodType<Label> = z
  .object({ id: z.number(), name: z.string(), exclusive: z.boolean().nullish() })
  .transform((l) => ({ id: l.id, name: l.name, exclusive: l.exclusive ?? false }));

export const labels = list(label);

const flag = z
  .boolean()
  .nullish()
  .transform((on) => on ?? false);

/** Absent or all off where pull requests are switched off. */
const mergeFlags = {
  allow_merge_commits: flag,
  allow_rebase: flag,
  allow_rebase_explicit: flag,
  allow_squash_merge: flag,
  allow_fast_forward_only_merge: flag,
  default_merge_style: text,
};

type MergeFlags = z.infer<z.ZodObject<typeof mergeFlags>>;

function mergeStylesOf(flags: MergeFlags): MergeStyle[] {
  const allowed: readonly [MergeStyle, boolean][] = [
    ["merge", flags.allow_merge_commits],
    ["rebase", flags.allow_rebase],
    ["rebase-merge", flags.allow_rebase_explicit],
    ["squash", flags.allow_squash_merge],
    ["fast-forward-only", flags.allow_fast_forward_only_merge],
  ];
  const styles = allowed.filter(([, on]) => on).map(([style]) => style);
  // The default may be a style that was switched off later, or `manually-merged`, which merges nothing.
  const isDefault = (style: MergeStyle) => style === flags.default_merge_style;
  return [...styles.filter(isDefault), ...styles.filter((style) => !isDefault(style))];
}

export const repository: z.ZodType<Repository> = z
  .object({
    id: z.number(),
    name: z.string(),
    owner: z.object({ login: z.string() }),
    default_branch: text,
    archived: z.boolean(),
    empty: z.boolean(),
    mirror: z.boolean(),
    // Absent before it could be chosen.
    object_format_name: z.string().nullish(),
    private: z.boolean(),
    has_issues: z.boolean(),
    has_pull_requests: z.boolean(),
    // Absent before Actions existed.
    has_actions: z.boolean().nullish(),
    // Absent for somebody without any right; then nothing is allowed.
    permissions: z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() }).nullish(),
    html_url: z.string(),
    ...mergeFlags,
  })
  .transform((r) => ({
    id: r.id,
    owner: r.owner.login,
    name: r.name,
    defaultBranch: r.default_branch,
    archived: r.archived,
    empty: r.empty,
    mirror: r.mirror,
    objectFormat: r.object_format_name || "sha1",
    private: r.private,
    hasIssues: r.has_issues,
    hasPulls: r.has_pull_requests,
    hasActions: r.has_actions ?? false,
    may: r.permissions ?? { admin: false, push: false, pull: false },
    htmlUrl: r.html_url,
    mergeStyles: mergeStylesOf(r),
  }));

const knownStates = ["pending", "success", "error", "failure", "warning", "skipped"] as const;

const status: z.ZodType<StatusEntry> = z
  .object({
    context: z.string(),
    status: z.string(),
    description: text,
    target_url: text,
    creator: login,
    updated_at: time,
  })
  .transform((s) => ({
    context: s.context,
    state: knownStates.find((known) => known === s.status) ?? "unknown",
    description: s.description,
    creator: s.creator,
    targetUrl: s.target_url,
    updatedAt: s.updated_at,
  }));

/** Of the combined status only the elements: its `state` speaks of the current page. */
export const statuses = z.object({ statuses: list(status) }).transform((combined) => combined.statuses);

export const branch: z.ZodType<Branch> = z
  .object({
    name: z.string(),
    commit: z.object({ id: z.string() }),
    protected: z.boolean(),
    required_approvals: z.number().nullish(),
    enable_status_check: z.boolean().nullish(),
    status_check_contexts: list(z.string()),
  })
  .transform((b) => ({
    name: b.name,
    sha: b.commit.id,
    protected: b.protected,
    // The patterns stay stored when checking is switched off.
    requiredContexts: b.enable_status_check === true ? b.status_check_contexts : [],
    requiredApprovals: b.required_approvals ?? 0,
  }));

export const refs: z.ZodType<Ref[]> = list(
  z
    .object({ ref: z.string(), object: z.object({ sha: z.string() }) })
    .transform((r) => ({ name: r.ref, sha: r.object.sha })),
);

export const commitMessage = z.object({ commit: z.object({ message: z.string() }) }).transform((c) => c.commit.message);
