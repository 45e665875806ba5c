import { RunError } from "../errors.ts";
import type { Answer } from "./http.ts";

/** Items asked for per page: Gitea's own maximum; a server set lower clamps it without a word. */
export const pageSize = 50;

/** Most pages that one list may have: 10,000 items. */
export const pagesMax = 200;

export interface Paging<T> {
  /** Completes "Could not …". */
  what: string;
  page: (number: number) => Promise<Answer>;
  items: (answer: Answer) => T[];
  /** Names an item: one that slid to the next page while reading is kept once. */
  key: (item: T) => number | string;
  /** Whether `X-Total-Count` counts the whole list (the timeline's counts its page) and an empty page is the end of it. */
  trueTotal: boolean;
  /** Default `pagesMax`. */
  pagesMax?: number;
  /** At the bound: `fail`, since half a list must not look like a whole one, or `cut` where the caller can work with the first pages. */
  atBound?: "fail" | "cut";
}

/** Reads a list page by page. `Link` is never followed: it holds the server's own idea of its address. */
export async function allPages<T>(paging: Paging<T>): Promise<{ items: T[]; cut: boolean }> {
  const bound = paging.pagesMax ?? pagesMax;
  const found = new Map<number | string, T>();
  let seen = 0;
  let empty = 0;
  let first = 0;
  for (let number = 1; number <= bound; number++) {
    const answer = await paging.page(number);
    const items = paging.items(answer);
    const before = found.size;
    for (const item of items) found.set(paging.key(item), item);
    // A server that ignores `page` here would answer the same for ever.
    const isRepeated = items.length > 0 && found.size === before;
    seen += items.length;
    if (number === 1) first = items.length;
    empty = items.length === 0 ? empty + 1 : 0;
    if (isRepeated || (paging.trueTotal ? isLast(answer, items.length, first, seen) : empty === 2)) {
      return { items: [...found.values()], cut: false };
    }
  }
  if (paging.atBound === "cut") return { items: [...found.values()], cut: true };
  throw new RunError(
    `Could not ${paging.what}: the list has more than ${bound} pages of ${pageSize}, the most that are read.`,
    {
      remedy: "Close or clean up what is no longer needed, or report this with the size of the repository.",
      mender: "workflow author",
      retry: false,
    },
  );
}

/**
 * Whether nothing follows. Without a total only a page shorter than the first says so: a first page below `pageSize` may be a server's
 * lower maximum.
 */
function isLast(answer: Answer, length: number, first: number, seen: number): boolean {
  if (length === 0) return true;
  const total = totalOf(answer);
  return total === null ? length < first : seen >= total;
}

/** `X-Total-Count`; null where the answer has none. */
export function totalOf(answer: Answer): number | null {
  const header = answer.headers.get("x-total-count") ?? "";
  return /^\d+$/.test(header) ? Number(header) : null;
}
