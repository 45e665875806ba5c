const aDayMs = 86_400_000;

/**
 * When a usage limit resets, in ms since 1970, from a sentence like "resets 4:57pm (UTC)", "resets 2am (Europe/Berlin)" or
 * "try again at 4:34 PM": the next such time of day in the zone it names, else in UTC. Null when there is none.
 */
export function resetTime(text: string, nowMs: number): number | null {
  const found =
    /(?:resets?|try again)(?: at)? (\d{1,2})(?::(\d{2}))? ?([ap])\.?m\.?(?: \(([A-Za-z_+\-/0-9]+)\))?/i.exec(text);
  if (found === null) return null;
  const [, hourText, minuteText, half, zone] = found;
  const hour = (Number(hourText) % 12) + (half?.toLowerCase() === "p" ? 12 : 0);
  const minute = Number(minuteText ?? "0");
  if (Number(hourText) > 12 || minute > 59) return null;
  const now = minuteOfDay(nowMs, zone ?? "UTC");
  const ahead = (hour * 60 + minute - now + 1_440) % 1_440;
  // The same minute again is taken as now, not as tomorrow: the sentence was just printed.
  return Math.floor(nowMs / 60_000) * 60_000 + ahead * 60_000;
}

/** A reset that was told is believed when it lies ahead and within eight days: the longest limit that a vendor has is weekly. */
export function plausibleReset(resetsAt: number | null, nowMs: number): number | null {
  return resetsAt !== null && resetsAt > nowMs && resetsAt <= nowMs + 8 * aDayMs ? resetsAt : null;
}

function minuteOfDay(ms: number, zone: string): number {
  const parts = clockOf(zone).formatToParts(ms);
  const part = (type: string) => Number(parts.find((at) => at.type === type)?.value ?? "0");
  return part("hour") * 60 + part("minute");
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const style = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en", { ...style, timeZone });
  } catch {
    // A zone that this machine does not know.
    return new Intl.DateTimeFormat("en", { ...style, timeZone: "UTC" });
  }
}
