/** Raw git objects as values. */

export interface Signature {
  name: string;
  email: string;
  at: number;
}

export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  message: string;
}

export interface TreeEntry {
  mode: string;
  type: "blob" | "tree" | "commit";
  name: string;
  sha: string;
}

export function parseCommit(sha: string, content: Buffer): Commit {
  const source = content.toString();
  const gap = source.indexOf("\n\n");
  const head = gap < 0 ? source : source.slice(0, gap);
  const commit: Commit = {
    sha,
    tree: "",
    parents: [],
    author: { name: "", email: "", at: 0 },
    committer: { name: "", email: "", at: 0 },
    message: gap < 0 ? "" : source.slice(gap + 2),
  };
  for (const line of head.split("\n")) {
    const space = line.indexOf(" ");
    const value = line.slice(space + 1);
    switch (line.slice(0, space)) {
      case "tree":
        commit.tree = value;
        break;
      case "parent":
        commit.parents.push(value);
        break;
      case "author":
        commit.author = parseSignature(value);
        break;
      case "committer":
        commit.committer = parseSignature(value);
        break;
      default:
        break;
    }
  }
  return commit;
}

function parseSignature(value: string): Signature {
  const found = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(value);
  return { name: found?.[1] ?? "", email: found?.[2] ?? "", at: Number(found?.[3] ?? 0) * 1000 };
}

export function parseTree(content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(32, at);
    const zero = content.indexOf(0, space);
    const mode = content.subarray(at, space).toString().padStart(6, "0");
    const sha = content.subarray(zero + 1, zero + 21).toString("hex");
    const type = mode === "040000" ? "tree" : mode === "160000" ? "commit" : "blob";
    entries.push({ mode, type, name: content.subarray(space + 1, zero).toString(), sha });
    at = zero + 21;
  }
  return entries;
}
