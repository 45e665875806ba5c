/** Why a request has no whole answer. Open: what we do not know is `unknown`. */
export type Silence =
  | "timeout"
  | "refused"
  | "unreachable"
  | "name"
  | "tls"
  | "reset"
  | "cut"
  | "too-large"
  | "not-http"
  | "redirect"
  | "requests-max"
  /** Not sent: the permit that the write is bound to does not hold. */
  | "fenced"
  | "unknown";

/** A request that ended without a whole answer. Internal to src/forge: `failure.ts` makes the ForgeError of it. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly silence: Silence;
  /** What exactly happened: an error code, a bound, an address; no secret. */
  readonly detail: string;

  constructor(silence: Silence, detail: string, cause?: unknown) {
    super(`${silence}: ${detail}`, cause === undefined ? undefined : { cause });
    this.silence = silence;
    this.detail = detail;
  }
}

/** Silences after which nothing can have been done: no byte of the request left, or it was sent elsewhere. */
export const withoutEffect: ReadonlySet<Silence> = new Set<Silence>([
  "refused",
  "unreachable",
  "name",
  "tls",
  "redirect",
  "requests-max",
  "fenced",
]);

/** Silences that may be over in a moment. A certificate, a redirect or a length does not change by asking again. */
export const passing: ReadonlySet<Silence> = new Set<Silence>([
  "timeout",
  "refused",
  "unreachable",
  "name",
  "reset",
  "cut",
]);

/** Silences that are about one request or one run, not about a forge that is not there. */
export const ofTheRequest: ReadonlySet<Silence> = new Set<Silence>(["too-large", "requests-max"]);

const byCode = new Map<string, Silence>([
  ["ECONNREFUSED", "refused"],
  ["UND_ERR_CONNECT_TIMEOUT", "unreachable"],
  ["EHOSTUNREACH", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["EHOSTDOWN", "unreachable"],
  ["ENETDOWN", "unreachable"],
  ["EADDRNOTAVAIL", "unreachable"],
  ["ENOTFOUND", "name"],
  ["EAI_AGAIN", "name"],
  ["EAI_FAIL", "name"],
  ["ECONNRESET", "reset"],
  ["ECONNABORTED", "reset"],
  ["EPIPE", "reset"],
  ["UND_ERR_SOCKET", "reset"],
  ["ETIMEDOUT", "timeout"],
  ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
  ["UND_ERR_BODY_TIMEOUT", "timeout"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "cut"],
  ["EPROTO", "tls"],
]);

/** Names the reason of whatever `fetch` threw; undici hides the code in `cause`, at most a few levels deep. */
export function silenceOf(thrown: unknown): NoAnswer {
  if (thrown instanceof NoAnswer) return thrown;
  const codes = codesOf(thrown);
  for (const code of codes) {
    const silence = byCode.get(code) ?? byPrefix(code);
    if (silence !== null) return new NoAnswer(silence, code, thrown);
  }
  return new NoAnswer("unknown", codes[0] ?? (thrown instanceof Error ? thrown.name : typeof thrown), thrown);
}

function codesOf(thrown: unknown): string[] {
  const codes: string[] = [];
  let at = thrown;
  for (let depth = 0; depth < 4 && at instanceof Error; depth++) {
    if ("code" in at && typeof at.code === "string") codes.push(at.code);
    at = at.cause;
  }
  return codes;
}

function byPrefix(code: string): Silence | null {
  if (code.startsWith("HPE_")) return "not-http";
  // Node's names for certificates it does not accept are OpenSSL's.
  return /^(ERR_SSL|ERR_TLS|CERT_)|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ISSUER|CRL/.test(code) ? "tls" : null;
}
