// One redaction for everything that leaves the program: comments, titles, bodies, log, outputs, report, ledger, error texts.

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** Shorter values are no secrets worth hiding and would tear holes into ordinary words. */
const secretCharactersMin = 8;

// Shapes of tokens that must not be published even when this run does not know them. Gitea's own (40 hex digits) look like commit ids.
const shapes = [
  /sk-ant-[\w-]{20,}/g,
  /\bsk-(?:proj-)?[A-Za-z0-9_-]{20,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}/g,
  /\bgithub_pat_\w{30,}/g,
  /\bglpat-[\w-]{20,}/g,
  /\bAIza[\w-]{35}/g,
  /\bxox[abprs]-[\w-]{10,}/g,
  /\bAKIA[A-Z0-9]{16}\b/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(\/\/)[^\s/:@]+:[^\s/@]+(?=@)/g,
];

/** A redaction for these values in their plain, URL, JSON, base64 and hex forms, and for known token shapes. Longest first. */
export function redaction(secrets: readonly string[]): Redact {
  const ordered = allForms(secrets).sort((a, b) => b.length - a.length);
  return (text) => {
    let result = text;
    for (const form of ordered) result = result.replaceAll(form, "***");
    for (const shape of shapes) result = result.replace(shape, (_, lead) => (lead === "//" ? "//***" : "***"));
    return result;
  };
}

/** Whether a text holds one of these values in any of those forms. Token shapes do not count: the examples of a manual have them too. */
export function detection(secrets: readonly string[]): (text: string) => boolean {
  const forms = allForms(secrets);
  return (text) => forms.some((form) => text.includes(form));
}

function allForms(secrets: readonly string[]): string[] {
  return [...new Set(secrets.filter((secret) => secret.length >= secretCharactersMin).flatMap(formsOf))];
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const forms = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ x: secret }).toString().slice("x=".length),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ];
  // Base64 of a secret inside other bytes depends on where it starts: the stable middle of the three alignments.
  for (let shift = 0; shift < 3; shift++) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const inner = padded.slice(shift === 0 ? 0 : 4, padded.length - ((shift + bytes.length) % 3 === 0 ? 0 : 2));
    if (inner.length >= secretCharactersMin) forms.push(inner, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms.filter((form) => form.length >= secretCharactersMin);
}
