import { after } from "../clock.ts";
import { NoAnswer, silenceOf } from "./silence.ts";

/** One request as it goes out, with an absolute address. */
export interface Outgoing {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | null;
}

/** One whole answer, whatever its status. */
export interface Incoming {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body where it says that it is JSON; undefined for an empty body or another type. */
  json: unknown;
}

/** Bounds of one request. */
export interface AttemptLimits {
  /** From the first byte out to the last byte in, in ms. */
  timeoutMs: number;
  /** Longest body that is read, in bytes; a longer one is no answer. */
  bodyBytesMax: number;
}

/**
 * Sends once and reads the answer to its end. Throws NoAnswer when there is no whole one: half an answer would look like a short list.
 * `onHeaders` is called when the answer begins, which is when its `Date` is true.
 */
export async function attempt(
  send: typeof fetch,
  out: Outgoing,
  limits: AttemptLimits,
  onHeaders: (headers: Headers) => void,
): Promise<Incoming> {
  const stop = new AbortController();
  const callOff = after(limits.timeoutMs, () => stop.abort());
  try {
    // `manual`: the token must not follow a redirect to another server (http.ts decides).
    const response = await send(out.url.href, {
      method: out.method,
      headers: out.headers,
      body: out.body,
      redirect: "manual",
      signal: stop.signal,
    });
    onHeaders(response.headers);
    if (response.status > 599) throw new NoAnswer("not-http", `status ${response.status}`);
    const text = await wholeText(response, limits.bodyBytesMax);
    return { status: response.status, headers: response.headers, text, json: jsonOf(response.headers, text) };
  } catch (thrown) {
    if (stop.signal.aborted) throw new NoAnswer("timeout", `${limits.timeoutMs} ms`, thrown);
    throw silenceOf(thrown);
  } finally {
    callOff();
  }
}

async function wholeText(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      if (!(chunk instanceof Uint8Array)) throw new NoAnswer("unknown", "a body that is not made of bytes");
      bytes += chunk.length;
      // Leaving the loop cancels the stream, which closes the connection.
      if (bytes > bytesMax) throw new NoAnswer("too-large", `${bytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (thrown) {
    const silence = silenceOf(thrown);
    // The status line was there, so whatever ended the stream has cut the answer.
    if (silence.silence === "too-large") throw silence;
    throw new NoAnswer("cut", `${bytes} bytes had come (${silence.detail})`, thrown);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(headers: Headers, text: string): unknown {
  if (text === "" || !/^application\/(.*\+)?json\b/i.test(headers.get("content-type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    // A connection that ends a body without length or chunks hides the cut: only the JSON shows it.
    throw new NoAnswer("cut", `${text.length} characters of JSON that cannot be read`, thrown);
  }
}
