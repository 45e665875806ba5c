import { type Asker, askerAccess, atLeast, isRepoAdmin } from "./access.ts";
import type { Access, Repo, Unit, User } from "./model.ts";
import { json, type Reply } from "./reply.ts";
import type { World } from "./world.ts";

/** Bounds of Gitea's lists, as `settings/api` says them. */
export const pageSizeDefault = 30;
export const pageSizeMax = 50;

export interface CallParts {
  world: World;
  method: string;
  /** Below `/api/v1`, escaped as it came. */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  raw: Buffer;
  asker: Asker;
}

/** One REST request on its way through a handler. */
export class Call {
  readonly world: World;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Record<string, string>;
  readonly raw: Buffer;
  readonly asker: Asker;
  params: Record<string, string> = {};
  #repo: Repo | undefined;

  constructor(parts: CallParts) {
    this.world = parts.world;
    this.method = parts.method;
    this.path = parts.path;
    this.query = parts.query;
    this.headers = parts.headers;
    this.raw = parts.raw;
    this.asker = parts.asker;
  }

  get from26(): boolean {
    return this.world.features.from26;
  }

  get from27(): boolean {
    return this.world.features.from27;
  }

  get errors(): World["errors"] {
    return this.world.errors;
  }

  get repo(): Repo {
    if (!this.#repo) throw new Error(`no repository in ${this.path}`);
    return this.#repo;
  }

  set repo(repo: Repo) {
    this.#repo = repo;
  }

  /** The account that asks; only behind routes that need a token. */
  get user(): User {
    const user = this.asker.user;
    if (!user) throw this.errors.error(401, "token is required");
    return user;
  }

  param(name: string): string {
    return this.params[name] ?? "";
  }

  number(name: string): number {
    const value = this.param(name);
    return /^\d+$/.test(value) ? Number(value) : 0;
  }

  access(unit: Unit): Access {
    return askerAccess(this.world, this.repo, this.asker, unit);
  }

  may(unit: Unit, access: Access): boolean {
    return atLeast(this.access(unit), access);
  }

  isRepoAdmin(): boolean {
    return isRepoAdmin(this.world, this.repo, this.asker);
  }

  mustRead(unit: Unit): void {
    if (this.may(unit, "read")) return;
    throw this.errors.error(403, "user should have specific read permission or be a repo admin or a site admin");
  }

  mustWrite(...units: Unit[]): void {
    if (units.some((unit) => this.may(unit, "write"))) return;
    throw this.errors.error(403, "user should have a permission to write to a repo");
  }

  mustBeAdmin(): void {
    if (this.isRepoAdmin()) return;
    throw this.errors.error(403, "user should be an owner or a collaborator with admin write of a repository");
  }

  mustNotBeArchived(): void {
    if (!this.repo.archived) return;
    const name = `${this.repo.owner.login}/${this.repo.name}`;
    if (this.from27) throw this.errors.error(423, "repo is archived");
    if (this.from26) throw this.errors.error(423, `${name} is archived`);
    throw this.errors.error(423, `<Repository ${this.repo.id}:${name}> is archived`);
  }

  /** `page` from 1; `limit` clamped to 50, nonsense is the default. */
  paging(): { page: number; limit: number; given: boolean } {
    const page = Number.parseInt(this.query.get("page") ?? "", 10);
    const limit = Number.parseInt(this.query.get("limit") ?? "", 10);
    return {
      page: page > 0 ? page : 1,
      limit: limit > 0 ? Math.min(limit, pageSizeMax) : pageSizeDefault,
      given: page > 0,
    };
  }

  slice<T>(all: readonly T[]): T[] {
    const { page, limit } = this.paging();
    return all.slice((page - 1) * limit, page * limit);
  }

  /** Up to 1.24 some lists are cut into pages only when `page` is given. */
  sliceIfAsked<T>(all: readonly T[]): T[] {
    if (this.from26 || this.paging().given) return this.slice(all);
    return [...all];
  }

  total(count: number): Record<string, string> {
    return { "x-total-count": String(count) };
  }

  totalAndLink(count: number): Record<string, string> {
    const link = this.link(count);
    return { ...this.total(count), ...(link === undefined ? {} : { link }) };
  }

  /** Gitea's pager: a page behind the end counts as the last one; one page alone has no header. */
  link(count: number): string | undefined {
    const { page, limit } = this.paging();
    const last = Math.ceil(count / limit);
    if (last <= 1) return undefined;
    const current = Math.min(page, last);
    const parts: string[] = [];
    if (current < last) parts.push(this.#pageLink(current + 1, "next"), this.#pageLink(last, "last"));
    if (current > 1) parts.push(this.#pageLink(1, "first"), this.#pageLink(current - 1, "prev"));
    return parts.join(",");
  }

  #pageLink(page: number, rel: string): string {
    const query = new URLSearchParams(this.query);
    query.set("page", String(page));
    query.sort();
    return `<${this.world.url}/api/v1${this.path}?${query.toString()}>; rel="${rel}"`;
  }

  page<T>(all: readonly T[], show: (item: T) => unknown): Reply {
    return json(200, this.slice(all).map(show), this.totalAndLink(all.length));
  }
}
