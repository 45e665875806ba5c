import { parseArgs } from "node:util";

/** What the command line asks for: the embedded forge and what the environment names, an existing server, or programs to start. */
export type Wish =
  | { kind: "help" }
  | { kind: "default"; long: boolean }
  | { kind: "url"; url: string; token: string; hasRunner: boolean; long: boolean }
  | { kind: "programs"; files: string[]; long: boolean }
  | { kind: "wrong"; problems: string[] };

export const usage = `npm run test:contract                                        the embedded forge; and GITEA_BIN, GITEA_URL where set
npm run test:contract -- --url URL --admin-token TOKEN       an existing server
npm run test:contract -- --bin FILE [--bin FILE ...]         Gitea programs, each started on a free port of this machine

  --url URL             address of the server, as a browser has it
  --admin-token TOKEN   of a site administrator, with all scopes; better in GITEA_ADMIN_TOKEN, where no list of processes shows it
  --without-runner      the server has no runner for \`ubuntu-latest\`: then no run is waited for
  --long                also lists of more than 50 pull requests, which take a real server most of a minute

On an existing server everything is made under names of its own (\`owner-3fa9c1\`) and removed at the end; after Ctrl-C look for these names.`;

/** Reads the arguments; names everything that is wrong with them at once. */
export function readArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Wish {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    return { kind: "wrong", problems: [error instanceof Error ? error.message : String(error)] };
  }
  const { url, bin = [], help = false, long = false, "without-runner": withoutRunner = false } = given;
  if (help) return { kind: "help" };
  const token = given["admin-token"] ?? environment["GITEA_ADMIN_TOKEN"] ?? "";
  const problems: string[] = [];
  if (url !== undefined && bin.length > 0) problems.push("--url and --bin name different servers: give one of them");
  if (url === undefined && given["admin-token"] !== undefined) problems.push("--admin-token belongs to a --url");
  if (url === undefined && withoutRunner) problems.push("--without-runner belongs to a --url");
  if (bin.includes("")) problems.push("--bin needs a file");
  if (url !== undefined) problems.push(...problemsOf(url, token));
  if (problems.length > 0) return { kind: "wrong", problems };
  if (url !== undefined) {
    const base = url.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
    return { kind: "url", url: base, token, hasRunner: !withoutRunner, long };
  }
  return bin.length > 0 ? { kind: "programs", files: bin, long } : { kind: "default", long };
}

function parse(args: readonly string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  const options = {
    url: text,
    "admin-token": text,
    "without-runner": flag,
    bin: { type: "string", multiple: true },
    long: flag,
    help: { type: "boolean", short: "h" },
  } as const;
  return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
}

function problemsOf(url: string, token: string): string[] {
  const problems: string[] = [];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    problems.push(`--url: expected an address such as https://gitea.example.com, got ${JSON.stringify(url)}`);
  } else if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
    problems.push("--url: expected an address without user name, `?` and `#`");
  }
  if (token === "")
    problems.push("--admin-token: a site administrator's token is needed, here or in GITEA_ADMIN_TOKEN");
  else if (!/^[\x21-\x7e]+$/.test(token))
    problems.push("--admin-token: this is no token, it has blanks or odd characters");
  return problems;
}
