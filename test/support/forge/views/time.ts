/** Go's time that is no time. */
export const zeroTime = "0001-01-01T00:00:00Z";

/** The time of a row that was never written. */
export const epochTime = "1970-01-01T00:00:00Z";

export function time(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

export function timeOrNull(at: number | null): string | null {
  return at === null ? null : time(at);
}
