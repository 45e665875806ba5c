// Where two worlds differ, and what they may differ in after a run has died.

/**
 * How a run ended before its time: nobody spoke for it; what it had was given back, as with a run that was cancelled; or whoever gave that back
 * died at it.
 */
export type Accident = "died" | "given back" | "half given back";

/** The one place for differences that an accident may leave behind. Each takes them out of a picture. */
const allowed: { why: string; of: Accident[]; out: (picture: string) => string }[] = [
  {
    why: "a death costs the attempt that its claim counted, and no more: see lawful.ts",
    of: ["died", "half given back"],
    out: (picture) => picture.replace(/\battempt \d\b/g, "attempt <n>").replace(/"attempt": \d/g, '"attempt": <n>'),
  },
  {
    why: "what a dead run may have spent is unknown: all that it had reserved counts",
    of: ["died", "given back", "half given back"],
    out: (picture) => picture.replace(/, \d+\.\d\d USD/g, "").replace(/("usd":) \d+(\.\d+)?/g, "$1 <usd>"),
  },
];

export function forgiven(picture: string, accident: Accident = "died"): string {
  return allowed.filter(({ of }) => of.includes(accident)).reduce((text, { out }) => out(text), picture);
}

/** The worlds that are as good as the one of a picture. */
export function asGood(picture: string, accident: Accident): string[] {
  const same = forgiven(picture, accident);
  if (accident === "died") return [same];
  // The bot is taken off an issue that nobody works on, and put on again by the next run: a pair in the timeline of issue 1. Giving back adds
  // one; taking over does without it.
  const more = accident === "given back" ? 2 : -2;
  return [same, same.replace(/"assignees": (\d+)/, (_, times: string) => `"assignees": ${Number(times) + more}`)];
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
