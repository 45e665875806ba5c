import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Gitea's hooks, as far as their answers are seen: who may write, protected branches, refs that only the server
 * writes, and the hint after a push. What they need to know comes in FORGE_* variables of the one request.
 */
export function writeHooks(dir: string): void {
  mkdirSync(join(dir, "hooks"), { recursive: true });
  for (const [name, script] of Object.entries({ "pre-receive": preReceive, update, "post-receive": postReceive })) {
    const path = join(dir, "hooks", name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }
}

const preReceive = `#!/bin/sh
refuse() { printf '\\nerror:\\nerror: %s\\nerror:\\n' "$1" >&2; exit 1; }
[ "$FORGE_MAY_WRITE" = yes ] || refuse 'User permission denied for writing.'
while read -r old new ref; do
  case "$ref" in refs/heads/*) ;; *) continue ;; esac
  branch=\${ref#refs/heads/}
  gone=; case "$new" in *[!0]*) ;; *) gone=yes ;; esac
  if [ "$gone" ] && [ "$branch" = "$FORGE_DEFAULT_BRANCH" ]; then refuse "branch $branch is the default branch and cannot be deleted"; fi
  for rule in $FORGE_PROTECTED; do
    case "$branch" in $rule) ;; *) continue ;; esac
    if [ "$gone" ]; then refuse "branch $branch is protected from deletion"; fi
    refuse "Not allowed to push to protected branch $branch"
  done
done
exit 0
`;

const update = `#!/bin/sh
case "$1" in refs/pull/*) exit 1 ;; esac
exit 0
`;

const postReceive = `#!/bin/sh
count=0
dots=
while read -r old new ref; do
  printf '%s %s %s\\n' "$old" "$new" "$ref" >> "$FORGE_PUSHED"
  count=$((count + 1)); dots="$dots."
  case "$ref" in refs/heads/*) ;; *) continue ;; esac
  case "$new" in *[!0]*) ;; *) continue ;; esac
  branch=\${ref#refs/heads/}
  [ "$branch" = "$FORGE_DEFAULT_BRANCH" ] && continue
  known=
  for pair in $FORGE_PULLS; do [ "\${pair#*=}" = "$branch" ] && known=\${pair%%=*}; done
  if [ "$known" ]; then
    printf '\\nVisit the existing pull request:\\n  %s/pulls/%s\\n\\n' "$FORGE_WEB" "$known" >&2
  else
    printf '\\nCreate a new pull request for '"'%s'"':\\n  %s/pulls/new/%s\\n\\n' "$branch" "$FORGE_WEB" "$branch" >&2
  fi
done
if [ "$FORGE_COUNTS" = yes ]; then printf '%s Processing %s references\\nProcessed %s references in total\\n' "$dots" "$count" "$count" >&2; fi
exit 0
`;
