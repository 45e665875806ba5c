import { canSee } from "./access.ts";
import { Call, type CallParts } from "./call.ts";
import { empty, noSuchPath, Refusal, type Reply } from "./reply.ts";
import type { Features } from "./versions.ts";
import { findRedirect } from "./web.ts";

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** Which token scope a path belongs to; the method decides between `read:` and `write:`. */
export type Scope = "repository" | "issue" | "user" | "organization" | "none";

export interface Route {
  method: string;
  /** `{name}` is one segment (escaped slashes allowed), `{name*}` the rest. */
  pattern: string;
  scope: Scope;
  handler: Handler;
  /** Reading is open to everybody unless this is set; writing always needs a token. */
  needsToken?: boolean;
  /** First version that has it. */
  from?: "1.26" | "1.27";
}

export function route(
  method: string,
  pattern: string,
  scope: Scope,
  handler: Handler,
  more: Partial<Route> = {},
): Route {
  return { method, pattern, scope, handler, ...more };
}

interface Compiled {
  route: Route;
  regex: RegExp;
}

/** Finds the handler of a path and does what Gitea does before it: scope, repository, token. */
export class Router {
  readonly #compiled: Compiled[];

  constructor(routes: readonly Route[], features: Features) {
    this.#compiled = routes.filter((candidate) => exists(candidate, features)).map(compile);
  }

  async answer(parts: CallParts): Promise<Reply> {
    const method = parts.method === "HEAD" ? "GET" : parts.method;
    const matching = this.#compiled.filter(({ regex }) => regex.test(parts.path));
    const found = matching.find((candidate) => candidate.route.method === method);
    if (!found) {
      if (matching.length === 0) return noSuchPath();
      const allowed = [...new Set(matching.map((candidate) => candidate.route.method))].sort();
      return empty(405, { allow: allowed.join(", ") });
    }
    const call = new Call(parts);
    try {
      call.params = decodeParams(found.regex.exec(parts.path)?.groups ?? {});
      mustHaveScope(call, found.route.scope);
      findRepository(call);
      if ((found.route.needsToken || method !== "GET") && !call.asker.user) {
        throw call.errors.error(401, "token is required");
      }
      return await found.route.handler(call);
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      throw error;
    }
  }
}

function exists(candidate: Route, features: Features): boolean {
  if (candidate.from === "1.27") return features.from27;
  return candidate.from === undefined || features.from26;
}

function compile(candidate: Route): Compiled {
  const source = candidate.pattern
    .replace(/[.]/g, "\\.")
    .replace(/\{(\w+)\*\}/g, "(?<$1>.+)")
    .replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { route: candidate, regex: new RegExp(`^${source}$`) };
}

function decodeParams(groups: Record<string, string>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups)) {
    try {
      params[name] = decodeURIComponent(value);
    } catch {
      params[name] = value;
    }
  }
  return params;
}

function mustHaveScope(call: Call, scope: Scope): void {
  const token = call.asker.token;
  if (!token || scope === "none" || token.scopes.includes("all")) return;
  const wanted = `${call.method === "GET" || call.method === "HEAD" ? "read" : "write"}:${scope}`;
  if (token.scopes.includes(wanted) || token.scopes.includes(`write:${scope}`)) return;
  const have = token.scopes.join(",");
  throw call.errors.error(
    403,
    `token does not have at least one of required scope(s), required=[${wanted}], token scope=${have}`,
  );
}

function findRepository(call: Call): void {
  const owner = call.params["owner"];
  const name = call.params["repo"];
  if (owner === undefined || name === undefined) return;
  if (!call.world.findUser(owner)) throw findRedirect(call, owner);
  const repo = call.world.findRepo(owner, name);
  if (!repo || !canSee(call.world, repo, call.asker)) throw call.errors.notFound();
  call.repo = repo;
}
