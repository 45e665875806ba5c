/** Longest text of the forge that goes into an error, in characters. */
const wordsMax = 300;

/** Words of the forge made fit for an error: one line, bounded, no control characters, nothing that looks like a credential. */
export function forgeWords(text: string, token: string): string {
  const hidden = token === "" ? text : text.replaceAll(token, "***");
  const clean = hidden
    // A raw line break or escape could start a workflow command in the log.
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/\/\/[^/@\s]+@/g, "//***@")
    .replace(/\b(token|bearer|basic|password|secret)([ =:]+)[\w+/=.-]{16,}/gi, "$1$2***")
    .replace(/\b(sk|gh[pousr]|glpat|xox[abp]|gto|gta)[-_][\w-]{8,}/gi, "***")
    // Gitea's tokens and git's object names look alike: seven digits name an object and give no token away.
    .replace(/\b([0-9a-f]{7})[0-9a-f]{33,57}\b/gi, "$1…")
    .replace(/\s+/g, " ")
    .trim();
  const characters = Array.from(clean);
  return characters.length > wordsMax ? `${characters.slice(0, wordsMax - 1).join("")}…` : clean;
}

/** The forge's own words in an answer; empty when it had none or sent a page for people. */
export function wordsOf(answer: { text: string; json: unknown; headers: Headers }, token: string): string {
  const { json } = answer;
  if (typeof json === "object" && json !== null && "message" in json && typeof json.message === "string") {
    const errors = "errors" in json && Array.isArray(json.errors) ? json.errors : [];
    const details = errors.filter((e) => typeof e === "string");
    return forgeWords([json.message, ...details].join("; "), token);
  }
  return isPage(answer.headers) || json !== undefined ? "" : forgeWords(answer.text, token);
}

/** Whether an answer is a page for people, which no call of Gitea's REST interface answers but for a crash before 1.26. */
export function isPage(headers: Headers): boolean {
  return /^(text\/html|application\/xhtml)/i.test(headers.get("content-type") ?? "");
}
