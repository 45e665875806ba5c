// Where two worlds differ, and what they may differ in after a run has died.

/** The one place for differences that an accident may leave behind. Each takes them out of a picture. */
const allowed: { why: string; out: (picture: string) => string }[] = [
  {
    why: "a death costs the attempt that its claim counted, and no more: see sound.ts",
    out: (picture) => picture.replace(/\battempt \d\b/g, "attempt <n>").replace(/"attempt": \d/g, '"attempt": <n>'),
  },
  {
    why: "what a dead run may have spent is unknown: all that it had reserved counts",
    out: (picture) => picture.replace(/, \d+\.\d\d USD/g, "").replace(/("usd":) \d+(\.\d+)?/g, "$1 <usd>"),
  },
];

export function forgiven(picture: string): string {
  return allowed.reduce((text, { out }) => out(text), picture);
}

/** The lines that only one of two texts has, in order; empty when they are equal. */
export function difference(before: string, after: string): string {
  if (before === after) return "";
  const [a, b] = [before.split("\n"), after.split("\n")];
  const lines = [
    ...a.filter((line) => !b.includes(line)).map((line) => `- ${line}`),
    ...b.filter((line) => !a.includes(line)).map((line) => `+ ${line}`),
  ];
  return lines.length > 0 ? lines.join("\n") : "the same lines in another order or number";
}
