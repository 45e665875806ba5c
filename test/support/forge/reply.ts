import type { Features } from "./versions.ts";

/** An answer before it goes out; `Date` is added by the server. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

/** Ends a handler with an answer. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`refused with ${reply.status}`);
    this.reply = reply;
  }
}

const jsonType = "application/json;charset=utf-8";
const textType = "text/plain; charset=utf-8";

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { "content-type": jsonType, ...headers }, body: JSON.stringify(value) };
}

/** Gitea's answers without a body carry no content type either. */
export function empty(status: number, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: "" };
}

export function text(status: number, body: string | Buffer, headers: Record<string, string> = {}): Reply {
  return { status, headers: { "content-type": textType, ...headers }, body };
}

/** The router's own answer for a path it does not know. */
export function noSuchPath(): Reply {
  return text(404, "404 page not found\n");
}

/** Texts of errors as each version words them. */
export class Errors {
  readonly #features: Features;
  readonly #url: () => string;

  constructor(features: Features, url: () => string) {
    this.#features = features;
    this.#url = url;
  }

  error(status: number, message: string): Refusal {
    return new Refusal(json(status, { message, url: `${this.#url()}/api/swagger` }));
  }

  /** Gitea hides the cause of a 500 from everybody but site admins. */
  internal(): Refusal {
    return this.error(500, "");
  }

  /**
   * Up to 1.26 the cause stands in `errors` and the message is fixed (or the name of a function, `label`);
   * from 1.27 the cause is the message.
   */
  notFound(cause?: string, label?: string): Refusal {
    if (this.#features.from27) return this.error(404, cause ?? label ?? "not found");
    const fixed = this.#features.from26 ? "not found" : "The target couldn't be found.";
    const errors = cause === undefined ? null : [cause];
    return new Refusal(json(404, { message: label ?? fixed, url: `${this.#url()}/api/swagger`, errors }));
  }

  /** 404 with a text that up to 1.26 still has the field `errors`, always null. */
  notFoundText(message: string): Refusal {
    if (this.#features.from27) return this.error(404, message);
    return new Refusal(json(404, { message, url: `${this.#url()}/api/swagger`, errors: null }));
  }

  userUnknown(login: string): string {
    return `user does not exist [uid: 0, name: ${login}]`;
  }
}
