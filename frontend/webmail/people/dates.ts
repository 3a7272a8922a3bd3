// Dates of contacts, which may have no year: `1988-03-14`, `--03-14`.

import { formatted } from "../../lib/dateformats";

const written = /^(\d{4}|-)-(\d\d)-(\d\d)$/;

/** A year that has a 29 February. */
const leap = 2000;

/** A date in words; another text as it is. */
export function dateInWords(text: string): string {
  const match = written.exec(text);
  if (match === null) return text;
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(leap, month! - 1, day);
  if (Number.isNaN(year)) return formatted(date, "day of a year", { day: "numeric", month: "long" });
  date.setFullYear(year!);
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
