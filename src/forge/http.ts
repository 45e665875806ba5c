import { systemClock, systemTime } from "../clock.ts";
import { RunError } from "../errors.ts";
import { attempt, type Incoming, type Outgoing } from "./attempt.ts";
import { forgeClock } from "./clock.ts";
import type { Permit } from "./port.ts";
import { isWorthRepeating, type Outcome, type Repeat, type RetryLimits, waitMs } from "./retry.ts";
import { NoAnswer, withoutEffect } from "./silence.ts";

/** Bounds of everything that one run asks of the forge. */
export interface HttpLimits extends RetryLimits {
  /** One sending, from the first byte out to the last byte in, redirects included. */
  timeoutMs: number;
  /** Longest body that is read. */
  bodyBytesMax: number;
  /** Requests of a run at once, retries and redirects included. */
  requestsMax: number;
  /** More of them for each minute that the run lasts: an agent may work for a day, and each life sign of its claim asks a few times. */
  requestsPerMinute: number;
  /** Ms of a run, at once, that may go into tries that failed and into waiting between tries. */
  retryMsMax: number;
  /** More of them for each minute that the run lasts, so that an outage does not leave the rest of a long run without retries. */
  retryMsPerMinute: number;
}

/** The longest stay that `post` must bear is a hanging server: 60 s of retries leave room in its five minutes. 1000 requests are about 20 busy runs. */
export const httpLimits: HttpLimits = {
  timeoutMs: 30_000,
  bodyBytesMax: 10_000_000,
  requestsMax: 1000,
  requestsPerMinute: 20,
  retryMsMax: 60_000,
  retryMsPerMinute: 5_000,
  triesMax: 4,
  backoffMs: 500,
  backoffMsMax: 10_000,
};

/** Redirects followed for one try, all on the same origin. */
const hopsMax = 3;

export interface HttpOptions {
  /** Address without `/api/v1` and without a slash at the end. */
  serverUrl: string;
  token: string;
  fetch?: typeof fetch;
  limits?: Partial<HttpLimits>;
  sleep?: (ms: number) => Promise<void>;
  random?: () => number;
  /** Wall clock, ms since 1970. */
  wall?: () => number;
  /** A clock that is never set, in ms. */
  monotonic?: () => number;
}

/** A whole answer with the request it belongs to. */
export interface Answer extends Incoming {
  method: string;
  /** Path below `/api/v1`, without slash at the start and without query: queries may hold people's words. */
  path: string;
  /** Whether a write may have been applied although this answer is no success: a 5xx, or an earlier try without answer. */
  mayBeApplied: boolean;
}

/** A request that never got a whole answer. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
  readonly method: string;
  readonly path: string;
  readonly none: NoAnswer;
  readonly mayBeApplied: boolean;
  readonly tries: number;

  constructor(request: { method: string; path: string }, none: NoAnswer, mayBeApplied: boolean, tries: number) {
    super(none.message, { cause: none });
    this.method = request.method;
    this.path = request.path;
    this.none = none;
    this.mayBeApplied = mayBeApplied;
    this.tries = tries;
  }
}

/** The Response that gitea-js gets: read to the end and parsed before, so that its own parsing cannot fail, hang or be cut. */
export class AnsweredResponse extends Response {
  readonly answer: Answer;
  override readonly json: () => Promise<unknown>;

  constructor(answer: Answer) {
    super(null, { status: answer.status, headers: answer.headers });
    this.answer = answer;
    this.json = () => Promise.resolve(answer.json);
  }
}

/** The one place where requests leave for the forge. */
export interface ForgeHttp {
  /** The same, whose writes ask a permit before each sending. */
  under(permit: Permit): ForgeHttp;
  /** For gitea-js (`customFetch`) and for calls it lacks. Resolves to an AnsweredResponse of any status; throws Unanswered. GETs always repeat. */
  fetch(repeat: Repeat): typeof fetch;
  now(): number | null;
  requests(): number;
}

export function forgeHttp(options: HttpOptions): ForgeHttp {
  const limits: HttpLimits = { ...httpLimits, ...options.limits };
  const wall = options.wall ?? systemTime.wall;
  const monotonic = options.monotonic ?? systemTime.monotonic;
  const random = options.random ?? Math.random;
  const sleep = options.sleep ?? systemClock().sleep;
  const send = options.fetch ?? fetch;
  const clock = forgeClock(monotonic);
  const api = `${options.serverUrl}/api/v1/`;
  let requests = 0;
  const requestsLeft = allowance(limits.requestsMax, limits.requestsPerMinute, monotonic);
  const retryMsLeft = allowance(limits.retryMsMax, limits.retryMsPerMinute, monotonic);

  /** One sending: the request and its redirects within the origin. */
  async function oneTry(first: Outgoing, timeoutMs: number): Promise<Outcome> {
    const end = monotonic() + timeoutMs;
    let out = first;
    for (let hops = 0; ; hops++) {
      if (requestsLeft.left() < 1) {
        return { kind: "none", none: new NoAnswer("requests-max", `${requests} requests`) };
      }
      requestsLeft.spend(1);
      requests++;
      try {
        const bounds = { timeoutMs: Math.max(1, Math.ceil(end - monotonic())), bodyBytesMax: limits.bodyBytesMax };
        const answer = await attempt(send, out, bounds, (headers) => clock.observe(headers.get("date")));
        const next = redirected(out, answer);
        if (next === null) return { kind: "answer", answer };
        if (hops === hopsMax) return { kind: "none", none: new NoAnswer("redirect", `more than ${hopsMax} redirects`) };
        out = next;
      } catch (thrown) {
        if (!(thrown instanceof NoAnswer)) throw thrown;
        return { kind: "none", none: thrown };
      }
    }
  }

  async function ask(out: Outgoing, repeat: Repeat, permit: Permit | null): Promise<Answer> {
    const request = { method: out.method, path: below(api, out.url) };
    const writes = out.method !== "GET";
    const bound = writes ? permit : null;
    const timeoutMs = Math.min(limits.timeoutMs, bound?.writeMsMax ?? limits.timeoutMs);
    let mayBeApplied = false;
    for (let tries = 1; ; tries++) {
      if (bound?.mayWrite() === false)
        throw new Unanswered(request, new NoAnswer("fenced", "no life sign of its claim in time"), mayBeApplied, tries);
      const started = monotonic();
      const outcome = await oneTry(out, timeoutMs);
      mayBeApplied ||= writes && isUncertain(outcome);
      if (tries < limits.triesMax && isWorthRepeating(outcome, out.method, repeat)) {
        // A machine that slept meanwhile has not waited longer than that for the forge.
        retryMsLeft.spend(Math.min(monotonic() - started, timeoutMs));
        const wait = waitMs(outcome, tries, limits, random, wall);
        if (wait <= retryMsLeft.left() && requestsLeft.left() >= 1) {
          retryMsLeft.spend(wait);
          await sleep(wait);
          continue;
        }
      }
      if (outcome.kind === "none") throw new Unanswered(request, outcome.none, mayBeApplied, tries);
      return { ...outcome.answer, ...request, mayBeApplied };
    }
  }

  const under = (permit: Permit | null): ForgeHttp => ({
    now: clock.now,
    requests: () => requests,
    under,
    fetch: (repeat) => async (input, init) => {
      const method = init?.method ?? "GET";
      const body = typeof init?.body === "string" ? init.body : null;
      // Set here and nowhere else: the token has one way out, and only to `serverUrl`.
      const headers: Record<string, string> = {
        authorization: `token ${options.token}`,
        accept: "application/json",
        "user-agent": "agent-dispatch",
      };
      if (body !== null) headers["content-type"] = "application/json";
      // The only header that a call may add.
      const range = new Headers(init?.headers).get("range");
      if (range !== null) headers["range"] = range;
      const url = addressOf(typeof input === "string" || input instanceof URL ? String(input) : input.url);
      const out = { url, method, headers, body };
      return new AnsweredResponse(await ask(out, method === "GET" ? "repeat" : repeat, permit));
    },
  });
  return under(null);
}

/** What a run may spend: so much at once, and more as time passes. */
function allowance(atOnce: number, perMinute: number, monotonic: () => number) {
  const begun = monotonic();
  let spent = 0;
  return {
    left: () => atOnce + ((monotonic() - begun) / 60_000) * perMinute - spent,
    spend(amount: number) {
      spent += amount;
    },
  };
}

/** URLs swallow `..`, however it is written, so that a file or branch of that name would ask for something else altogether. */
function addressOf(text: string): URL {
  if (!/\/(\.|%2e){1,2}([/?]|$)/i.test(text)) return new URL(text);
  throw new RunError("Could not ask the forge: `.` and `..` are no names of files, branches or accounts.", {
    remedy: "Give paths from the top of the repository, without `./` or `../`.",
    mender: "workflow author",
    retry: false,
  });
}

function isUncertain(outcome: Outcome): boolean {
  return outcome.kind === "none" ? !withoutEffect.has(outcome.none.silence) : outcome.answer.status >= 500;
}

function below(api: string, url: URL): string {
  const path = `${url.origin}${url.pathname}`;
  return path.startsWith(api) ? path.slice(api.length) : url.pathname;
}

const movedPermanently = new Set([301, 302, 303]);
const sameMethod = new Set([307, 308]);

/** The next request of a redirect that may be followed; null when the answer is none. Throws NoAnswer for one that may not. */
function redirected(out: Outgoing, answer: Incoming): Outgoing | null {
  if (!movedPermanently.has(answer.status) && !sameMethod.has(answer.status)) return null;
  const to = answer.headers.get("location") ?? "";
  if (!URL.canParse(to, out.url.href)) throw new NoAnswer("redirect", "to an address that cannot be read");
  const url = new URL(to, out.url.href);
  if (url.origin !== out.url.origin) throw new NoAnswer("redirect", url.origin);
  // 301 to 303 turn a write into a read; a renamed repository answers 307.
  if (out.method !== "GET" && !sameMethod.has(answer.status)) {
    throw new NoAnswer("redirect", `status ${answer.status} for a ${out.method}`);
  }
  return { ...out, url };
}
