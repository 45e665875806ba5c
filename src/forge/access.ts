import * as z from "zod";
import type { Client } from "./client.ts";
import type { WriteAccess } from "./model.ts";
import { list } from "./schemas.ts";

export interface AccessCalls {
  writeAccess(login: string): Promise<WriteAccess>;
}

/** Teams of the repository: `none` where the owner is no organisation, `hidden` where the token may not see them. */
type Teams = { kind: "none" } | { kind: "hidden" } | { kind: "teams"; teams: Team[] };
type Team = z.infer<typeof team>;

/**
 * Who may write code. Gitea has no exact answer for everybody, so three are put together:
 * - `permission` of an account: shown to administrators, and to everybody about themselves. It knows direct collaborators and owners, but
 *   not what a *team* may do by its units: a member of a team that may write code has `read` there (`none` in a private repository).
 * - the accounts that may be assigned: everybody with write access, but also members of teams that may write anything else.
 * - the teams with their units; who is in them is hidden.
 */
export function accessCalls(client: Client): AccessCalls {
  const { owner, name, once, ask, parse, read, place } = client;
  const known = new Map<string, Promise<WriteAccess>>();
  let mayAskAboutOthers = true;

  const teams = cached(async (): Promise<Teams> => {
    const what = "read the repository's teams";
    const answer = await ask(what, () => once.repos.repoListTeams(owner, name), { also: [403, 404, 405] });
    // 405 "repo is not owned by an organization".
    if (answer.status === 405) return { kind: "none" };
    return answer.status < 300 ? { kind: "teams", teams: parse(what, list(team), answer) } : { kind: "hidden" };
  });

  const assignable = cached(async () => {
    const accounts = await read("list who may be assigned", list(user), () => once.repos.repoGetAssignees(owner, name));
    return new Set(accounts.map((a) => a.login.toLowerCase()));
  });

  /** Null where the forge does not say. */
  async function permission(login: string): Promise<string | null> {
    if (!mayAskAboutOthers) return null;
    const what = `read the permission of @${login}`;
    const call = () => once.repos.repoGetRepoPermissions(owner, name, encodeURIComponent(login));
    const answer = await ask(what, call, { also: [403, 404] });
    if (answer.status === 403) mayAskAboutOthers = false;
    return answer.status < 300 ? parse(what, permissionSchema, answer).permission : null;
  }

  async function decide(login: string): Promise<WriteAccess> {
    // The account behind the text is gone.
    if (login === "") return { kind: "no", evidence: "its account is gone" };
    const says = await permission(login);
    if (says === "owner" || says === "admin") return { kind: "yes", evidence: `the forge calls @${login} ${says}` };
    const all = await teams();
    if (says === "write" && !hasTeamOfWritersWithoutCode(all)) {
      return { kind: "yes", evidence: `the forge says \`write\` of @${login}` };
    }
    if (says !== null && all.kind === "none")
      return { kind: "no", evidence: `the forge says \`${says}\` of @${login}` };
    if (!(await assignable()).has(login.toLowerCase())) {
      return { kind: "no", evidence: `@${login} is not among those who can be assigned, as all who may write are` };
    }
    return byTeams(login, all, place.repository);
  }

  return {
    // Asked once per account and run; a failure is not kept.
    writeAccess(login) {
      const key = login.toLowerCase();
      const before = known.get(key);
      if (before !== undefined) return before;
      const access = decide(login);
      known.set(key, access);
      access.catch(() => known.delete(key));
      return access;
    },
  };
}

/** For somebody who can be assigned, which is proof only where no team can be there for something else than code. */
function byTeams(login: string, all: Teams, repository: string): WriteAccess {
  if (all.kind === "none")
    return { kind: "yes", evidence: `@${login} can be assigned, and ${repository} has no teams` };
  if (all.kind === "hidden")
    return { kind: "unknown", why: `the teams of ${repository} are hidden from the token. ${remedy}` };
  const others = all.teams.filter((t) => !mayWriteCode(t)).map((t) => t.name);
  if (others.length === 0) {
    return { kind: "yes", evidence: `@${login} can be assigned, and every team of ${repository} may write code` };
  }
  const named = others.slice(0, 5).join(", ");
  return {
    kind: "unknown",
    why: `@${login} may be in a team that may not write code (${named}), and the forge does not say who is. ${remedy}`,
  };
}

const remedy =
  "Name people in `trusted`, or make the bot account an administrator of the repository and these people its collaborators.";

/** Before 1.24 a team's members have the least right of its units as permission, even if code is none of these units. */
function hasTeamOfWritersWithoutCode(all: Teams): boolean {
  if (all.kind !== "teams") return all.kind === "hidden";
  return all.teams.some((t) => t.permission === "write" && !mayWriteCode(t));
}

const writes: ReadonlySet<string> = new Set(["write", "admin", "owner"]);

function mayWriteCode(t: Team): boolean {
  if (t.permission === "admin" || t.permission === "owner") return true;
  return writes.has(t.units_map?.["repo.code"] ?? "none");
}

const permissionSchema = z.object({ permission: z.string() });
const user = z.object({ login: z.string() });
const team = z.object({
  name: z.string(),
  permission: z.string(),
  units_map: z.record(z.string(), z.string()).nullish(),
});

/** Asks once; a failure is not kept. */
function cached<T>(ask: () => Promise<T>): () => Promise<T> {
  let before: Promise<T> | null = null;
  return () => {
    if (before !== null) return before;
    const answer = ask();
    before = answer;
    answer.catch(() => {
      before = null;
    });
    return answer;
  };
}
