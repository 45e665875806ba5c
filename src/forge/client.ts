import { giteaApi } from "gitea-js";
import type { z } from "zod";
import type { ForgeError } from "../errors.ts";
import { failedAnswer, failedShape, failure, type Hint } from "./failure.ts";
import { type Answer, AnsweredResponse, type ForgeHttp } from "./http.ts";
import type { Place } from "./reason.ts";

export type GiteaApi = ReturnType<typeof giteaApi>;

/** What one call may answer beside success. */
export interface Expectation {
  /** Statuses that are facts here, not failures (404 for "not there"). */
  also?: readonly number[];
  hint?: Hint;
  /** A success is a plain text, not JSON. */
  plain?: boolean;
}

/** Calls of one repository; every failure leaves it as a ForgeError that begins with "Could not" and `what`. */
export interface Client {
  readonly owner: string;
  readonly name: string;
  readonly place: Place;
  /** gitea-js for reads, and for writes that must not be sent twice. */
  readonly once: GiteaApi;
  /** gitea-js for writes that may be sent again after a cut connection. */
  readonly repeat: GiteaApi;
  /** A call that gitea-js lacks; `path` below the repository, each part encoded already. */
  raw(method: "GET" | "POST", path: string, body?: object): Promise<Response>;
  /** A GET of a part of a text; `range` as in HTTP: `bytes=-100`. */
  part(path: string, range: string): Promise<Response>;
  ask(what: string, call: () => Promise<Response>, expect?: Expectation): Promise<Answer>;
  read<T>(what: string, schema: z.ZodType<T>, call: () => Promise<Response>, expect?: Expectation): Promise<T>;
  /** As `read`, with null for 404. */
  find<T>(what: string, schema: z.ZodType<T>, call: () => Promise<Response>): Promise<T | null>;
  parse<T>(what: string, schema: z.ZodType<T>, answer: Answer): T;
  /** The error of an answer that `also` let through. */
  failed(what: string, answer: Answer, hint?: Hint): ForgeError;
}

export function client(http: ForgeHttp, place: Place): Client {
  const [owner = "", name = ""] = place.repository.split("/").map(encodeURIComponent);
  const once = giteaApi(place.serverUrl, { customFetch: http.fetch("once") });
  const repeat = giteaApi(place.serverUrl, { customFetch: http.fetch("repeat") });

  async function ask(what: string, call: () => Promise<Response>, expect: Expectation = {}): Promise<Answer> {
    let answer: Answer;
    try {
      answer = answerOf(await call());
    } catch (thrown) {
      // gitea-js throws the bare Response of every failure.
      if (!(thrown instanceof AnsweredResponse)) throw failure(what, thrown, place);
      answer = thrown.answer;
    }
    // A page is never a fact about an item: a proxy's 404 must not look like a missing issue.
    const isText = expect.plain === true && answer.status < 300 && isPlain(answer);
    const known = answer.json !== undefined || answer.text === "" || isPlain404(answer) || isText;
    const good = answer.status < 300 || (expect.also ?? []).includes(answer.status);
    if (!good || !known) throw failedAnswer(what, answer, place, expect.hint);
    return answer;
  }

  function parse<T>(what: string, schema: z.ZodType<T>, answer: Answer): T {
    // `null` is how Gitea writes an empty list; no body at all is no list, and no server's of ours.
    if (answer.json === undefined) throw failedShape(what, answer, "the answer", "it is empty");
    const read = schema.safeParse(answer.json);
    if (read.success) return read.data;
    const issue = read.error.issues[0];
    const where = (issue?.path ?? [])
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
      .join("");
    throw failedShape(what, answer, where.replace(/^\./, "") || "the answer", issue?.message ?? "unknown");
  }

  return {
    owner,
    name,
    place,
    once,
    repeat,
    ask,
    parse,
    failed: (what, answer, hint) => failedAnswer(what, answer, place, hint),
    raw: (method, path, body) =>
      http.fetch("once")(`${place.serverUrl}/api/v1/repos/${owner}/${name}/${path}`, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
      }),
    part: (path, range) =>
      http.fetch("once")(`${place.serverUrl}/api/v1/repos/${owner}/${name}/${path}`, { headers: { range } }),
    read: async (what, schema, call, expect) => parse(what, schema, await ask(what, call, expect)),
    find: async (what, schema, call) => {
      const answer = await ask(what, call, { also: [404] });
      return answer.status === 404 ? null : parse(what, schema, answer);
    },
  };
}

function answerOf(response: Response): Answer {
  if (response instanceof AnsweredResponse) return response.answer;
  throw new TypeError("a response that did not come through http.ts");
}

/** Gitea's router answers a call it does not know with 404 in plain text; a thing that is not there with 404 in JSON. */
export function isUnknownCall(answer: Answer): boolean {
  return answer.status === 404 && answer.json === undefined;
}

function isPlain404(answer: Answer): boolean {
  return isUnknownCall(answer) && isPlain(answer);
}

function isPlain(answer: Answer): boolean {
  return /^text\/plain/i.test(answer.headers.get("content-type") ?? "");
}
