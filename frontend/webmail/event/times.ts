// Local dates and times of forms: "2026-11-25", "2026-11-25T14:00".

const two = (number: number): string => String(number).padStart(2, "0");

export function local(date: Date, whole: boolean): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return whole ? day : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A local date or time, moved by days and minutes on the clock. */
export function moved(text: string, days: number, minutes: number): string {
  const at = new Date(`${text}${text.includes("T") ? "" : "T00:00"}Z`);
  const later = new Date(at.getTime() + days * 86_400_000 + minutes * 60_000);
  return later.toISOString().slice(0, text.length);
}

/** A date, moved by days. */
export const withDate = (text: string, days: number): string => moved(text, days, 0);

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Minutes by which the clock of a zone is ahead of UTC at a moment. */
function ahead(zone: string, moment: number): number {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute) - moment) / 60_000);
}

/** The moment at which the clock of a zone shows a local time; "" is the browser's zone. Null for no time. */
export function momentOf(text: string, zone: string): Date | null {
  const shown = Date.parse(`${text}Z`);
  if (!/T\d\d:\d\d$/.test(text) || Number.isNaN(shown)) return null;
  const name = zone || ownZone();
  const first = shown - ahead(name, shown) * 60_000;
  return new Date(shown - ahead(name, first) * 60_000); // once more: the clock may change between
}

/** What the clock of a zone shows at a moment. */
export function localIn(date: Date, zone: string): string {
  const shown = date.getTime() + ahead(zone || ownZone(), date.getTime()) * 60_000;
  return new Date(shown).toISOString().slice(0, 16);
}
