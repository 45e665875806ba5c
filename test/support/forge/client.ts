/** An answer with its body read: JSON as a value, everything else as text. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Acts as one account through the same routes as everybody; paths begin below `/api/v1`. */
export interface Client {
  readonly login: string;
  readonly token: string;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  put(path: string, body?: unknown): Promise<Answer>;
  patch(path: string, body?: unknown): Promise<Answer>;
  delete(path: string, body?: unknown): Promise<Answer>;
}

export function makeClient(url: () => string, login: string, token: string): Client {
  const send = (method: string, path: string, body?: unknown) => request(url(), token, method, path, body);
  return {
    login,
    token,
    get: (path) => send("GET", path),
    post: (path, body) => send("POST", path, body),
    put: (path, body) => send("PUT", path, body),
    patch: (path, body) => send("PATCH", path, body),
    delete: (path, body) => send("DELETE", path, body),
  };
}

async function request(url: string, token: string, method: string, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `token ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const source = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  const parsed: unknown = isJson && source !== "" ? JSON.parse(source) : source;
  return { status: response.status, headers: response.headers, body: parsed };
}
