// The environment and the settings of every git that is started: nothing of the machine, of the user or of a repository's files may act.

import { join } from "node:path";
import type { GitOptions, GitSetup } from "./git.ts";

/** `HOME` of every git that works for the repository in `dir`: nobody else has it. */
export function gitHome(dir: string): string {
  return join(dir, "home");
}

const PASSED_TO_NETWORK = [
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"],
];

/** The whole environment of one git: what is not here, it does not see. `path`: where it is looked for; `home`, `scratch`: folders of the host. */
export function environment(
  path: string,
  home: string,
  scratch: string,
  setup: GitSetup,
  options: GitOptions,
  deadlineMs: number,
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: path,
    HOME: home,
    XDG_CONFIG_HOME: home,
    TMPDIR: scratch,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    SSH_ASKPASS: "/bin/false",
    GIT_SSH_COMMAND: "/bin/false",
    GIT_PAGER: "cat",
    GIT_EDITOR: "/bin/false",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    // A repository that is not there is an error, never a reason to look in the folders above.
    GIT_DIR: options.gitDir ?? join(home, "none"),
    ...options.env,
  };
  if (options.workTree !== undefined) env["GIT_WORK_TREE"] = options.workTree;
  if (options.indexFile !== undefined) env["GIT_INDEX_FILE"] = options.indexFile;
  if (options.alternateObjects !== undefined)
    env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = quoted(options.alternateObjects);
  if (options.network) {
    for (const name of PASSED_TO_NETWORK) {
      const value = setup.env[name];
      if (value !== undefined && value !== "") env[name] = value;
    }
  }
  const config = [...SAFE, ...networkConfig(options, deadlineMs), ...(options.config ?? [])];
  env["GIT_CONFIG_COUNT"] = String(config.length);
  for (const [at, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${at}`] = key;
    env[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  return env;
}

const SAFE: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.untrackedCache", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  // Files beside the objects that a hostile clone could forge, and that git believes without reading the objects.
  ["core.commitGraph", "false"],
  ["core.multiPackIndex", "false"],
  ["pack.useBitmaps", "false"],
  ["pack.readReverseIndex", "false"],
  // Larger files are neither diffed nor held in memory.
  ["core.bigFileThreshold", "16m"],
  ["core.autocrlf", "false"],
  ["core.safecrlf", "false"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.quotePath", "false"],
  ["core.pager", "cat"],
  ["credential.helper", ""],
  ["protocol.allow", "never"],
  ["protocol.version", "2"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["push.recurseSubmodules", "no"],
  ["diff.ignoreSubmodules", "all"],
  ["gc.auto", "0"],
  // Everything that git writes here ends with the run: it need not outlive a power cut. With 10,000 refs that is most of a fetch.
  ["core.fsync", "none"],
  ["maintenance.auto", "false"],
  ["log.showSignature", "false"],
  ["commit.gpgSign", "false"],
  ["push.gpgSign", "false"],
  ["advice.detachedHead", "false"],
  ["advice.addEmbeddedRepo", "false"],
];

function networkConfig(options: GitOptions, deadlineMs: number): [string, string][] {
  if (options.fromFolder) return [["protocol.file.allow", "always"]];
  if (!options.network) return [];
  const { stallSeconds = 30 } = options.network;
  return [
    ["protocol.http.allow", "always"],
    ["protocol.https.allow", "always"],
    // A redirect to another host must not learn the token; a forge that moved is an error with a text.
    ["http.followRedirects", "false"],
    ["http.lowSpeedLimit", "1"],
    ["http.lowSpeedTime", String(Math.max(1, Math.min(stallSeconds, Math.ceil(deadlineMs / 1000))))],
    // Bound to the server's own address, so that no other address in this process gets an answer.
    [`credential.${new URL(options.network.url).origin}.helper`, '!f() { test "$1" = get && cat <&3; }; f'],
  ];
}

/** Git's own quoting of a path in a list of alternates: a `:` would end it, a `"` begin a quoted one. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}
