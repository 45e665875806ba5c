// Every text that people read on the forge. Short, the most important first, long parts folded. Foreign words pass `harmless`; the redaction
// happens where texts leave the program. One file below `report/` for each kind of text; this is the door to all of them.

export { countsText } from "./report/findings.ts";
export * from "./report/handover.ts";
export type { KeptFacts } from "./report/kept.ts";
export { movedComment } from "./report/moved.ts";
export {
  type Checked,
  type CheckResult,
  type CheckRow,
  type ForeignState,
  plain,
  type RunLink,
  sentence,
} from "./report/page.ts";
export * from "./report/person.ts";
export { type Change, type PullText, pullBody, pullTitle } from "./report/pull.ts";
export * from "./report/review.ts";
export * from "./report/rounds.ts";
export * from "./report/status.ts";
export * from "./report/why.ts";
export * from "./report/working.ts";
