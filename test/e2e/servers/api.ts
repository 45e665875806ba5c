import type { ZodType } from "zod";

/** The REST API as one account; paths begin with a slash and are relative to `/api/v1`. All methods but `request` throw `ApiError` above 299. */
export interface Api {
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  get<T>(path: string, schema: ZodType<T>): Promise<T>;
  /** All pages, asked for until an empty one; at most 40 of 50. */
  list<T>(path: string, schema: ZodType<T>): Promise<T[]>;
  post(path: string, body?: unknown): Promise<unknown>;
  patch(path: string, body?: unknown): Promise<unknown>;
  put(path: string, body?: unknown): Promise<unknown>;
  delete(path: string, body?: unknown): Promise<unknown>;
}

export interface Answer {
  status: number;
  /** Parsed JSON, else the text. */
  body: unknown;
}

export class ApiError extends Error {
  readonly status: number;

  constructor(method: string, path: string, answer: Answer) {
    super(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)?.slice(0, 500)}`);
    this.name = "ApiError";
    this.status = answer.status;
  }
}

/** Longest wait for one answer, in ms. */
const answerMs = 30_000;

const pagesMax = 40;
const pageSize = 50;

export function apiOf(url: string, authorization: string): Api {
  const request = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: response.status, body: parseBody(await response.text()) };
  };
  const demand = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await request(method, path, body);
    if (answer.status > 299) throw new ApiError(method, path, answer);
    return answer.body;
  };
  return {
    request,
    get: async (path, schema) => schema.parse(await demand("GET", path)),
    list: (path, schema) => listAll(path, schema, (page) => demand("GET", page)),
    post: (path, body) => demand("POST", path, body),
    patch: (path, body) => demand("PATCH", path, body),
    put: (path, body) => demand("PUT", path, body),
    delete: (path, body) => demand("DELETE", path, body),
  };
}

async function listAll<T>(path: string, schema: ZodType<T>, get: (path: string) => Promise<unknown>): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= pagesMax; page++) {
    const answer = await get(`${path}${path.includes("?") ? "&" : "?"}page=${page}&limit=${pageSize}`);
    if (!Array.isArray(answer)) throw new Error(`GET ${path} is no list`);
    const parsed = answer.map((element) => schema.parse(element));
    const isSame = page > 1 && JSON.stringify(parsed) === JSON.stringify(all.slice(-parsed.length));
    if (parsed.length === 0 || isSame) break;
    all.push(...parsed);
    if (parsed.length < pageSize) break;
  }
  return all;
}

export function basic(login: string, password: string): string {
  return `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`;
}

function parseBody(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
