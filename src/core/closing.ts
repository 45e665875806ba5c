// Which issues a pull request says it closes. The forge has no interface for these links, so its rule is repeated here.

const keywords = "close[sd]?|fix(?:e[sd])?|resolve[sd]?";

/** Whether a text says, in the forge's own words, that it closes issue `number` of this repository. */
export function closes(text: string, number: number): boolean {
  return new RegExp(`(?:^|[^\\w-])(?:${keywords}):?\\s+#${number}(?!\\d)`, "i").test(text);
}
