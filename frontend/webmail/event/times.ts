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
