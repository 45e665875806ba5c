/** What stands for what in the recordings: `<url>`, `<sha:name>`, `<short:name>`, `<time>`, `<avatar>`. */
export class Placeholders {
  readonly #shas = new Map<string, string>();
  readonly #url: string;
  /** What `<time>` in a request stands for at the moment. */
  mark = new Date(0).toISOString();

  constructor(url: string) {
    this.#url = url;
    this.bind("unknown", "1234567890abcdef1234567890abcdef12345678");
  }

  bind(name: string, sha: string): void {
    this.#shas.set(name, sha);
  }

  sha(name: string): string | undefined {
    return this.#shas.get(name);
  }

  /** A recorded text as this forge must be sent it. */
  fill(source: string): string {
    return source
      .replaceAll("<url>", this.#url)
      .replaceAll("<time>", this.mark)
      .replace(/<(sha|short):([^>]*)>/g, (_whole, kind: string, name: string) => {
        const sha = this.#shas.get(name) ?? "0".repeat(40);
        return kind === "sha" ? sha : sha.slice(0, 10);
      });
  }

  fillDeep(value: unknown): unknown {
    if (typeof value === "string") return this.fill(value);
    if (Array.isArray(value)) return value.map((item) => this.fillDeep(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.fillDeep(item)]));
  }

  /** Whether a text is what was recorded; commits seen for the first time get their name here. */
  matches(recorded: string, actual: string): boolean {
    const unbound: string[] = [];
    const parts = recorded.split(/(<(?:sha|short):[^>]*>|<url>|<time>|<avatar>)/);
    const source = parts.map((part) => this.#pattern(part, unbound)).join("");
    const found = new RegExp(`^${source}$`, "s").exec(actual);
    if (!found) return false;
    for (const [index, name] of unbound.entries()) this.bind(name, found[index + 1] ?? "");
    return true;
  }

  #pattern(part: string, unbound: string[]): string {
    if (part === "<url>") return escapeRegex(this.#url);
    if (part === "<time>" || part === "<avatar>") return ".+?";
    const named = /^<(sha|short):([^>]*)>$/.exec(part);
    if (!named) return escapeRegex(part);
    const [, kind = "", name = ""] = named;
    const known = this.#shas.get(name);
    if (kind === "short") return known ? `${known.slice(0, 7)}[0-9a-f]*` : "[0-9a-f]{7,40}";
    if (known !== undefined) return known;
    if (unbound.includes(name)) return `\\${unbound.indexOf(name) + 1}`;
    unbound.push(name);
    return "([0-9a-f]{40})";
  }
}

function escapeRegex(source: string): string {
  return source.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
